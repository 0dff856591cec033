"""MLflow's own client against our server."""

import concurrent.futures
import itertools
import math
import os
import random
import uuid

import pytest

os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")
mlflow = pytest.importorskip("mlflow")
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag, ViewType
from mlflow.exceptions import MlflowException

from conftest import effort


@pytest.fixture
def server(workspace, serve):
    server = serve(workspace)
    mlflow.set_tracking_uri(server.url)
    yield server
    while mlflow.active_run():
        mlflow.end_run()


@pytest.fixture
def client(server):
    return MlflowClient(tracking_uri=server.url, registry_uri=server.url)


def test_the_fluent_story(server, client):
    mlflow.set_experiment("credit/first")
    with mlflow.start_run(run_name="parent", tags={"team": "위험"}) as parent:
        mlflow.log_param("depth", 3)
        mlflow.log_params({"a b": "x", "метрика": "y" * 7000})
        for step in range(10):
            mlflow.log_metric("loss", 1 / (step + 1), step=step)
        mlflow.log_metrics({"nan": float("nan"), "inf": float("inf"), "minus": float("-inf")}, step=2)
        with mlflow.start_run(run_name="child", nested=True) as child:
            mlflow.log_metric("loss", 9)
    run = client.get_run(parent.info.run_id)
    assert run.info.status == "FINISHED" and run.info.run_name == "parent"
    assert run.data.params["depth"] == "3" and len(run.data.params["метрика"]) == 6000
    assert run.data.metrics["loss"] == pytest.approx(0.1)
    assert math.isnan(run.data.metrics["nan"]) and run.data.metrics["inf"] == math.inf
    assert run.data.tags["team"] == "위험"
    assert [m.step for m in client.get_metric_history(parent.info.run_id, "loss")] == list(range(10))
    found = mlflow.search_runs(filter_string=f"tags.mlflow.parentRunId = '{parent.info.run_id}'", output_format="list")
    assert [r.info.run_id for r in found] == [child.info.run_id]
    native = server.client.get(f"/runs/{uuid.UUID(parent.info.run_id)}").json()
    assert native["params"]["depth"] == "3" and native["metrics"]["nan"] is None
    assert "parent" in server.client.get("/ui").text or parent.info.run_id[:8] in server.client.get("/ui").text


def test_experiments(client):
    first = client.create_experiment("one", tags={"k": "v"})
    assert client.get_experiment(first).tags == {"k": "v"}
    with pytest.raises(MlflowException, match="already exists"):
        client.create_experiment("one")
    client.set_experiment_tag(first, "k", "w")
    client.rename_experiment(first, "uno")
    run = client.create_run(first)
    client.delete_experiment(first)
    with pytest.raises(MlflowException, match="already exists"):
        client.create_experiment("uno")
    with pytest.raises(MlflowException, match="active"):
        client.create_run(first)
    assert client.get_run(run.info.run_id).info.lifecycle_stage == "deleted"
    assert [e.name for e in client.search_experiments()] == ["Default"]
    assert [e.name for e in client.search_experiments(view_type=ViewType.DELETED_ONLY)] == ["uno"]
    client.restore_experiment(first)
    assert client.get_run(run.info.run_id).info.lifecycle_stage == "active"
    assert [e.name for e in client.search_experiments(filter_string="name LIKE 'u%' AND tags.k = 'w'")] == ["uno"]
    for bad in ["file:///tmp", "/tmp", "http:///#/../../tmp", "../x", "s3://b/../x"]:
        with pytest.raises(MlflowException, match="artifact_location"):
            client.create_experiment(f"at {bad}", artifact_location=bad)
    kept = client.create_experiment("bucket", artifact_location="s3://bucket/prefix")
    assert client.get_experiment(kept).artifact_location == "s3://bucket/prefix"


def test_runs_and_their_rules(client):
    run = client.create_run("0").info.run_id
    client.log_param(run, "p", "1")
    client.log_param(run, "p", "1")
    with pytest.raises(MlflowException, match="Changing param values is not allowed"):
        client.log_param(run, "p", "2")
    with pytest.raises(MlflowException, match="Changing param values"):
        client.log_batch(run, metrics=[Metric("m", 1, 1, 1)], params=[Param("q", "1"), Param("p", "3")])
    assert client.get_run(run).data.metrics == {} and client.get_run(run).data.params == {"p": "1"}
    for step, value in [(3, 1), (1, 5), (3, 0.5), (3, 1)]:
        client.log_metric(run, "m", value, timestamp=7, step=step)
    assert client.get_run(run).data.metrics["m"] == 1
    assert len(client.get_metric_history(run, "m")) == 3, "the same point sent twice is one point"
    client.set_tag(run, "mlflow.runName", "renamed")
    assert client.get_run(run).info.run_name == "renamed"
    client.set_tag(run, "t", "v")
    client.delete_tag(run, "t")
    with pytest.raises(MlflowException, match="No tag with name"):
        client.delete_tag(run, "t")
    client.delete_run(run)
    with pytest.raises(MlflowException, match="must be in the 'active' state"):
        client.log_metric(run, "m", 1)
    client.restore_run(run)
    client.set_terminated(run, "FAILED")
    assert client.get_run(run).info.status == "FAILED"
    with pytest.raises(MlflowException, match="not found"):
        client.get_run("0" * 32)


WRONG = [
    ("runs/create", {"experiment_id": 0}, "Invalid value 0 for parameter 'experiment_id'"),
    ("runs/log-metric", {}, "Missing value for required parameter 'run_id'"),
    ("runs/log-metric", {"run_id": 31}, "Invalid value 31 for parameter 'run_id'"),
    ("runs/log-metric", {"run_id": "R", "key": "k", "value": "x", "timestamp": 1}, "parameter 'value'"),
    ("runs/log-metric", {"run_id": "R", "key": "k", "value": 1}, "'timestamp'"),
    ("runs/log-metric", {"run_id": "R", "key": "../k", "value": 1, "timestamp": 1}, "Names may only contain"),
    ("runs/log-metric", {"run_id": "R", "key": "k" * 251, "value": 1, "timestamp": 1}, "maximum length of 250"),
    ("runs/log-metric", {"run_id": "R", "key": "k", "value": 1, "timestamp": 2**63}, "'timestamp'"),
    ("runs/log-batch", {"run_id": "R", "metrics": "5"}, "Invalid value \"5\" for parameter 'metrics'"),
    ("runs/log-batch", {"run_id": "R", "metrics": [{"key": "k", "value": 1}]}, "metrics[0].timestamp"),
    ("runs/log-batch", {"run_id": "R", "metrics": [{"key": "k", "value": 1, "timestamp": 1}] * 1001}, "at most 1000"),
    ("runs/log-batch", {"run_id": "R", "params": [{"key": str(n), "value": ""} for n in range(101)]}, "at most 100"),
    ("runs/log-batch", {"run_id": "R", "params": [{"key": "a", "value": "1"}] * 2}, "Duplicate"),
    ("runs/set-tag", {"run_id": "R", "runId": "R", "key": "k"}, "are the same"),
    ("runs/search", {"experiment_ids": ["0"], "max_results": 0}, "Invalid value 0 for parameter 'max_results'"),
    ("runs/search", {"experiment_ids": ["0"], "page_token": "%%"}, "page token"),
    ("runs/search", {"experiment_ids": ["x"]}, "must be a valid integer"),
    ("runs/search", {"experiment_ids": ["0"], "order_by": ["start_time", "start_time"]}, "duplicate"),
    ("experiments/create", {"name": "n" * 501}, "maximum length of 500"),
    ("experiments/search", {}, "max_results"),
]


@pytest.mark.parametrize("path, body, message", WRONG, ids=[f"{w[0]}-{n}" for n, w in enumerate(WRONG)])
def test_wrong_requests_say_what_is_wrong(server, client, path, body, message):
    if body.get("run_id") == "R":
        body = body | {"run_id": client.create_run("0").info.run_id}
    answer = server.client.post(f"/api/2.0/mlflow/{path}", json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error_code"] == "INVALID_PARAMETER_VALUE"
    assert message in answer.json()["message"], answer.text


def test_artifacts(server, client, tmp_path):
    import hashlib
    mlflow.set_experiment("files")
    with mlflow.start_run() as run:
        mlflow.log_text("안녕 <b>", "notes/인사 말.txt")
        mlflow.log_dict({"a": 1}, "config.json")
        mlflow.log_artifact(__file__, "code")
        (tmp_path / "empty.bin").write_bytes(b"")
        mlflow.log_artifact(tmp_path / "empty.bin")
        big = random.Random(1).randbytes(50_000_000)
        (tmp_path / "big.bin").write_bytes(big)
        mlflow.log_artifact(tmp_path / "big.bin")
    run_id = run.info.run_id
    names = lambda path=None: [(f.path, f.is_dir) for f in client.list_artifacts(run_id, path)]
    assert names() == [("big.bin", False), ("code", True), ("config.json", False), ("empty.bin", False), ("notes", True)]
    assert names("notes") == [("notes/인사 말.txt", False)]
    assert mlflow.artifacts.load_text(f"runs:/{run_id}/notes/인사 말.txt") == "안녕 <b>"
    assert mlflow.artifacts.load_dict(f"runs:/{run_id}/config.json") == {"a": 1}
    local = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="big.bin", dst_path=str(tmp_path / "down"))
    assert hashlib.sha256(open(local, "rb").read()).digest() == hashlib.sha256(big).digest()
    root = f"/api/2.0/mlflow-artifacts/artifacts/{run.info.experiment_id}/{run_id}/artifacts"
    part = server.client.get(f"{root}/big.bin", headers={"Range": "bytes=10-19"})
    assert part.status_code == 206 and part.content == big[10:20]
    assert part.headers["content-range"] == f"bytes 10-19/{len(big)}"
    assert server.client.get(f"{root}/big.bin", headers={"Range": "bytes=-5"}).content == big[-5:]
    assert server.client.get(f"{root}/big.bin", headers={"Range": "bytes=99999999999999999999-"}).status_code == 416
    tag = part.headers["etag"]
    assert server.client.get(f"{root}/big.bin", headers={"If-None-Match": tag}).status_code == 304
    text = server.client.get(f"{root}/code/test_mlflow.py")
    assert text.headers["content-type"] == "text/plain" and text.headers["content-disposition"].startswith("attachment")
    assert server.client.get(f"{root}/none").json()["error_code"] == "RESOURCE_DOES_NOT_EXIST"
    assert server.client.get(f"{root}/code").status_code == 400
    listed = server.client.get("/api/2.0/mlflow/artifacts/list", params={"run_id": run_id, "path": "notes"}).json()
    assert listed["files"][0]["path"] == "notes/인사 말.txt"
    assert server.client.delete(f"{root}/notes").json() == {}
    assert server.client.delete(f"{root}/notes").json() == {}
    assert server.client.delete(root).status_code == 400
    assert ("notes", True) not in names()


def test_hostile_artifact_paths_reach_nothing(server, workspace):
    canary = workspace.folder / "canary"
    canary.write_text("CANARY")
    base = "/api/2.0/mlflow-artifacts/artifacts"
    paths = ["../../canary", "..%2f..%2fcanary", "%2e%2e/%2e%2e/canary", "..%252f..%252fcanary", "..%c0%af", "a/../../b",
             "/canary", "//canary", f"{canary}", "C:/x", "..%5c..%5ccanary", "a%00b", "a/./b", "a//b", "a/", "", ".",
             "~root", "a%0ab", "a" * 300, "%ff%fe", "a;b", "a%23b", "a%3fb"]
    import http.client
    for path in paths:
        for method, body in [("GET", None), ("PUT", b"evil"), ("DELETE", None)]:
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
            connection.request(method, f"{base}/{path}", body)
            answer = connection.getresponse()
            content = answer.read()
            assert answer.status in (400, 404, 405) or (path == "" and answer.status == 200), (method, path, answer.status)
            assert b"CANARY" not in content
    assert canary.read_text() == "CANARY"
    found = [p for p in workspace.folder.rglob("*") if p.is_file() and p.read_bytes() == b"evil"]
    assert found == []


def test_data_sets_of_a_run(client):
    from mlflow.entities import Dataset, DatasetInput, InputTag
    run = client.create_run("0").info.run_id
    data = Dataset(name="numbers", digest="d1", source_type="local", source="{}", schema="{}", profile="{}")
    tags = [InputTag("mlflow.data.context", "training"), InputTag("k", "v")]
    for _ in range(2):
        client.log_inputs(run, datasets=[DatasetInput(dataset=data, tags=tags)])
    kept = client.get_run(run).inputs.dataset_inputs
    assert len(kept) == 1
    assert kept[0].dataset.name == "numbers" and kept[0].dataset.digest == "d1"
    assert {t.key: t.value for t in kept[0].tags} == {"k": "v", "mlflow.data.context": "training"}
    find = lambda text: len(client.search_runs(["0"], text))
    assert find("dataset.name = 'numbers' AND dataset.context IN ('training', 'x')") == 1
    assert find("datasets.digest != 'd1'") == 0


def test_what_is_not_there_is_a_clean_404(server):
    for path in ["prompts/search", "webhooks/x", "nothing"]:
        for root in ["/api/2.0/mlflow", "/ajax-api/2.0/mlflow"]:
            answer = server.client.get(f"{root}/{path}")
            assert answer.status_code == 404 and answer.json()["error_code"] == "ENDPOINT_NOT_FOUND"
    assert server.client.get("/version", headers={"User-Agent": "mlflow-python-client/3.17.2"}).text.count(".") == 2
    assert server.client.get("/version").json()["service"] == "balanceops-api"
    foreign = server.client.post("/api/2.0/mlflow/runs/create", json={}, headers={"Origin": "http://evil.example"})
    assert foreign.status_code == 403


def glob(value, pattern, fold):
    import re
    if fold:
        value, pattern = value.lower(), pattern.lower()
    expression = "".join({"%": ".*", "_": "."}.get(c, re.escape(c)) for c in pattern)
    return re.fullmatch(expression, value, re.S) is not None


COMPARE = {"=": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
           ">": lambda a, b: a > b, ">=": lambda a, b: a >= b, "LIKE": lambda a, b: glob(a, b, False),
           "ILIKE": lambda a, b: glob(a, b, True)}


def test_search_equals_a_brute_force_evaluation(client):
    chance = random.Random(3)
    runs = []
    for number in range(60):
        run = client.create_run("0", start_time=1000 + number // 3)
        metrics = {key: chance.choice([0.0, 0.5, 1.0, -1.0, math.nan, math.inf]) for key in "mn" if chance.random() < 0.7}
        params = {key: chance.choice(["a", "A", "ab", "a%b", "", "한글"]) for key in ["p", "q r"] if chance.random() < 0.7}
        client.log_batch(run.info.run_id, [Metric(k, v, 1, 0) for k, v in metrics.items()],
                         [Param(k, v) for k, v in params.items()], [RunTag("n", str(number))])
        runs.append((run.info.run_id, metrics, params, str(number), 1000 + number // 3))
    clauses = []
    for key, operator, value in itertools.product("mnz", ["=", "!=", "<", "<=", ">", ">="], [0.5, -1]):
        clauses.append((f"metrics.{key} {operator} {value}",
                        lambda r, k=key, o=operator, v=value: k in r[1] and COMPARE[o](r[1][k], v)))
    for key, operator, value in itertools.product(["p", "q r"], ["=", "!=", "LIKE", "ILIKE"], ["a", "a%", "_b", "*", "한%"]):
        clauses.append((f"params.`{key}` {operator} '{value}'",
                        lambda r, k=key, o=operator, v=value: k in r[2] and COMPARE[o](r[2][k], v)))
    clauses += [("params.p IS NULL", lambda r: "p" not in r[2]), ("params.p IS NOT NULL", lambda r: "p" in r[2]),
                ("start_time >= 1010", lambda r: r[4] >= 1010), ("tags.n = '7'", lambda r: r[3] == "7"),
                (f"run_id IN ('{runs[0][0]}', '{runs[5][0]}')", lambda r: r[0] in (runs[0][0], runs[5][0]))]
    for _ in range(120):
        chosen = chance.sample(clauses, chance.choice([1, 1, 2, 3]))
        text = " AND ".join(clause[0] for clause in chosen)
        expected = [r for r in runs if all(clause[1](r) for clause in chosen)]
        expected = [r[0] for r in sorted(expected, key=lambda r: (-r[4], r[0]))]
        assert [r.info.run_id for r in client.search_runs(["0"], text, max_results=1000)] == expected, text


def test_order_puts_nan_and_missing_last(client):
    values = {"a": 1.0, "b": math.nan, "c": None, "d": 3.0, "e": -2.0}
    ids = {}
    for name, value in values.items():
        run = client.create_run("0", start_time=5, run_name=name)
        ids[run.info.run_id] = name
        if value is not None:
            client.log_metric(run.info.run_id, "m", value)
    order = lambda direction: [r.info.run_name for r in client.search_runs(["0"], order_by=[f"metrics.m {direction}"])]
    assert order("ASC") == ["e", "a", "d", "b", "c"]
    assert order("DESC") == ["d", "a", "e", "b", "c"]


def test_pages_hold_every_run_once(client):
    count = effort(2500, 750)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: client.create_run("0", start_time=number % 7 + 1), range(count)))
    seen, token = [], None
    while True:
        page = client.search_runs(["0"], max_results=240, page_token=token)
        if len(page) == 240:
            client.create_run("0", start_time=9)
        seen += [r.info.run_id for r in page]
        token = page.token
        if not token:
            break
    assert len(seen) == len(set(seen)) == count


def test_many_writers_at_once(client):
    run = client.create_run("0").info.run_id

    def write(writer):
        for step in range(10):
            client.log_batch(run, [Metric(f"w{writer}", step, step, step) for _ in range(20)])
            client.set_tag(run, f"t{writer}", str(step))

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(write, range(16)))
    data = client.get_run(run).data
    assert all(data.metrics[f"w{n}"] == 9 and data.tags[f"t{n}"] == "9" for n in range(16))


def test_head_answers_without_a_body(server):
    import socket
    for path in ["/health", "/nope", "/ui", "/api/2.0/mlflow/runs/get", "/runs"]:
        with socket.create_connection(("127.0.0.1", server.port)) as line:
            line.sendall(f"HEAD {path} HTTP/1.1\r\nHost: localhost\r\n\r\nGET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            data = b""
            while chunk := line.recv(65536):
                data += chunk
        first, rest = data.split(b"\r\n\r\n", 1)
        assert rest.startswith(b"HTTP/1.1 200"), (path, data)


def test_texts_are_counted_and_cut_as_bytes_see_them(server, client):
    run = client.create_run("0").info.run_id
    experiment = client.get_run(run).info.experiment_id
    post = lambda path, **body: server.client.post(f"/api/2.0/mlflow/{path}", json=body)
    accent = "\u0301"
    for key in ["a" + accent * 300, "a/../" + accent, "a/" + accent + "/../b", "/" + accent, "a\u0000b"]:
        refused = post("runs/log-metric", run_id=run, key=key, value=1, timestamp=1)
        assert refused.status_code == 400 or "/.." not in key, key
    assert post("runs/set-tag", run_id=run, key="k", value="a\u0000b").status_code == 400
    assert post("runs/set-tag", run_id=run + "\u0000junk", key="k", value="v").status_code == 400
    assert post("registered-models/create", name="a/" + accent + "b").status_code == 400
    root = f"/api/2.0/mlflow-artifacts/artifacts/{experiment}/{run}/artifacts"
    assert server.client.put(f"{root}/..%2F%CC%81x", content=b"x").status_code == 400
    assert server.client.put(f"/api/2.0/mlflow-artifacts/artifacts/777", content=b"x").status_code == 400
    assert server.client.put(root, content=b"x").status_code == 400
    assert server.client.post("/api/2.0/mlflow/runs/create", content=b"[" * 100_000, headers={"Content-Type": "application/json"}).status_code == 400


def test_searches_stay_within_the_limits_of_a_database(server, client):
    post = lambda path, **body: server.client.post(f"/api/2.0/mlflow/{path}", json=body)
    run = client.create_run("0").info.run_id
    client.set_tag(run, "t", "위" * 8000)
    for _ in range(3):
        client.set_tag(client.create_run("0").info.run_id, "t", "위" * 8000)
    assert post("runs/search", experiment_ids=["0"], order_by=[f"metrics.k{i}" for i in range(2000)]).status_code == 400
    assert post("runs/search", experiment_ids=["0"] * 300_000).status_code == 400
    assert post("runs/search", experiment_ids=["0"], filter="tags.t LIKE '" + "%a" * 40_000 + "'").status_code == 400
    assert post("logged-models/search", experiment_ids=["0"], filter="creation_timestamp ILIKE 1").status_code == 400
    assert post("logged-models/search", experiment_ids=["0"], datasets=[{"dataset_name": "d"}] * 2000).status_code == 400
    seen, token = [], None
    while True:
        page = post("runs/search", experiment_ids=["0"], order_by=["tags.t"], max_results=1, page_token=token).json()
        seen += [r["info"]["run_id"] for r in page["runs"]]
        token = page.get("next_page_token")
        if not token:
            break
    assert len(seen) == len(set(seen)) == 4
    import base64, json
    genuine = post("runs/search", experiment_ids=["0"], max_results=1).json()["next_page_token"]
    place = json.loads(base64.b64decode(genuine))
    forged = base64.b64encode(json.dumps([place[0]] + [None] * (len(place) - 1)).encode()).decode()
    assert post("runs/search", experiment_ids=["0"], max_results=1, page_token=forged).status_code == 400


def test_models_of_old_clients_are_all_kept(server, client):
    import json
    run = client.create_run("0").info.run_id
    model = lambda i: json.dumps({"artifact_path": f"m{i}", "flavors": {}, "utc_time_created": "x", "run_id": run})
    send = lambda i: server.client.post("/api/2.0/mlflow/runs/log-model", json={"run_id": run, "model_json": model(i)})
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert all(answer.status_code == 200 for answer in pool.map(send, range(40)))
    history = json.loads(client.get_run(run).data.tags["mlflow.log-model.history"])
    assert {m["artifact_path"] for m in history} == {f"m{i}" for i in range(40)}


def test_a_history_is_sampled_evenly(server, client):
    run = client.create_run("0").info.run_id
    client.log_batch(run, metrics=[Metric("m", i / 10, 1000 + i, i) for i in range(1000)])
    get = lambda **query: server.client.get("/api/2.0/mlflow/metrics/get-history-bulk-interval", params={"run_ids": run, "metric_key": "m", **query}).json().get("metrics", [])
    steps = [p["step"] for p in get(max_results=11)]
    assert len(steps) == 11 and steps[0] == 0 and steps[-1] == 999 and max(b - a for a, b in zip(steps, steps[1:])) <= 101
    assert [p["step"] for p in get(start_step=5, end_step=8)] == [5, 6, 7, 8]
    assert [p["step"] for p in get(max_results=1)] == [0] and len(get(max_results=2500)) == 1000


def test_an_artifact_can_be_read_while_it_is_replaced(server, client):
    run = client.create_run("0").info.run_id
    url = f"/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/f"
    server.client.put(url, content=b"0" * 1000)
    import threading, time
    stop = time.time() + 3

    def write(number):
        while time.time() < stop:
            assert server.client.put(url, content=str(number).encode() * 1000).status_code == 200

    writers = [threading.Thread(target=write, args=(n,)) for n in range(3)]
    [w.start() for w in writers]
    bad = 0
    while time.time() < stop:
        answer = server.client.get(url)
        bad += answer.status_code != 200 or len(set(answer.content)) != 1
    [w.join() for w in writers]
    assert bad == 0
