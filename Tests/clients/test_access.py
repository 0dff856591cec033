"""Accounts, roles and tokens, by the clients that people use and by those that mean no good."""

import base64
import concurrent.futures
import http.client
import json
import os
import queue
import re
import socket
import subprocess
import threading
import time
import uuid

import httpx
import numpy
import pytest
import requests

from conftest import BINARY, ROOT, Server, Workspace, free_port

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")
mlflow = pytest.importorskip("mlflow")
triton_http = pytest.importorskip("tritonclient.http")
triton_grpc = pytest.importorskip("tritonclient.grpc")
grpc = pytest.importorskip("grpc")
from mlflow import MlflowClient  # noqa: E402
from mlflow.entities import RunTag  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402
from tritonclient.utils import InferenceServerException  # noqa: E402

MLFLOW = "/api/2.0/mlflow"
FILES = "/api/2.0/mlflow-artifacts/artifacts"
FEATURES = {"features": [0.0] * 8}
TENSORS = {"inputs": [{"name": "input", "shape": [1, 8], "datatype": "FP64", "data": [0.0] * 8}]}
PASSWORD = "eleven green bottles on a wall"
GAIN = "apiVersion: balanceops/v1\nname: NAME\nrules:\n  - {id: gain, metric: bal_acc, vs: current, min_delta: 0.005}\n"
# What holds of a change that another process makes.
SOON = 0.5


class Caller(httpx.Client):
    """Somebody with a token."""

    def __init__(self, url, token, name=""):
        super().__init__(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=20)
        self.token, self.name, self.token_id = token, name, token[5:17]

    def ask(self, path, expect=200, method="POST", **body):
        answer = self.request(method, path, json=body)
        assert answer.status_code == expect, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()


class House:
    """A server with accounts, and both of its keys: its files and an admin's token."""

    def __init__(self, folder):
        self.workspace = Workspace(folder)
        self.workspace.run("train-dummy", "--seed", 1)
        for seed in (2, 3):
            self.workspace.run("train-dummy", "--seed", seed, "--no-auto-promote")
        self.files = sorted((self.workspace.artifacts / "models" / "candidates").iterdir())
        for name in ("shop", "vault"):
            self.workspace.run("models", "import", self.files[0], "--name", name, "--current")
        self.workspace.run("users", "add", "root", "--role", "admin", "--no-password")
        token = self.workspace.run("tokens", "create", "--user", "root").stdout.strip()
        self.grpc = free_port()
        self.server = Server(self.workspace, "serve", "--grpc-port", self.grpc)
        self.url, self.port = self.server.url, self.server.port
        self.stranger = self.server.client
        self.root = Caller(self.url, token, "root")
        self.made = 0

    def add(self, *grants, kind="person", **more):
        """A new account with roles such as `writer` or `writer on experiments:team-a`."""
        self.made += 1
        name = more.pop("name", f"u{self.made}")
        parts = [grant.split(" on ") for grant in grants]
        body = {"name": name, "kind": kind, "grants": [{"role": p[0], "scope": (p + ["*"])[1]} for p in parts]}
        self.root.ask("/users", **body | more)
        return name

    def token(self, name, **limits):
        return self.root.ask("/tokens", user=name, **limits)["token"]

    def caller(self, *grants, **more):
        """A new account, and a client that shows a token of it."""
        limits = more.pop("limits", {})
        name = self.add(*grants, **more)
        return Caller(self.url, self.token(name, **limits), name)

    def run(self, caller, experiment="0", metric=0.5, file=None, **more):
        made = caller.ask(f"{MLFLOW}/runs/create", experiment_id=experiment, **more)["run"]["info"]["run_id"]
        caller.ask(f"{MLFLOW}/runs/log-metric", run_id=made, key="bal_acc", value=metric, timestamp=1, step=0)
        if file is not None:
            put = caller.put(f"{FILES}/{experiment}/{made}/artifacts/model/m.json", content=file.read_bytes())
            assert put.status_code == 200, put.text
        caller.ask(f"{MLFLOW}/runs/update", run_id=made, status="FINISHED")
        return made

    def version(self, caller, model, metric=0.5, file=0, **more):
        """A registered version with a file that can be served."""
        made = self.run(caller, metric=metric, file=self.files[file], **more)
        caller.post(f"{MLFLOW}/registered-models/create", json={"name": model})
        answer = caller.ask(f"{MLFLOW}/model-versions/create", name=model, run_id=made, source=f"runs:/{made}/model/m.json")
        return int(answer["model_version"]["version"])


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    house = House(tmp_path_factory.mktemp("house"))
    yield house
    house.server.stop(9)


@pytest.fixture
def credentials(monkeypatch):
    """Sets what MLflow's client reads from the environment; it tries again as often as it does by itself."""
    for name in ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        monkeypatch.delenv(name, raising=False)

    def use(token=None, name=None, password=None):
        for key, value in [("TOKEN", token), ("USERNAME", name), ("PASSWORD", password)]:
            if value is None:
                monkeypatch.delenv(f"MLFLOW_TRACKING_{key}", raising=False)
            else:
                monkeypatch.setenv(f"MLFLOW_TRACKING_{key}", value)

    yield use
    while mlflow.active_run():
        mlflow.end_run()


def client_of(house):
    return MlflowClient(tracking_uri=house.url, registry_uri=house.url)


def fails(call, *words, within=2):
    """The message of a failure that comes at once."""
    begin = time.monotonic()
    with pytest.raises((MlflowException, requests.HTTPError)) as error:
        call()
    assert time.monotonic() - begin < within, "the client tried again"
    text = str(error.value)
    assert all(word in text for word in words) and len(text) < 600, text
    return text


def eventually(status, answer, within=SOON):
    """Asks until the status comes, which must be soon."""
    begin = time.monotonic()
    while (found := answer()) != status:
        assert time.monotonic() - begin < within, f"still {found} after {within} s, not {status}"
        time.sleep(0.02)


# ---------------------------------------------------------------------------------------------- strangers


@pytest.mark.parametrize("method, path", [
    ("GET", "/runs"), ("GET", "/models/shop"), ("POST", "/predict"), ("POST", "/models/shop/predict"), ("GET", "/audit"), ("GET", "/me"),
    ("GET", "/users"), ("GET", "/nope"), ("POST", "/nope/x"), ("DELETE", "/runs/latest"), ("GET", "/openapi.json"), ("PUT", "/runs"),
])
def test_a_stranger_is_told_nothing(house, method, path):
    answer = house.stranger.request(method, path, json=FEATURES if method == "POST" else None)
    assert answer.status_code == 401, answer.text
    assert answer.json()["ok"] is False and answer.json()["error"]["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize("method, path", [
    ("GET", f"{MLFLOW}/experiments/get?experiment_id=0"), ("POST", f"{MLFLOW}/runs/log-metric"), ("POST", f"{MLFLOW}/runs/search"),
    ("GET", f"{FILES}/0/x"), ("PUT", f"{FILES}/0/x"), ("GET", f"{MLFLOW}/nope"),
])
def test_mlflows_paths_refuse_in_its_words(house, method, path):
    answer = house.stranger.request(method, path, json={} if method == "POST" else None)
    assert answer.status_code == 401 and answer.json()["error_code"] == "UNAUTHENTICATED" and answer.json()["message"]


@pytest.mark.parametrize("method, path", [
    ("GET", "/v2"), ("GET", "/v2/models/shop"), ("POST", "/v2/models/shop/infer"), ("POST", "/v2/repository/index"), ("GET", "/v2/nope"),
])
def test_the_inference_protocol_refuses_in_its_words(house, method, path):
    answer = house.stranger.request(method, path, json=TENSORS if method == "POST" else None)
    assert answer.status_code == 401 and list(answer.json()) == ["error"]


def test_signs_of_life_are_open_and_tell_no_more(house):
    assert house.stranger.get("/health").json() == {"status": "ok"}
    assert house.stranger.get("/v2/health/live").json() == {"live": True}
    assert house.stranger.get("/v2/health/ready").status_code == 200
    version = house.stranger.get("/version")
    assert version.status_code == 200 and version.json()["service"] == "balanceops-api"
    assert "git" not in version.text and "commit" not in version.text and "model" not in version.json()


def test_the_first_account_closes_a_server_that_is_running(tmp_path):
    workspace = Workspace(tmp_path)
    server = Server(workspace)
    try:
        assert server.client.get("/runs").status_code == 200
        workspace.run("users", "add", "root", "--role", "admin", "--no-password")
        eventually(401, lambda: server.client.get("/runs").status_code, within=2)
    finally:
        server.stop(9)


def test_whether_to_ask_can_be_said(tmp_path):
    workspace = Workspace(tmp_path)
    asking = Server(workspace, "serve", "--auth", "on")
    assert asking.client.get("/runs").status_code == 401, "on without an account"
    asking.stop()
    workspace.run("users", "add", "root", "--role", "admin", "--no-password")
    open_to_all = Server(workspace, "serve", "--auth", "off")
    assert open_to_all.client.get("/runs").status_code == 200
    # A switch on the command line makes nobody an admin of accounts.
    assert open_to_all.client.post("/users", json={"name": "eve", "grants": [{"role": "admin"}]}).status_code == 403
    assert open_to_all.client.post("/tokens", json={"user": "root"}).status_code == 403
    open_to_all.stop()


# ---------------------------------------------------------------------------------------------- MLflow's client


@pytest.fixture(scope="module")
def pat(house):
    """A writer with a password, which was given on standard input."""
    done = subprocess.run(
        [BINARY, "users", "add", "pat", "--role", "writer", "--password-stdin"], input=PASSWORD + "\n",
        env=house.workspace.environment, cwd=ROOT, capture_output=True, text=True, timeout=30,
    )
    assert done.returncode == 0, done.stderr
    token = house.workspace.run("tokens", "create", "--user", "pat").stdout.strip()
    assert re.fullmatch(r"bops_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}", token)
    eventually(200, lambda: Caller(house.url, token).get("/me").status_code)
    return {"token": {"token": token}, "token as password": {"name": "anybody", "password": token},
            "password": {"name": "pat", "password": PASSWORD}}


@pytest.mark.parametrize("kind", ["token", "token as password", "password"])
def test_mlflows_client_works_unchanged(house, pat, credentials, kind, tmp_path):
    credentials(**pat[kind])
    client = client_of(house)
    experiment = client.create_experiment(f"story of a {kind}", tags={"k": "v"})
    run = client.create_run(experiment, run_name="first").info.run_id
    for step in range(5):
        client.log_metric(run, "loss", 1 / (step + 1), step=step)
    client.log_param(run, "depth", "3")
    client.set_tag(run, "team", "위험")
    (tmp_path / "note.txt").write_text("hello")
    client.log_artifact(run, str(tmp_path / "note.txt"), "notes")
    assert [f.path for f in client.list_artifacts(run, "notes")] == ["notes/note.txt"]
    (tmp_path / "back").mkdir()
    assert open(client.download_artifacts(run, "notes/note.txt", str(tmp_path / "back"))).read() == "hello"
    client.set_terminated(run)
    assert [m.step for m in client.get_metric_history(run, "loss")] == list(range(5))
    found = client.search_runs([experiment], "tags.team = '위험' and metrics.loss < 0.5")
    assert [r.info.run_id for r in found] == [run]
    name = f"story-{kind.replace(' ', '-')}"
    client.create_registered_model(name)
    version = client.create_model_version(name, f"runs:/{run}/notes", run)
    assert client.get_model_version(name, version.version).run_id == run
    assert [m.name for m in client.search_registered_models(f"name = '{name}'")] == [name]


def test_a_model_of_sklearn_is_logged_and_read_back_with_a_token(house, pat, credentials):
    from sklearn.linear_model import LogisticRegression
    credentials(**pat["token"])
    mlflow.set_tracking_uri(house.url)
    mlflow.set_registry_uri(house.url)
    mlflow.set_experiment("sklearn")
    rows, labels = numpy.arange(80.0).reshape(10, 8), numpy.arange(10) % 2
    model = LogisticRegression(max_iter=5).fit(rows, labels)
    with mlflow.start_run():
        info = mlflow.sklearn.log_model(model, name="clf", registered_model_name="from-sklearn",
                                        serialization_format="cloudpickle", pip_requirements=["scikit-learn"])
    back = mlflow.sklearn.load_model("models:/from-sklearn/1")
    assert (back.predict(rows) == model.predict(rows)).all()
    assert client_of(house).get_logged_model(info.model_id).name == "clf"
    credentials()
    fails(lambda: mlflow.sklearn.load_model("models:/from-sklearn/1"), "does not say who sends it")


def test_a_viewer_reads_and_its_writes_end_at_once(house, credentials, tmp_path):
    made = house.run(house.root)
    viewer = house.caller("viewer")
    credentials(token=viewer.token)
    client = client_of(house)
    assert client.get_run(made).info.run_id == made and client.search_runs(["0"]) and client.search_experiments()
    (tmp_path / "x.txt").write_text("x")
    for write in [
        lambda: client.create_experiment("by a viewer"), lambda: client.create_run("0"), lambda: client.log_metric(made, "m", 1),
        lambda: client.log_param(made, "p", 1), lambda: client.set_tag(made, "t", 1), lambda: client.log_batch(made, tags=[RunTag("t", "1")]),
        lambda: client.set_terminated(made), lambda: client.delete_run(made), lambda: client.create_registered_model("by-a-viewer"),
        lambda: client.create_model_version("shop", f"runs:/{made}/x", made), lambda: client.delete_registered_model("shop"),
        lambda: client.log_artifact(made, str(tmp_path / "x.txt")),
    ]:
        assert viewer.name in fails(write, "'write'")
    run = client.get_run(made)
    assert run.data.metrics == {"bal_acc": 0.5} and "t" not in run.data.tags and not client.list_artifacts(made)


def test_credentials_that_hold_no_more_fail_at_once(house, pat, credentials):
    revoked = house.caller("writer")
    house.root.ask(f"/tokens/{revoked.token_id}", method="DELETE")
    client = client_of(house)
    credentials(token=revoked.token)
    fails(lambda: client.create_experiment("late"), "not valid")
    # MLflow's client prefers a name and password to a token, and so old ones hide a good token.
    credentials(token=pat["token"]["token"], name="pat", password="the one from before")
    fails(lambda: client.search_experiments(), "wrong name or password", within=5)
    credentials(token=pat["token"]["token"], name="pat", password=revoked.token)
    fails(lambda: client.search_experiments(), "not valid")
    credentials()
    fails(lambda: client.search_experiments(), "does not say who sends it")


# ---------------------------------------------------------------------------------------------- roles


ROLES = {
    "viewer": "read predict", "serving": "predict", "writer": "read predict write", "approver": "read predict promote approve",
    "operator": "read predict promote operate", "admin": "read predict write promote approve operate administer",
}
NEEDS = [
    ("read", "GET", "/runs", {}), ("read", "GET", "/audit", {}), ("read", "GET", "/openapi.json", {}), ("read", "POST", f"{MLFLOW}/runs/search", {"experiment_ids": ["0"]}),
    ("predict", "POST", "/predict", FEATURES), ("predict", "POST", "/models/shop/predict", FEATURES), ("predict", "POST", "/v2/models/shop/infer", TENSORS),
    ("predict", "GET", "/v2/models/shop", {}), ("predict", "POST", "/invocations", {"inputs": [[0.0] * 8]}),
    ("write", "POST", f"{MLFLOW}/runs/create", {"experiment_id": "0"}), ("write", "PUT", f"{FILES}/0/roles/artifacts/x", {}),
    ("write", "POST", f"{MLFLOW}/registered-models/set-tag", {"name": "shop", "key": "k", "value": "v"}),
    ("promote", "POST", "/models/shop/promote", {"version": 1, "reason": "x", "allow_any": True}),
    ("approve", "POST", "/models/shop/versions/1/approve", {"reason": "x"}), ("operate", "POST", "/v2/repository/models/shop/load", {}),
    ("operate", "POST", "/models/shop/unfreeze", {"reason": "x", "allow_any": True}), ("administer", "GET", "/users", {}), ("administer", "GET", "/webhooks", {}),
    ("administer", "POST", "/purge", {"dry_run": True}), ("administer", "POST", "/policies/", {}), ("administer", "PUT", "/models/shop/policy", {"text": "x"}),
    ("administer", "POST", "/models/shop/force", {"version": 99, "reason": "because of this and that"}),
]


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_what_it_is_for_and_nothing_else(house, role):
    caller = house.caller(role)
    for permission, method, path, body in NEEDS:
        answer = caller.request(method, path, json=body or None)
        if permission in ROLES[role].split():
            assert answer.status_code not in (401, 403), f"{path}: {answer.text}"
        else:
            assert answer.status_code == 403 and ("PERMISSION_DENIED" in answer.text or path.startswith("/v2")), f"{path}: {answer.text}"
    assert sorted(caller.get("/me").json()["permissions"]) == sorted(ROLES[role].split())


def test_an_account_without_a_role_may_do_nothing(house):
    nobody = house.caller()
    for _, method, path, body in NEEDS:
        assert nobody.request(method, path, json=body or None).status_code == 403, path
    assert nobody.get("/me").json()["permissions_somewhere"] == []


def test_a_token_may_do_no_more_than_its_limits_and_its_account(house):
    name = house.add("viewer")
    wide = Caller(house.url, house.token(name, permissions=["write", "administer", "read"]))
    assert wide.get("/runs").status_code == 200 and wide.post("/predict", json=FEATURES).status_code == 403
    assert wide.get("/users").status_code == 403 and wide.post(f"{MLFLOW}/runs/create", json={"experiment_id": "0"}).status_code == 403
    # A limited token makes none without limits, and nobody makes one for somebody else.
    assert wide.post("/tokens", json={}).status_code == 403
    assert wide.post(f"/tokens/{wide.token_id}/rotate", json={"grace_hours": 0}).status_code == 403
    whole = Caller(house.url, house.token(name))
    for body in ({"user": "root"}, {"never_expires": True}):
        assert whole.post("/tokens", json=body).status_code == 403
    # Tokens of others are as those that are not there.
    for path, method in [("/tokens/{}", "DELETE"), ("/tokens/{}/rotate", "POST")]:
        theirs, missing = (whole.request(method, path.format(i), json={}) for i in (house.root.token_id, "0" * 12))
        assert theirs.status_code == missing.status_code == 404
    assert {t["account"] for t in whole.get("/tokens").json()["items"]} == {name}
    assert house.root.get("/me").status_code == 200


def test_an_admin_of_one_model_is_no_admin_of_accounts(house):
    admin = house.caller("admin on model:shop")
    assert admin.post("/models/shop/unfreeze", json={"reason": "x", "allow_any": True}).status_code == 200
    for method, path, body in [("GET", "/users", None), ("POST", "/users", {"name": "eve"}), ("PATCH", "/users/root", {"disabled": True}),
                               ("POST", f"/users/{admin.name}/grants", {"role": "admin"}), ("POST", "/tokens", {"user": "root"}),
                               ("POST", "/purge", {"dry_run": True}), ("GET", "/webhooks", None), ("GET", "/audit", None)]:
        assert admin.request(method, path, json=body).status_code == 403, path
    assert admin.post("/models/vault/unfreeze", json={"reason": "x"}).status_code == 404


def test_the_last_admin_stays_one(tmp_path):
    workspace = Workspace(tmp_path)
    workspace.run("users", "add", "root", "--role", "admin", "--no-password")
    token = workspace.run("tokens", "create", "--user", "root").stdout.strip()
    server = Server(workspace)
    root = Caller(server.url, token)
    try:
        for method, path, body in [("PATCH", "/users/root", {"disabled": True}), ("DELETE", "/users/root", None),
                                   ("POST", "/users/root/grants/revoke", {"role": "admin"})]:
            assert root.request(method, path, json=body).status_code == 409, path
        assert root.get("/users").status_code == 200
    finally:
        server.stop(9)


@pytest.mark.parametrize("role", ["writer", "approver", "operator"])
def test_what_serves_is_changed_with_mlflows_client_by_those_who_may_promote(house, credentials, role):
    name = f"served-by-{role}"
    for file in range(2):
        house.version(house.root, name, file=file)
    credentials(token=house.caller(role).token)
    client = client_of(house)
    alias = lambda: client.set_registered_model_alias(name, "current", "1")  # noqa: E731
    stage = lambda: house_stage(client, name, "2")  # noqa: E731
    if role == "writer":
        fails(alias, "'promote'")
        fails(stage, "'promote'")
        client.set_registered_model_alias(name, "best", "1")
        assert not house.root.get(f"/models/{name}/slot").json()["current"]
    else:
        alias()
        assert house.root.get(f"/models/{name}/slot").json()["current"] == 1
        stage()
        assert house.root.get(f"/models/{name}/slot").json()["current"] == 2
        fails(lambda: client.set_registered_model_alias(name, "best", "1"), "'write'")


def house_stage(client, name, version, stage="Production"):
    client.transition_model_version_stage(name, version, stage)


def test_a_writer_does_not_take_out_what_serves(house, credentials):
    for file in range(2):
        house.version(house.root, "stays", file=file)
    house.root.ask("/models/stays/promote", version=1, reason="x", allow_any=True)
    credentials(token=house.caller("writer").token)
    client = client_of(house)
    for change in [
        lambda: client.delete_registered_model_alias("stays", "current"), lambda: house_stage(client, "stays", "1", "Archived"),
        lambda: house_stage(client, "stays", "1", "None"), lambda: client.delete_model_version("stays", "1"),
        lambda: client.delete_registered_model("stays"), lambda: client.rename_registered_model("stays", "gone"),
    ]:
        fails(change)
    assert house.root.get("/models/stays/slot").json()["current"] == 1


def test_roles_of_approvers_are_grants_and_no_tags(house):
    for path, body in [("set-tag", {"name": "shop", "key": "role:owner", "value": "kim"}),
                       ("create", {"name": "with-a-role", "tags": [{"key": "role:owner", "value": "kim"}]})]:
        answer = house.root.post(f"{MLFLOW}/registered-models/{path}", json=body)
        assert answer.status_code == 400 and "users grant" in answer.json()["message"]
    assert house.root.get("/models/with-a-role").status_code == 404


# ---------------------------------------------------------------------------------------------- scopes


MARK = "MARK7f3a"
GONE = {"run": "f" * 32, "experiment": "987654", "folder": "nowhere/else", "model": "vacant", "logged": "m-" + "0" * 32}


@pytest.fixture(scope="module")
def hidden(house):
    """What a team's account must not find out about, with a mark in all that it holds."""
    root = house.root
    experiment = root.ask(f"{MLFLOW}/experiments/create", name="vault/plans", tags=[{"key": "k", "value": MARK}])["experiment_id"]
    run = house.run(root, experiment, file=house.files[1], run_name=f"{MARK}-run", tags=[{"key": "k", "value": MARK}])
    root.ask(f"{MLFLOW}/runs/log-parameter", run_id=run, key="p", value=MARK)
    assert root.put(f"{FILES}/{experiment}/{run}/artifacts/{MARK}.txt", content=MARK).status_code == 200
    logged = root.ask(f"{MLFLOW}/logged-models", experiment_id=experiment, name=f"{MARK}-model", source_run_id=run)
    root.ask(f"{MLFLOW}/registered-models/set-tag", name="vault", key="k", value=MARK)
    return {"run": run, "experiment": experiment, "folder": "vault/plans", "model": "vault",
            "logged": logged["model"]["info"]["model_id"]}


@pytest.fixture(scope="module")
def team(house):
    """A writer of one folder and of the models whose names begin with its name; made by the command."""
    workspace = house.workspace
    workspace.run("users", "add", "team-a-bot", "--service", "--owner", "root", "--role", "writer", "--experiments", "team-a")
    workspace.run("users", "grant", "team-a-bot", "writer", "--model", "team-a-*")
    token = workspace.run("tokens", "create", "--user", "team-a-bot").stdout.strip()
    caller = Caller(house.url, token, "team-a-bot")
    eventually(200, lambda: caller.get("/me").status_code)
    caller.experiment = caller.ask(f"{MLFLOW}/experiments/create", name="team-a/own")["experiment_id"]
    caller.run = house.run(caller, caller.experiment, file=house.files[0])
    caller.ask(f"{MLFLOW}/registered-models/create", name="team-a-model")
    return caller


def state(house, hidden):
    """All that an admin sees of the hidden things."""
    root = house.root
    texts = [root.get(path).text for path in [
        f"{MLFLOW}/runs/get?run_id={hidden['run']}", f"{MLFLOW}/experiments/get?experiment_id={hidden['experiment']}",
        f"{MLFLOW}/logged-models/{hidden['logged']}", f"{MLFLOW}/registered-models/get?name=vault", "/models/vault/slot", "/models/vault",
        f"{MLFLOW}/artifacts/list?run_id={hidden['run']}",
        f"{MLFLOW}/metrics/get-history?run_id={hidden['run']}&metric_key=bal_acc"]]
    return texts + [root.post(f"{MLFLOW}/runs/search", json={"experiment_ids": [hidden["experiment"]]}).text]


def test_a_team_works_in_its_folder_with_mlflows_client(house, hidden, team, credentials, tmp_path):
    credentials(token=team.token)
    client = client_of(house)
    experiment = client.create_experiment("team-a/x")
    run = client.create_run(experiment).info.run_id
    client.log_metric(run, "m", 1)
    (tmp_path / "a.txt").write_text("a")
    client.log_artifact(run, str(tmp_path / "a.txt"))
    assert open(client.download_artifacts(run, "a.txt", str(tmp_path))).read() == "a"
    version = client.create_model_version("team-a-model", f"runs:/{run}/a.txt", run)
    assert version.name == "team-a-model"
    assert {e.name for e in client.search_experiments()} == {"team-a/x", "team-a/own"}
    everywhere = ["0", experiment, team.experiment, hidden["experiment"]]
    assert {r.info.experiment_id for r in client.search_runs(everywhere)} == {experiment, team.experiment}
    assert {m.name for m in client.search_registered_models()} == {"team-a-model"}
    assert {v.name for v in client.search_model_versions()} == {"team-a-model"}
    for name in ["other", "team-ab", "team-", "vault/plans", "Team-a/x", "team-a"[:-1]]:
        fails(lambda: client.create_experiment(name), "not found")
    for name in ["other-model", "team-", "vault"]:
        fails(lambda: client.create_registered_model(name), "not found")
    fails(lambda: client.rename_experiment(experiment, "other/x"), "not found")
    fails(lambda: client.rename_registered_model("team-a-model", "model"), "not found")
    fails(lambda: client.create_run("0"), "not found")
    assert client.get_experiment(experiment).name == "team-a/x"


def test_what_is_hidden_is_as_what_is_missing_on_every_route(house, hidden, team):
    """Asks for hidden things and for things that are not there: no answer tells which is which, and nothing changes."""
    before = state(house, hidden)
    routes = house.root.get("/openapi.json").json()["paths"]
    pages = {path: {"get": {}} for path in [
        "/ui", "/ui/runs/{run_id}", "/ui/runs/{run_id}/artifacts/0", "/ui/runs/{run_id}/files/model/m.json", "/ui/experiments", "/ui/models",
        "/ui/models/{name}", "/ui/models/{name}/rollback", "/ui/models/{name}/policy", "/ui/models/{name}/versions/1", "/ui/audit"]}
    asked, told, own = 0, [], {"/me/password", "/me/sessions", "/tokens"}
    for path, methods in (routes | pages).items():
        for method in methods:
            if path in own or method not in ("get", "post", "put", "patch", "delete"):
                continue
            answers = [ask(team, method.upper(), path, names) for names in (hidden, GONE)]
            asked += 1
            if answers[0] != answers[1]:
                told.append(f"{method} {path}: {answers}")
    assert asked > 150
    assert not told, "\n".join(told)
    assert state(house, hidden) == before


def ask(caller, method, path, names):
    """The status and text of an answer, without the names that were asked for; it never holds the mark."""
    for part, value in [("run_id", names["run"]), ("experiment_id", names["experiment"]), ("name", names["model"]), ("version", "1"),
                        ("model_id", names["logged"]), ("user", "root"), ("id", "000000000000"), ("tag_key", "k"), ("seq", "1"),
                        ("index", "0"), ("path", f"{names['experiment']}/{names['run']}/artifacts/{MARK}.txt")]:
        path = path.replace("{%s}" % part, value)
    fields = {
        "run_id": names["run"], "run_uuid": names["run"], "experiment_id": names["experiment"], "name": names["model"], "version": "1",
        "model_id": names["logged"], "key": "k", "value": "1", "alias": "current", "stage": "Production",
        "path": f"{MARK}.txt", "metric_key": "bal_acc", "experiment_name": names["folder"], "subject": names["model"],
    }
    if "experiments/" in path:
        fields["name"] = fields["new_name"] = names["folder"]
    if method == "GET":
        parts = re.findall("|".join(fields), path)
        query = {k: v for k, v in fields.items() if k not in parts} if "mlflow-artifacts" not in path else {}
        answer = caller.get(path, params=query | ({"experiment_ids": names["experiment"]} if "search" in path else {}))
    else:
        body = fields | {"experiment_ids": [names["experiment"]], "timestamp": 1, "reason": "x", "allow_any": True, "text": "x"}
        answer = caller.request(method, path, json=body)
    assert answer.status_code < 500 or answer.status_code == 501, f"{method} {path}: {answer.text}"
    text = answer.text
    # An experiment's number stands in quotes or before a file's place; elsewhere a 1 is a 1.
    known = [f"'{names['experiment']}'", f"&#39;{names['experiment']}&#39;", f"{names['experiment']}/{names['run']}", MARK + ".txt", str(uuid.UUID(names["run"]))]
    for value in known + [names[key] for key in ("run", "folder", "model", "logged")]:
        text = text.replace(value, "…")
    assert MARK not in text, f"{method} {path}: {text}"
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "ID", text)
    # Pages say where they were asked for, and carry what belongs to one browser.
    text = re.sub(r'name="(back|next|csrf)" value="[^"]*"|next=[^"]*|\d\d:\d\d(:\d\d)?', "", text)
    return answer.status_code, text


LISTS = [
    ("GET", "/runs", {}), ("GET", "/runs/latest", {}), ("GET", "/models", {}), ("GET", "/experiments", {}), ("POST", "/v2/repository/index", {}),
    ("GET", "/experiments?folder=vault", {}),
    ("GET", "/v2/models/stats", {}), ("POST", f"{MLFLOW}/experiments/search", {"max_results": 1000}), ("POST", f"{MLFLOW}/runs/search", {"experiment_ids": "ALL"}),
    ("POST", f"{MLFLOW}/logged-models/search", {"experiment_ids": "ALL"}), ("GET", f"{MLFLOW}/registered-models/search", {}),
    ("GET", f"{MLFLOW}/model-versions/search", {}), ("POST", "/ajax-api/2.0/mlflow/experiments/search-datasets", {"experiment_ids": "ALL"}),
    ("GET", "/ui/experiments", {}), ("GET", "/ui/models", {}), ("GET", "/ui", {}), ("GET", "/audit", {}),
]


def shown(house, hidden, caller):
    """What the lists tell of the hidden things."""
    house.root.post("/models/vault/predict", json=FEATURES)
    found = []
    for method, path, body in LISTS:
        fields = {k: ["0", hidden["experiment"]] if v == "ALL" else v for k, v in body.items()}
        answer = caller.request(method, path, json=fields if method == "POST" else None)
        assert answer.status_code in (200, 403) or path == "/runs/latest", f"{path}: {answer.text}"
        text = answer.text.replace("folder=vault", "").replace('"folder":"vault"', "")
        if MARK in text or "vault" in text or hidden["run"] in text.replace("-", ""):
            found.append(f"{path}: {text[:300]}")
    return found


def test_lists_hold_what_may_be_seen(house, hidden, team):
    assert len(shown(house, hidden, house.root)) >= 10, "an admin sees it"
    assert shown(house, hidden, team) == []


@pytest.mark.parametrize("grants, limits", [
    (["viewer on model:shop"], {}), (["viewer on model:shop*", "writer on experiments:team"], {}), (["approver on experiments:team-a"], {}),
    (["viewer"], {"scopes": ["experiments:team-a"]}), (["viewer"], {"scopes": ["model:shop", "experiments:team-a"]}),
    (["admin"], {"scopes": ["model:shop"]}), (["viewer on experiments:team-a"], {"scopes": ["experiments:vault"]}),
    (["viewer on model:vault-2", "viewer on experiments:vault/plans/x"], {}), (["serving"], {}), ([], {}),
    (["serving", "viewer on experiments:team-a"], {}), (["serving", "viewer on model:shop"], {}),
    (["admin"], {"permissions": ["predict"]}), (["serving on model:*", "viewer on model:shop"], {}),
], ids=lambda value: ", ".join(value) if isinstance(value, list) else " ".join(sum(value.values(), [])) or "-")
def test_lists_hold_no_more_for_any_mix_of_grants_and_limits(house, hidden, grants, limits):
    caller = house.caller(*grants, limits=limits)
    found = shown(house, hidden, caller)
    assert found == [], "\n".join(found)


@pytest.mark.parametrize("scope", ["model:*", "model:NAME"])
def test_a_reader_of_models_does_not_read_the_trail_of_accounts(house, scope):
    other = house.caller("viewer")
    reader = house.caller(f"viewer on {scope.replace('NAME', other.name)}")
    answer = reader.get("/audit", params={"subject": other.name})
    assert other.token_id not in answer.text and answer.json().get("items", []) == [], answer.text
    if scope == "model:*":
        assert reader.get("/audit", params={"subject": "shop"}).status_code == 200


def test_a_version_is_not_made_from_what_is_hidden(house, hidden, team):
    run, experiment = hidden["run"], hidden["experiment"]
    for source in [f"runs:/{run}/model/m.json", f"runs:/{run}/model", f"mlflow-artifacts:/{experiment}/{run}/artifacts/model/m.json",
                   f"{house.url}{FILES}/{experiment}/{run}/artifacts/model/m.json", f"models:/{hidden['logged']}", "models:/vault/1",
                   "models:/vault@current", f"mlflow-artifacts:/{team.experiment}/../{experiment}/{run}/artifacts/model/m.json",
                   f"mlflow-artifacts://host/{experiment}/{run}/artifacts/model/m.json", str(house.files[0]), f"file://{house.files[0]}"]:
        for more in ({}, {"run_id": team.run}, {"run_id": run}, {"model_id": hidden["logged"]}):
            answer = team.post(f"{MLFLOW}/model-versions/create", json={"name": "team-a-model", "source": source} | more)
            assert answer.status_code in (400, 404) and MARK not in answer.text, f"{source} {more}: {answer.text}"
    answer = team.post(f"{MLFLOW}/model-versions/create", json={"name": "team-a-model", "source": f"runs:/{team.run}/model/m.json", "run_id": run})
    assert answer.status_code == 404
    assert not any(v.get("run_id") == run for v in team.get(f"{MLFLOW}/model-versions/search").json().get("model_versions", []))


def test_metrics_reach_no_hidden_logged_model(house, hidden, team):
    before = state(house, hidden)
    metric = {"key": "k", "value": 77, "timestamp": 1, "step": 0}
    answers = []
    for logged in (hidden["logged"], GONE["logged"]):
        one = team.post(f"{MLFLOW}/runs/log-metric", json=metric | {"run_id": team.run, "model_id": logged})
        many = team.post(f"{MLFLOW}/runs/log-batch", json={"run_id": team.run, "metrics": [metric | {"model_id": logged}]})
        inputs = team.post(f"{MLFLOW}/runs/log-inputs", json={"run_id": team.run, "models": [{"model_id": logged}]})
        outputs = team.post(f"{MLFLOW}/runs/outputs", json={"run_id": team.run, "models": [{"model_id": logged, "step": 0}]})
        answers.append([one.status_code, many.status_code, inputs.status_code, outputs.status_code])
    assert state(house, hidden) == before
    assert answers == [[404] * 4] * 2


def test_files_of_others_are_reached_by_no_spelling_of_their_place(house, hidden, team):
    experiment, run, own = hidden["experiment"], hidden["run"], team.experiment
    rest = f"{run}/artifacts/{MARK}.txt"
    for place in [f"{experiment}/{rest}", f"{own}/../{experiment}/{rest}", f"{own}/%2e%2e/{experiment}/{rest}", f"./{experiment}/{rest}",
                  f"/{experiment}/{rest}", f"%2F{experiment}/{rest}", f"{own}%2F..%2F{experiment}/{rest}", f"0{experiment}/{rest}",
                  f"{experiment}%2F{rest}", f"{own}/{run}/../../{experiment}/{rest}", f"{own}\\..\\{experiment}/{rest}", f"{own}%00/{rest}"]:
        for method in ("GET", "PUT", "DELETE"):
            connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=10)
            connection.request(method, f"{FILES}/{place}", b"stolen" if method == "PUT" else None, {"Authorization": f"Bearer {team.token}"})
            answer = connection.getresponse()
            assert answer.status in (400, 404) and b'"message"' in answer.read(), f"{method} {place}: {answer.status}"
            connection.close()
    assert house.root.get(f"{FILES}/{experiment}/{rest}").text == MARK
    # An experiment of one's own does not lie on top of another's.
    made = team.ask(f"{MLFLOW}/experiments/create", name="team-a/on-top", artifact_location=f"mlflow-artifacts:/{experiment}/{run}/artifacts")
    location = team.ask(f"{MLFLOW}/experiments/get?experiment_id={made['experiment_id']}", method="GET")["experiment"]["artifact_location"]
    assert location == f"mlflow-artifacts:/{made['experiment_id']}"


def test_a_request_that_names_two_runs_needs_both(house, hidden, team):
    before = state(house, hidden)
    mine, theirs = team.run, hidden["run"]
    metric = {"key": "k", "value": 1, "timestamp": 1}
    for body in [{"run_id": mine, "run_uuid": theirs}, {"run_id": theirs, "run_uuid": mine}, {"run_id": None, "run_uuid": theirs},
                 {"runId": theirs}, {"run_id": mine, "runId": theirs}, {"runUuid": theirs}]:
        assert team.post(f"{MLFLOW}/runs/log-metric", json=body | metric).status_code in (400, 404), body
    for first, second in [(mine, theirs), (theirs, mine)]:
        text = '{"run_id":"%s","run_id":"%s","key":"k","value":1,"timestamp":1}' % (first, second)
        team.post(f"{MLFLOW}/runs/log-metric", content=text, headers={"Content-Type": "application/json"})
        answer = team.get(f"{MLFLOW}/runs/get?run_id={first}&run_id={second}")
        assert MARK not in answer.text
        assert team.get(f"/ajax-api/2.0/mlflow/metrics/get-history-bulk?run_id={first}&run_id={second}&metric_key=bal_acc").status_code == 404
    assert state(house, hidden) == before


def test_a_child_of_a_hidden_run_tells_nothing_of_its_family(house, hidden, team):
    child = house.run(team, team.experiment, tags=[{"key": "mlflow.parentRunId", "value": hidden["run"]}])
    assert MARK not in team.get(f"/runs/{child}/tree").text + team.get(f"/ui/runs/{child}").text
    # And the other way: a visible run with a hidden child.
    house.run(house.root, hidden["experiment"], run_name=f"{MARK}-child", tags=[{"key": "mlflow.parentRunId", "value": team.run}])
    for path in (f"/runs/{team.run}/tree", f"/ui/runs/{team.run}"):
        answer = team.get(path)
        assert answer.status_code == 200 and MARK not in answer.text


# ---------------------------------------------------------------------------------------------- inference


def tensor(module):
    made = module.InferInput("input", [1, 8], "FP64")
    made.set_data_from_numpy(numpy.zeros((1, 8)))
    return [made]


@pytest.fixture(params=["http", "grpc"])
def triton(request, house):
    """tritonclient by both of its ways, with what a refusal looks like."""
    module, port = (triton_http, house.port) if request.param == "http" else (triton_grpc, house.grpc)
    client = module.InferenceServerClient(f"127.0.0.1:{port}")
    name = "Authorization" if request.param == "http" else "authorization"

    def ask(call, *arguments, token=None):
        headers = {} if token is None else {name: f"Bearer {token}"}
        return getattr(client, call)(*arguments, headers=headers)

    ask.inputs = tensor(module)
    ask.unknown, ask.denied, ask.missing = ("401", "403", "404") if request.param == "http" else (
        "UNAUTHENTICATED", "PERMISSION_DENIED", "NOT_FOUND")
    yield ask
    client.close()


def refused(call, status):
    with pytest.raises(InferenceServerException) as error:
        call()
    assert status in str(error.value.status()), error.value.status()
    return error.value.message()


def test_tritonclient_works_with_a_token_that_serves(house, triton):
    token = house.caller("serving").token
    assert triton("is_server_live") and triton("is_server_ready"), "load balancers need no token"
    answer = triton("infer", "shop", triton.inputs, token=token)
    assert answer.as_numpy("probabilities").shape == (1, 2)
    assert triton("is_model_ready", "shop", token=token) and triton("get_server_metadata", token=token)
    assert "operate" in refused(lambda: triton("load_model", "shop", token=token), triton.denied)
    refused(lambda: triton("unload_model", "shop", token=token), triton.denied)
    refused(lambda: triton("get_model_repository_index", token=token), triton.denied)
    refused(lambda: triton("get_inference_statistics", token=token), triton.denied)
    for wrong in (None, "", "x", token[:-1], f" {token}"):
        refused(lambda: triton("infer", "shop", triton.inputs, token=wrong), triton.unknown)
        refused(lambda: triton("get_model_metadata", "shop", token=wrong), triton.unknown)
        refused(lambda: triton("load_model", "shop", token=wrong), triton.unknown)
    triton("load_model", "shop", token=house.caller("operator").token)


@pytest.mark.parametrize("limit", ["account", "token"])
def test_a_token_for_one_model_asks_no_other(house, triton, limit):
    caller = house.caller("serving on model:shop") if limit == "account" else house.caller("serving", limits={"scopes": ["model:shop"]})
    assert triton("infer", "shop", triton.inputs, token=caller.token).as_numpy("label").shape == (1,)
    texts = [refused(lambda: triton("infer", name, triton.inputs, token=caller.token), triton.missing) for name in ("vault", "nothing")]
    assert texts[0].replace("vault", "nothing") == texts[1], "nobody learns which models there are"
    for path, body in [("/predict", FEATURES), ("/models/{}/predict", FEATURES), ("/models/{}/versions/1/predict", FEATURES), ("/v2/models/{}/infer", TENSORS),
                       ("/v2/models/{}/versions/1/infer", TENSORS), ("/models/{}/invocations", {"inputs": [[0.0] * 8]}), ("/invocations", {"inputs": [[0.0] * 8]})]:
        if "{}" in path:
            assert caller.post(path.format("shop"), json=body).status_code == 200
        vault, nothing = (caller.post(path.format(name), json=body) for name in ("vault", "nothing"))
        assert vault.status_code == nothing.status_code == 404, path
    for near in ("shop2", "Shop", "sho", "shop/../vault", "shop%2f..%2fvault"):
        assert caller.post(f"/models/{near}/predict", json=FEATURES).status_code >= 400


def test_a_reader_of_one_model_does_not_find_the_others(house, triton):
    caller = house.caller("viewer on model:shop")
    index = triton("get_model_repository_index", token=caller.token)
    assert {m["name"] if isinstance(m, dict) else m.name for m in getattr(index, "models", index)} == {"shop"}
    texts = [refused(lambda: triton("infer", name, triton.inputs, token=caller.token), triton.missing) for name in ("vault", "nothing")]
    assert texts[0].replace("vault", "nothing") == texts[1]
    house.root.post("/models/vault/predict", json=FEATURES)
    stats = triton("get_inference_statistics", token=caller.token)
    assert "vault" not in str(stats)


# ---------------------------------------------------------------------------------------------- revoking


class Kept:
    """One connection that is kept open, with the headers that the fast lane takes."""

    def __init__(self, house, token=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=10)
        self.connection.connect()
        self.socket = self.connection.sock
        self.token = token

    def __call__(self, path="/predict", body=FEATURES, method="POST", token=None):
        shown = token or self.token
        headers = {"Authorization": f"Bearer {shown}"} if shown else {}
        if method == "POST":
            headers["Content-Type"] = "application/json"
        self.connection.request(method, path, json.dumps(body) if method == "POST" else None, headers)
        answer = self.connection.getresponse()
        answer.read()
        assert self.connection.sock is self.socket, "the server closed the connection"
        return answer.status


DOORS = {
    "predict": ("/predict", FEATURES, "POST"), "model": ("/models/shop/predict", FEATURES, "POST"), "infer": ("/v2/models/shop/infer", TENSORS, "POST"),
    "log": (f"{MLFLOW}/runs/log-metric", {"key": "k", "value": 1, "timestamp": 1, "step": 0}, "POST"), "runs": ("/runs", None, "GET"),
    "search": (f"{MLFLOW}/runs/search", {"experiment_ids": ["0"]}, "POST"), "scoring": ("/invocations", {"inputs": [[0.0] * 8]}, "POST"),
}


@pytest.mark.parametrize("door", DOORS)
def test_a_revoked_token_ends_on_connections_that_are_open(house, door):
    caller = house.caller("writer")
    path, body, method = DOORS[door]
    if door == "log":
        body = body | {"run_id": house.run(house.root)}
    kept = Kept(house, caller.token)
    assert [kept(path, body, method) for _ in range(3)] == [200] * 3
    house.workspace.run("tokens", "revoke", caller.token_id)
    eventually(401, lambda: kept(path, body, method))
    assert [kept(path, body, method) for _ in range(3)] == [401] * 3
    assert kept(path, body, method, token=house.root.token) == 200, "the connection is still good for others"


def test_a_role_that_is_taken_away_ends_on_connections_that_are_open(house):
    caller = house.caller("writer", "serving")
    kept = Kept(house, caller.token)
    log = DOORS["log"][1] | {"run_id": house.run(house.root)}
    assert kept() == 200 and kept(DOORS["log"][0], log) == 200
    house.workspace.run("users", "revoke", caller.name, "writer")
    eventually(403, lambda: kept(DOORS["log"][0], log))
    assert kept() == 200, "the other role stays"
    house.workspace.run("users", "revoke", caller.name, "serving")
    eventually(403, kept)
    house.workspace.run("users", "grant", caller.name, "serving", "--model", "shop")
    eventually(200, lambda: kept("/models/shop/predict"))
    assert kept() == 404, "a model that one may not see is not there"


@pytest.mark.parametrize("change, status", [("tokens revoke ID", "UNAUTHENTICATED"), ("users disable NAME", "UNAUTHENTICATED"),
                                            ("users revoke NAME serving", "may not")], ids=["revoke", "disable", "role"])
def test_a_stream_that_is_open_ends_with_its_token(house, change, status):
    caller = house.caller("serving")
    client = triton_grpc.InferenceServerClient(f"127.0.0.1:{house.grpc}")
    answers = queue.Queue()
    client.start_stream(callback=lambda result, error: answers.put((result, error)), headers={"authorization": f"Bearer {caller.token}"})
    try:
        client.async_stream_infer("shop", tensor(triton_grpc))
        assert answers.get(timeout=5)[1] is None
        house.workspace.run(*change.replace("ID", caller.token_id).replace("NAME", caller.name).split())
        time.sleep(SOON)
        client.async_stream_infer("shop", tensor(triton_grpc))
        result, error = answers.get(timeout=5)
        assert result is None and status in str(error), "the stream still answers"
    finally:
        client.stop_stream(cancel_requests=True)
        client.close()


def test_under_load_nothing_is_answered_once_a_token_is_revoked(house):
    caller = house.caller("serving")
    stop, late, revoked = threading.Event(), [], []

    def hammer():
        kept = Kept(house, caller.token)
        while not stop.is_set():
            begin = time.monotonic()
            status = kept()
            assert status in (200, 401)
            if status == 200 and revoked and begin - revoked[0] > SOON:
                late.append(begin - revoked[0])

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        running = [pool.submit(hammer) for _ in range(8)]
        time.sleep(0.2)
        house.workspace.run("tokens", "revoke", caller.token_id)
        revoked.append(time.monotonic())
        time.sleep(1)
        stop.set()
        for thread in running:
            thread.result()
    assert late == []


def test_each_request_of_a_connection_is_judged_alone(house):
    serving, scoped = house.caller("serving").token, house.caller("serving on model:shop").token
    writer, viewer = house.caller("writer").token, house.caller("viewer").token
    log = DOORS["log"][1] | {"run_id": house.run(house.root)}
    kept = Kept(house)
    for _ in range(3):
        assert kept() == 401
        assert kept(token=serving) == 200
        assert kept(token=scoped) == 404
        assert kept("/models/shop/predict", token=scoped) == 200
        assert kept(token="x") == 401
        assert kept(DOORS["log"][0], log, token=writer) == 200
        assert kept(DOORS["log"][0], log, token=viewer) == 403
        assert kept(DOORS["log"][0], log) == 401
    # The same, sent at once without waiting.
    body = json.dumps(FEATURES)
    tokens = [serving, None, scoped, serving, "x", serving]
    sent = "".join(
        f"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        + (f"Authorization: Bearer {t}\r\n" if t else "") + f"\r\n{body}" for t in tokens)
    answer = talk(house, sent.encode(), answers=len(tokens))
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200", b"401", b"404", b"200", b"401", b"200"]


def test_a_rotated_token_gives_way_to_the_new_one(house):
    old = house.caller("serving")
    done = house.workspace.run("tokens", "rotate", old.token_id, "--grace-hours", 1)
    new = Caller(house.url, done.stdout.strip())
    assert new.token_id == old.token_id and new.token != old.token
    kept = Kept(house, old.token)
    eventually(200, lambda: new.post("/predict", json=FEATURES).status_code)
    assert kept() == 200, "for an hour both hold"
    # At the beginning of a second: nothing may go on until its end.
    time.sleep(1 - time.time() % 1)
    done = house.workspace.run("tokens", "rotate", old.token_id, "--grace-hours", 0)
    newest = Caller(house.url, done.stdout.strip())
    eventually(401, lambda: new.get("/runs").status_code)
    eventually(401, lambda: new.post("/predict", json=FEATURES).status_code, within=0.1)
    assert kept() == 401 and newest.post("/predict", json=FEATURES).status_code == 200
    house.workspace.run("tokens", "revoke", old.token_id)
    eventually(401, lambda: newest.post("/predict", json=FEATURES).status_code)


def test_a_disabled_account_takes_its_tokens_and_its_programs_along(house):
    person = house.caller("writer")
    program = house.caller("writer", kind="service", owner=person.name)
    callers = (Kept(house, person.token), Kept(house, program.token))
    assert [kept() for kept in callers] == [200, 200]
    house.workspace.run("users", "disable", person.name)
    for kept in callers:
        eventually(401, kept)
    for caller in (person, program):
        assert caller.get("/runs").status_code == 401 and caller.get("/me").status_code == 401
    house.workspace.run("users", "enable", person.name)
    for kept in callers:
        eventually(200, kept)
    house.workspace.run("users", "delete", person.name)
    for kept in callers:
        eventually(401, kept)
    assert house.root.post("/users", json={"name": person.name}).status_code in (400, 409), "a name is given once"


# ---------------------------------------------------------------------------------------------- hostile requests


def talk(house, data, answers=1, wait=5):
    """What comes back on a connection of its own."""
    with socket.create_connection(("127.0.0.1", house.port)) as connection:
        connection.settimeout(wait)
        received = b""
        try:
            connection.sendall(data)
        except OSError:
            pass
        try:
            while not complete(received, answers):
                part = connection.recv(65536)
                if not part:
                    break
                received += part
        except OSError:
            pass
        return received


def complete(received, answers):
    heads = list(re.finditer(rb"HTTP/1.1 \d+[^\r]*\r\n(?:[^\r\n]+\r\n)*\r\n", received))
    if len(heads) < answers:
        return False
    length = re.search(rb"(?i)content-length: (\d+)", heads[answers - 1].group())
    return length is not None and len(received) >= heads[answers - 1].end() + int(length.group(1))


def basic(text):
    return b"Authorization: Basic " + base64.b64encode(text if isinstance(text, bytes) else text.encode())


def changed(text, place):
    return text[:place] + ("a" if text[place] != "a" else "b") + text[place + 1:]


HOSTILE = {
    "nothing": lambda t: [], "empty": lambda t: ["Authorization:"], "twice": lambda t: [f"Authorization: Bearer {t}"] * 2,
    "two kinds": lambda t: [f"Authorization: Bearer {t}", "Authorization: Basic eDp5"], "two, one empty": lambda t: ["Authorization:", f"Authorization: Bearer {t}"],
    "a list": lambda t: [f"Authorization: Bearer {t}, Bearer {t}"], "a comma": lambda t: [f"Authorization: Bearer {t},"],
    "no token": lambda t: ["Authorization: Bearer"], "a space": lambda t: ["Authorization: Bearer "], "two spaces": lambda t: [f"Authorization: Bearer  {t}"],
    "a tab": lambda t: [f"Authorization: Bearer\t{t}"], "10 kB": lambda t: ["Authorization: Bearer " + "x" * 10240],
    "10 kB behind": lambda t: [f"Authorization: Bearer {t}" + "x" * 10240], "quoted": lambda t: [f'Authorization: Bearer "{t}"'],
    "another scheme": lambda t: [f"Authorization: Token {t}"], "no scheme": lambda t: [f"Authorization: {t}"], "negotiate": lambda t: ["Authorization: Negotiate YII="],
    "line in the value": lambda t: [f"X-A: b\r\n Authorization: Bearer {t}"], "folded": lambda t: [f"Authorization: Bearer\r\n {t}"],
    "folded behind": lambda t: [f"Authorization: Bearer {t}\r\n x"], "a bare LF": lambda t: [f"X-A: b\nAuthorization: Bearer {t}"],
    "newline behind": lambda t: [f"Authorization: Bearer {t}\n"], "a bare CR": lambda t: [f"Authorization: Bearer x\rAuthorization: Bearer {t}"],
    "NUL behind": lambda t: [f"Authorization: Bearer {t}\0"], "no UTF-8": lambda t: [b"Authorization: Bearer \xff\xfe" + t.encode()],
    "high byte behind": lambda t: [f"Authorization: Bearer {t}".encode() + b"\xa0"], "last changed": lambda t: [f"Authorization: Bearer {changed(t, 66)}"],
    "secret changed": lambda t: [f"Authorization: Bearer {changed(t, 30)}"], "id changed": lambda t: [f"Authorization: Bearer {changed(t, 8)}"],
    "cut": lambda t: [f"Authorization: Bearer {t[:-1]}"], "id alone": lambda t: [f"Authorization: Bearer {t[:17]}"], "longer": lambda t: [f"Authorization: Bearer {t}0"],
    "case": lambda t: [f"Authorization: Bearer {t.swapcase()}"], "escaped": lambda t: [f"Authorization: Bearer {t.replace('_', '%5F')}"],
    "escaped newline": lambda t: [f"Authorization: Bearer {t}%0A"], "space in the name": lambda t: [f"Authorization : Bearer {t}"],
    "space before the name": lambda t: [f" Authorization: Bearer {t}"], "X-Authorization": lambda t: [f"X-Authorization: Bearer {t}"],
    "Proxy-Authorization": lambda t: [f"Proxy-Authorization: Bearer {t}"], "a cookie": lambda t: [f"Cookie: token={t}; Authorization=Bearer {t}"],
    "a cookie of a sign-in": lambda t: [f"Cookie: balanceops-session-PORT={t}; __Host-balanceops-session={t}"],
    "a proxy's header": lambda t: ["X-Forwarded-User: root", "X-Remote-User: root", "Remote-User: root", "X-BalanceOps-User: root", "Forwarded: for=127.0.0.1"],
    "an actor": lambda t: ["X-BalanceOps-Actor: root"], "basic without a colon": lambda t: [basic(t)], "basic, no base64": lambda t: ["Authorization: Basic !!!"],
    "basic, NUL": lambda t: [basic(f"x\0:{t}")], "basic, NUL behind": lambda t: [basic(f"x:{t}\0")], "basic, nothing": lambda t: ["Authorization: Basic "],
    "basic, no UTF-8": lambda t: [basic(b"\xff:" + t.encode())], "basic, newline": lambda t: [basic(f"x:{t}\n")], "basic, 1 MB": lambda t: [basic("x:" + "y" * (1 << 20))],
    "basic, the name": lambda t: [basic(f"{t}:")], "basic, an id": lambda t: [basic(f"x:{t[:17]}")], "basic, cut": lambda t: [basic(f"x:{t[:-1]}")],
    "1 MB": lambda t: [f"Authorization: Bearer {t}" + " " * (1 << 20) + "x"], "1000 fields": lambda t: ["Authorization: Bearer x"] * 1000,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_no_credential_opens_no_door_and_breaks_nothing(house, kind):
    fields = [f if isinstance(f, bytes) else f.replace("PORT", str(house.port)).encode() for f in HOSTILE[kind](house.root.token)]
    body = json.dumps(FEATURES).encode()
    for line, content in [(b"GET /runs", b""), (b"POST /predict", body), (b"GET " + MLFLOW.encode() + b"/experiments/get?experiment_id=0", b"")]:
        head = [line + b" HTTP/1.1", b"Host: 127.0.0.1", *fields]
        if content:
            head += [b"Content-Type: application/json", b"Content-Length: %d" % len(content)]
        answer = talk(house, b"\r\n".join(head) + b"\r\n\r\n" + content)
        statuses = [int(s) for s in re.findall(rb"HTTP/1.1 (\d+)", answer)]
        assert all(400 <= s < 500 for s in statuses), f"{line}: {answer[:200]}"
        assert statuses or len(b"".join(fields)) > 8192, f"{line}: no answer"
        assert house.root.token.encode() not in answer
    assert house.root.get("/me").status_code == 200 and house.server.process.poll() is None


@pytest.mark.parametrize("field", ["Authorization: Bearer {t}", "authorization: bearer {t}", "AUTHORIZATION: BEARER {t}", "Authorization:Bearer {t}",
                                   "Authorization: Bearer {t} ", "Authorization: Basic {b}", "Authorization: basic {b}"])
def test_what_the_standards_allow_is_a_credential(house, field):
    token = house.root.token
    line = field.format(t=token, b=base64.b64encode(f":{token}".encode()).decode())
    body = json.dumps(FEATURES)
    sent = f"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\n{line}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    assert talk(house, sent.encode()).startswith(b"HTTP/1.1 200"), line


def test_no_spelling_of_a_path_goes_around(house):
    body = json.dumps(FEATURES).encode()
    for path in ["//runs", "/runs/", "/%72uns", "/RUNS", "/health/../runs", "/./runs", "/v2/health/live/../../runs", "/health/%2e%2e/runs", "/health;/runs",
                 "/runs?", "/runs#/health", "http://127.0.0.1/runs", "http://127.0.0.1/predict", "/predict/", "//predict", "/predict?x", "/%70redict", "*",
                 "/ui/assets/../../runs", "/ui/assets/..%2f..%2fruns", "/api/3.0/mlflow/server-info/../../../../runs", "/models/shop/predict", "/models//predict"]:
        for line in (f"GET {path} HTTP/1.1", f"HEAD {path} HTTP/1.1", f"POST {path} HTTP/1.1", f"GET {path} HTTP/1.0", f"OPTIONS {path} HTTP/1.1"):
            head = f"{line}\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nX-HTTP-Method-Override: GET\r\nX-Original-URL: /health\r\nConnection: close\r\n"
            data = head.encode() + (b"Content-Length: %d\r\n\r\n" % len(body) + body if line[0] == "P" else b"\r\n")
            answer = talk(house, data)
            assert re.match(rb"HTTP/1.[01] 4\d\d", answer), f"{line}: {answer[:200]}"


def test_a_stranger_is_refused_before_a_body_is_read(house):
    viewer = house.caller("viewer").token
    for field, status in [("", b"401"), (f"Authorization: Bearer {viewer}\r\n", b"403")]:
        for line in (f"PUT {FILES}/0/x/artifacts/big", "POST /v2/models/shop/infer", f"POST {MLFLOW}/runs/log-batch"):
            if field and not line.startswith("PUT"):
                continue
            begin = time.monotonic()
            head = f"{line} HTTP/1.1\r\nHost: 127.0.0.1\r\n{field}Content-Type: application/json\r\nContent-Length: 1000000000\r\n\r\n"
            assert talk(house, head.encode()).startswith(b"HTTP/1.1 " + status), line
            assert time.monotonic() - begin < 2


def test_what_is_no_credential_of_grpc_is_refused(house):
    client = triton_grpc.InferenceServerClient(f"127.0.0.1:{house.grpc}")
    messages, token = triton_grpc.service_pb2, house.root.token
    call = client._client_stub.RepositoryIndex
    assert call(messages.RepositoryIndexRequest(), metadata=[("authorization", f"Bearer {token}")]).models
    for metadata in [[], [("authorization", f"Bearer {token}")] * 2, [("authorization", ""), ("authorization", f"Bearer {token}")],
                     [("authorization", f"Bearer {token}, Bearer {token}")], [("authorization", f"Bearer  {token}")], [("authorization", token)],
                     [("authorization", "Bearer")], [("authorization", f"Bearer {changed(token, 66)}")], [("authorization", "Bearer " + "x" * 4000)],
                     [("authorization", f"Basic {base64.b64encode(b'x:y').decode()}")], [("authorization-bin", f"Bearer {token}".encode())],
                     [("x-authorization", f"Bearer {token}")], [("grpc-authorization", f"Bearer {token}")]]:
        with pytest.raises(grpc.RpcError) as error:
            call(messages.RepositoryIndexRequest(), metadata=metadata, timeout=5)
        assert error.value.code() == grpc.StatusCode.UNAUTHENTICATED, (metadata, error.value)
        assert token not in error.value.details()
    assert client.is_server_live()
    client.close()


def test_a_token_in_the_address_is_refused(house):
    token = house.root.token
    for query in (f"token={token}", f"access_token={token}", f"x=y{token}z", f"token={token.replace('_', '%5F')}"):
        for method, path in [("GET", "/runs"), ("POST", "/predict"), ("GET", f"{MLFLOW}/experiments/get"), ("GET", "/v2")]:
            answer = house.stranger.request(method, f"{path}?{query}", json=FEATURES if method == "POST" else None)
            assert answer.status_code == 401 and token not in answer.text
    # Even beside a good one: it is in the logs of proxies now, and somebody should know.
    answer = house.root.get(f"/runs?token={token}")
    assert answer.status_code == 401 and "logs" in answer.json()["error"]["message"]


def test_who_asks_is_who_is_signed_in(house):
    writer = house.caller("writer", "operator")
    other = {"X-BalanceOps-Actor": "root"}
    run = house.run(writer)
    for method, path, body in [("POST", "/models/shop/freeze", {"reason": "x", "allow_any": True}),
                               ("POST", f"{MLFLOW}/runs/log-metric", {"run_id": run, "key": "k", "value": 1, "timestamp": 1}),
                               ("POST", f"{MLFLOW}/registered-models/set-tag", {"name": "shop", "key": "k", "value": "v"}),
                               ("DELETE", f"/runs/{run}", None), ("POST", "/v2/repository/models/shop/load", {})]:
        answer = writer.request(method, path, json=body, headers=other)
        assert answer.status_code == 400 and "root" in answer.text, f"{path}: {answer.text}"
        if not path.startswith(("/api", "/v2")):
            assert answer.json()["error"]["code"] == "ACTOR_MISMATCH"
    answer = writer.post("/models/shop/freeze", json={"reason": "x", "allow_any": True, "actor": "root"})
    assert answer.status_code == 400 and answer.json()["error"]["code"] == "ACTOR_MISMATCH"
    assert not house.root.get("/models/shop/slot").json()["frozen"]
    own = writer.post("/models/shop/freeze", json={"reason": "x", "allow_any": True, "actor": writer.name}, headers={"X-BalanceOps-Actor": writer.name})
    assert own.status_code == 200
    # The name of basic authentication is no name of anybody where a token is the password.
    made = httpx.post(f"{house.url}/models/shop/unfreeze", json={"reason": "y", "allow_any": True}, auth=("root", writer.token))
    assert made.status_code == 200
    lines = house.root.get("/audit", params={"subject": "shop", "limit": 2}).json()["items"]
    assert [line["actor"] for line in lines] == [writer.name] * 2


def test_guessing_passwords_ends_soon_while_tokens_go_on(house):
    name = house.add("viewer", password=PASSWORD)
    token = house.token(name)
    for number in range(12):
        answer = httpx.get(f"{house.url}/runs", auth=(name, f"guess number {number}"), timeout=20)
        assert answer.status_code == 401
    for path in ("/runs", f"{MLFLOW}/experiments/get?experiment_id=0"):
        answer = httpx.get(f"{house.url}{path}", auth=(name, PASSWORD), timeout=20)
        assert answer.status_code == 401 and "try again" in answer.text, answer.text
    assert Caller(house.url, token).get("/runs").status_code == 200
    assert httpx.get(f"{house.url}/runs", auth=(name, token)).status_code == 200
    trail = house.root.get("/audit", params={"subject": name, "limit": 50}).json()["items"]
    assert any("sign" in line["action"] for line in trail), [line["action"] for line in trail]
    assert "guess number" not in json.dumps(trail)


# ---------------------------------------------------------------------------------------------- approvals


@pytest.fixture
def governed(house, request):
    """A model whose first version serves, and whose second one somebody made and others have to approve."""

    def make(author, need="{required: 1}", **more):
        name = f"governed-{re.sub('[^a-z0-9]', '-', request.node.name)[:60]}-{house.made}"
        house.version(house.root, name, 0.7, 0, user_id="root")
        house.root.ask(f"/models/{name}/promote", version=1, reason="first", allow_any=True)
        text = GAIN.replace("NAME", name) + f"approval: {need}\n"
        assert house.root.put(f"/models/{name}/policy", json={"text": text, "reason": "test"}).status_code == 200
        assert house.version(author, name, 0.8, 1, **more) == 2
        return name

    return make


def approve(caller, name):
    answer = caller.post(f"/models/{name}/versions/2/approve", json={"reason": "looked"})
    return answer.status_code, answer.text


def promote(caller, name):
    answer = caller.post(f"/models/{name}/promote", json={"version": 2, "reason": "better", "allow_any": True})
    return answer.status_code, answer.json().get("error", {}).get("message", "")


def test_an_author_approves_by_no_token_and_no_program_of_theirs(house, governed):
    author = house.caller("writer", "approver")
    second = Caller(house.url, house.token(author.name))
    program = house.caller("approver", kind="service", owner=author.name)
    other = house.caller("approver")
    name = governed(author, user_id=author.name)
    for caller in (author, second, program):
        status, text = approve(caller, name)
        assert (status, "created version 2" in text) == (400, True) or caller is program and (status, "is a service" in text) == (403, True)
        assert promote(caller, name)[0] == 409
    assert approve(other, name)[0] == 200
    assert promote(author, name) == (200, "")
    line = house.root.get("/audit", params={"subject": name, "limit": 5}).json()["items"]
    approved = next(entry for entry in line if entry["action"] == "approved")
    assert approved["actor"] == other.name and approved["account_id"] == other.get("/me").json()["id"]
    assert approved["token_id"] == other.token_id


def test_what_a_program_made_its_owner_does_not_approve(house, governed):
    owner = house.caller("approver")
    program, sibling = (house.caller(role, kind="service", owner=owner.name) for role in ("writer", "approver"))
    name = governed(program, user_id=program.name)
    assert approve(owner, name)[0] == 400
    assert approve(sibling, name)[0] == 403, "programs do not approve"
    assert approve(house.caller("approver"), name)[0] == 200
    assert promote(house.caller("operator"), name) == (200, "")


def test_an_author_is_known_by_the_account_whatever_the_run_says(house, governed):
    author, other = house.caller("writer", "approver"), house.caller("approver")
    name = governed(author, user_id="somebody-else", tags=[{"key": "mlflow.user", "value": "somebody-else"}])
    assert approve(author, name)[0] == 400
    assert approve(other, name)[0] == 200
    assert promote(other, name) == (200, "")


def test_an_author_is_known_by_the_account_where_the_run_says_nothing(house, governed):
    author, other = house.caller("writer", "approver"), house.caller("approver")
    name = governed(author)
    assert approve(author, name)[0] == 400
    assert approve(other, name)[0] == 200
    assert promote(other, name) == (200, "")


def test_nobody_is_kept_from_approving_by_their_name_in_a_run(house, governed):
    author, other = house.caller("writer"), house.caller("approver")
    name = governed(author, user_id=other.name)
    assert approve(other, name)[0] == 200
    assert promote(other, name) == (200, "")


def test_a_person_and_their_program_are_one_approver(house, governed):
    author, other = house.caller("writer"), house.caller("approver")
    program = house.caller("approver", kind="service", owner=other.name)
    name = governed(author, "{required: 2}", user_id=author.name)
    assert approve(other, name)[0] == 200
    approve(Caller(house.url, house.token(other.name)), name)
    approve(program, name)
    assert promote(other, name)[0] == 409, "one person is not two"
    assert approve(house.caller("approver"), name)[0] == 200
    assert promote(other, name) == (200, "")


def test_titles_are_what_a_policy_asks_for(house, governed):
    author, plain, titled = house.caller("writer"), house.caller("approver"), house.add()
    name = governed(author, "{required: 1, roles: [owner]}", user_id=author.name)
    assert approve(plain, name)[0] == 400
    house.workspace.run("users", "grant", titled, "approver", "--model", "shop", "--title", "owner")
    caller = Caller(house.url, house.token(titled))
    assert approve(caller, name)[0] in (403, 404), "an owner of another model"
    house.workspace.run("users", "grant", titled, "approver", "--model", name, "--title", "owner")
    eventually(200, lambda: approve(caller, name)[0])
    assert promote(plain, name) == (200, "")


def test_a_command_on_the_files_approves_nothing(house, governed):
    author = house.caller("writer")
    name = governed(author, user_id=author.name)
    for more in ([], ["--actor", "root"], ["--actor", author.name]):
        done = house.workspace.run("approve", name, 2, "--reason", "x", *more, check=False)
        assert done.returncode != 0 and "account" in done.stderr
    assert promote(house.caller("operator"), name)[0] == 409


# ---------------------------------------------------------------------------------------------- the trail, the command, secrets


def test_the_trail_tells_which_account_and_token_did_it(house):
    operator = house.caller("operator")
    operator.ask("/v2/repository/models/shop/load")
    line = house.root.get("/audit", params={"subject": "shop", "limit": 1}).json()["items"][0]
    assert (line["actor"], line["account_id"], line["token_id"]) == (operator.name, operator.get("/me").json()["id"], operator.token_id)
    # A refusal of what changes something is a line too.
    assert operator.post("/models/shop/force", json={"version": 1, "reason": "because of this and that"}).status_code == 403
    lines = house.root.get("/audit", params={"limit": 5}).json()["items"]
    assert any(line["account_id"] == operator.get("/me").json()["id"] and "refused" in line["action"] for line in lines if "account_id" in line), lines
    for line in house.root.get("/audit", params={"subject": operator.name}).json()["items"]:
        assert line["actor"] == "root" and line["account_id"] == house.root.get("/me").json()["id"]
    assert house.root.get("/audit/verify").json()["ok"] is True
    assert house.workspace.run("audit", "verify").returncode == 0


def test_a_command_acts_on_a_server_with_a_token(house):
    def command(token, *arguments):
        environment = house.workspace.environment | {"BALANCEOPS_SERVER": house.url, "BALANCEOPS_TOKEN": token}
        return subprocess.run([BINARY, *arguments], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=30)

    assert command(house.root.token, "users", "add", "by-command", "--role", "viewer", "--no-password").returncode == 0
    token = command(house.root.token, "tokens", "create", "--user", "by-command").stdout.strip()
    own = Caller(house.url, token)
    assert own.get("/runs").status_code == 200
    line = house.root.get("/audit", params={"subject": "by-command", "limit": 1}).json()["items"][0]
    assert line["actor"] == "root" and line["token_id"] == house.root.token_id
    assert command(token, "users", "list").returncode == 77 and command("x", "users", "list").returncode == 77
    assert command(token, "tokens", "list").stdout.count("by-command") == 1
    assert command(house.root.token, "tokens", "revoke", own.token_id).returncode == 0
    assert own.get("/runs").status_code == 401, "a change over the server holds at once"


def test_secrets_are_kept_nowhere(tmp_path):
    workspace = Workspace(tmp_path)
    workspace.run("users", "add", "root", "--role", "admin", "--no-password")
    token = workspace.run("tokens", "create", "--user", "root", "--note", "mine").stdout.strip()
    server = Server(workspace, "serve", "--log-level", "trace")
    root = Caller(server.url, token)
    root.ask("/users", name="kim", password=PASSWORD, grants=[{"role": "viewer"}])
    second = root.ask("/tokens", user="kim")["token"]
    assert httpx.get(f"{server.url}/runs", auth=("kim", PASSWORD), timeout=20).status_code == 200
    httpx.get(f"{server.url}/runs", auth=("kim", PASSWORD + "!"), timeout=20)
    httpx.get(f"{server.url}/runs", headers={"Authorization": f"Bearer {second[:-1]}"})
    texts = [root.get(path).text for path in ("/audit", "/users", "/users/kim", "/tokens", "/me")]
    server.stop()
    texts.append(server.process.stdout.read())
    texts += [path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()]
    for secret in (token[18:61], second[18:61], PASSWORD):
        assert not any(secret in text for text in texts)
    assert all(not (path.stat().st_mode & 0o077) for path in tmp_path.rglob("balanceops.db*") if path.suffix != ".pub" and path.is_file())


def test_the_command_moves_a_model_on_a_server(house, governed):
    author, operator = house.caller("writer"), house.caller("operator", "approver")
    name = governed(author, user_id=author.name)

    def command(*words, token=operator.token, code=0):
        environment = house.workspace.environment | {"BALANCEOPS_SERVER": house.url, "BALANCEOPS_TOKEN": token}
        done = subprocess.run([BINARY, *words], env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    assert "approval" in command("promote", name, "2", "--dry-run", code=6)
    command("promote", name, "2", "--reason", "too early", code=6)
    assert "needs the permission 'approve'" in command("approve", name, "2", "--reason", "x", token=author.token, code=77)
    assert f"{operator.name} approved version 2" in command("approve", name, "2", "--reason", "looked at it")
    command("freeze", name, "--reason", "closing")
    assert "frozen by" in command("promote", name, "2", "--reason", "now", code=8)
    command("unfreeze", name, "--reason", "done")
    command("approve", name, "2", "--reason", "looked at it")
    assert "version 1 -> version 2" in command("promote", name, "2", "--reason", "better")
    assert "version 2 -> version 1" in command("rollback", name, "--dry-run")
    assert "version 1 serves" in command("rollback", name, "--reason", "worse", "--yes")
    command("quarantine", name, "2", "--reason", "bad labels")
    command("release", name, "2", "--reason", "labels were checked")
    lines = house.root.get("/audit", params={"subject": name, "limit": 10}).json()["items"]
    assert {line["actor"] for line in lines if line["action"] in ("rolled back", "quarantined", "released")} == {operator.name}
