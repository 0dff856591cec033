"""Policies, decisions, transitions, the audit trail, rollback, approvals and the gate, as their users drive them."""

import concurrent.futures
import json
import pathlib
import random
import re
import sqlite3
import statistics
import struct
import subprocess
import time
import xml.dom.minidom

import pytest

from conftest import BINARY, ROOT, Server, Workspace, copy, effort

mlflow = pytest.importorskip("mlflow")
scipy_stats = pytest.importorskip("scipy.stats")

GAIN = "apiVersion: balanceops/v1\nname: gain\nrules:\n  - {id: gain, metric: bal_acc, vs: current, min_delta: 0.005}\n"


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A server whose models each test names for itself."""
    workspace = Workspace(tmp_path_factory.mktemp("governed"))
    server = Server(workspace)
    yield workspace, server
    server.stop(9)


@pytest.fixture(scope="module")
def candidate(tmp_path_factory):
    """Files of models that can be served, told apart by their weights."""
    folder = tmp_path_factory.mktemp("files")
    workspace = Workspace(folder / "w")
    for seed in range(12):
        workspace.run("train-dummy", "--seed", seed, "--no-auto-promote")
    return sorted((workspace.artifacts / "models" / "candidates").iterdir())


def post(server, path, expect=200, headers=None, **body):
    answer = server.client.post(path, json=body, headers=headers or {})
    assert answer.status_code == expect, f"{path}: {answer.status_code} {answer.text}"
    return answer.json()


def run(server, metrics, predictions=None, tags=None, status="FINISHED"):
    """A run with metrics and, where given, predictions row by row."""
    made = post(server, "/api/2.0/mlflow/runs/create", experiment_id="0", user_id="trainer", tags=tags or [])["run"]["info"]["run_id"]
    for key, value in metrics.items():
        post(server, "/api/2.0/mlflow/runs/log-metric", run_id=made, key=key, value=value, timestamp=1, step=0)
    if predictions is not None:
        text = predictions if isinstance(predictions, bytes) else "row,label,prediction\n" + "".join(
            f"{row},{label},{said}\n" for row, (label, said) in enumerate(predictions))
        put = server.client.put(f"/api/2.0/mlflow-artifacts/artifacts/0/{made}/artifacts/predictions.csv", content=text)
        assert put.status_code == 200, put.text
    if status != "RUNNING":
        post(server, "/api/2.0/mlflow/runs/update", run_id=made, status=status)
    return made


def version(server, name, file, metrics, **more):
    """A registered version with a file that can be served."""
    made = run(server, metrics, **more)
    put = server.client.put(f"/api/2.0/mlflow-artifacts/artifacts/0/{made}/artifacts/model/m.json",
                            content=file.read_bytes())
    assert put.status_code == 200
    server.client.post("/api/2.0/mlflow/registered-models/create", json={"name": name})
    answer = post(server, "/api/2.0/mlflow/model-versions/create", name=name, run_id=made,
                  source=f"runs:/{made}/model/m.json")
    return int(answer["model_version"]["version"])


def bind(server, name, policy):
    return server.client.put(f"/models/{name}/policy", json={"text": policy, "reason": "test"}).raise_for_status().json()


def promote(server, name, number, expect=200, headers=None, **more):
    body = {"reason": "test", "allow_any": True} | more
    return post(server, f"/models/{name}/promote", expect, headers, version=number, **body)


def slot(server, name):
    return server.client.get(f"/models/{name}/slot").json()


def serves(server, name):
    return server.client.post(f"/models/{name}/predict", json={"features": [0.0] * 8}).json()["version"]


def setup(server, name, candidate, values=(0.7, 0.8, 0.75)):
    """A governed model whose first version serves."""
    for index, value in enumerate(values):
        version(server, name, candidate[index], {"bal_acc": value})
    promote(server, name, 1)
    bind(server, name, GAIN.replace("name: gain", f"name: {name}"))


# ---------------------------------------------------------------------------------------------- policies


@pytest.mark.parametrize("file", sorted((ROOT / "examples" / "policies").glob("*.yaml")), ids=lambda file: file.name)
def test_the_published_schema_takes_what_the_reader_takes(shared, file):
    jsonschema = pytest.importorskip("jsonschema")
    yaml = pytest.importorskip("yaml")
    workspace, server = shared
    schema = server.client.get("/schemas/policy.json").json()
    jsonschema.Draft202012Validator.check_schema(schema)
    document = yaml.safe_load(file.read_text())
    jsonschema.validate(document, schema)
    assert workspace.run("policy", "check", file).returncode == 0
    # Nothing left to defaults validates too.
    checked = json.loads(workspace.run("policy", "check", file, "--json").stdout)
    jsonschema.validate(checked["document"], schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document | {"ruels": []}, schema)


def test_mistakes_have_places_on_the_command_line_and_over_http(shared, tmp_path):
    workspace, server = shared
    text = "apiVersion: balanceops/v1\nname: x\nrules:\n  - {metric: acc, min: 2, in: [0, 1]}\nrequires: {}\n"
    (tmp_path / "p.yaml").write_text(text)
    done = workspace.run("policy", "check", tmp_path / "p.yaml", check=False)
    assert done.returncode == 65
    assert "p.yaml:4:24:" in done.stdout and "p.yaml:5:1:" in done.stdout and "'require'" in done.stdout
    answer = server.client.post("/policies/check", json={"text": text})
    assert answer.status_code == 422
    assert [(i["line"], i["column"]) for i in answer.json()["error"]["details"]] == [(4, 24), (5, 1)]


@pytest.mark.parametrize("text", [
    "a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [" + ",".join(f"*{chr(97 + i)}" for _ in range(10)) + "]\n" for i in range(9)) + "? *j\n: 1\n",
    "q: [\"\n # \", &a [x,x], " + "".join(f"&{chr(98 + i)} [*{chr(97 + i)},*{chr(97 + i)}], " for i in range(20)) + "{*u: 1}]\n",
    "x: " + "[" * 3000, "\ufeff" * 5, "? " * 400,
], ids=["aliases as a key", "aliases behind a quote", "brackets", "marks", "keys"])
def test_a_text_that_is_made_to_hurt_costs_nothing(text, shared, tmp_path):
    _, server = shared
    begin = time.monotonic()
    assert server.client.post("/policies/check", json={"text": GAIN + text}).status_code == 422
    assert time.monotonic() - begin < 2


@pytest.mark.parametrize("text", [
    "\ufeff" + GAIN, GAIN.replace("0.005}", "0.005, strict: True}"),
    json.dumps({"apiVersion": "balanceops/v1", "name": "p", "rules": [{"metric": "acc", "id": "\U0001f600", "min": 0.5}]}),
    GAIN + "approval: null\ncooldown: {after_rollback: 2190060s}\n",
], ids=["a mark", "True", "an emoji", "seconds"])
def test_what_is_a_policy_is_taken_and_reads_back(text, shared):
    _, server = shared
    checked = post(server, "/policies/check", text=text)
    assert post(server, "/policies/check", text=json.dumps(checked["document"]))["hash"] == checked["hash"]


def test_many_tests_leave_the_server_answering(shared):
    workspace, server = shared
    rows = [(i % 2, (i // 3) % 2) for i in range(400)]
    made = run(server, {"acc": 0.5}, rows)
    rules = "".join(f"  - {{id: r{i}, test: paired_bootstrap, metric: f1, resamples: 100000}}\n" for i in range(200))
    policy = "apiVersion: balanceops/v1\nname: p\nrules:\n" + rules
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(server.client.post, "/models/none/decisions", timeout=120, json={
            "run_id": made, "policy": policy, "against": "none"}) for _ in range(4)]
        for _ in range(20):
            begin = time.monotonic()
            assert server.client.get("/health").status_code == 200
            assert time.monotonic() - begin < 5
        assert all(future.result().status_code == 200 for future in waiting)


def test_policies_are_versioned_compared_and_bound(shared, candidate, tmp_path):
    workspace, server = shared
    setup(server, "versioned", candidate)
    (tmp_path / "p.yaml").write_text(GAIN.replace("name: gain", "name: versioned").replace("0.005", "0.01"))
    assert "min_delta" in workspace.run("policy", "diff", "versioned@1", tmp_path / "p.yaml", check=False).stdout
    workspace.run("policy", "set", tmp_path / "p.yaml", "--name", "versioned", "--reason", "stricter")
    saved = server.client.get("/policies/versioned").json()["items"]
    assert [policy["version"] for policy in saved] == [2, 1]
    assert slot(server, "versioned")["policy_hash"] == saved[0]["hash"]
    assert workspace.run("policy", "diff", "versioned@2", tmp_path / "p.yaml").returncode == 0
    # The same text again is no new version.
    workspace.run("policy", "set", tmp_path / "p.yaml", "--name", "versioned")
    assert len(server.client.get("/policies/versioned").json()["items"]) == 2


# ---------------------------------------------------------------------------------------------- decisions


def test_the_exact_test_is_that_of_scipy(shared):
    workspace, server = shared
    policy = ("apiVersion: balanceops/v1\nname: p\nrules:\n  - {id: t, test: mcnemar, metric: acc}\n")
    dice = random.Random(4)
    for _ in range(12):
        rows = dice.choice([20, 150, 700])
        labels = [dice.randrange(2) for _ in range(rows)]
        first = [label if dice.random() < 0.8 else 1 - label for label in labels]
        second = [label if dice.random() < 0.83 else 1 - label for label in labels]
        current = run(server, {"acc": 0.8}, list(zip(labels, first)))
        other = run(server, {"acc": 0.8}, list(zip(labels, second)))
        done = gate(workspace, other, policy, "--current", current)
        found = done["rules"][0]
        won = sum(b == l != a for l, a, b in zip(labels, first, second))
        lost = sum(a == l != b for l, a, b in zip(labels, first, second))
        expected = scipy_stats.binomtest(won, won + lost, alternative="greater").pvalue if won + lost else 1
        assert found["chance"] == pytest.approx(expected, abs=1e-12)
        assert found["delta"] == pytest.approx((won - lost) / rows, abs=1e-12)


def gate(workspace, run_id, policy, *arguments):
    path = workspace.folder / "gate.yaml"
    path.write_text(policy)
    out = workspace.folder / "gate.json"
    workspace.run("gate", "--run", run_id, "--policy", path, "--json", out, *arguments, check=False)
    return json.loads(out.read_text())


def test_the_bootstrap_is_that_of_numpy(shared):
    numpy = pytest.importorskip("numpy")
    workspace, server = shared
    policy = "apiVersion: balanceops/v1\nname: p\nrules:\n  - {id: t, test: paired_bootstrap, metric: bal_acc}\n"
    dice = numpy.random.default_rng(8)
    labels = (dice.random(600) < 0.3).astype(int)
    first = numpy.where(dice.random(600) < 0.75, labels, 1 - labels)
    second = numpy.where(dice.random(600) < 0.80, labels, 1 - labels)
    current = run(server, {}, list(zip(labels, first)))
    other = run(server, {}, list(zip(labels, second)))
    found = gate(workspace, other, policy, "--current", current)["rules"][0]
    gains = []
    for _ in range(4000):
        drawn = numpy.concatenate([dice.choice(numpy.flatnonzero(labels == c), (labels == c).sum()) for c in (0, 1)])
        parts = [drawn[labels[drawn] == c] for c in (0, 1)]
        gains.append(sum((second[p] == labels[p]).mean() - (first[p] == labels[p]).mean() for p in parts) / 2)
    assert found["ci"][0] == pytest.approx(numpy.quantile(gains, 0.05), abs=0.004)
    assert found["ci"][1] == pytest.approx(numpy.quantile(gains, 0.95), abs=0.004)
    assert gate(workspace, other, policy, "--current", current)["rules"][0] == found, "the same draws again"


def test_the_original_policy_is_the_original_rule(shared):
    workspace, server = shared
    text = workspace.run("policy", "show", "legacy-original").stdout

    def rule(new, old):
        if not old:
            return True
        return (new.get("bal_acc", 0.0) >= old.get("bal_acc", 0.0) + 0.005
                and new.get("recall_1", 0.0) >= old.get("recall_1", 0.0) - 0.01)

    dice = random.Random(1)
    values = [None, 0.0, 0.004, 0.009, 0.01, 0.017, 0.022, 0.7, 0.69, 0.705, 0.8, 0.805, 0.81]
    made = []
    for _ in range(14):
        metrics = {key: dice.choice(values) for key in ("bal_acc", "recall_1")}
        metrics = {key: value for key, value in metrics.items() if value is not None}
        made.append((metrics, run(server, metrics)))
    for old, current in made[:4]:
        for new, other in made[4:]:
            found = gate(workspace, other, text, "--current", current)
            assert found["promotes"] == rule(new, old), (new, old, found["reason"])


def test_a_dry_run_then_a_promotion_is_the_same_decision_or_412(shared, candidate):
    workspace, server = shared
    setup(server, "dry", candidate)
    before = slot(server, "dry")
    decision = post(server, "/models/dry/promote", version=2, dry_run=True)
    assert decision["decision"] == "promote" and slot(server, "dry") == before
    assert {"id", "result", "candidate", "current", "delta", "threshold", "reason"} <= decision["rules"][0].keys()
    bind(server, "dry", GAIN.replace("name: gain", "name: dry").replace("0.005", "0.006"))
    changed = promote(server, "dry", 2, 412, if_decision=decision["decision_hash"])
    assert changed["error"]["code"] == "DECISION_CHANGED"
    again = post(server, "/models/dry/promote", version=2, dry_run=True)
    done = promote(server, "dry", 2, headers={"If-Decision": again["decision_hash"]})
    assert done["decision"]["decision_hash"] == again["decision_hash"]
    assert serves(server, "dry") == 2


def test_predictions_that_cannot_be_used_are_told_and_never_pass(shared):
    workspace, server = shared
    policy = "apiVersion: balanceops/v1\nname: p\nrules:\n  - {id: t, test: paired_bootstrap, metric: acc}\n"
    good = run(server, {"acc": 0.5}, [(i % 2, i % 2) for i in range(100)])
    for bad in (b"", b"row,label,prediction\n1,0,0\n1,1,1\n", b"a,b\n1,2\n", b"\xff\xfe\x00", b"row,label,prediction\n1,0\n\"",
                b"row,label,prediction\n" + b"".join(b"%d,%d,1\n" % (i, i % 2) for i in range(50))):
        found = gate(workspace, run(server, {"acc": 0.9}, bad), policy, "--current", good)
        assert found["decision"] == "hold", bad


# ---------------------------------------------------------------------------------------------- transitions


def test_another_file_than_was_registered_does_not_serve(shared, candidate):
    _, server = shared
    setup(server, "swapped", candidate)
    found = server.client.get("/models/swapped").json()["versions"]
    made = next(item["run_id"] for item in found if item["version"] == 2).replace("-", "")
    put = server.client.put(f"/api/2.0/mlflow-artifacts/artifacts/0/{made}/artifacts/model/m.json", content=candidate[9].read_bytes())
    assert put.status_code == 200
    for path in ("promote", "rollback", "force"):
        answer = server.client.post(f"/models/swapped/{path}", json={
            "version": 2, "to": 2, "reason": "a reason that is long enough", "allow_any": True})
        assert answer.status_code == 500 and answer.json()["error"]["code"] == "ARTIFACT_DAMAGED", answer.text
    assert serves(server, "swapped") == 1


def test_a_quarantine_is_of_the_bytes(shared, candidate):
    workspace, server = shared
    setup(server, "bytes", candidate)
    workspace.run("quarantine", "bytes", 2, "--reason", "leaked labels")
    again = version(server, "bytes", candidate[1], {"bal_acc": 0.95})
    assert promote(server, "bytes", again, 409)["error"]["code"] == "VERSION_QUARANTINED"
    client = mlflow.MlflowClient(server.url, server.url)
    with pytest.raises(mlflow.exceptions.MlflowException, match="quarantine"):
        client.delete_model_version("bytes", "2")


def test_a_time_of_a_client_cannot_end_the_server(shared):
    _, server = shared
    made = post(server, "/api/2.0/mlflow/runs/create", experiment_id="0", start_time="-9223372036854775808")["run"]["info"]["run_id"]
    policy = GAIN + "data: {max_age: 1d}\n"
    answer = server.client.post("/models/x/decisions", json={"run_id": made, "policy": policy, "against": "none"})
    assert answer.status_code == 200 and server.client.get("/health").status_code == 200


def test_of_a_hundred_promotions_at_once_one_wins(shared, candidate):
    _, server = shared
    setup(server, "race", candidate, (0.7,) + (0.8,) * 10)
    generation = slot(server, "race")["generation"]

    def attempt(index):
        return server.client.post("/models/race/promote", timeout=60, json={
            "version": 2 + index % 10, "reason": f"try {index}", "expected_generation": generation}).status_code

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        codes = list(pool.map(attempt, range(100)))
    assert sorted(set(codes)) == [200, 409] and codes.count(200) == 1
    now = slot(server, "race")
    assert now["generation"] == generation + 1 and serves(server, "race") == now["current"]
    assert server.client.get("/audit/verify").json()["ok"]


def test_preconditions_and_repeated_requests(shared, candidate):
    _, server = shared
    setup(server, "careful", candidate)
    asked = post(server, "/models/careful/promote", 428, version=2, reason="no generation")
    assert asked["error"]["code"] == "GENERATION_REQUIRED"
    assert asked["error"]["details"]["generation"] == 1
    stale = post(server, "/models/careful/promote", 409, {"If-Match": '"g7"'}, version=2, reason="x")
    assert stale["error"]["code"] == "GENERATION_CONFLICT" and stale["error"]["details"]["current"] == 1
    keys = {"Idempotency-Key": "k1", "If-Match": '"g1"'}
    first = post(server, "/models/careful/promote", headers=keys, version=2, reason="x")
    assert post(server, "/models/careful/promote", headers=keys, version=2, reason="x") == first
    post(server, "/models/careful/promote", 422, keys, version=3, reason="x")
    post(server, "/models/careful/promote", 400, {"If-Match": '"g2"'}, version=3, reason="x", expected_generation=3)
    refused = {"Idempotency-Key": "k2"}
    one = promote(server, "careful", 3, 409, refused)
    assert one["error"]["code"] == "PROMOTION_REFUSED"
    lines = len(server.client.get("/audit?subject=careful&limit=1000").json()["items"])
    two = promote(server, "careful", 3, 409, refused)
    assert two["error"] == one["error"]
    assert len(server.client.get("/audit?subject=careful&limit=1000").json()["items"]) == lines, "nothing is done twice"
    back = {"Idempotency-Key": "k3"}
    gone = post(server, "/models/careful/rollback", headers=back, reason="x", allow_any=True)
    assert post(server, "/models/careful/rollback", headers=back, reason="x", allow_any=True) == gone
    promote(server, "careful", 2)
    noop = promote(server, "careful", 2)
    assert noop["noop"] and noop["ok"] and noop["generation"] == 4


def test_mlflow_clients_obey_the_policy(shared, candidate):
    _, server = shared
    setup(server, "client", candidate)
    client = mlflow.MlflowClient(server.url, server.url)
    version(server, "client", candidate[5], {"bal_acc": 0.5})
    with pytest.raises(mlflow.exceptions.MlflowException, match="rejects version 4"):
        client.set_registered_model_alias("client", "current", "4")
    with pytest.raises(mlflow.exceptions.MlflowException, match="rejects version 4"):
        client.transition_model_version_stage("client", "4", "Production")
    assert serves(server, "client") == 1
    client.set_registered_model_alias("client", "current", "2")
    assert serves(server, "client") == 2 and slot(server, "client")["generation"] == 2
    client.delete_registered_model_alias("client", "current")
    assert slot(server, "client") | {"moved_at": 0} == slot(server, "client") | {"moved_at": 0, "generation": 3, "current": None}
    with pytest.raises(mlflow.exceptions.MlflowException, match="rejects version 4"):
        client.set_registered_model_alias("client", "current", "4")
    client.rename_registered_model("client", "renamed")
    kept = slot(server, "renamed")
    assert kept["generation"] == 3 and kept["policy"] == "client"
    client.delete_registered_model("renamed")
    actions = [line["action"] for line in server.client.get("/audit?subject=renamed").json()["items"]]
    assert actions == ["deleted", "renamed"]


def test_rollback_goes_back_and_not_in_circles(shared, candidate):
    workspace, server = shared
    setup(server, "back", candidate, (0.7, 0.8, 0.9))
    promote(server, "back", 2)
    promote(server, "back", 3)
    plan = post(server, "/models/back/rollback", dry_run=True)
    assert (plan["from_version"], plan["to_version"]) == (3, 2) and plan["advice"]["decision"] == "reject"
    printed = workspace.run("rollback", "back", "--reason", "complaints", "--yes").stdout
    assert "version 3 -> version 2" in printed and "bal_acc" in printed
    assert serves(server, "back") == 2
    # Version 3 was rolled back, so the next one goes further back.
    done = post(server, "/models/back/rollback", reason="still bad", allow_any=True)
    assert (done["from_version"], done["to_version"]) == (2, 1) and serves(server, "back") == 1
    nothing = post(server, "/models/back/rollback", 409, reason="again", allow_any=True)
    assert nothing["error"]["code"] == "NOTHING_TO_ROLL_BACK_TO"
    assert nothing["error"]["details"]["servable"] == [2, 3]
    assert post(server, "/models/back/rollback", to=3, reason="it was fine", allow_any=True)["to_version"] == 3
    assert slot(server, "back")["generation"] == 6
    advice = server.client.get("/audit?subject=back&limit=1").json()["items"][0]["decision"]["advice"]
    assert advice["policy"] == "back"
    assert workspace.run("rollback", "back", "--to", 1, "--reason", "x", check=False).returncode == 64, "no terminal, no --yes"


def test_whatever_is_done_the_books_are_right(shared, candidate):
    """Any sequence of moves: one holder, a generation for each move, a whole trail, and what serves is what is written."""
    _, server = shared
    for index in range(5):
        version(server, "books", candidate[index], {"bal_acc": 0.5 + index / 50})
    policies = ["none", GAIN.replace("name: gain", "name: books"), GAIN.replace("name: gain", "name: books").replace("0.005", "0.03")]
    dice = random.Random(9)
    moves = 0
    for step in range(150):
        before = slot(server, "books")
        kind = dice.choice(["promote"] * 4 + ["rollback"] * 2 + ["force", "bind", "freeze", "unfreeze", "quarantine", "release", "unset"])
        number, body = dice.randrange(1, 6), {"reason": f"step {step} of many", "allow_any": True}
        if kind in ("promote", "force"):
            answer = server.client.post(f"/models/books/{kind}", json=body | {"version": number})
        elif kind == "rollback":
            answer = server.client.post("/models/books/rollback", json=body | dice.choice([{}, {"to": number}]))
        elif kind == "bind":
            text = dice.choice(policies)
            answer = server.client.put("/models/books/policy", json={"policy": text} if text == "none" else {"text": text})
        elif kind in ("freeze", "unfreeze"):
            answer = server.client.post(f"/models/books/{kind}", json=body)
        elif kind == "unset":
            answer = server.client.request("DELETE", "/api/2.0/mlflow/registered-models/alias", json={"name": "books", "alias": "current"})
        else:
            answer = server.client.post(f"/models/books/versions/{number}/{kind}", json=body)
        assert answer.status_code in (200, 409), answer.text
        after = slot(server, "books")
        moved = after["generation"] - before["generation"]
        assert moved in (0, 1) and (moved == 1 or after["current"] == before["current"])
        moves += moved
        if before["frozen"] and kind not in ("force", "unfreeze"):
            assert moved == 0
        if after["current"]:
            assert serves(server, "books") == after["current"]
    history = server.client.get("/models/books/history").json()["items"]
    assert len(history) == moves == slot(server, "books")["generation"]
    assert history[0]["version"] == slot(server, "books")["current"]
    assert server.client.get("/audit/verify").json()["ok"]


def test_a_rollback_is_quick(shared, candidate):
    _, server = shared
    setup(server, "quick", candidate, (0.7, 0.8))
    promote(server, "quick", 2)
    times = []
    for index in range(10):
        begin = time.perf_counter()
        post(server, "/models/quick/rollback", to=1 + index % 2, reason="measure", allow_any=True)
        assert serves(server, "quick") == 1 + index % 2
        times.append(time.perf_counter() - begin)
    assert statistics.median(times) < 1, times


def test_frozen_quarantined_and_forced(shared, candidate):
    workspace, server = shared
    setup(server, "kept", candidate)
    workspace.run("freeze", "kept", "--reason", "closing")
    assert promote(server, "kept", 2, 409)["error"]["code"] == "MODEL_FROZEN"
    assert post(server, "/models/kept/rollback", 409, to=2, reason="x", allow_any=True)["error"]["code"] == "MODEL_FROZEN"
    assert workspace.run("promote", "kept", 2, "--reason", "x", check=False).returncode == 8
    workspace.run("unfreeze", "kept", "--reason", "done")
    workspace.run("quarantine", "kept", 2, "--reason", "leaked labels")
    asked = server.client.post("/models/kept/versions/2/predict", json={"features": [0.0] * 8})
    assert asked.status_code == 409 and "leaked labels" in asked.text
    for path in ("rollback", "force"):
        found = post(server, f"/models/kept/{path}", 409, to=2, version=2, reason="long enough reason", allow_any=True)
        assert found["error"]["code"] == "VERSION_QUARANTINED"
    workspace.run("release", "kept", 2, "--reason", "checked")
    post(server, "/models/kept/force", 400, version=3, reason="short", allow_any=True)
    forced = post(server, "/models/kept/force", version=3, reason="the other one is on fire", allow_any=True)
    assert forced["kind"] == "force" and slot(server, "kept")["forced"]
    assert "forced" in workspace.run("explain", "kept").stdout
    promote(server, "kept", 2, 200)
    assert not slot(server, "kept")["forced"]


def test_approvals_are_void_when_anything_changes(shared, candidate):
    workspace, server = shared
    setup(server, "word", candidate, (0.7, 0.8, 0.9))
    text = GAIN.replace("name: gain", "name: word") + "approval: {required: 1, roles: [owner]}\n"
    bind(server, "word", text)
    assert promote(server, "word", 2, 409)["error"]["code"] == "PROMOTION_HELD"
    assert workspace.run("promote", "word", 2, "--reason", "x", check=False).returncode == 6
    refused = workspace.run("approve", "word", 2, "--reason", "looked", "--actor", "min", check=False)
    assert refused.returncode == 1 and "none of the roles" in refused.stderr
    post(server, "/api/2.0/mlflow/registered-models/set-tag", name="word", key="role:owner", value="jin, min")
    workspace.run("approve", "word", 2, "--reason", "looked", "--actor", "min")
    bind(server, "word", text.replace("0.005", "0.006"))
    assert promote(server, "word", 2, 409)["error"]["code"] == "PROMOTION_HELD", "it was for another policy"
    workspace.run("approve", "word", 2, "--reason", "looked", "--actor", "min")
    promote(server, "word", 2)
    workspace.run("approve", "word", 3, "--reason", "looked", "--actor", "min")
    post(server, "/models/word/rollback", to=1, reason="x", allow_any=True)
    assert promote(server, "word", 3, 409)["error"]["code"] == "PROMOTION_HELD", "it was for another generation"


def test_an_author_does_not_approve(shared, candidate):
    workspace, server = shared
    setup(server, "author", candidate)
    bind(server, "author", GAIN.replace("name: gain", "name: author") + "approval: {required: 1}\n")
    made = workspace.run("models", "import", candidate[7], "--name", "author", "--actor", "jin")
    assert "version 4" in made.stdout
    assert "jin created version 4" in workspace.run("approve", "author", 4, "--reason", "x", "--actor", "jin", check=False).stderr


def test_a_snapshot_is_what_counts_until_it_is_refreshed(shared, candidate):
    workspace, server = shared
    setup(server, "snap", candidate, (0.7,))
    made = run(server, {"bal_acc": 0.6}, status="RUNNING")
    server.client.put(f"/api/2.0/mlflow-artifacts/artifacts/0/{made}/artifacts/model/m.json",
                      content=candidate[4].read_bytes())
    post(server, "/api/2.0/mlflow/model-versions/create", name="snap", run_id=made, source=f"runs:/{made}/model/m.json")
    post(server, "/api/2.0/mlflow/runs/log-metric", run_id=made, key="bal_acc", value=0.9, timestamp=2, step=1)
    found = post(server, "/models/snap/promote", version=2, dry_run=True)
    assert found["decision"] == "reject" and "logged again" in found["warnings"][0]
    workspace.run("models", "refresh", "snap", 2, "--reason", "a new evaluation")
    assert post(server, "/models/snap/promote", version=2, dry_run=True)["decision"] == "promote"


# ---------------------------------------------------------------------------------------------- the trail


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Six runs, and a line in the trail for each."""
    workspace = Workspace(tmp_path_factory.mktemp("trained"))
    for seed in range(6):
        workspace.run("train-dummy", "--seed", seed)
    return workspace


TAMPERING = [
    ("changed", ["UPDATE audit_event SET actor = 'nobody' WHERE seq = 3"], 3),
    ("removed", ["DELETE FROM audit_event WHERE seq = 3"], 3),
    ("swapped", ["UPDATE audit_event SET seq = 99 WHERE seq = 3", "UPDATE audit_event SET seq = 3 WHERE seq = 4",
                 "UPDATE audit_event SET seq = 4 WHERE seq = 99"], 3),
    ("cut", ["DELETE FROM audit_event WHERE seq > 4"], 5),
    ("emptied", ["DELETE FROM audit_event"], 1),
    ("decision", ["UPDATE audit_event SET decision_json = replace(decision_json, 'bal_acc', 'acc') WHERE seq = 2"], 2),
    ("unsigned", ["UPDATE audit_event SET signature = NULL WHERE seq = 5"], 5),
    ("all unsigned", ["UPDATE audit_event SET signature = NULL"], 1),
    ("first unsigned", ["UPDATE audit_event SET signature = NULL WHERE seq < 3"], 1),
    ("hidden before the first", ["INSERT INTO audit_event (seq, at_ms, actor, action, subject, reason) "
                                 "VALUES (-9223372036854775808, 0, 'a', 'promoted', 'm', 'r')"], 1),
    ("signed by another", ["UPDATE audit_event SET signature = 'abc:AAAA' WHERE seq = 2"], 2),
]


@pytest.mark.parametrize("name, statements, line", TAMPERING, ids=[case[0] for case in TAMPERING])
def test_a_trail_that_was_touched_is_found_out(name, statements, line, tmp_path, trained):
    workspace = copy(trained, tmp_path)
    good = workspace.run("audit", "verify").stdout
    assert "6 entries, 6 signatures" in good
    with sqlite3.connect(workspace.database) as database:
        if not statements[0].startswith("INSERT"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                database.execute(statements[0])
        database.execute("DROP TRIGGER audit_event_is_never_changed")
        database.execute("DROP TRIGGER audit_event_is_never_removed")
        for statement in statements:
            database.execute(statement)
    found = workspace.run("audit", "verify", "--json", check=False)
    assert found.returncode == 1
    assert json.loads(found.stdout)["problem"]["seq"] == line


def rewrite(database, first):
    """Chains all lines anew, as somebody does who knows how."""
    import hashlib
    names = ["seq", "at_ms", "actor", "action", "subject", "reason", "from_version", "to_version", "run_id",
             "generation_before", "generation_after", "policy_hash", "request_id", "decision_json", "prev_hash", "hash"]
    previous = "0" * 64
    for row in database.execute(f"SELECT {', '.join(names)} FROM audit_event ORDER BY seq").fetchall():
        line = dict(zip(names, row))
        if line["seq"] < first:
            previous = line["hash"]
            continue
        content = {("decision" if name == "decision_json" else name): line[name] for name in names[:-2]}
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).replace("\x7f", "\\u007f")
        digest = hashlib.sha256(b"bops-audit-v1" + text.encode() + previous.encode()).hexdigest()
        database.execute("UPDATE audit_event SET prev_hash = ?, hash = ?, signature = NULL WHERE seq = ?",
                         (previous, digest, line["seq"]))
        previous = digest


@pytest.mark.parametrize("kind", ["rewritten", "cut"])
def test_what_was_tampered_with_stays_to_be_seen_after_new_lines(kind, tmp_path, trained):
    workspace = copy(trained, tmp_path)
    with sqlite3.connect(workspace.database) as database:
        database.execute("DROP TRIGGER audit_event_is_never_changed")
        database.execute("DROP TRIGGER audit_event_is_never_removed")
        if kind == "cut":
            database.execute("DELETE FROM audit_event WHERE seq > 4")
        else:
            database.execute("UPDATE audit_event SET reason = 'another' WHERE seq = 2")
            rewrite(database, 2)
    for _ in range(5):
        workspace.run("freeze", "balance_model", "--reason", "more lines")
        workspace.run("unfreeze", "balance_model", "--reason", "more lines")
    found = workspace.run("audit", "verify", "--json", check=False)
    assert found.returncode == 1
    assert json.loads(found.stdout)["problem"]["seq"] == (6 if kind == "cut" else 2)


def test_every_recorded_decision_can_be_made_again(shared):
    workspace, server = shared
    lines = server.client.get("/audit?limit=1000").json()["items"]
    judged = [line for line in lines if line["decision"] and line["decision"].get("inputs")]
    assert len(judged) > 5
    for line in judged:
        again = server.client.get(f"/audit/{line['seq']}/replay").json()
        assert again["same"], again
    assert workspace.run("audit", "replay", judged[0]["seq"]).returncode == 0
    exported = workspace.run("audit", "export").stdout.splitlines()
    assert [json.loads(line)["seq"] for line in exported] == list(range(1, len(exported) + 1))


def test_a_killed_server_leaves_row_file_and_trail_in_step(tmp_path, candidate):
    workspace = Workspace(tmp_path)
    server = Server(workspace)
    for index in range(4):
        version(server, "crash", candidate[index], {"bal_acc": 0.5})
    dice = random.Random(2)
    acknowledged = 0
    for _ in range(effort(12, 4)):
        def load():
            nonlocal acknowledged
            while True:
                try:
                    answer = server.client.post("/models/crash/promote", json={
                        "version": dice.randrange(1, 5), "reason": "load", "allow_any": True})
                except Exception:
                    return
                if answer.status_code == 200:
                    acknowledged = max(acknowledged, answer.json()["generation"])
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            future = pool.submit(load)
            time.sleep(dice.uniform(0.02, 0.25))
            server.process.kill()
            future.result()
        server = Server(workspace)
        now = slot(server, "crash")
        assert now["generation"] >= acknowledged
        if now["current"]:
            assert serves(server, "crash") == now["current"]
        assert server.client.get("/audit/verify").json()["ok"]
        history = server.client.get("/models/crash/history").json()["items"]
        assert [move["generation"] for move in history] == list(range(now["generation"], 0, -1))
    server.stop(9)


@pytest.fixture(scope="module")
def moved_twice(tmp_path_factory):
    """A model with three versions, of which the second serves after the first."""
    workspace = Workspace(tmp_path_factory.mktemp("moved"))
    for seed in range(3):
        workspace.run("train-dummy", "--seed", seed, "--no-auto-promote")
    for file in sorted((workspace.artifacts / "models" / "candidates").iterdir()):
        workspace.run("models", "import", file, "--name", "m")
    for number in (1, 2):
        workspace.run("promote", "m", number, "--reason", "before")
    return workspace


@pytest.mark.parametrize("point", ["staged", "recorded", "installed", "committed", "finished"])
@pytest.mark.parametrize("verb", ["promote", "rollback", "force"])
def test_a_kill_between_any_two_steps_leaves_one_truth(point, verb, tmp_path, moved_twice):
    if BINARY.parent.name == "release":
        pytest.skip("a release build has no crash points")
    workspace = copy(moved_twice, tmp_path)
    arguments = {"promote": ["promote", "m", "3", "--reason", "crash here"],
                 "force": ["promote", "m", "3", "--force", "--reason", "crash here please"],
                 "rollback": ["rollback", "m", "--reason", "crash here", "--yes"]}[verb]
    done = subprocess.run([BINARY, *arguments], env=workspace.environment | {"BALANCEOPS_CRASH_POINT": point},
                          cwd=ROOT, capture_output=True)
    assert done.returncode == -9
    server = Server(workspace)
    now = slot(server, "m")
    moved = point in ("committed", "finished")
    assert (now["current"], now["generation"]) == (({"rollback": 1}.get(verb, 3), 3) if moved else (2, 2))
    assert serves(server, "m") == now["current"]
    assert server.client.get("/audit/verify").json()["ok"]
    assert len(server.client.get("/models/m/history").json()["items"]) == now["generation"]
    server.stop(9)


def crash(workspace, model, version, times=2):
    """What a process leaves that ended while it asked a model; an empty name: while it did something else."""
    mark = 0
    if model:
        mark = 0xCBF29CE484222325
        for byte in model.encode():
            mark = ((mark ^ byte) * 0x100000001B3) & (1 << 64) - 1
    with open(f"{workspace.database}.crashes", "ab") as file:
        for _ in range(times):
            file.write(struct.pack("<qQq", int(time.time()), mark, version if model else 0))


def test_a_model_that_keeps_ending_the_server_is_rolled_back(tmp_path):
    workspace = Workspace(tmp_path)
    for seed in range(2):
        workspace.run("train-dummy", "--seed", seed)
    workspace.run("promote", "--latest")
    server = Server(workspace)
    first = slot(server, "balance_model")
    server.stop()
    crash(workspace, "balance_model", first["current"])
    server = Server(workspace)
    assert slot(server, "balance_model")["current"] == first["previous"]
    last = json.loads(workspace.run("audit", "log", "--limit", 1, "--json").stdout)[0]
    assert last["actor"] == "crash-loop breaker" and "crashed 2 times" in last["reason"]
    server.stop()


@pytest.mark.parametrize("model, version, times", [("", 0, 2), ("balance_model", 1, 2), ("other", 2, 2), ("balance_model", None, 1)])
def test_a_crash_of_anything_else_blames_no_model(tmp_path, model, version, times):
    workspace = Workspace(tmp_path)
    for seed in range(2):
        workspace.run("train-dummy", "--seed", seed)
    workspace.run("promote", "--latest")
    server = Server(workspace)
    first = slot(server, "balance_model")
    # What a defect of the server does: it leaves a record, which names no model.
    server.process.send_signal(11)
    assert server.process.wait(timeout=20) == -11
    assert (tmp_path / "data" / "balanceops.db.crashes").stat().st_size == 24
    crash(workspace, model, first["current"] if version is None else version, times)
    server = Server(workspace)
    assert slot(server, "balance_model")["current"] == first["current"]
    server.stop()


# ---------------------------------------------------------------------------------------------- the gate


def test_the_gate_writes_what_pipelines_read(shared, tmp_path):
    workspace, server = shared
    policy = tmp_path / "p.yaml"
    policy.write_text(GAIN + "  - {id: '<floor>', metric: recall_1, min: 0.5}\nrequire: {tags: {reviewed: \"yes\"}}\n")
    current = run(server, {"bal_acc": 0.7, "recall_1": 0.6})
    summary = tmp_path / "summary.md"
    environment = dict(workspace.environment, GITHUB_STEP_SUMMARY=str(summary))

    def judge(run_id, *more):
        return subprocess.run([BINARY, "gate", "--run", run_id, "--policy", policy, "--junit", tmp_path / "j.xml",
                               "--json", tmp_path / "d.json", *more], env=environment, capture_output=True, text=True)

    good = run(server, {"bal_acc": 0.8, "recall_1": 0.6}, tags=[{"key": "reviewed", "value": "yes"}])
    assert judge(good, "--current", current).returncode == 0
    assert judge(run(server, {"bal_acc": 0.7, "recall_1": 0.1}), "--current", current).returncode == 3
    suite = xml.dom.minidom.parse(str(tmp_path / "j.xml")).documentElement
    assert suite.getAttribute("failures") == "3" and suite.getElementsByTagName("testcase")[1].getAttribute("name") == "<floor>"
    assert json.loads((tmp_path / "d.json").read_text())["decision"] == "reject"
    assert "### Gate: promote" in summary.read_text() and "### Gate: reject" in summary.read_text()
    assert judge(good, "--current", run(server, {"recall_1": 0.6})).returncode == 6
    assert judge("0" * 32).returncode == 2
    assert judge(good, "--server", server.url, "--current", "none").returncode == 0
    assert judge(good, "--server", server.url).returncode == 1, "a name that is not there is no first model"
    assert judge(good, "--name", "mistyped").returncode == 1
    begin = time.monotonic()
    assert judge(good, "--server", "http://127.0.0.1:1", "--current", "none").returncode == 1
    assert time.monotonic() - begin < 20
    policy.write_text("rules: 7\n")
    assert judge(good).returncode == 65


def test_the_gate_works_offline_on_folders(tmp_path):
    workspace = Workspace(tmp_path / "w")
    workspace.run("train-dummy", "--no-auto-promote")
    folder = tmp_path / "export"
    workspace.run("export", "--to", folder)
    policy = tmp_path / "p.yaml"
    policy.write_text("apiVersion: balanceops/v1\nname: p\non_first: require_absolute\nrules:\n  - {metric: bal_acc, min: 0.5}\n")
    elsewhere = Workspace(tmp_path / "other")
    done = elsewhere.run("gate", "--run", folder, "--policy", policy, "--current", "none")
    assert "promote by policy 'p'" in done.stdout and not elsewhere.database.exists()
    policy.write_text(policy.read_text().replace("0.5", "0.99"))
    assert elsewhere.run("gate", "--run", folder, "--policy", policy, "--current", "none", check=False).returncode == 3
    assert elsewhere.run("gate", "--run", folder, "--policy", policy, check=False).returncode == 64
    runs = tmp_path / "mlruns" / "0" / ("a" * 32)
    (runs / "metrics").mkdir(parents=True)
    (runs.parent / "meta.yaml").write_text("experiment_id: '0'\nname: Default\nlifecycle_stage: active\nartifact_location: x\n")
    (runs / "meta.yaml").write_text(f"run_id: {'a' * 32}\nrun_uuid: {'a' * 32}\nexperiment_id: '0'\nstatus: 3\nstart_time: 1\nend_time: 2\n"
                                    "lifecycle_stage: active\nartifact_uri: x\nrun_name: r\nuser_id: u\n")
    (runs / "metrics" / "bal_acc").write_text("1 0.995 0\n")
    assert elsewhere.run("gate", "--run", tmp_path / "mlruns", "--policy", policy, "--current", "none").returncode == 0


def test_why_does_this_version_serve(shared, candidate):
    workspace, server = shared
    setup(server, "why", candidate, (0.7, 0.8))
    workspace.run("promote", "why", 2, "--reason", "retrained on Q3", "--actor", "jin")
    told = workspace.run("explain", "why").stdout
    assert "version 2 serves" in told and "promoted by jin, replacing version 1: retrained on Q3" in told
    assert re.search(r"pass +gain +0.7 +0.8", told)
    assert json.loads(workspace.run("explain", "why", "--json").stdout)["because"]["actor"] == "jin"


# ---------------------------------------------------------------------------------------------- who did it


def lines_of(server, subject):
    return [(line["action"], line["actor"], line["reason"]) for line in server.client.get("/audit", params={"subject": subject}).json()["items"]]


def test_what_is_taken_away_has_a_line_with_who_asked(shared, candidate, monkeypatch):
    """By MLflow's client, whose user name is sent with each request, and by the native API."""
    workspace, server = shared
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "jin")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "-")
    client = mlflow.MlflowClient(server.url)
    experiment = client.create_experiment("taken away")
    made = client.create_run(experiment).info.run_id
    client.delete_run(made)
    client.restore_run(made)
    assert [line[:2] for line in lines_of(server, f"run {made}")] == [("run restored", "jin"), ("run deleted", "jin")]
    client.delete_experiment(experiment)
    assert lines_of(server, f"experiment {experiment}")[0] == ("experiment deleted", "jin", "taken away")
    post(server, "/purge", headers={"X-BalanceOps-Actor": "min"}, experiment_ids=[experiment])
    assert lines_of(server, "trash")[0][:2] == ("purged", "min") and "1 experiments, 1 runs" in lines_of(server, "trash")[0][2]
    version(server, "taken", candidate[0], {"bal_acc": 0.7})
    client.set_registered_model_tag("taken", "role:owner", "kim")
    client.delete_model_version("taken", "1")
    client.rename_registered_model("taken", "renamed away")
    client.delete_registered_model("renamed away")
    lines = lines_of(server, "taken") + lines_of(server, "renamed away")
    assert {line[0] for line in lines} == {"role changed", "version deleted", "renamed", "deleted"} and {line[1] for line in lines} == {"jin"}
    assert json.loads(workspace.run("audit", "verify", "--json", check=False).stdout)["ok"]


def test_a_tag_that_a_policy_waits_for_has_a_line(shared, candidate):
    _, server = shared
    number = version(server, "tagged", candidate[0], {"bal_acc": 0.7})
    bind(server, "tagged", "apiVersion: balanceops/v1\nname: tags\nrequire:\n  tags: {reviewed: 'yes'}\nrules:\n  - {id: floor, metric: bal_acc, min: 0.1}\n")
    tag = {"name": "tagged", "version": str(number), "key": "reviewed", "value": "yes"}
    post(server, "/api/2.0/mlflow/model-versions/set-tag", headers={"X-BalanceOps-Actor": "min"}, **tag)
    post(server, "/api/2.0/mlflow/model-versions/set-tag", **(tag | {"key": "other"}))
    tags = [line for line in lines_of(server, "tagged") if line[0] == "version tagged"]
    assert tags == [("version tagged", "min", "reviewed = yes")]
