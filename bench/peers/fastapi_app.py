"""What a user would write with FastAPI: one route that asks a scikit-learn pipeline, and one that lists runs from SQLite."""

import os
import sqlite3

import joblib
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
model = joblib.load(os.environ["BENCH_MODEL"])


class Features(BaseModel):
    features: list[float]


@app.post("/predict")
def predict(body: Features):
    return {"p_win": float(model.predict_proba([body.features])[0][1])}


@app.get("/runs")
def runs(limit: int = 20):
    connection = sqlite3.connect(os.environ["BENCH_DB"])
    rows = connection.execute("SELECT run_id, start_time_ms FROM run ORDER BY start_time_ms DESC LIMIT ?", (limit,)).fetchall()
    connection.close()
    return {"items": [{"run_id": run, "created_at": at} for run, at in rows]}
