"""No answer carries a version whose registered digest is not the bytes that computed it: whatever is killed, moved, replaced or damaged."""

import hashlib
import http.client
import json
import os
import random
import sqlite3
import threading
import time

import joblib
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression

from conftest import effort

ROWS, LABELS = load_breast_cancer(return_X_y=True)
ROW = ROWS[0, :8].tolist()
ROUNDS = int(os.environ.get("BALANCEOPS_CRASH_ROUNDS", effort(8, 3)))
TWINS = ["caf\u00e9", "cafe\u0301"]
WHY = {"reason": "a round of the invariant", "actor": "chaos", "allow_any": True}


def quoted(name):
    return "".join(f"%{byte:02X}" for byte in name.encode())


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Models told apart by what they answer: the value by the digest of the file."""
    folder = tmp_path_factory.mktemp("files")
    made = {}
    for number in range(8):
        model = LogisticRegression(max_iter=10 + 10 * number).fit(ROWS[:, :8] * (number + 1), LABELS)
        joblib.dump(model, folder / f"{number}.joblib")
        data = (folder / f"{number}.joblib").read_bytes()
        made[hashlib.sha256(data).hexdigest()] = (folder / f"{number}.joblib", model.predict_proba([ROW])[0, 1])
    assert len({round(value, 12) for _, value in made.values()}) == 8
    return made


def twins(workspace):
    """Two names that look the same, as an older database may hold them."""
    with sqlite3.connect(workspace.database) as database:
        database.execute("PRAGMA foreign_keys = OFF")
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            if "name" in [column[1] for column in database.execute(f"PRAGMA table_info({table})")]:
                database.execute(f"UPDATE {table} SET name = ? WHERE name = 'twin'", (TWINS[1],))


def registered(workspace):
    with sqlite3.connect(workspace.database) as database:
        return {(name, version): digest for name, version, digest in database.execute("SELECT name, version, digest FROM model_version")}


class Clients:
    """Threads that ask every route, and keep what was answered of which version."""

    def __init__(self, port, names):
        self.answers, self.stopped, self.port = set(), threading.Event(), port
        self.threads = [threading.Thread(target=self.ask, args=(name, route)) for name in names for route in ("predict", "infer", "version")]
        for thread in self.threads:
            thread.start()

    def ask(self, name, route):
        chance = random.Random(name + route)
        tensor = {"inputs": [{"name": "input", "shape": [1, 8], "datatype": "FP64", "data": ROW}]}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        while not self.stopped.is_set():
            number = chance.randint(1, 4)
            path = {"predict": f"/models/{quoted(name)}/predict", "infer": f"/v2/models/{quoted(name)}/infer",
                    "version": f"/models/{quoted(name)}/versions/{number}/predict"}[route]
            try:
                connection.request("POST", path, json.dumps(tensor if route == "infer" else {"features": ROW}), {"Content-Type": "application/json"})
                answer = connection.getresponse()
                body = json.loads(answer.read())
            except (OSError, http.client.HTTPException, ValueError):
                connection.close()
                time.sleep(0.01)
                continue
            if answer.status != 200:
                continue
            if route == "infer":
                data = next(output["data"] for output in body["outputs"] if output["datatype"].startswith("FP"))
                self.answers.add((name, int(body["model_version"]), data[1]))
            else:
                self.answers.add((name, body["version"], body["prediction"]["p_win"]))

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join()


def test_no_answer_carries_another_version_s_name(workspace, serve, files):
    names = ["m", *TWINS]
    for name in ["m", TWINS[0], "twin"]:
        for path, _ in list(files.values())[:4] if name == "m" else list(files.values())[4:]:
            workspace.run("models", "import", path, "--name", name)
        workspace.run("promote", name, 1, "--reason", "first")
    twins(workspace)
    chance, seen = random.Random(11), set()
    for turn in range(ROUNDS):
        server = serve(workspace)
        clients = Clients(server.port, names)
        ends = time.time() + 1.5
        while time.time() < ends:
            name, version = chance.choice(names), chance.randint(1, 4)
            path = f"/models/{quoted(name)}"
            match chance.randrange(6):
                case 0 | 1:
                    server.client.post(f"{path}/promote", json={"version": version, **WHY})
                case 2:
                    server.client.post(f"{path}/rollback", json=WHY)
                case 3:
                    server.client.post(f"{path}/versions/{version}/quarantine", json=WHY)
                case 4:
                    server.client.post(f"{path}/versions/{version}/release", json=WHY)
                case 5:
                    current = [file for file in workspace.current.parent.iterdir() if ".current." in file.name]
                    if current:
                        chance.choice(current).write_bytes(chance.choice(list(files.values()))[0].read_bytes()[: chance.choice([None, 100])])
        # In the middle of a move, where that can be met.
        mover = threading.Thread(target=lambda: [move(server, chance, names) for _ in range(20)])
        mover.start()
        time.sleep(chance.uniform(0, 0.1))
        server.process.kill()
        server.process.wait()
        mover.join()
        clients.stop()
        seen |= clients.answers
        digests = registered(workspace)
        wrong = [answer for answer in clients.answers if abs(files[digests[answer[:2]]][1] - answer[2]) > 1e-9]
        assert not wrong, f"round {turn}: {wrong}"
    assert {name for name, _, _ in seen} == set(names), "each model answered"
    assert len({answer[:2] for answer in seen}) > 8, "and most versions did"


def move(server, chance, names):
    try:
        server.client.post(f"/models/{quoted(chance.choice(names))}/promote", json={"version": chance.randint(1, 4), **WHY})
    except Exception:
        time.sleep(0.005)
