"""Import from MLflow's own stores and server, and export and import of ours."""

import json
import math
import os
import pathlib
import subprocess
import sys
import time

import pytest
from conftest import Workspace, free_port

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
mlflow = pytest.importorskip("mlflow")
pytest.importorskip("mlflow.store.tracking.sqlalchemy_store", exc_type=ImportError)
from mlflow import MlflowClient
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression

ROWS, LABELS = load_breast_cancer(return_X_y=True)


def tell_a_story(uri):
    """Fills a store with everything that an import has to bring over."""
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    client = MlflowClient(uri, uri)
    mlflow.set_experiment("credit/import")
    with mlflow.start_run(run_name="one", tags={"k": "v", "위험": "예"}) as run:
        mlflow.log_params({"a": 1, "b b": "x"})
        for step in range(30):
            mlflow.log_metric("loss", 1 / (step + 1), step=step)
        mlflow.log_metrics({"inf": float("inf"), "m/x": -float("inf")})
        # MLflow's own store and server of a year before have trouble with these.
        if int(mlflow.__version__.split(".")[1]) > 6:
            mlflow.log_metric("nan", float("nan"))
            mlflow.log_text("umlaut", "dir/ü.txt")
        mlflow.log_text("hello", "dir/sub/t 1.txt")
        mlflow.log_text("", "empty.txt")
        model = LogisticRegression(max_iter=5000).fit(ROWS, LABELS)
        options = dict(serialization_format="cloudpickle", registered_model_name="balance_model")
        try:
            mlflow.sklearn.log_model(model, name="clf", **options)
        except TypeError:
            mlflow.sklearn.log_model(model, "clf", **options)
        with mlflow.start_run(nested=True):
            mlflow.log_metric("x", 1)
    gone = client.create_run("0")
    client.log_param(gone.info.run_id, "z", "1")
    client.delete_run(gone.info.run_id)
    client.delete_experiment(client.create_experiment("deleted one", tags={"x": "y"}))
    client.set_registered_model_alias("balance_model", "current", "1")
    client.set_registered_model_alias("balance_model", "champion", "1")
    client.set_registered_model_tag("balance_model", "rk", "rv")
    client.set_model_version_tag("balance_model", "1", "vk", "vv")
    client.update_registered_model("balance_model", "described")
    client.create_registered_model("empty one")
    return model


def number(value):
    return "nan" if math.isnan(value) else max(min(value, 1e308), -1e308)


def facts(uri, folder):
    """All that the client can see of a store, free of places and internal ids."""
    mlflow.set_tracking_uri(uri)
    client = MlflowClient(uri, uri)
    found = {}
    for experiment in client.search_experiments(view_type=3):
        key = ("experiment", experiment.name)
        found[key] = (experiment.lifecycle_stage, tuple(sorted(experiment.tags.items())))
        for run in client.search_runs([experiment.experiment_id], run_view_type=3):
            info = run.info
            points = {
                name: sorted((number(p.value), p.step, p.timestamp) for p in client.get_metric_history(info.run_id, name))
                for name in run.data.metrics
            }
            points = {name: sorted(set(map(str, values))) for name, values in points.items()}
            tags = {k: v for k, v in run.data.tags.items() if k != "mlflow.log-model.history"}
            found[("run", info.run_id)] = (
                info.run_name, info.status, info.start_time, info.end_time, info.lifecycle_stage, experiment.name,
                tuple(sorted(run.data.params.items())), tuple(sorted(tags.items())), str(sorted(points.items())),
                tuple(sorted((i.dataset.name, i.dataset.digest) for i in run.inputs.dataset_inputs)),
            )
            if info.lifecycle_stage == "active" and client.list_artifacts(info.run_id):
                target = folder / info.run_id
                target.mkdir(parents=True)
                local = pathlib.Path(client.download_artifacts(info.run_id, "", str(target)))
                found[("files", info.run_id)] = tuple(sorted((str(p.relative_to(local)), p.read_bytes()) for p in local.rglob("*") if p.is_file()))
    for model in client.search_registered_models():
        versions = client.search_model_versions(f"name='{model.name}'")
        aliases = {alias: str(version) for alias, version in client.get_registered_model(model.name).aliases.items()}
        found[("model", model.name)] = (
            model.description or "", tuple(sorted(model.tags.items())), tuple(sorted(aliases.items())),
            tuple((str(v.version), v.run_id, tuple(sorted(v.tags.items()))) for v in versions),
        )
    return found


def check_import(origin, uri, workspace, serve, tmp_path):
    model = tell_a_story(uri)
    before = facts(uri, tmp_path / "before")
    report = json.loads(workspace.run("import", "mlflow", "--from", origin, "--json").stdout)
    assert report["skipped"] == [] and report["runs"] == 3 and report["model_versions"] == 1
    again = json.loads(workspace.run("import", "mlflow", "--from", origin, "--json").stdout)
    assert again["runs"] == 0 and again["known_runs"] == 3 and again["artifacts"] == 0 and again["model_versions"] == 0
    server = serve(workspace)
    after = facts(server.url, tmp_path / "after")
    for key in before:
        assert after.get(key) == before[key], key
    assert server.predict(ROWS[0]).json()["p_win"] == pytest.approx(model.predict_proba(ROWS[:1])[0, 1], abs=1e-9)
    loaded = mlflow.sklearn.load_model("models:/balance_model@champion")
    assert (loaded.predict(ROWS) == model.predict(ROWS)).all()


def test_an_mlflow_database_comes_over(workspace, serve, tmp_path, monkeypatch):
    store = tmp_path / "store"
    store.mkdir()
    monkeypatch.chdir(store)
    check_import(str(store / "mlflow.db"), f"sqlite:///{store}/mlflow.db", workspace, serve, tmp_path)


def test_an_mlruns_folder_comes_over(workspace, serve, tmp_path):
    check_import(str(tmp_path / "mlruns"), f"file://{tmp_path}/mlruns", workspace, serve, tmp_path)


@pytest.mark.parametrize("storage", ["proxied", "direct"])
def test_a_running_server_comes_over(storage, workspace, serve, tmp_path):
    """Directly: the server keeps no files of clients, and reads them from its store when it is asked (1.x, --no-serve-artifacts)."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    art = str(tmp_path / "art")
    places = ["--artifacts-destination", art] if storage == "proxied" else ["--no-serve-artifacts", "--default-artifact-root", art]
    process = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{tmp_path}/s.db", *places, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path, start_new_session=True,
        # The queue of jobs that newer servers start has no part in what is imported.
        env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
    )
    try:
        import httpx
        for _ in range(600):
            try:
                if httpx.get(f"{url}/health").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.2)
        check_import(url, url, workspace, serve, tmp_path)
    finally:
        os.killpg(process.pid, 9)


def test_the_words_of_the_old_server_and_a_refused_connection(workspace):
    """A stand-in for a server that refuses the search; its own message is shown, and nothing waits for a port without a server."""
    import http.server
    import threading

    class Old(http.server.BaseHTTPRequestHandler):
        def answer(self, status, body):
            body = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self):
            asked.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            if "experiments/search" in self.path:
                return self.answer(200, {"experiments": [{"experiment_id": "0", "name": "Default", "lifecycle_stage": "active"}]})
            if "runs/search" not in self.path:
                return self.answer(404, {})
            if not runs:
                return self.answer(400, {"error_code": "INVALID_PARAMETER_VALUE", "message": "Invalid order_by"})
            self.answer(200, {"runs": runs})

        def do_GET(self):
            if "artifacts/list" in self.path:
                return self.answer(500, {"error_code": "INTERNAL_ERROR", "message": "Unable to locate credentials"})
            self.answer(200, {})

        def log_message(self, *_):
            pass

    runs = []
    asked = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Old)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    answer = workspace.run("import", "mlflow", "--from", url, check=False)
    assert answer.returncode == 1 and "Invalid order_by" in answer.stderr, answer.stderr
    # MLflow 1.x wants the prefix, which newer ones take too.
    assert json.loads(asked[-1][1])["order_by"] == ["attributes.start_time ASC"]
    runs.append({"info": {"run_id": "a" * 32, "experiment_id": "0", "status": "FINISHED", "artifact_uri": "s3://bucket/0/a/artifacts"}})
    answer = workspace.run("import", "mlflow", "--from", url, "--json", check=False)
    report = json.loads(answer.stdout)
    assert answer.returncode == 1 and report["runs"] == 1
    assert "s3://bucket" in report["skipped"][0]["what"] and "Unable to locate credentials" in report["skipped"][0]["reason"]
    server.shutdown()
    server.server_close()
    started = time.monotonic()
    answer = workspace.run("import", "mlflow", "--from", url, check=False)
    assert answer.returncode == 1 and "cannot reach" in answer.stderr
    assert time.monotonic() - started < 10


def test_export_and_import_are_the_identity(workspace, serve, tmp_path):
    server = serve(workspace)
    tell_a_story(server.url)
    workspace.run("train-dummy")
    workspace.run("demo-run")
    mlflow.set_tracking_uri(server.url)
    client = MlflowClient(server.url)
    experiment = client.create_experiment("second")
    run = client.create_run(experiment).info.run_id
    for step in range(3):
        client.log_batch(run, metrics=[mlflow.entities.Metric("m", step * 0.1, 1000 + step, step)])
    first = tmp_path / "first"
    workspace.run("export", "--to", first)
    other = Workspace(tmp_path / "other")
    report = json.loads(other.run("import", "export", "--from", first, "--json").stdout)
    assert report["skipped"] == []
    second = tmp_path / "second"
    other.run("export", "--to", second)
    assert (first / "export.jsonl").read_text() == (second / "export.jsonl").read_text()
    assert sorted(p.name for p in (first / "files").iterdir()) == sorted(p.name for p in (second / "files").iterdir())
    again = json.loads(other.run("import", "export", "--from", first, "--json").stdout)
    assert again["runs"] == 0 and again["artifacts"] == 0
    copy = serve(other)
    for row in ROWS[:5]:
        assert copy.predict(row[:8]).json() == server.predict(row[:8]).json()
    assert workspace.run("export", "--to", first, check=False).returncode == 64
    assert workspace.run("import", "export", "--from", tmp_path / "nothing", check=False).returncode != 0


def test_a_damaged_export_is_told(workspace, tmp_path):
    workspace.run("demo-run")
    target = tmp_path / "e"
    workspace.run("export", "--to", target)
    for file in (target / "files").iterdir():
        file.write_bytes(b"other")
    other = Workspace(tmp_path / "other")
    part = other.run("import", "export", "--from", target, "--json", check=False)
    report = json.loads(part.stdout)
    assert part.returncode == 1 and report["skipped"] and all("damaged" in s["reason"] for s in report["skipped"])
    (target / "export.jsonl").write_text("{\n")
    broken = other.run("import", "export", "--from", target, check=False)
    assert broken.returncode == 64 and "line 1" in broken.stderr
    assert other.run("import", "mlflow", "--from", tmp_path, check=False).returncode == 64
    assert other.run("import", "mlflow", "--from", tmp_path / "none.db", check=False).returncode == 1
