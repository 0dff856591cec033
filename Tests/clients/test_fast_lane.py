"""Both lanes of the server answer alike: what the fast lane takes, and what it must leave to the normal pipeline."""

import concurrent.futures
import json
import random
import re
import shutil
import socket
import sqlite3
import time

import joblib
import pytest
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from conftest import effort

ROWS, LABELS = load_breast_cancer(return_X_y=True)
ROW = ROWS[0, :8].tolist()
MLFLOW = "/api/2.0/mlflow"
# Stands for the run that the fixture makes.
RUN = "e" * 32
REAL = {}


@pytest.fixture(scope="module")
def lanes(tmp_path_factory):
    """The same models behind a server with the fast lane and one without."""
    from conftest import Server, Workspace
    workspace = Workspace(tmp_path_factory.mktemp("lanes"))
    models = {"balance_model": (ROWS[:, :8], LABELS), "wine": load_wine(return_X_y=True)}
    for name, (rows, labels) in models.items():
        model = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, labels)
        joblib.dump(model, workspace.folder / "m.joblib")
        workspace.run("models", "import", workspace.folder / "m.joblib", "--name", name, "--current")
    first = Server(workspace)
    created = first.client.post(f"{MLFLOW}/runs/create", json={"experiment_id": "0", "start_time": 1, "run_name": "lanes"})
    REAL["run"] = created.json()["run"]["info"]["run_id"]
    first.stop()
    # A folder has one server.
    other = tmp_path_factory.mktemp("others") / "copy"
    shutil.copytree(workspace.folder, other)
    servers = [Server(workspace, "serve", "--fast-lane", "on"), Server(Workspace(other), "serve", "--fast-lane", "off")]
    for server in servers:
        for name in models:
            server.client.get(f"/v2/models/{name}/ready")
    yield servers
    for server in servers:
        server.stop()


def request(path, body, method="POST", *headers, version="HTTP/1.1", host="127.0.0.1", kind="application/json"):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"{method} {path} {version}", f"Host: {host}", *([f"Content-Type: {kind}"] if kind else []), *headers]
    if not any(h.lower().startswith(("content-length", "transfer-encoding")) for h in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def both(lanes, pieces, pause=0.0):
    """The answers of both lanes; asked again, and longer, where a busy machine may have been too slow."""
    for quiet in (0.15, 1.5):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            fast, slow = pool.map(lambda server: talk(server, pieces, pause, quiet), lanes)
        if fast == slow:
            break
    return fast, slow


def talk(server, pieces, pause=0.0, quiet=0.15, ends=False):
    """What comes back on one connection, until the server has nothing more to say; `ends`: the client says that it ends."""
    pieces = [piece.replace(RUN.encode(), REAL["run"].encode()) for piece in pieces]
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(10)
        try:
            for piece in pieces:
                connection.sendall(piece)
                if pause:
                    time.sleep(pause)
            if ends:
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        answer = b""
        connection.settimeout(quiet)
        while True:
            try:
                part = connection.recv(65536)
            except TimeoutError:
                return neutral(answer), True
            except OSError:
                return neutral(answer), False
            if not part:
                return neutral(answer), False
            answer += part


def neutral(answer):
    """The answers without what differs each time: identities, dates, and lengths that follow from them."""
    text = answer.decode("latin-1")
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", "ID", text)
    text = re.sub(r"(?i)date: [^\r]*", "Date", text)
    # The names and identities of new runs, and the lengths of answers that hold them.
    if re.search(r'"run_name":"[a-z]+-[a-z]+-\d+"', text):
        text = re.sub(r"[0-9a-f]{32}", "RUN", re.sub(r"[a-z]+-[a-z]+-\d{1,3}\b", "NAME", text))
        text = re.sub(r"(?i)content-length: \d+", "Length", text)
    heads = re.findall(r"HTTP/1\.1 (\d+)[^\r]*\r\n((?:[^\r]+\r\n)*)\r\n", text)
    fields = [(status, sorted(line.lower() for line in head.split("\r\n"))) for status, head in heads]
    return fields, re.sub(r"HTTP/1\.1 [^\r]*\r\n(?:[^\r]+\r\n)*\r\n", "|", text)


GOOD = [
    request("/predict", {"features": ROW}),
    request("/predict", {"features": ROW}, "POST", "X-Request-ID: abc-1"),
    request("/predict", {"features": ROW}, "POST", "User-Agent: x", "Accept: */*", "Connection: keep-alive"),
    request("/predict", b' { "features" : [ 1 , -2.5, 3e2, 4E-2, 0, 0.0, 1e22, 123456789 ] } '),
    request("/predict", {"features": ROW}, kind=None),
    request("/predict", {"features": ROW}, host="localhost:8000"),
    request("/models/wine/predict", {"instances": [[1.0] * 13, [2] * 13]}),
    request("/models/wine/predict", {"features": [0.5] * 13}),
    request("/invocations", {"inputs": [ROW]}),
    request("/models/wine/invocations", {"dataframe_split": {"data": [[1] * 13]}}),
    request("/v2/models/wine/infer", {"id": "7", "inputs": [{"name": "input", "shape": [1, 13], "datatype": "FP64", "data": [1] * 13}]}),
    request("/health", b"", "GET"),
    request("/version", b"", "GET"),
]

ODD = [
    request("/predict", {"features": ROW[:3]}), request("/predict", {"features": ["a"] * 8}), request("/predict", b"{"),
    request("/predict", b""), request("/predict", {"features": ROW, "more": 1}), request("/predict", {"features": [True] * 8}),
    request("/predict", b'{"features":[01,2,3,4,5,6,7,8]}'), request("/predict", b'{"features":[-0,2,3,4,5,6,7,8]}'),
    request("/predict", b'{"features":[1e400,2,3,4,5,6,7,8]}'), request("/predict", b'{"features":[1.,2,3,4,5,6,7,8]}'),
    request("/predict", b'{"features":[0.1234567890123456789012,2,3,4,5,6,7,8]}'), request("/predict", b'{"features":[1,2,3,4,5,6,7,8]}x'),
    request("/predict", b'{"features":[9007199254740993,2,3,4,5,6,7,8]}'), request("/predict", b'{"features":[1,2,3,4,5,6,7,8,]}'),
    request("/predict?x=1", {"features": ROW}), request("/predict/", {"features": ROW}), request("/PREDICT", {"features": ROW}),
    request("/predict", {"features": ROW}, "PUT"), request("/predict", {"features": ROW}, "get"),
    request("/predict", {"features": ROW}, host="evil.example"), request("/predict", {"features": ROW}, "POST", "Origin: http://evil.example"),
    request("/predict", {"features": ROW}, "POST", "Host: localhost"), request("/predict", {"features": ROW}, version="HTTP/1.0"),
    request("/predict", {"features": ROW}, kind="text/plain"), request("/predict", {"features": ROW}, kind="application/json; charset=utf-8"),
    request("/predict", {"features": ROW}, "POST", "X-Request-ID: " + "x" * 201), request("/predict", {"features": ROW}, "POST", "X-Request-ID:"),
    request("/predict", {"features": ROW}, "POST", "Connection: close"), request("/predict", {"features": ROW}, "POST", "Expect: 100-continue"),
    request("/invocations", {"inputs": [ROW]}, kind=None), request("/invocations", {}), request("/models/nope/predict", {"features": [1]}),
    request("/models/wine/predict", {"instances": [[1]]}), request("/v2/models/wine/infer", {"inputs": []}),
    request("/v2/models/wine/infer", {"inputs": [{"name": "input", "shape": [1, 13], "datatype": "FP64", "data": [1] * 13}], "parameters": {"binary_data_output": True}}),
    request("/nope", b"", "GET"), request("/health", b"", "HEAD"),
]

SMUGGLING = [
    request("/predict", {"features": ROW}, "POST", f"Content-Length: {len(json.dumps({'features': ROW}))}\t"),
    request("/predict", {"features": ROW}, "POST", "Connection: keep-alive\t"),
    request("/predict", {"features": ROW}, "POST", "Content-Length: 5", "Content-Length: 6"),
    request("/predict", {"features": ROW}, "POST", "Content-Length: +5"), request("/predict", {"features": ROW}, "POST", "Content-Length: 0x5"),
    request("/predict", {"features": ROW}, "POST", "Content-Length: 5,5"), request("/predict", {"features": ROW}, "POST", "Content-Length : 5"),
    request("/predict", b"5\r\nhello\r\n0\r\n\r\n", "POST", "Transfer-Encoding: chunked"),
    request("/predict", b"0\r\n\r\n", "POST", "Content-Length: 5", "Transfer-Encoding: chunked"),
    request("/predict", b"0\r\n\r\n", "POST", "Transfer-Encoding: xchunked"), request("/predict", b"", "POST", "Content-Length: 99999999999999999999"),
    b"POST /predict HTTP/1.1\nHost: 127.0.0.1\nContent-Length: 2\n\n{}", b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\n Folded: x\r\nContent-Length: 2\r\n\r\n{}",
    b"POST  /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\n{}", b"POST /predict HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
    b"POST http://127.0.0.1/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\n{}", b"\r\n" + request("/predict", {"features": ROW}),
    b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\x00b\r\n\r\n", b"rubbish\r\n\r\n", b"POST /predict HTTP/2.0\r\nHost: 127.0.0.1\r\n\r\n",
]


def log(path, body, method="POST", *headers, **more):
    return request(f"{MLFLOW}/runs/{path}", {"run_id": RUN, **body} if isinstance(body, dict) else body, method, *headers, **more)


POINT = {"key": "loss", "value": 0.5, "timestamp": 5, "step": 1}
BATCH = [{"key": "many", "value": i / 7, "timestamp": i, "step": i} for i in range(1000)]

TRACKING = [
    log("log-metric", POINT), log("log-metric", POINT | {"key": "새/지표 a", "value": -1e300}), log("log-metric", POINT | {"value": "NaN"}),
    log("log-metric", POINT, "POST", "X-Request-ID: mine", "User-Agent: mlflow", "Accept: */*", "Accept-Encoding: gzip"),
    log("log-metric", {"runUuid": RUN, "key": "camel", "value": 1, "timestamp": "7"}),
    log("log-parameter", {"key": "depth", "value": "3"}), log("set-tag", {"key": "who", "value": "me"}),
    log("log-batch", {"metrics": BATCH[:3], "params": [{"key": "depth", "value": "3"}], "tags": [{"key": "t", "value": "v" * 300}]}),
    log("log-batch", {"metrics": BATCH}), log("log-batch", {}),
    request(f"{MLFLOW}/runs/create", {"experiment_id": "0", "start_time": 7}),
    request(f"{MLFLOW}/runs/create", {"experiment_id": "0", "tags": [{"key": "a", "value": "b"}]}),
    request(f"{MLFLOW}/runs/get?run_id={RUN}", b"", "GET", kind=None),
]

TRACKING_ODD = [
    log("log-metric", POINT | {"run_id": "0" * 32}), log("log-metric", POINT | {"value": None}), log("log-metric", POINT | {"key": "a//b"}),
    log("log-metric", POINT | {"timestamp": -1}), log("log-metric", POINT | {"runId": RUN}), log("log-metric", b"{"), log("log-metric", b"[]"),
    log("log-metric", b""), log("log-metric", POINT | {"key": "a\u0000b"}), log("log-metric", POINT, kind=None), log("log-metric", POINT, kind="text/plain"),
    log("log-metric", POINT, "POST", "Origin: http://evil.example"), log("log-metric", POINT, host="evil.example"), log("log-metric", POINT, "PUT"),
    log("log-metric?x=1", POINT), log("log-metric/", POINT), log("log-metric", POINT, "POST", "Connection: close"),
    log("log-parameter", {"key": "depth", "value": "4"}), log("log-parameter", {"key": "x" * 251, "value": "4"}),
    log("log-batch", {"params": [{"key": "p", "value": "1"}, {"key": "p", "value": "1"}]}), log("log-batch", {"metrics": BATCH + BATCH[:1]}),
    log("log-batch", {"metrics": BATCH[:999], "params": [{"key": "depth", "value": "5"}]}), log("log-batch", {"metrics": [{"key": "m"}]}),
    log("log-batch", {"metrics": [POINT], "note": "x" * (1 << 20)}),
    request(f"{MLFLOW}/runs/create", {"experiment_id": "77"}), request(f"{MLFLOW}/runs/create", {"experiment_id": "0", "run_name": "a", "tags": [{"key": "mlflow.runName", "value": "b"}]}),
    request(f"{MLFLOW}/runs/get?run_id={'0' * 32}", b"", "GET", kind=None), request(f"{MLFLOW}/runs/get?run_id={RUN}&run_uuid=x", b"", "GET", kind=None),
    request(f"{MLFLOW}/runs/get?run_id={RUN.upper()}", b"", "GET", kind=None), request(f"{MLFLOW}/runs/get?run_id=%65{RUN[1:]}", b"", "GET", kind=None),
    request(f"{MLFLOW}/runs/get?run_id={RUN}", b"", "GET", "Origin: http://evil.example", kind=None), request(f"{MLFLOW}/runs/get", b"", "GET", kind=None),
    request(f"{MLFLOW}/runs/get?run_id={RUN}", b"", "HEAD", kind=None), request(f"{MLFLOW}/runs/get?run_id={RUN}", b"", "GET", host="evil.example", kind=None),
]
ALL = GOOD + TRACKING + ODD + TRACKING_ODD + SMUGGLING


@pytest.mark.parametrize("place", range(len(ALL)))
def test_one_request_is_answered_alike(lanes, place):
    fast, slow = both(lanes, [ALL[place]])
    assert fast == slow, ALL[place][:300]
    if place < len(GOOD + TRACKING):
        assert fast[0][0][0][0] == "200"


def test_tracking_is_pipelined_in_order(lanes):
    generator = random.Random(6)
    for _ in range(effort(40)):
        chosen = [generator.choice(TRACKING + GOOD if generator.random() < 0.8 else TRACKING_ODD) for _ in range(generator.randint(2, 7))]
        fast, slow = both(lanes, [b"".join(chosen)])
        assert fast == slow, [raw[:200] for raw in chosen]


def cut_anywhere(server, raw, whole, step):
    """In two pieces the requests get what they get as one, over a few connections at a time: most of the time is waiting."""
    def same(cut):
        pieces = [raw[:cut], raw[cut:]]
        return talk(server, pieces, 0.002) == whole or talk(server, pieces, 0.002, 1.5) == whole
    cuts = range(1, len(raw), step)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert [cut for cut, answer in zip(cuts, pool.map(same, cuts)) if not answer] == []


def test_splits_of_tracking_change_nothing(lanes):
    raw = (TRACKING[0] + TRACKING[12] + GOOD[0] + TRACKING[5]).replace(RUN.encode(), REAL["run"].encode())
    # The first time logs what the second gets.
    _, whole = (talk(lanes[1], [raw], quiet=1) for _ in range(2))
    cut_anywhere(lanes[0], raw, whole, 11)


def test_who_ends_his_side_gets_all_answers(lanes):
    generator = random.Random(7)
    for _ in range(20):
        raw = b"".join(generator.choice(TRACKING + GOOD) for _ in range(generator.randint(1, 5)))
        fast, slow = (talk(server, [raw], quiet=5, ends=True) for server in lanes)
        assert fast == slow and not fast[1], raw[:300]


def test_who_goes_away_leaves_what_he_logged(lanes):
    client = lanes[0].client
    for step in range(30):
        with socket.create_connection(("127.0.0.1", lanes[0].port)) as connection:
            connection.sendall(log("log-metric", POINT | {"key": "gone", "step": step}).replace(RUN.encode(), REAL["run"].encode()))
            if step % 2:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert client.get("/health").status_code == 200
    until = time.time() + 5
    while time.time() < until:
        history = client.get(f"{MLFLOW}/metrics/get-history", params={"run_id": REAL["run"], "metric_key": "gone"}).json().get("metrics", [])
        if len(history) >= 15:
            break
    # A connection that was reset may have been so before its request was read; one that was closed was not.
    assert {point["step"] for point in history} >= set(range(0, 30, 2))


def test_much_that_is_sent_ahead_is_answered(lanes):
    count = 3000
    raw = log("log-metric", POINT | {"key": "ahead"}) * count
    (fields, _), _ = talk(lanes[0], [raw], quiet=5, ends=True)
    assert len(fields) == count and all(status == "200" for status, _ in fields)


def test_pipelined_requests_keep_their_order(lanes):
    generator = random.Random(4)
    for _ in range(effort(40)):
        chosen = [generator.choice(GOOD if generator.random() < 0.8 else ODD) for _ in range(generator.randint(2, 6))]
        fast, slow = both(lanes, [b"".join(chosen)])
        assert fast == slow, chosen


def test_splits_change_nothing(lanes):
    raw = GOOD[1] + GOOD[11] + GOOD[0]
    whole = talk(lanes[1], [raw], quiet=1)
    cut_anywhere(lanes[0], raw, whole, 7)
    slowly = [raw[i:i + 1] for i in range(len(raw))]
    assert talk(lanes[0], slowly, 0.0002, 1) == whole


def test_what_follows_a_strange_request_is_judged_alike(lanes):
    generator = random.Random(5)
    for strange in SMUGGLING:
        raw = generator.choice(GOOD) + strange + generator.choice(GOOD)
        cut = generator.randrange(1, len(raw))
        for pieces in ([raw], [raw[:cut], raw[cut:]]):
            fast, slow = both(lanes, pieces, 0.01)
            assert fast == slow, raw


def test_both_lanes_count(lanes):
    def count(server):
        stats = server.client.get("/v2/models/balance_model/stats").json()["model_stats"]
        return stats[0]["inference_count"] if stats else 0
    for server in lanes:
        before = count(server)
        talk(server, [GOOD[0] * 5])
        assert count(server) == before + 5


def resident(server):
    return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{server.process.pid}/status").read()).group(1)) / 1024


def test_requests_that_always_end_within_the_next_keep_no_memory(lanes):
    whole = log("set-tag", {"key": "long", "value": "x" * 7000}).replace(RUN.encode(), REAL["run"].encode())
    half = len(whole) // 2
    with socket.create_connection(("127.0.0.1", lanes[0].port)) as connection:
        connection.sendall(whole[:half])
        for turn in range(3000):
            connection.sendall(whole[half:] + whole[:half])
            answer = b""
            while not answer.endswith(b"{}"):
                answer += connection.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200")
            if turn == 300:
                before = resident(lanes[0])
        assert resident(lanes[0]) < before + 10


def test_idle_connections_keep_no_large_answers(lanes):
    client = lanes[0].client
    run = client.post(f"{MLFLOW}/runs/create", json={"experiment_id": "0"}).json()["run"]["info"]["run_id"]
    for number in range(90):
        client.post(f"{MLFLOW}/runs/log-batch", json={"run_id": run, "tags": [{"key": f"t{number}", "value": "x" * 7000}]})
    get = request(f"{MLFLOW}/runs/get?run_id={run}", b"", "GET", kind=None)
    connections = []
    try:
        for turn in range(80):
            connections.append(socket.create_connection(("127.0.0.1", lanes[0].port)))
            connections[-1].sendall(get)
            answer = b""
            while not answer.endswith(b"}}"):
                answer += connections[-1].recv(1 << 20)
            if turn == 10:
                before = resident(lanes[0])
        assert len(answer) > 600_000 and resident(lanes[0]) < before + 20
    finally:
        for connection in connections:
            connection.close()


def test_a_locked_database_is_said_once(workspace, serve):
    """The lane waits for the lock as long as the normal pipeline does, and not twice."""
    server = serve(workspace)
    run = server.client.post(f"{MLFLOW}/runs/create", json={"experiment_id": "0"}).json()["run"]["info"]["run_id"]
    other = sqlite3.connect(workspace.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    begin = time.time()
    answer = server.client.post(f"{MLFLOW}/runs/log-metric", json=POINT | {"run_id": run}, timeout=60)
    took = time.time() - begin
    other.execute("ROLLBACK")
    other.close()
    assert answer.status_code == 503 and answer.json()["error_code"] == "TEMPORARILY_UNAVAILABLE" and "locked" in answer.json()["message"]
    assert answer.headers["x-request-id"] and took < 9
    assert server.client.post(f"{MLFLOW}/runs/log-metric", json=POINT | {"run_id": run}).status_code == 200
