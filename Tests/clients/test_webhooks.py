"""Webhooks: signed, in order, again until they arrive, never in the way of a promotion, and never to where they may not go."""

import base64
import hashlib
import hmac
import http.server
import json
import socket
import threading
import time

import pytest

from conftest import Server, Workspace, free_port


class Target:
    """A receiver on this machine whose manners a test chooses."""

    def __init__(self, answer):
        self.got = []
        target = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                target.got.append((dict(self.headers), body))
                answer(self, len(target.got))

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait(self, count, seconds=20):
        end = time.monotonic() + seconds
        while len(self.got) < count and time.monotonic() < end:
            time.sleep(0.05)
        assert len(self.got) >= count, f"{len(self.got)} of {count} came"
        return self.got


def say(status, headers=(), body=b""):
    def answer(handler, _):
        handler.send_response(status)
        for name, value in headers:
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
    return answer


@pytest.fixture
def server(tmp_path):
    workspace = Workspace(tmp_path)
    for seed in range(4):
        workspace.run("train-dummy", "--seed", seed)
    started = Server(workspace, "serve", "--webhook-hosts", "127.0.0.1/32")
    started.workspace = workspace
    yield started
    started.stop(9)


def add(server, url, **more):
    answer = server.client.post("/webhooks", json={"url": url} | more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def move(server, number, reason):
    """Lets a version serve, and says how long that took."""
    begin = time.perf_counter()
    done = server.client.post("/models/balance_model/promote",
                              json={"version": number, "reason": reason, "allow_any": True})
    assert done.status_code == 200, done.text
    return time.perf_counter() - begin


def versions(server):
    """Makes three versions to move between."""
    found = server.client.get("/models/balance_model").json()["versions"]
    while len(found) < 3:
        server.workspace.run("promote", "--latest")
        server.workspace.run("train-dummy", "--seed", len(found) + 10)
        found = server.client.get("/models/balance_model").json()["versions"]
    serving = server.client.get("/models/balance_model/slot").json()["current"]
    return [version["version"] for version in found if version["version"] != serving][:1] + [serving]


def test_messages_are_signed_and_in_order(server):
    numbers = versions(server)
    target = Target(say(200))
    hook = add(server, target.url, model="balance_model")
    slack = Target(say(200))
    add(server, slack.url, format="slack", actions=["promoted"])
    for index in range(6):
        move(server, numbers[index % 2], f"move {index}")
    got = target.wait(6)
    for headers, body in got:
        signed = f"{headers['X-BalanceOps-Delivery']}.{headers['X-BalanceOps-Timestamp']}.".encode() + body
        code = base64.b64encode(hmac.new(hook["secret"].encode(), signed, hashlib.sha256).digest()).decode()
        assert headers["X-BalanceOps-Signature"] == f"v1,{code}"
        assert abs(int(headers["X-BalanceOps-Timestamp"]) - time.time()) < 60
    bodies = [json.loads(body) for _, body in got]
    assert [body["reason"] for body in bodies] == [f"move {index}" for index in range(6)]
    assert bodies[0]["event"] == "promoted" and len(bodies[0]["audit"]["hash"]) == 64
    assert "move 0" in json.loads(slack.wait(6)[0][1])["text"]
    states = {item["state"] for item in server.client.get(f"/webhooks/{hook['id']}/deliveries").json()["items"]}
    assert states <= {"delivered", "pending"}
    assert "secret" not in server.client.get("/webhooks").json()["items"][0]


def test_a_target_that_is_down_is_told_later_and_nothing_waits_for_it(server):
    numbers = versions(server)
    flaky = Target(lambda handler, count: say(500 if count < 3 else 200)(handler, count))
    dead = add(server, f"http://127.0.0.1:{free_port()}/x")
    add(server, flaky.url)
    quickest = min(move(server, numbers[index % 2], f"move {index}") for index in range(3))
    assert quickest < 2
    got = flaky.wait(5)
    assert got[0][0]["X-BalanceOps-Delivery"] == got[1][0]["X-BalanceOps-Delivery"], "the same message again"
    assert [json.loads(body)["reason"] for _, body in got[2:5]] == ["move 0", "move 1", "move 2"]
    waiting = server.client.get(f"/webhooks/{dead['id']}/deliveries").json()["items"]
    assert {item["state"] for item in waiting} == {"pending"} and "connection failed" in waiting[-1]["last_error"]


def test_what_waits_survives_a_kill(server):
    numbers = versions(server)
    gate = threading.Event()
    target = Target(lambda handler, count: say(200 if gate.is_set() else 503)(handler, count))
    add(server, target.url)
    move(server, numbers[0], "before the kill")
    target.wait(1)
    server.process.kill()
    gate.set()
    seen = len(target.got)
    again = Server(server.workspace, "serve", "--webhook-hosts", "127.0.0.1/32")
    try:
        got = target.wait(seen + 1)
        assert json.loads(got[-1][1])["reason"] == "before the kill"
    finally:
        again.stop(9)


def test_redirects_are_not_followed_and_answers_not_reflected(server):
    numbers = versions(server)
    inner = Target(say(200))
    for status in (301, 302, 307, 308):
        hook = add(server, Target(say(status, [("Location", inner.url)], b"SECRET-BODY")).url)
        probe = server.client.post(f"/webhooks/{hook['id']}/test", json={})
        assert probe.json()["delivered"] is False and probe.json()["status_class"] == "3xx"
        assert "SECRET" not in probe.text
        server.client.request("DELETE", f"/webhooks/{hook['id']}")
    hook = add(server, Target(say(302, [("Location", inner.url)])).url)
    move(server, numbers[0], "redirected")
    end = time.monotonic() + 10
    while time.monotonic() < end:
        item = server.client.get(f"/webhooks/{hook['id']}/deliveries").json()["items"][0]
        if item["attempts"] > 1:
            break
        time.sleep(0.1)
    # It is tried again, as after any other answer that is no success.
    assert item["attempts"] > 1 and item["state"] != "failed" and "redirect" in item["last_error"] and not inner.got


def test_an_endless_answer_is_cut(server):
    def endless(handler, _):
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b"x" * 65536)
        except OSError:
            pass

    hook = add(server, Target(endless).url)
    begin = time.monotonic()
    assert server.client.post(f"/webhooks/{hook['id']}/test", json={}, timeout=30).status_code == 200
    assert time.monotonic() - begin < 12


def test_a_target_that_never_answers_times_out(server):
    silent = socket.create_server(("127.0.0.1", 0))
    hook = add(server, f"http://127.0.0.1:{silent.getsockname()[1]}/")
    begin = time.monotonic()
    answer = server.client.post(f"/webhooks/{hook['id']}/test", json={}, timeout=30).json()
    assert answer["delivered"] is False and "timed out" in answer["error"] and time.monotonic() - begin < 14
    silent.close()


@pytest.mark.parametrize("url", [
    "http://example.com/x", "https://127.0.0.2/x", "https://[::1]/x", "https://[::ffff:127.0.0.1]/x", "https://169.254.169.254/x",
    "https://10.1.2.3/", "https://100.64.0.1/", "https://[fd00::1]/", "https://0.0.0.0/", "https://2130706433/", "https://0x7f.1/",
    "https://localhost./", "https://localhost/", "https://user@example.com/", "https://example.com:22/", "file:///etc/passwd",
    "gopher://x/", "https://192.168.1.1/", "https://172.20.0.1/", "https:///x", "https://exa mple.com/", "not a url", "",
    "https://example.com/\r\nX: y", "https://[64:ff9b::a00:1]/", "https://[2002:a00:1::]/", "https://127.1/", "https://foo.internal/",
])
def test_private_addresses_are_refused_when_they_are_named(url, server):
    answer = server.client.post("/webhooks", json={"url": url})
    assert answer.status_code == 400, answer.text
