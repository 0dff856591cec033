"""What /openapi.json says is what the server answers: status, content type and body, as schemathesis checks them."""

import json
import pathlib
import re
import string
import subprocess
import sys

import pytest

from conftest import effort

schemathesis = pytest.importorskip("schemathesis")
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi import checks

CHECKS = [checks.status_code_conformance, checks.content_type_conformance, checks.response_schema_conformance,
          checks.response_headers_conformance]
POLICY = "apiVersion: balanceops/v1\nname: gain\nrules:\n  - {id: gain, metric: bal_acc, vs: current, min_delta: 0.005}\n"
WHY = {"reason": "a test of the document", "actor": "jin"}

# Requests in their order, with a JSON body behind the path; a FORM is one of the pages' that asks for the current generation.
REQUESTS = """
GET /health
GET /version
GET /model
GET /openapi.json
GET /runs?include_total=1
GET /runs?limit=x
GET /runs?filter=((
GET /runs/latest
GET /runs/$run
GET /runs/none
GET /runs/$run/tree
GET /experiments?folder=team
GET /models
GET /models/credit
GET /models/none
GET /models/credit/slot
GET /models/credit/history
GET /models/credit/explanation
GET /models/none/explanation
GET /models/credit/policy
GET /models/credit/versions/1
GET /models/plain/versions/3
GET /v2
GET /v2/health/live
GET /v2/health/ready
GET /v2/models/stats
GET /v2/models/credit
GET /v2/models/none
GET /v2/models/credit/config
GET /v2/models/credit/ready
GET /v2/models/credit/stats
GET /v2/models/credit/versions/1
GET /v2/models/plain/versions/3
GET /v2/models/credit/versions/1/config
GET /v2/models/credit/versions/1/ready
GET /v2/models/credit/versions/1/stats
GET /ping
GET /schemas/policy.json
GET /policies
GET /policies/gain
GET /policies/check
GET /audit?limit=5
GET /audit?limit=x
GET /audit/head
GET /audit/verify
POST /audit/verify {"heads": [], "public_keys": []}
POST /audit/verify {"heads": [{}]}
GET /audit?after=1
GET /audit?after=1&before=2
POST /models/credit/promote {"run_id": "$run", "dry_run": true}
POST /models/credit/promote {"run_id": "none"}
GET /audit/1
GET /audit/1/replay
GET /audit/x
GET /webhooks
GET /get-artifact?run_id=$run&path=note.txt
GET /get-artifact
GET /model-versions/get-artifact?name=plain&version=1&path=m.json
GET /api/3.0/mlflow/server-info
GET /
GET /ui
GET /ui/runs/latest
GET /ui/runs/$run
GET /ui/runs/none
GET /ui/runs/$run/files/note.txt
GET /ui/runs/$run/files/model
GET /ui/runs/$run/artifacts/99
GET /ui/experiments
GET /ui/models
GET /ui/models/credit
GET /ui/models/credit/rollback
GET /ui/models/plain/rollback
GET /ui/models/credit/policy
GET /ui/models/credit/versions/2
GET /ui/models/credit/versions/x
GET /ui/audit
GET /ui/audit/1
GET /ui/audit/x
GET /ui/runs
GET /ui/runs?where=nope
GET /ui/runs.csv
GET /ui/runs.csv?where=nope
FORM /ui/runs/act
FORM /ui/runs/$run/edit
GET /ui/compare?runs=$run,$child
GET /ui/compare?runs=none
GET /ui/api/series?run=$run&key=bal_acc
GET /ui/api/series?run=$run
GET /ui/api/series?run=none&key=x
GET /ui/raw/$run/note.txt
GET /ui/raw/$run/none
GET /ui/models/credit/try
FORM /ui/models/credit/try
GET /ui/preferences?lang=ko
GET /ui/assets/app.js
GET /ui/assets/none

GET $mlflow/runs/get
GET $mlflow/runs/get?run_id=$run
GET $mlflow/experiments/get?experiment_id=$experiment
GET $mlflow/experiments/get-by-name?experiment_name=none
GET $mlflow/experiments/search?max_results=5
GET $mlflow/metrics/get-history?run_id=$run&metric_key=bal_acc
GET $mlflow/metrics/get-history-bulk-interval?run_ids=$run&metric_key=bal_acc
GET $ajax/metrics/get-history-bulk?run_id=$run&metric_key=bal_acc
GET $mlflow/artifacts/list?run_id=$run
GET $mlflow/logged-models/$logged
GET $mlflow/logged-models/$logged/artifacts/directories
GET $ajax/logged-models/$logged/artifacts/files?artifact_file_path=f.txt
GET $mlflow/registered-models/get?name=credit
GET $mlflow/registered-models/search
GET $mlflow/registered-models/get-latest-versions?name=credit
GET $mlflow/registered-models/alias?name=credit&alias=champion
GET $mlflow/model-versions/get?name=credit&version=1
GET $mlflow/model-versions/search
GET $mlflow/model-versions/get-download-uri?name=credit&version=1
GET $files?path=$experiment
GET $files/$experiment/$run/artifacts/note.txt
GET $files/none
PUT $files/$experiment/$run/artifacts/new.txt {}
DELETE $files/$experiment/$run/artifacts/new.txt
POST $ajax/upload-artifact?run_uuid=$run&path=up.txt {}
POST $proxy/mpu/create/a {}
POST $proxy/mpu/complete/a {}
POST $proxy/mpu/abort/a {}
GET $proxy/presigned/a

POST /predict {"features": $row}
POST /predict {"instances": [$row]}
POST /predict {"features": [1]}
POST /predict {}
POST /models/credit/predict {"features": $row}
POST /models/credit/versions/1/predict {"instances": [$row]}
POST /models/plain/predict {"features": $row}
POST /invocations {"inputs": [$row]}
POST /invocations {}
POST /models/credit/invocations {"inputs": [$row]}
POST /models/none/invocations {"inputs": [$row]}
POST /models/plain/versions/1/invocations {"inputs": [$row]}
POST /v2/models/credit/infer {"inputs": [$tensor]}
POST /v2/models/credit/infer {}
POST /v2/models/credit/versions/1/infer {"inputs": [$tensor], "id": "7"}
POST /v2/repository/index {}
POST /v2/repository/index [
POST /v2/repository/models/credit/load {}
POST /v2/repository/models/credit/load {"parameters": {"config": "x"}}
POST /v2/repository/models/credit/unload {}
POST /models/credit/predict {"features": $row}
POST /v2/models/credit/infer {"inputs": [$tensor]}
POST /v2/repository/models/credit/load {}

POST /policies/check {"text": $policy}
POST /policies/check {"text": "x"}
POST /policies {"text": $policy}
POST /models/credit/decisions {"version": 1}
POST /models/credit/decisions {"version": 99}
POST /models/credit/promote {"version": 1, "dry_run": true}
POST /models/credit/rollback {"dry_run": true}
POST /models/credit/promote {"version": 1, $why}
POST /models/credit/promote {"version": 1, "allow_any": true, $why}
POST /models/credit/rollback {"to": 2, "allow_any": true, $why}
POST /models/credit/force {"version": 1, "allow_any": true, $why}
PUT /models/credit/policy {"policy": "gain", $why}
GET /models/credit/policy
POST /models/credit/versions/1/refresh {$why}
POST /models/credit/versions/1/approve {$why}
POST /models/credit/versions/2/quarantine {$why}
POST /models/credit/promote {"version": 2, "allow_any": true, $why}
POST /models/credit/versions/2/release {$why}
POST /models/credit/freeze {}
POST /models/credit/freeze {$why}
POST /models/credit/promote {"version": 2, "allow_any": true, $why}
POST /models/credit/unfreeze {$why}
POST /webhooks {"url": "https://127.0.0.1:8443/2"}
POST /webhooks {"url": "x"}
POST /webhooks/$hook/test {}
GET /webhooks/$hook/deliveries
DELETE /webhooks/$hook
POST /runs/$deleted/restore {}
POST /purge {"dry_run": true}
POST /purge {"older_than_days": -1}

FORM /ui/models/credit/rollback
FORM /ui/models/credit/policy/check
FORM /ui/models/credit/policy
FORM /ui/models/credit/freeze
FORM /ui/models/credit/versions/2/promote
FORM /ui/models/credit/unfreeze
FORM /ui/models/credit/versions/1/promote
FORM /ui/models/credit/versions/1/approve
FORM /ui/models/credit/versions/2/quarantine
FORM /ui/models/credit/versions/2/release
FORM /ui/models/credit/versions/99/release
POST /ui/models/credit/freeze {}
FORM /ui/runs/$child/delete
FORM /ui/runs/$child/restore
FORM /ui/runs/$child/purge
FORM /ui/runs/none/purge
FORM /ui/experiments/x/delete

POST $mlflow/experiments/create {"name": "new"}
POST $mlflow/experiments/create {"name": "new"}
POST $mlflow/experiments/search {"max_results": 5}
POST $mlflow/experiments/update {"experiment_id": "$experiment", "new_name": "n"}
POST $mlflow/experiments/set-experiment-tag {"experiment_id": "$experiment", "key": "a", "value": "b"}
POST $mlflow/experiments/delete-experiment-tag {"experiment_id": "$experiment", "key": "a"}
POST $ajax/experiments/search-datasets {"experiment_ids": ["$experiment"]}
POST $mlflow/runs/create {"experiment_id": "$experiment"}
POST $mlflow/runs/create {"experiment_id": "999"}
POST $mlflow/runs/update {"run_id": "$run", "status": "FINISHED", "end_time": 5}
POST $mlflow/runs/log-metric {"run_id": "$run", "key": "a", "value": 1, "timestamp": 1}
POST $mlflow/runs/log-parameter {"run_id": "$run", "key": "a", "value": "1"}
POST $mlflow/runs/log-parameter {"run_id": "$run", "key": "a", "value": "2"}
POST $mlflow/runs/set-tag {"run_id": "$run", "key": "a", "value": "1"}
POST $mlflow/runs/delete-tag {"run_id": "$run", "key": "a"}
POST $mlflow/runs/log-batch {"run_id": "none"}
POST $mlflow/runs/log-inputs {"run_id": "$run", "models": [{"model_id": "$logged"}]}
POST $mlflow/runs/outputs {"run_id": "$run", "models": [{"model_id": "$logged"}]}
POST $mlflow/runs/log-model {"run_id": "$run", "model_json": "x"}
POST $mlflow/runs/search {"experiment_ids": ["$experiment"]}
POST $mlflow/runs/search {"filter": "(("}
POST $mlflow/runs/delete {"run_id": "$child"}
POST $mlflow/runs/restore {"run_id": "$child"}
POST $mlflow/artifacts/presigned-upload-url {}
POST $mlflow/artifacts/presigned-download-url {}
POST $mlflow/logged-models {"experiment_id": "$experiment"}
POST $mlflow/logged-models/search {"experiment_ids": ["$experiment"]}
PATCH $mlflow/logged-models/$logged {"status": "LOGGED_MODEL_READY"}
PATCH $mlflow/logged-models/$logged/tags {"tags": [{"key": "a", "value": "b"}]}
DELETE $mlflow/logged-models/$logged/tags/a
POST $mlflow/logged-models/$logged/params {"params": []}
DELETE $mlflow/logged-models/$logged
POST $mlflow/registered-models/create {"name": "credit"}
PATCH $mlflow/registered-models/update {"name": "credit", "description": "x"}
POST $mlflow/registered-models/set-tag {"name": "credit", "key": "a", "value": "b"}
DELETE $mlflow/registered-models/delete-tag {"name": "credit", "key": "a"}
POST $mlflow/registered-models/get-latest-versions {"name": "credit"}
PATCH $mlflow/model-versions/update {"name": "credit", "version": "1", "description": "x"}
POST $mlflow/model-versions/set-tag {"name": "credit", "version": "1", "key": "a", "value": "b"}
DELETE $mlflow/model-versions/delete-tag {"name": "credit", "version": "1", "key": "a"}
POST $mlflow/model-versions/create {"name": "credit", "source": "runs:/$child/model"}
POST $mlflow/model-versions/transition-stage {"name": "credit", "version": "1", "stage": "Staging"}
POST $mlflow/model-versions/transition-stage {"name": "plain", "version": "1", "stage": "Production"}
POST $mlflow/registered-models/alias {"name": "plain", "alias": "current", "version": "1"}
POST $mlflow/registered-models/rename {"name": "credit", "new_name": "debit"}
DELETE $mlflow/registered-models/delete {"name": "credit"}
DELETE $mlflow/model-versions/delete {"name": "credit", "version": "1"}
DELETE $mlflow/model-versions/delete {"name": "credit", "version": "2"}
DELETE $mlflow/registered-models/alias {"name": "plain", "alias": "champion"}
POST $mlflow/registered-models/rename {"name": "plain", "new_name": "fancy"}
DELETE $mlflow/registered-models/delete {"name": "fancy"}
POST $mlflow/experiments/delete {"experiment_id": "$experiment"}
POST $mlflow/experiments/restore {"experiment_id": "$experiment"}
DELETE /runs/$run
DELETE /runs/none
DELETE /runs/latest
DELETE /experiments/x
DELETE /experiments/$experiment
POST /experiments/$experiment/restore {}
FORM /ui/experiments/$experiment/delete
FORM /ui/experiments/$experiment/restore
FORM /ui/experiments/$experiment/purge
"""

# Those about accounts, which a server without any refuses.
ACCOUNTS = """
GET /users
GET /me
PUT /me/password {"password": "x", "new_password": "y"}
GET /me/sessions
GET /tokens
GET /tokens?user=none
GET /users/none
POST /users {"name": "min", "password": "a long sentence", "grants": [{"role": "viewer"}]}
POST /users {"name": "min"}
POST /users {"name": "A"}
GET /users/min
PATCH /users/min {"disabled": true}
PATCH /users/min {"password": "short"}
PATCH /users/root {"disabled": true}
POST /users/min/grants {"role": "approver", "scope": "model:credit", "title": "owner"}
POST /users/min/grants {"role": "x"}
POST /users/min/grants/revoke {"role": "viewer"}
POST /users/min/grants/revoke {"role": "viewer"}
POST /users/min/sign-out {}
POST /tokens {"note": "n", "permissions": ["read"], "scopes": ["model:credit"], "days": 5}
POST /tokens {"days": 5000}
POST /tokens/none/rotate {"grace_hours": 1}
DELETE /tokens/none
DELETE /users/min
DELETE /users/root
DELETE /me/sessions
GET /ui/sign-in
GET /ui/sign-in/provider
GET /ui/sign-in/callback
GET /ui/setup
GET /ui/account
GET /ui/users
FORM /ui/sign-in
FORM /ui/setup
FORM /ui/account/tokens
FORM /ui/account/tokens/none/revoke
FORM /ui/account/password
FORM /ui/users
FORM /ui/users/root/grants
FORM /ui/users/root/grants/revoke
FORM /ui/users/root/state
FORM /ui/account/sign-out-everywhere
FORM /ui/sign-out
"""


@pytest.fixture
def server(workspace, serve):
    workspace.run("train-dummy")
    return serve(workspace, "serve", "--webhook-hosts", "127.0.0.0/8")


@pytest.fixture
def ids(workspace, server):
    """Something of every kind: ids by the names that the document's parameters have."""
    def post(path, **body):
        answer = server.client.post(path, json=body)
        assert answer.status_code == 200, f"{path}: {answer.text}"
        return answer.json()

    def mlflow(path, **body):
        return post(f"/api/2.0/mlflow/{path}", **body)

    model = next((workspace.artifacts / "models" / "candidates").iterdir()).read_bytes()
    experiment = mlflow("experiments/create", name="team/first", tags=[{"key": "k", "value": "v"}])["experiment_id"]
    runs = []
    for name in ["kept", "child", "deleted"]:
        tags = [{"key": "mlflow.parentRunId", "value": runs[0]}] if runs else []
        run = mlflow("runs/create", experiment_id=experiment, run_name=name, tags=tags)["run"]["info"]["run_id"]
        points = [{"key": "bal_acc", "value": value, "timestamp": 1, "step": 0} for value in (0.8, "NaN")]
        mlflow("runs/log-batch", run_id=run, metrics=points, params=[{"key": "depth", "value": "3"}])
        data = {"name": "d", "digest": "x", "source_type": "local", "source": "s"}
        mlflow("runs/log-inputs", run_id=run, datasets=[{"dataset": data, "tags": []}])
        for file in ["note.txt", "model/m.json"]:
            put = server.client.put(f"/api/2.0/mlflow-artifacts/artifacts/{experiment}/{run}/artifacts/{file}", content=model)
            assert put.status_code == 200, put.text
        runs.append(run)
    mlflow("runs/delete", run_id=runs[2])
    logged = mlflow("logged-models", experiment_id=experiment, name="logged", source_run_id=runs[0],
                    tags=[{"key": "t", "value": "1"}])["model"]["info"]
    server.client.put(f"/api/2.0/mlflow-artifacts/artifacts/{logged['artifact_uri'].split(':/')[1].lstrip('/')}/f.txt",
                      content=b"f").raise_for_status()
    for name, source in [("credit", "model/m.json"), ("plain", "model")]:
        mlflow("registered-models/create", name=name, description="d")
        for _ in range(2):
            mlflow("model-versions/create", name=name, run_id=runs[0], source=f"runs:/{runs[0]}/{source}")
        mlflow("registered-models/alias", name=name, alias="champion", version="1")
    mlflow("model-versions/create", name="plain", source="s3://bucket/elsewhere")
    for version in [1, 2]:
        post("/models/credit/promote", version=version, allow_any=True, **WHY)
    post("/policies", text=POLICY)
    hook = post("/webhooks", url="https://127.0.0.1:8443/")["id"]
    return {
        "run_id": runs, "experiment_id": [experiment, "0"], "model_id": [logged["model_id"]], "tag_key": ["t"],
        "name": ["credit", "plain", "gain", "balance_model", "app.js"], "version": ["1", "2", "3", "champion"],
        "id": [hook], "user": ["kim"], "seq": ["1", "2"], "index": ["0", "1"],
        "path": ["note.txt", f"{experiment}/{runs[0]}/artifacts/note.txt"],
    }


def test_whatever_is_asked_the_answer_is_as_the_document_says(server, ids, tmp_path):
    """Requests that the document allows and ones that it does not; what only reads is asked about things that exist."""
    config = tmp_path / "schemathesis.toml"
    parameters = "".join(f'"path.{name}" = {{dictionary = "{name}", probability = 0.6}}\n' for name in ids)
    config.write_text(
        "".join(f"[dictionaries.{name}]\nvalues = {values}\n" for name, values in ids.items())
        + "[checks.not_a_server_error]\nexpected-statuses = ['2xx', '3xx', '4xx', 501, 503]\n"
        + f'[[operations]]\ninclude-method = "GET"\n[operations.parameters]\n{parameters}'
        + f'[[operations]]\ninclude-path-regex = "/(predict|invocations|infer|decisions)$"\n[operations.parameters]\n{parameters}')
    done = subprocess.run(
        [pathlib.Path(sys.executable).with_name("schemathesis"), "--config-file", config, "run", f"{server.url}/openapi.json",
         "--checks", ",".join(["not_a_server_error"] + [check.__name__ for check in CHECKS]),
         # The routes below /ajax-api are those below /api once more.
         "--exclude-path-regex", "^/ajax-api/|^/ui/api/events", "--phases", "coverage,fuzzing", "--max-examples", str(effort(5)), "--seed", "7", "--no-shrink", "--continue-on-failure",
         "--suppress-health-check", "all", "--warnings", "off", "--max-redirects", "0", "--request-timeout", "10"],
        cwd=tmp_path, capture_output=True, text=True, timeout=300)
    told = r"_{3,} |- ST\d|\[\d{3}\]|    (Received|Documented|curl|.* is (a required|not) )"
    mismatches = [line for line in done.stdout.splitlines() if re.match(told, line)]
    assert done.returncode == 0, "\n".join(mismatches) or done.stdout[-5000:] + done.stderr
    assert server.client.get("/health").status_code == 200


class Document:
    """The operations of the document, and what is wrong with the answers to them."""

    def __init__(self, server):
        self.client = server.client
        schema = schemathesis.openapi.from_dict(server.client.get("/openapi.json").json())
        schema.config.update(base_url=server.url)
        operations = [result.ok() for result in schema.get_all_operations()]
        self.operations = sorted(operations, key=lambda operation: operation.path.count("{"))
        self.asked, self.wrong = set(), set()

    def ask(self, method, path, **request):
        answer = self.client.request(method, path, **request)
        for operation in self.operations:
            pattern = re.sub(r"{(\w+)}", lambda name: f"(?P<{name[1]}>{'.+' if name[1] == 'path' else '[^/]+'})", operation.path)
            match = re.fullmatch(pattern, path.partition("?")[0])
            if operation.method.upper() == method and match:
                break
        else:
            raise AssertionError(f"{method} {path} is not in the document")
        self.asked.add(f"{method} {operation.path}")
        try:
            operation.Case(path_parameters=match.groupdict()).validate_response(answer, checks=CHECKS)
        except FailureGroup as group:
            for failure in group.exceptions:
                about = " ".join(failure.message.split("\n\nSchema")[0].split())
                self.wrong.add(f"{method} {operation.path} {answer.status_code}: {failure.title}: {about[:200]}")
        return answer


def test_answers_about_things_that_exist_are_as_the_document_says(server, ids):
    document = Document(server)
    row = [0.1] * 8
    root = "/api/2.0/mlflow"
    names = dict(zip(["run", "child", "deleted"], ids["run_id"])) | {
        "experiment": ids["experiment_id"][0], "logged": ids["model_id"][0], "hook": ids["id"][0], "row": row, "mlflow": root,
        "ajax": f"/ajax-api{root[4:]}", "proxy": f"{root}-artifacts", "files": f"{root}-artifacts/artifacts",
        "policy": json.dumps(POLICY), "why": json.dumps(WHY)[1:-1],
        "tensor": json.dumps({"name": "input", "datatype": "FP64", "shape": [1, 8], "data": row})}
    for line in filter(None, string.Template(ACCOUNTS + REQUESTS).substitute(names).splitlines()):
        method, path, *body = line.split(" ", 2)
        if method == "FORM":
            slot = server.client.get("/models/credit/slot").json()
            form = {"generation": slot["generation"], "policy": slot["policy_hash"] or "", "sure": 1, "to": 2, "text": POLICY, "do": "save"}
            document.ask("POST", path, data=form | WHY)
        else:
            document.ask(method, path, content="".join(body), headers={"Content-Type": "application/json"} if body else {})
    # A stream that never ends has tests of its own.
    document.asked.add("GET /ui/api/events")
    left = {f"{operation.method.upper()} {operation.path}" for operation in document.operations} - document.asked
    assert not [name for name in left if "/ajax-api/" not in name], "each route is asked once"
    assert not document.wrong, f"{len(document.wrong)} answers:\n" + "\n".join(sorted(document.wrong))


def test_answers_about_accounts_are_as_the_document_says(workspace, serve):
    workspace.run("users", "add", "root", "--role", "admin", "--no-password")
    token = workspace.run("tokens", "create", "--user", "root").stdout.strip()
    server = serve(workspace)
    assert server.client.get("/users").status_code == 401
    server.client.headers["Authorization"] = f"Bearer {token}"
    document = Document(server)
    for line in filter(None, ACCOUNTS.splitlines()):
        method, path, *body = line.split(" ", 2)
        if method == "FORM":
            document.ask("POST", path, data={"role": "viewer", "scope": "*", "name": "lee", "do": "enable"})
        else:
            document.ask(method, path, content="".join(body), headers={"Content-Type": "application/json"} if body else {})
    assert not document.wrong, f"{len(document.wrong)} answers:\n" + "\n".join(sorted(document.wrong))


def test_what_any_route_may_answer_is_in_the_document(server, ids):
    document = Document(server)
    document.ask("GET", "/version", headers={"Accept": "text/plain"})
    note = f"/api/2.0/mlflow-artifacts/artifacts/{ids['path'][1]}"
    for headers in [{"Range": "bytes=0-1"}, {"Range": "bytes=9999999-"}, {"If-None-Match": document.ask("GET", note).headers["ETag"]}]:
        document.ask("GET", note, headers=headers)
    style = document.ask("GET", "/ui/assets/app.js").headers["ETag"]
    document.ask("GET", "/ui/assets/app.js", headers={"If-None-Match": style})
    values = {name: values[0] for name, values in ids.items()}
    json_type = {"Content-Type": "application/json"}
    for operation in document.operations:
        method, path = operation.method.upper(), operation.path.format_map(values)
        document.ask(method, path, headers={"Host": "evil.example"})
        if method != "GET":
            document.ask(method, path, headers={"Origin": "http://evil.example"})
        if operation.definition.raw.get("requestBody"):
            document.ask(method, path, content=b"x", headers=json_type | {"Content-Encoding": "br"})
            document.ask(method, path, content=b" " * (5 << 20), headers=json_type)
            document.ask(method, path, content=b"{", headers=json_type)
            document.ask(method, path, content=b"x", headers={"Content-Type": "text/plain"})
    assert not document.wrong, f"{len(document.wrong)} answers:\n" + "\n".join(sorted(document.wrong))
