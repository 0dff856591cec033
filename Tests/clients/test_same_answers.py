"""The reference of the original and ours, side by side over the same data: same requests, same status and JSON."""

import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import time

import httpx
import joblib
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from conftest import Server, Workspace, free_port

HERE = pathlib.Path(__file__).parent


def original(folder):
    """The data/ and artifacts/ that a user of the original brings along."""
    workspace = Workspace(folder)
    workspace.database.parent.mkdir(parents=True)
    (workspace.artifacts / "models").mkdir(parents=True)
    (workspace.artifacts / "runs" / "_by_id").mkdir(parents=True)
    database = sqlite3.connect(workspace.database)
    database.executescript("""
        CREATE TABLE runs (run_id TEXT PRIMARY KEY, created_at TEXT NOT NULL, git_commit TEXT, git_branch TEXT,
                           git_dirty INTEGER, params_json TEXT, note TEXT);
        CREATE TABLE metrics (run_id TEXT NOT NULL, key TEXT NOT NULL, value REAL NOT NULL, PRIMARY KEY (run_id, key));
        CREATE TABLE artifacts (run_id TEXT NOT NULL, kind TEXT NOT NULL, path TEXT NOT NULL);
        CREATE TABLE models (name TEXT NOT NULL, stage TEXT NOT NULL, run_id TEXT, path TEXT, created_at TEXT,
                             metrics_json TEXT, PRIMARY KEY (name, stage));
    """)
    rows, target = load_breast_cancer(return_X_y=True)
    model = Pipeline([("scaler", StandardScaler()), ("clf", LogisticRegression(max_iter=1000))]).fit(rows, target)
    current = workspace.artifacts / "models" / "current.joblib"
    joblib.dump({"model": model, "feature_names": [f"f{i}" for i in range(30)], "dataset_meta": {}}, current)
    for number in range(45):
        run = f"{number:08x}-1111-4111-8111-{number:012x}"
        created = f"2026-02-{1 + number // 24:02}T{number % 24:02}:10:20+00:00"
        params = {"kind": ["demo", "train_dummy"][number % 2], "seed": number, "shape": {"n": [1, 2.5, None]}}
        name = f"20260201_{number:06}_x_{run[:8]}"
        database.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?)",
                         (run, created, None if number % 3 else "c0ffee", "main", number % 2, json.dumps(params),
                          None if number % 5 == 0 else f"메모 {number} <b>"))
        for key in ("acc", "bal_acc", "recall_1")[: number % 4]:
            database.execute("INSERT INTO metrics VALUES (?, ?, ?)", (run, key, number / 7))
        database.execute("INSERT INTO artifacts VALUES (?, 'model_candidate', ?)", (run, f"artifacts/{run}.joblib"))
        if number % 2:
            place = {"run_id": run, "run_dir_name": name, "manifest_path": f"x/{name}/manifest.json",
                     "created_at": created}
            (workspace.artifacts / "runs" / "_by_id" / f"{run}.json").write_text(json.dumps(place))
            if number == 7:
                (workspace.artifacts / "runs" / "_latest.json").write_text(json.dumps(place))
    database.execute("INSERT INTO models VALUES ('balance_model', 'current', ?, ?, ?, ?)",
                     ("00000001-1111-4111-8111-000000000001", "C:\\elsewhere\\current.joblib",
                      "2026-02-01T01:10:20+00:00", json.dumps({"bal_acc": 0.9, "recall_1": 0.8})))
    database.commit()
    database.close()
    return workspace, rows


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """The reference on a copy of the data, and ours on the data itself."""
    folder = tmp_path_factory.mktemp("pair")
    workspace, rows = original(folder / "ours")
    copy = folder / "theirs.db"
    shutil.copy(workspace.database, copy)
    port = free_port()
    environment = os.environ | {"REFERENCE_DB": str(copy), "REFERENCE_ARTIFACTS": str(workspace.artifacts),
                                "REFERENCE_CURRENT": str(workspace.artifacts / "models" / "current.joblib")}
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "reference_api:app", "--port", str(port), "--log-level", "critical"],
        cwd=HERE, env=environment)
    theirs = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20)
    for _ in range(200):
        try:
            theirs.get("/health")
            break
        except httpx.TransportError:
            time.sleep(0.1)
    ours = Server(workspace)
    yield theirs, ours.client, rows
    ours.stop()
    process.kill()
    process.wait()


def comparable(answer):
    """The answer without what may differ: ids of requests, hints, and the words of messages inside details."""
    content = answer.json()
    if isinstance(content, dict) and content.get("ok") is False:
        content.pop("request_id")
        content["error"].pop("hint", None)
        for detail in content["error"].get("details") or []:
            if isinstance(detail, dict):
                for key in ("ctx", "url", "msg") if detail["type"] == "json_invalid" else ("ctx", "url"):
                    detail.pop(key, None)
                if detail["type"] == "json_invalid":
                    detail.pop("loc")
    return answer.status_code, content


GOOD = ["/health", "/model", "/runs", "/runs?limit=200", "/runs?limit=3&offset=2", "/runs?offset=1000", "/runs/latest",
        "/runs?include_metrics=false", "/runs?include_metrics=0&limit=1", "/runs?include_metrics=YES",
        "/runs?limit=5&limit=2", "/runs/00000007-1111-4111-8111-000000000007",
        "/runs/00000008-1111-4111-8111-000000000008", "/runs?unknown=1"]
BAD = ["/runs?limit=0", "/runs?limit=201", "/runs?limit=abc", "/runs?limit=1.5", "/runs?limit=", "/runs?offset=-1",
       "/runs?include_metrics=perhaps", "/runs?limit=-5&offset=-5", "/runs/none", "/runs/%3Cb%3E", "/runs/a%20b"]
BODIES = ["", "{", "[]", "{}", "null", "1", '"x"', '{"features": null}', '{"features": 1}', '{"features": "1,2"}',
          '{"features": {}}', '{"features": []}', '{"features": [1, 2]}', '{"features": [null]}',
          '{"features": ["a"]}', '{"features": ["1.5", true]}', '{"features": [[1]]}', '{"features": [{}]}',
          '{"Features": [1]}', '{"features": [1], "more": 2}', '{"features": [1,]}', "{'features': [1]}"]


def test_reading(pair):
    theirs, ours, _ = pair
    for path in GOOD + BAD:
        assert comparable(ours.get(path)) == comparable(theirs.get(path)), path


def test_predicting(pair):
    theirs, ours, rows = pair
    headers = {"Content-Type": "application/json"}
    for body in BODIES:
        sent = {"content": body, "headers": headers}
        assert comparable(ours.post("/predict", **sent)) == comparable(theirs.post("/predict", **sent)), body
    plain = {"content": '{"features": [1]}', "headers": {"Content-Type": "text/plain"}}
    assert ours.post("/predict", **plain).status_code == theirs.post("/predict", **plain).status_code == 422
    for row in rows[::40]:
        sent = {"json": {"features": list(row)}}
        mine, other = ours.post("/predict", **sent), theirs.post("/predict", **sent)
        assert mine.status_code == other.status_code == 200
        assert abs(mine.json()["p_win"] - other.json()["p_win"]) < 1e-12


def test_request_ids(pair):
    for server in pair[:2]:
        assert server.get("/health", headers={"X-Request-ID": "abc"}).headers["x-request-id"] == "abc"
        assert len(server.get("/health").headers["x-request-id"]) == 36
        answer = server.get("/runs/none", headers={"X-Request-ID": "abc"})
        assert answer.headers["x-request-id"] == answer.json()["request_id"] == "abc"
