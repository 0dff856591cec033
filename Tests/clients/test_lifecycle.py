"""Deleting, restoring and purging; folders of experiments; trees of runs: API, command and pages."""

import json
import os
import uuid

import pytest

os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
mlflow = pytest.importorskip("mlflow")
from mlflow import MlflowClient


@pytest.fixture
def server(workspace, serve):
    return serve(workspace)


@pytest.fixture
def client(server):
    mlflow.set_tracking_uri(server.url)
    return MlflowClient(tracking_uri=server.url, registry_uri=server.url)


def blobs(workspace):
    return [p for p in (workspace.artifacts / "blobs").rglob("*") if p.is_file()]


def run_with_file(client, experiment, text, tmp_path, **tags):
    run = client.create_run(experiment, tags=tags).info.run_id
    (tmp_path / "f.txt").write_text(text)
    client.log_artifact(run, str(tmp_path / "f.txt"))
    return run


def test_purge_frees_the_bytes_and_the_name(server, client, workspace, tmp_path):
    experiment = client.create_experiment("gone")
    run_with_file(client, experiment, "only here" * 100, tmp_path)
    run_with_file(client, experiment, "shared", tmp_path)
    kept = run_with_file(client, "0", "shared", tmp_path)
    assert len(blobs(workspace)) == 2
    nothing = server.client.post("/purge", json={}).json()
    assert nothing["experiments"] == [] and nothing["bytes"] == 0
    refused = server.client.post("/purge", json={"experiment_ids": [experiment]})
    assert refused.status_code == 400 and "not deleted" in refused.json()["error"]["message"]
    client.delete_experiment(experiment)
    preview = server.client.post("/purge", json={"dry_run": True}).json()
    assert preview["bytes"] == 900 and preview["files"] == 2 and len(preview["runs"]) == 2
    assert len(blobs(workspace)) == 2 and client.get_experiment(experiment).name == "gone"
    young = server.client.post("/purge", json={"older_than_days": 1}).json()
    assert young["experiments"] == []
    done = json.loads(workspace.run("purge", "--json").stdout)
    assert done["bytes"] == 900 and done["experiments"] == [{"experiment_id": experiment, "name": "gone"}]
    assert len(blobs(workspace)) == 1
    assert client.get_experiment_by_name("gone") is None
    assert client.create_experiment("gone") != experiment
    assert client.download_artifacts(kept, "f.txt", str(tmp_path))
    assert server.client.post("/purge", json={"run_ids": ["nope"]}).status_code == 404


def test_what_a_version_is_made_from_is_kept(server, client, tmp_path):
    run = run_with_file(client, "0", "model", tmp_path)
    client.create_registered_model("m")
    client.create_model_version("m", f"runs:/{run}/f.txt", run)
    client.delete_run(run)
    report = server.client.post("/purge", json={"run_ids": [run]}).json()
    assert report["runs"] == [] and "m version 1" in report["kept"][0]["reason"]
    client.delete_registered_model("m")
    assert server.client.post("/purge", json={"run_ids": [run]}).json()["runs"] == [str(uuid.UUID(run))]


def test_a_native_run_is_deleted_restored_and_purged_with_its_folder(server, workspace):
    workspace.run("train-dummy", "--no-auto-promote")
    run = server.client.get("/runs").json()["items"][0]["run_id"]
    assert server.client.delete(f"/runs/{run}").json() == {"ok": True}
    assert server.client.get("/runs").json()["items"] == []
    assert server.client.get("/runs", params={"view": "deleted"}).json()["items"][0]["run_id"] == run
    server.client.post(f"/runs/{run}/restore")
    assert len(server.client.get("/runs").json()["items"]) == 1
    server.client.delete(f"/runs/{run}")
    report = server.client.post("/purge", json={"run_ids": [run]}).json()
    assert report["files"] >= 3 and report["bytes"] > 0
    assert server.client.get(f"/runs/{run}").status_code == 404
    left = [p for p in workspace.artifacts.rglob("*") if p.is_file() and p.name != "_latest.json"]
    assert left == []
    assert server.client.delete("/runs/nope").status_code == 404


def test_nested_runs_are_one_tree(server, client):
    def start(parent=None):
        return client.create_run("0", tags={"mlflow.parentRunId": parent} if parent else {}).info.run_id

    root = start()
    children = [start(root) for _ in range(3)]
    leaf = start(start(children[1]))
    client.log_metric(leaf, "loss", 0.5)
    tree = server.client.get(f"/runs/{uuid.UUID(root)}/tree").json()
    assert [uuid.UUID(c["run_id"]).hex for c in tree["children"]] == children
    deep = tree["children"][1]["children"][0]["children"][0]
    assert uuid.UUID(deep["run_id"]).hex == leaf and deep["metrics"] == {"loss": 0.5}
    client.set_tag(root, "mlflow.parentRunId", leaf)
    assert server.client.get(f"/runs/{root}/tree").status_code == 200
    assert server.client.get("/runs/nope/tree").status_code == 404
    page = server.client.get(f"/ui/runs/{root}").text
    assert leaf[:8] in page and "loss" in page


def test_experiments_are_folders(server, client):
    for name in ["credit/a", "credit/b", "credit/deep/c", "credit", "other", "/odd//name"]:
        client.create_experiment(name)
    top = server.client.get("/experiments").json()
    assert [f["path"] for f in top["folders"]] == ["credit", "odd"]
    assert top["folders"][0]["experiments"] == 3
    assert [e["name"] for e in top["experiments"]] == ["Default", "credit", "other"]
    credit = server.client.get("/experiments", params={"folder": "credit/"}).json()
    assert [f["path"] for f in credit["folders"]] == ["credit/deep"]
    assert [e["name"] for e in credit["experiments"]] == ["credit/a", "credit/b"]
    page = server.client.get("/ui/experiments", params={"folder": "credit"}).text
    assert "folder=credit%2Fdeep" in page and ">a<" in page


def test_the_pages_filter_delete_restore_and_purge(server, client, tmp_path):
    first = run_with_file(client, "0", "x", tmp_path, team="위험")
    second = run_with_file(client, "0", "y", tmp_path, team="b")
    client.log_metric(first, "acc", 0.9)
    page = server.client.get("/ui", params={"where": "metrics.acc > 0.5 OR tags.team = 'none'"}, follow_redirects=True).text
    # Above the table stand the runs that go on, whatever the filter is.
    page = page.split('class="filters"')[1]
    assert str(uuid.UUID(first)) in page and str(uuid.UUID(second)) not in page
    for wrong in ["metrics.acc >", "nope.x = 1", "status > 'x'"]:
        page = server.client.get("/ui", params={"where": wrong}, follow_redirects=True)
        assert page.status_code == 200 and "where-error" in page.text, wrong
    address = f"/ui/runs/{uuid.UUID(second)}"
    assert "f.txt" in server.client.get(address, params={"tab": "artifacts"}).text
    assert server.client.get(f"{address}/files/f.txt").content == b"y"
    assert server.client.get(f"{address}/files/nope").status_code == 404
    assert server.client.get(f"{address}/files/%2e%2e/x").status_code in (400, 404)
    foreign = server.client.post(f"{address}/delete", headers={"Origin": "http://evil.example"})
    assert foreign.status_code == 403
    assert server.client.post(f"{address}/purge").status_code == 400
    assert server.client.post(f"{address}/delete").status_code == 303
    assert "Delete permanently" in server.client.get(address).text
    assert server.client.post(f"{address}/restore").status_code == 303
    server.client.post(f"{address}/delete")
    assert str(uuid.UUID(second)) in server.client.get("/ui?view=deleted", follow_redirects=True).text
    assert server.client.post(f"{address}/purge").status_code == 303
    assert server.client.get(address).status_code == 404
    experiment = client.create_experiment("page")
    server.client.post(f"/ui/experiments/{experiment}/delete")
    assert "page" in server.client.get("/ui/experiments").text
    server.client.post(f"/ui/experiments/{experiment}/purge")
    assert client.get_experiment_by_name("page") is None


def test_deletion_survives_parallel_writers(server, client):
    import concurrent.futures
    runs = [client.create_run("0").info.run_id for _ in range(24)]

    def write(run):
        try:
            for step in range(40):
                client.log_metric(run, "m", step, step=step)
        except Exception as error:
            return str(error)

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        writers = [pool.submit(write, run) for run in runs]
        for run in runs[::2]:
            client.delete_run(run)
            server.client.post("/purge", json={"run_ids": [run]})
        outcomes = [w.result() for w in writers]
    for run, outcome in zip(runs, outcomes):
        if runs.index(run) % 2:
            assert outcome is None and len(client.get_metric_history(run, "m")) == 40
        else:
            assert server.client.get(f"/runs/{run}").status_code == 404
            assert outcome is None or "deleted" in outcome or "not found" in outcome, outcome
    assert server.client.post("/purge", json={}).json()["runs"] == []
