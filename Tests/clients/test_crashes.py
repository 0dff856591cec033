"""kill -9 at any moment: the next start is fine, and nothing that was acknowledged is lost."""

import json
import os
import random
import socket
import sqlite3
import time

from conftest import effort

ROUNDS = int(os.environ.get("BALANCEOPS_CRASH_ROUNDS", effort(12, 4)))


def check(workspace):
    with sqlite3.connect(workspace.database) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []


def test_killed_while_training_and_promoting(workspace, serve):
    acknowledged = []
    chance = random.Random(7)
    for turn in range(ROUNDS):
        process = workspace.start("train-dummy", "--seed", turn, "--json", "--n-samples", 2000)
        time.sleep(chance.uniform(0.0, 0.25))
        process.kill()
        output = process.communicate()[0]
        if output.strip().startswith("{") and output.strip().endswith("}"):
            acknowledged.append(json.loads(output)["run_id"])
        done = workspace.run("train-dummy", "--seed", 1000 + turn, "--json")
        acknowledged.append(json.loads(done.stdout)["run_id"])
        workspace.run("promote", "--run-id", acknowledged[-1])
        process = workspace.start("promote", "--run-id", acknowledged[chance.randrange(len(acknowledged))])
        time.sleep(chance.uniform(0.0, 0.12))
        process.kill()
        process.wait()
        check(workspace)
    server = serve(workspace)
    listed = {run["run_id"] for run in server.client.get("/runs", params={"limit": 200}).json()["items"]}
    assert set(acknowledged) <= listed
    model = server.client.get("/model").json()
    assert server.predict([0.1] * 8).status_code == 200
    # Row and file tell of the same model.
    candidate = workspace.artifacts / "models" / "candidates" / f"{model['run_id']}_dummy.json"
    assert workspace.current.read_bytes() == candidate.read_bytes()
    left = [name for name in os.listdir(workspace.current.parent) if "previous" in name or "promoting" in name]
    assert left == []


def test_killed_while_serving(workspace, serve):
    workspace.run("train-dummy")
    for _ in range(max(3, ROUNDS // 3)):
        server = serve(workspace)
        assert server.predict([0.1] * 8).status_code == 200
        server.process.kill()
        server.process.wait()
        check(workspace)


def test_a_stop_lets_a_request_finish(workspace, serve):
    workspace.run("train-dummy")
    server = serve(workspace)
    body = json.dumps({"features": [0.1] * 8}).encode()
    head = f"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(head.encode() + body[:5])
        time.sleep(0.2)
        server.process.terminate()
        time.sleep(0.5)
        connection.sendall(body[5:])
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 200") and b"p_win" in answer, answer
    assert server.process.wait(timeout=20) == 0
    log = f"{workspace.database}-wal"
    assert not os.path.exists(log) or os.path.getsize(log) == 0, "the log was copied into the database"
