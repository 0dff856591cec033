"""A service of the original's kind, written for the bench from what its users rely on: FastAPI, SQLite, NumPy.

Each prediction asks the database which model is current and looks whether its file has changed, in a synchronous route; a
middleware gives every answer its identity.
"""

import json
import os
import sqlite3
import uuid

import joblib
import numpy
from fastapi import FastAPI, HTTPException, Query, Request
from pydantic import BaseModel

DATABASE, FILE = os.environ["BENCH_DB"], os.environ["BENCH_MODEL"]
app = FastAPI()
loaded = {}


class Features(BaseModel):
    features: list[float]


@app.middleware("http")
async def identify(request: Request, call_next):
    identity = request.headers.get("x-request-id") or str(uuid.uuid4())
    response = await call_next(request)
    response.headers["X-Request-ID"] = identity
    return response


def rows(sql, *values):
    connection = sqlite3.connect(DATABASE)
    connection.row_factory = sqlite3.Row
    try:
        return connection.execute(sql, values).fetchall()
    finally:
        connection.close()


def model():
    """The current model's scale and weights, read again where the file has changed."""
    if not rows("SELECT version FROM model_alias WHERE name = 'balance_model' AND alias = 'current'"):
        raise HTTPException(404, "no current model")
    stamp = os.stat(FILE).st_mtime_ns
    if loaded.get("stamp") != stamp:
        scaler, logistic = (step for _, step in joblib.load(FILE).steps)
        loaded.update(stamp=stamp, mean=scaler.mean_, scale=scaler.scale_, weights=logistic.coef_[0], intercept=logistic.intercept_[0])
    return loaded


@app.post("/predict")
def predict(body: Features):
    parts = model()
    row = numpy.asarray(body.features, dtype=float)
    if row.shape != parts["mean"].shape:
        raise HTTPException(422, "wrong number of features")
    decision = (row - parts["mean"]) / parts["scale"] @ parts["weights"] + parts["intercept"]
    return {"p_win": float(1 / (1 + numpy.exp(-decision)))}


@app.get("/runs")
def runs(limit: int = Query(20, ge=1, le=200), offset: int = Query(0, ge=0)):
    items = []
    for row in rows("SELECT run_id, created_at, params_json, git_commit FROM run ORDER BY created_at DESC LIMIT ? OFFSET ?", limit, offset):
        kind = json.loads(row["params_json"] or "{}").get("kind")
        items.append({"run_id": row["run_id"], "created_at": row["created_at"], "kind": kind, "git": {"commit": row["git_commit"]}})
    return {"items": items, "limit": limit, "offset": offset, "count": len(items)}
