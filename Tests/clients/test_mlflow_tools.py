"""MLflow's export and import tool, and clients of 2025, which name images with `%`: nothing gets lost on the way."""

import json
import os
import pathlib
import subprocess
import urllib.parse

import pytest
from conftest import ROOT, Workspace

API = "/api/2.0/mlflow"
NAMES = ["50%.txt", "100% sure.txt", "sub/in%.txt", "plus+.txt", "한글 이름.txt", "a&b=c.txt", "empty.txt"]
PLACES = {
    "2.22": pathlib.Path(os.environ.get("BALANCEOPS_TOOLS", ROOT / ".build" / "venv-tools" / "bin")),
    "3.0": pathlib.Path(os.environ.get("BALANCEOPS_TOOLS_3_0", ROOT / ".build" / "venv-tools-3.0" / "bin")),
}

# import-model looks for the model on its own disk, and takes the scheme for a part of the path (open as mlflow-export-import#53).
REPAIRED = """
import os, re, sys
import mlflow_export_import.model.import_model as tool
there = os.path.exists
os.path.exists = lambda path: str(path).startswith("mlflow-artifacts:") or there(path)
tool._extract_model_path = lambda source, run: re.search(run + "(?:/artifacts)?/(.*)", source)[1]
if "--models" in sys.argv:
    sys.argv.remove("--models")
    import mlflow_export_import.bulk.import_models as tool
tool.main()
"""

LOG = """
import json, os, sys, numpy, mlflow
folder, target = sys.argv[1:]
pixels = numpy.arange(192, dtype=numpy.uint8).reshape(8, 8, 3)
with mlflow.start_run() as run:
    for step in (0, 7, 25, 80, 1000):
        mlflow.log_image(pixels, key="dog", step=step, timestamp=1700000000000, synchronous=True)
    mlflow.log_image(pixels, "plain 50%.png")
    for rows in ([1, 2], [3]):
        mlflow.log_table({"a": rows}, "table 50%.json")
    mlflow.log_artifacts(folder, "files")
local = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, dst_path=target)
print(json.dumps([run.info.run_id, len(mlflow.load_table("table 50%.json", run_ids=[run.info.run_id]))]))
"""


def call(version, server, program, *arguments, cwd=None):
    """Runs a program of the environment with this MLflow against a server; a text with a line break is Python."""
    place = PLACES[version]
    if not (place / "python").exists():
        pytest.skip(f"no MLflow {version} in {place} (scripts/bootstrap.sh --tests)")
    command = [place / "python", "-c", program] if "\n" in program else [place / program]
    done = subprocess.run(
        [*command, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=120,
        env={"PATH": f"{place}:{os.environ['PATH']}", "HOME": os.environ.get("HOME", "/"), "MLFLOW_TRACKING_URI": server.url, "MLFLOW_DISABLE_TELEMETRY": "true",
             "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "GIT_PYTHON_REFRESH": "quiet"},
    )
    # The tool prints most failures and ends with 0.
    assert done.returncode == 0 and "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
    return done.stdout


def ask(server, method, path, /, **fields):
    body = {"params": fields} if method == "GET" else {"json": fields}
    answer = server.client.request(method, f"{API}/{path}", **body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def files(server, run, folder=""):
    found = {}
    for file in ask(server, "GET", "artifacts/list", run_id=run, path=folder).get("files", []):
        if file["is_dir"]:
            found |= files(server, run, file["path"])
        else:
            url = f"/get-artifact?run_id={run}&path=" + urllib.parse.quote(file["path"], safe="")
            found[file["path"]] = server.client.get(url).content
    return found


@pytest.mark.parametrize("version", list(PLACES))
def test_what_clients_of_2025_log_comes_back(version, workspace, serve, tmp_path):
    server = serve(workspace)
    given = tmp_path / "given"
    for name in NAMES:
        (given / name).parent.mkdir(parents=True, exist_ok=True)
        (given / name).write_bytes(b"" if name == "empty.txt" else name.encode())
    target = tmp_path / "target"
    target.mkdir()
    run, rows = json.loads(call(version, server, LOG, given, target).splitlines()[-1])
    assert rows == 3
    kept = files(server, run)
    assert {name: kept["files/" + name] for name in NAMES} == {name: (given / name).read_bytes() for name in NAMES}
    images = [name for name in kept if name.startswith("images/dog%step%")]
    assert len(images) == 10 and kept["plain 50%.png"].startswith(b"\x89PNG")
    # These clients decode the names that a server lists, `%25` to `%`, and ask for that.
    came = [path.read_bytes() for path in target.rglob("*") if path.is_file()]
    assert sorted(came) == sorted(kept.values())


def tell_a_story(server):
    experiment = ask(server, "POST", "experiments/create", name="credit/moved", tags=[{"key": "team", "value": "risk"}])["experiment_id"]
    runs = []
    for name in ("parent", "child", "grandchild"):
        tags = [{"key": "위험", "value": "예"}] + [{"key": "mlflow.parentRunId", "value": run} for run in runs[-1:]]
        run = ask(server, "POST", "runs/create", experiment_id=experiment, run_name=name, start_time=1000, tags=tags)["run"]["info"]["run_id"]
        runs.append(run)
        points = [{"key": "loss", "value": 1 / (step + 1), "step": step, "timestamp": 2000 + step} for step in range(1000)]
        ask(server, "POST", "runs/log-batch", run_id=run, metrics=points[:999] + [{"key": "nan", "value": "NaN", "step": -1, "timestamp": 1}])
        ask(server, "POST", "runs/log-batch", run_id=run, params=[{"key": f"p{i}", "value": "x%y"} for i in range(100)])
        for file in ["model/MLmodel", *NAMES]:
            url = f"/api/2.0/mlflow-artifacts/artifacts/{experiment}/{run}/artifacts/" + urllib.parse.quote(file)
            assert server.client.put(url, content=f"flavors: {{}}\nname: '{file}'\n").status_code == 200
        ask(server, "POST", "runs/update", run_id=run, status="FINISHED", end_time=3000)
    ask(server, "POST", "registered-models/create", name="moved", description="two\nlines", tags=[{"key": "rk", "value": "rv"}])
    for run, stage in zip(runs, ["Archived", "Production", "Staging"]):
        source = f"mlflow-artifacts:/{experiment}/{run}/artifacts/model"
        number = ask(server, "POST", "model-versions/create", name="moved", source=source, run_id=run, description=stage, tags=[{"key": "v", "value": stage}])["model_version"]["version"]
        ask(server, "POST", "model-versions/transition-stage", name="moved", version=number, stage=stage, archive_existing_versions=False)
    assert ask(server, "GET", "registered-models/alias", name="moved", alias="current")["model_version"]["version"] == "2"


def facts(server):
    """What the tool moves: not times and states of runs, nor aliases; MLmodel gets the id of the new run."""
    experiment = ask(server, "GET", "experiments/get-by-name", experiment_name="credit/moved")["experiment"]
    found = {"experiment": [tag for tag in experiment["tags"]]}
    runs = ask(server, "POST", "runs/search", experiment_ids=[experiment["experiment_id"]])["runs"]
    names = {run["info"]["run_id"]: run["info"]["run_name"] for run in runs}
    for run, name in names.items():
        data = next(entry["data"] for entry in runs if entry["info"]["run_id"] == run)
        tags = {tag["key"]: tag["value"] for tag in data["tags"] if tag["key"] != "mlflow.user"}
        if "mlflow.parentRunId" in tags:
            tags["mlflow.parentRunId"] = names[tags["mlflow.parentRunId"]]
        points = [ask(server, "GET", "metrics/get-history", run_id=run, metric_key=key)["metrics"] for key in ("loss", "nan")]
        stored = files(server, run)
        assert f"run_id: {run}".encode() in stored["model/MLmodel"] or b"run_id" not in stored["model/MLmodel"]
        found[name] = (sorted(str(p) for p in data["params"]), tags, str(points), {n: b for n, b in stored.items() if n != "model/MLmodel"})
    model = ask(server, "GET", "registered-models/get", name="moved")["registered_model"]
    versions = ask(server, "GET", "model-versions/search", filter="name = 'moved'")["model_versions"]
    found["model"] = (model["description"], model["tags"])
    found["versions"] = sorted((v["version"], v["description"], v["current_stage"], str(v["tags"]), names[v["run_id"]], v["source"].split("/artifacts/")[1]) for v in versions)
    return found


def test_mlflows_export_and_import_tool_moves_everything(workspace, serve, tmp_path):
    server, other = serve(workspace), serve(Workspace(tmp_path / "other"))
    tell_a_story(server)
    call("2.22", server, "export-all", "--output-dir", tmp_path / "all", cwd=tmp_path)
    call("2.22", other, REPAIRED, "--models", "--input-dir", tmp_path / "all", cwd=tmp_path)
    assert facts(other) == facts(server)


def test_one_experiment_and_one_model_move_by_themselves(workspace, serve, tmp_path):
    server, other = serve(workspace), serve(Workspace(tmp_path / "other"))
    tell_a_story(server)
    call("2.22", server, "export-experiment", "--experiment", "credit/moved", "--output-dir", tmp_path / "e", cwd=tmp_path)
    call("2.22", other, "import-experiment", "--experiment-name", "credit/moved", "--input-dir", tmp_path / "e", cwd=tmp_path)
    call("2.22", server, "export-model", "--model", "moved", "--output-dir", tmp_path / "m", cwd=tmp_path)
    exported = json.loads((tmp_path / "m" / "model.json").read_text())["mlflow"]["registered_model"]
    assert [version["version"] for version in exported["versions"]] == ["1", "2", "3"]
    call("2.22", other, REPAIRED, "--model", "moved", "--experiment-name", "credit/models", "--input-dir", tmp_path / "m", "--sleep-time", "1", cwd=tmp_path)
    versions = ask(other, "GET", "model-versions/search", filter="name = 'moved'")["model_versions"]
    assert sorted((v["version"], v["current_stage"]) for v in versions) == [("1", "Archived"), ("2", "Production"), ("3", "Staging")]
    experiment = ask(other, "GET", "experiments/get-by-name", experiment_name="credit/moved")["experiment"]["experiment_id"]
    assert len(ask(other, "POST", "runs/search", experiment_ids=[experiment])["runs"]) == 3
