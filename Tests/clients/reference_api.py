"""A small FastAPI server that answers as the product contract says the original does, over the original's tables.

It is an oracle for tests: the same requests go to it and to ours.
"""

import json
import os
import pathlib
import sqlite3
import uuid

import joblib
from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel

DATABASE = os.environ["REFERENCE_DB"]
ARTIFACTS = pathlib.Path(os.environ["REFERENCE_ARTIFACTS"])
CURRENT = pathlib.Path(os.environ["REFERENCE_CURRENT"])

app = FastAPI()


class Body(BaseModel):
    features: list[float]


class Refusal(Exception):
    def __init__(self, status, code, message, **more):
        self.status, self.error = status, {"code": code, "message": message, **more}


def envelope(request, status, error):
    content = {"ok": False, "error": error, "request_id": request.state.id}
    return JSONResponse(status_code=status, content=content)


@app.middleware("http")
async def identify(request: Request, call_next):
    request.state.id = request.headers.get("x-request-id") or str(uuid.uuid4())
    response = await call_next(request)
    response.headers["X-Request-ID"] = request.state.id
    return response


@app.exception_handler(Refusal)
async def refuse(request, refusal):
    return envelope(request, refusal.status, refusal.error)


@app.exception_handler(RequestValidationError)
async def invalid(request, error):
    details = json.loads(json.dumps(error.errors(), default=str))
    return envelope(request, 422, {"code": "VALIDATION_ERROR", "message": "Invalid request.", "details": details})


def rows(sql, *arguments):
    connection = sqlite3.connect(DATABASE)
    connection.row_factory = sqlite3.Row
    found = [dict(row) for row in connection.execute(sql, arguments)]
    connection.close()
    return found


def pointer(name):
    path = ARTIFACTS / "runs" / name
    return json.loads(path.read_text()) if path.exists() else None


def git(row):
    return {"commit": row["git_commit"], "branch": row["git_branch"], "dirty": bool(row["git_dirty"])}


def metrics(run):
    return {row["key"]: row["value"] for row in rows("SELECT * FROM metrics WHERE run_id = ? ORDER BY key", run)}


def detail(run):
    found = rows("SELECT * FROM runs WHERE run_id = ?", run)
    if not found:
        raise Refusal(404, "RUN_NOT_FOUND", "Run not found.", details={"run_id": run})
    row = found[0]
    files = rows("SELECT kind, path FROM artifacts WHERE run_id = ? ORDER BY kind, path", run)
    return {"run_id": run, "created_at": row["created_at"], "git": git(row), "note": row["note"],
            "params": json.loads(row["params_json"]), "metrics": metrics(run), "artifacts": files,
            "manifest": pointer(f"_by_id/{run}.json")}


def current():
    found = rows("SELECT * FROM models WHERE name = 'balance_model' AND stage = 'current'")
    return found[0] if found else {}


@app.get("/health")
def health():
    return {"status": "ok"}


@app.get("/model")
def model():
    return current()


@app.get("/runs")
def runs(limit: int = Query(20, ge=1, le=200), offset: int = Query(0, ge=0), include_metrics: bool = True):
    items = []
    for row in rows("SELECT * FROM runs ORDER BY created_at DESC LIMIT ? OFFSET ?", limit, offset):
        item = {"run_id": row["run_id"], "created_at": row["created_at"], "git": git(row), "note": row["note"],
                "kind": json.loads(row["params_json"]).get("kind")}
        if include_metrics:
            item["metrics"] = metrics(row["run_id"])
        place = pointer(f"_by_id/{row['run_id']}.json")
        if place:
            item["run_dir_name"] = place["run_dir_name"]
        items.append(item)
    return {"items": items, "limit": limit, "offset": offset, "count": len(items)}


@app.get("/runs/latest")
def latest():
    place = pointer("_latest.json")
    if place:
        return detail(place["run_id"])
    newest = rows("SELECT run_id FROM runs ORDER BY created_at DESC LIMIT 1")
    if not newest:
        raise Refusal(404, "RUN_NOT_FOUND", "No runs found.", hint="demo-run")
    return detail(newest[0]["run_id"])


@app.get("/runs/{run_id}")
def run(run_id: str):
    return detail(run_id)


@app.post("/predict")
def predict(body: Body):
    row = current()
    path = next((p for p in [pathlib.Path(row.get("path") or "/nowhere"), CURRENT] if p.exists()), None)
    if not row or path is None:
        raise Refusal(404, "NO_CURRENT_MODEL", "No current model promoted yet.", hint="train-dummy")
    loaded = joblib.load(path)
    loaded = loaded["model"] if isinstance(loaded, dict) else loaded
    expected = getattr(loaded, "n_features_in_", None) or 8
    if len(body.features) != expected:
        raise Refusal(400, "FEATURE_SIZE_MISMATCH", "Feature length mismatch.", hint="GET /version",
                      details={"expected_n_features": expected, "got_n_features": len(body.features)})
    return {"p_win": float(loaded.predict_proba([body.features])[0][1])}
