"""Raw requests that no well-behaved client sends: an answer or a closed connection, and the server lives on."""

import concurrent.futures
import hashlib
import pathlib
import socket

import pytest
from conftest import ROOT


def exchange(server, request, timeout=5):
    with socket.create_connection(("127.0.0.1", server.port), timeout=timeout) as connection:
        connection.sendall(request)
        answer = b""
        try:
            while chunk := connection.recv(65536):
                answer += chunk
                if b"\r\n\r\n" in answer and b"keep" not in request:
                    break
        except (TimeoutError, ConnectionResetError):
            pass
    return answer


def status(answer):
    return int(answer.split(b" ")[1]) if answer.startswith(b"HTTP/1.1 ") else None


HOST = b"Host: 127.0.0.1\r\n"
REFUSED = {
    "strange host": b"GET /model HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "almost our host": b"GET /model HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\n\r\n",
    "behind the bracket": b"GET /model HTTP/1.1\r\nHost: [::1].evil.example\r\n\r\n",
    "no port": b"GET /model HTTP/1.1\r\nHost: localhost:80:evil\r\n\r\n",
    "another site": b"POST /api/2.0/mlflow/experiments/search HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\nSec-Fetch-Site: cross-site\r\nContent-Length: 20\r\n\r\n{\"max_results\": 100}",
    "a version with a zero": b"GET /models/balance_model/versions/01 HTTP/1.1\r\n" + HOST + b"\r\n",
    "no host": b"GET /model HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /model HTTP/1.1\r\n" + HOST + b"Host: evil.example\r\n\r\n",
    "two lengths": b"POST /predict HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde",
    "length and chunks": b"POST /predict HTTP/1.1\r\n" + HOST
    + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "odd length": b"POST /predict HTTP/1.1\r\n" + HOST + b"Content-Length: +5\r\n\r\nabcde",
    "huge length": b"POST /predict HTTP/1.1\r\n" + HOST + b"Content-Length: 10000000000\r\n\r\nabc",
    "long field": b"GET /model HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 100_000 + b"\r\n\r\n",
    "many fields": b"GET /model HTTP/1.1\r\n" + HOST + b"".join(b"X-%d: a\r\n" % n for n in range(3000)) + b"\r\n",
    "not HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 100 + b"\r\n\r\n",
    "lower-case method": b"get /model HTTP/1.1\r\n" + HOST + b"\r\n",
    "TRACE": b"TRACE /model HTTP/1.1\r\n" + HOST + b"\r\n",
}


@pytest.fixture
def server(workspace, serve):
    workspace.run("train-dummy")
    return serve(workspace)


@pytest.mark.parametrize("name", REFUSED)
def test_refused_and_alive(server, name):
    code = status(exchange(server, REFUSED[name]))
    assert code is None or code >= 400, code
    assert server.client.get("/health").status_code == 200


@pytest.mark.parametrize("host", [b"localhost", b"127.0.0.1:1", b"[::1]:8000", b"LOCALHOST:9"])
def test_loopback_names_are_ours(server, host):
    assert status(exchange(server, b"GET /model HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")) == 200


def test_paths_of_every_kind(server):
    for path in ["/%00", "/%", "/%zz", "/runs/%ff%fe", "/runs/" + "a" * 60_000, "/ui/runs/%3Cscript%3E", "//", "/./..",
                 "/runs?limit=%f0%9f%98%80", "/ui?q=%00%ff&points=-1&metric=" + "x" * 500, "/ui/runs/%2e%2e/artifacts/-1",
                 "/ui/assets/..%2f..%2fetc%2fpasswd", "/ui/preferences?back=" + "/" * 2000]:
        answer = exchange(server, b"GET " + path.encode() + b" HTTP/1.1\r\n" + HOST + b"\r\n")
        assert status(answer) in (200, 303, 400, 404, 414, 422, 431, None), (path[:40], answer[:200])
        assert server.client.get("/health").status_code == 200


def test_clients_that_leave_early(server):
    def leave(_):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(b"GET /runs?limit=200 HTTP/1.1\r\n" + HOST + b"\r\n")

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(leave, range(400)))
    assert server.client.get("/health").status_code == 200
    assert server.process.poll() is None


def test_a_row_is_followed_without_a_restart(workspace, server):
    import sqlite3
    import time
    other = workspace.run("train-dummy", "--seed", "9", "--no-auto-promote", "--json").stdout
    import json
    candidate = json.loads(other)["candidate"]
    before = server.predict([1] * 8).json()
    with sqlite3.connect(workspace.database) as database:
        database.execute("UPDATE model_version SET path = ?", (candidate,))
    time.sleep(0.4)
    assert server.predict([1] * 8).json() == before, "other bytes than were registered never answer"
    digest = hashlib.sha256((ROOT / candidate if not candidate.startswith("/") else pathlib.Path(candidate)).read_bytes()).hexdigest()
    with sqlite3.connect(workspace.database) as database:
        database.execute("UPDATE model_version SET digest = ?", (digest,))
    time.sleep(0.4)
    assert server.predict([1] * 8).json() != before
