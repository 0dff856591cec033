"""Connections as hostile and as slow as clients can make them: the process stays up, and others are answered."""

import gzip
import random
import signal
import socket
import struct
import threading
import time

import pytest

from conftest import Server, Workspace, effort

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
INFER = "/inference.GRPCInferenceService/ServerLive"


def frame(kind, flags, stream, payload):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def literal(name, value):
    """A field of HPACK that nothing compresses."""
    def text(data):
        length = len(data)
        if length < 127:
            return bytes([length]) + data
        rest, prefix = length - 127, [127]
        while rest >= 128:
            prefix.append(rest % 128 | 128)
            rest //= 128
        return bytes(prefix + [rest]) + data
    return b"\0" + text(name.encode()) + text(value if isinstance(value, bytes) else value.encode())


def ends_with_trailers(data):
    """Whether the bytes of frames hold headers that end the stream: the answer of a call, whatever its status."""
    while len(data) >= 9:
        length, kind, flags = int.from_bytes(data[:3], "big"), data[3], data[4]
        if kind == 1 and flags & 1:
            return True
        data = data[9 + length:]
    return False


def rpc(port, fields=(), message=b"\0\0\0\0\0", path=INFER, seconds=5):
    """Makes one call and says whether it was answered; it may also be reset, or the connection closed."""
    head = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "x"),
            ("content-type", "application/grpc"), ("te", "trailers")]
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as client:
        client.sendall(PREFACE + frame(4, 0, 0, b"") + frame(1, 4, 1, b"".join(literal(*f) for f in head + list(fields)))
                       + frame(0, 1, 1, message))
        found, end = b"", time.time() + seconds
        try:
            while time.time() < end and not ends_with_trailers(found):
                piece = client.recv(65536)
                if not piece:
                    break
                found += piece
        except (TimeoutError, ConnectionError):
            pass
        return ends_with_trailers(found)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """A server with gRPC, and gRPC's port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Server(Workspace(tmp_path_factory.mktemp("both")), "serve", "--grpc-port", port, "--head-timeout", 1, "--idle-timeout", 3)
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            time.sleep(0.05)
    yield server, port
    server.stop()


@pytest.mark.parametrize("timeout", ["-1S", "-9999n", "S", "", "1", "999999999S", "1s", "+5S", "99999999H", "0n", "1 S", "١S", "-0S"])
def test_no_deadline_of_a_call_ends_the_process(both, timeout):
    server, port = both
    rpc(port, [("grpc-timeout", timeout)], seconds=2)
    assert rpc(port)
    assert server.process.poll() is None


def test_a_packed_message_that_is_cut_keeps_no_loop(both):
    server, port = both
    packed = gzip.compress(b"x" * 1000)
    for name in ["gzip", "deflate"]:
        for size in [0, 1, 9, 10, len(packed) // 2, len(packed) - 1]:
            body = b"\1" + struct.pack(">I", size) + packed[:size]
            rpc(port, [("grpc-encoding", name)], body, seconds=2)
    for _ in range(8):
        assert rpc(port)
        assert server.client.get("/health").status_code == 200
    empty = gzip.compress(b"")
    assert rpc(port, [("grpc-encoding", "gzip")], b"\1" + struct.pack(">I", len(empty)) + empty)


def test_random_metadata_ends_nothing(both):
    server, port = both
    dice = random.Random(5)
    names = ["grpc-timeout", "grpc-encoding", "grpc-accept-encoding", "x-bin", "grpc-status", "content-type", "te",
             "grpc-message", "authorization", "grpc-trace-bin", ":status"]
    for _ in range(effort(150)):
        fields = [(dice.choice(names), bytes(dice.randrange(1, 256) for _ in range(dice.randrange(0, 30))))
                  for _ in range(dice.randrange(0, 6))]
        body = bytes(dice.randrange(256) for _ in range(dice.randrange(0, 40)))
        rpc(port, fields, body, dice.choice([INFER, "/", "", "/x/y", INFER.replace("Live", "Ready")]), seconds=0.3)
    assert rpc(port)
    assert server.process.poll() is None


def ask(port, *pieces, seconds=8):
    """Sends pieces, of which numbers are pauses, and returns the answer and after how long the connection ended."""
    client = socket.create_connection(("127.0.0.1", port), timeout=0.2)
    start, found, ended = time.time(), b"", None

    def send():
        try:
            for piece in pieces:
                time.sleep(piece) if isinstance(piece, float) else client.sendall(piece)
        except OSError:
            pass
    threading.Thread(target=send, daemon=True).start()
    while time.time() - start < seconds:
        try:
            piece = client.recv(65536)
        except TimeoutError:
            continue
        except OSError:
            piece = b""
        if not piece:
            ended = time.time() - start
            break
        found += piece
    client.close()
    return found, ended


HOST = b"Host: 127.0.0.1\r\n"


@pytest.mark.parametrize("lane", ["on", "off"])
@pytest.mark.parametrize("pieces, answer", [
    ([], b""), ([b"GET /health HTTP/1.1\r\nHost"], b"408"), ([b"GET /health HTTP/1.1\r\n"] + [b"A: b\r\n", 0.3] * 20, b"408"),
    ([b"POST /predict HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\nContent-Length: 9000\r\n\r\n{"], b"408"),
    ([b"GET /health HTTP/1.1\r\n" + HOST + b"\r\n"], b"200"),
])
def test_a_client_that_stops_is_not_waited_for(workspace, serve, lane, pieces, answer):
    server = serve(workspace, "serve", "--head-timeout", 1, "--idle-timeout", 2, "--fast-lane", lane)
    found, ended = ask(server.port, *pieces)
    assert ended is not None and ended < 7, found
    assert found[9:12] == answer


def test_idle_connections_are_ended_and_others_are_answered(workspace, serve):
    server = serve(workspace, "serve", "--max-connections", 40, "--head-timeout", 1, "--idle-timeout", 2)
    silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(60)]
    time.sleep(4)
    assert server.client.get("/health", timeout=20).status_code == 200
    for client in silent:
        client.close()


def test_a_request_that_waits_for_100_gets_it_once_the_body_is_wanted(workspace, serve):
    server = serve(workspace)
    head = b"POST /api/2.0/mlflow/experiments/create HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
    body = b'{"name": "expected"}'
    found, _ = ask(server.port, head + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body), 0.5, body, seconds=2)
    assert found.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200")
    found, _ = ask(server.port, head + b"Expect: 100-continue\r\nContent-Length: 99000000\r\n\r\n", seconds=2)
    assert found.startswith(b"HTTP/1.1 413") and b"100 Continue" not in found


@pytest.mark.parametrize("path, type", [
    ("/api/2.0/mlflow/runs/create", "application/json"), ("/predict", "application/json"), ("/invocations", "text/csv"),
    ("/v2/models/balance_model/infer", "application/json"), ("/ui/models/balance_model/policy", "application/x-www-form-urlencoded"),
])
def test_a_large_body_is_refused_before_it_is_read(workspace, serve, path, type):
    workspace.run("train-dummy")
    server = serve(workspace, "serve", "--max-json", 100000)
    head = f"POST {path} HTTP/1.1\r\nContent-Type: {type}\r\nContent-Length: 200000000\r\n".encode() + HOST + b"\r\n"
    found, ended = ask(server.port, head, seconds=3)
    assert found.startswith(b"HTTP/1.1 413"), found[:200]
    chunked = head.replace(b"Content-Length: 200000000", b"Transfer-Encoding: chunked")
    found, _ = ask(server.port, chunked, *[b"10000\r\n" + b"x" * 65536 + b"\r\n"] * 8, seconds=3)
    assert found.startswith(b"HTTP/1.1 413"), found[:200]


def test_an_upload_that_is_cut_stores_nothing(workspace, serve):
    server = serve(workspace, "serve", "--head-timeout", 1)
    run = server.client.post("/api/2.0/mlflow/runs/create", json={"experiment_id": "0"}).json()["run"]["info"]["run_id"]
    path = f"/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/cut.bin"
    ask(server.port, f"PUT {path} HTTP/1.1\r\nContent-Length: 100000\r\n".encode() + HOST + b"\r\n" + b"x" * 5000, seconds=6)
    assert server.client.get(path).status_code == 404


def test_a_hangup_does_not_end_a_server_without_a_terminal(workspace, serve):
    server = serve(workspace)
    server.process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert server.client.get("/health").status_code == 200


def test_an_address_that_others_reach_is_said_on_purpose(workspace):
    refused = workspace.run("serve", "--host", "0.0.0.0", "--port", "0", check=False)
    assert refused.returncode == 64 and "--open" in refused.stderr
    server = workspace.start("serve", "--host", "0.0.0.0", "--port", "0", "--grpc-port", "off", "--open")
    try:
        assert "API on" in server.stdout.readline() + server.stdout.readline()
    finally:
        server.terminate()
        server.wait(timeout=20)


@pytest.mark.parametrize("lane", ["on", "off"])
def test_a_field_that_stands_twice_is_refused(workspace, serve, lane):
    workspace.run("train-dummy")
    server = serve(workspace, "serve", "--fast-lane", lane)
    headers = {"Content-Type": "application/json"}
    twice = '{"features": [1,1,1,1,1,1,1,1], "features": [2,2,2,2,2,2,2,2]}'
    assert server.client.post("/predict", content=twice, headers=headers).status_code in (400, 422)
    twice = '{"name": "one", "name": "two"}'
    answer = server.client.post("/api/2.0/mlflow/experiments/create", content=twice, headers=headers)
    assert answer.status_code == 400 and "duplicate name" in answer.json()["message"]


def test_bodies_are_bounded_in_sum(workspace, serve):
    """Two bodies of 1.2 MB count for 19 MB; the second is asked to come again, and what is small is answered."""
    server = serve(workspace, "serve", "--body-memory", 12 << 20)
    body = b'{"names": [' + b"1," * 600_000 + b"1]}"
    head = f"POST /api/2.0/mlflow/experiments/create HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as first:
        first.sendall(head + body[:-1])
        time.sleep(1)
        second, _ = ask(server.port, head + body)
        assert second.startswith(b"HTTP/1.1 503") and b"retry-after: 1" in second.lower() and b"BALANCEOPS_BODY_MEMORY" in second, second[:500]
        assert server.client.get("/health").status_code == 200
        assert server.client.post("/api/2.0/mlflow/experiments/create", json={"name": "small"}).status_code == 200
        first.sendall(body[-1:])
        assert first.recv(100).startswith(b"HTTP/1.1 400")
    third, _ = ask(server.port, head + body)
    assert third.startswith(b"HTTP/1.1 400"), third[:300]


def test_a_body_larger_than_the_memory_for_bodies_is_read_alone(workspace, serve):
    """Whatever the limits of one body and of all are, one that is allowed is read while nobody else holds anything."""
    server = serve(workspace, "serve", "--body-memory", 1 << 20)
    body = b'{"names": [' + b"1," * 600_000 + b"1]}"
    head = f"POST /api/2.0/mlflow/experiments/create HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    for _ in range(2):
        answer, _ = ask(server.port, head + body)
        assert answer.startswith(b"HTTP/1.1 400"), answer[:300]
