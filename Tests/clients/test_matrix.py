"""Models of every version of the libraries answer as the library that made them does, or are refused by name.

scripts/bootstrap.sh --tests makes the environments of a few versions, --matrix those of all, below .build/matrix. Each makes its files and says what
it answers (matrix_models.py); here they are registered, and asked over HTTP.
"""

import json
import os
import pathlib
import subprocess
import sys

import numpy
import pytest

from conftest import EFFORT, ROOT, Server, Workspace

HERE = pathlib.Path(__file__).resolve().parent
ENVIRONMENTS = {"newest": sys.executable} | {
    folder.name: folder / "bin" / "python" for folder in sorted(pathlib.Path(os.environ.get("BALANCEOPS_MATRIX", ROOT / ".build" / "matrix")).glob("*"))
    if (folder / "bin" / "python").exists()}
# Of the older environments only every so many files are made, with less than full effort; each begins at another one.
STEP = max(1, round(1 / EFFORT))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(Workspace(tmp_path_factory.mktemp("matrix")))
    yield server
    server.stop()


def registered(server, name, file):
    """Registers a file; what is in the way, where it cannot be served."""
    def post(path, **body):
        answer = server.client.post(f"/api/2.0/mlflow/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()
    run = post("runs/create", experiment_id="0")["run"]["info"]["run_id"]
    server.client.put(f"/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/m.pkl", content=file.read_bytes()).raise_for_status()
    post("registered-models/create", name=name)
    version = post("model-versions/create", name=name, run_id=run, source=f"runs:/{run}/m.pkl")["model_version"]
    return version.get("status_message", "")


def asked(server, name, rows):
    """The answer by binary tensors, which hold every number: its status and the outputs by their names."""
    data = numpy.array(rows, dtype="<f8")
    metadata = server.client.get(f"/v2/models/{name}/versions/1").json()
    body = data.tobytes()
    head = json.dumps({"inputs": [{"name": metadata["inputs"][0]["name"], "shape": list(data.shape), "datatype": metadata["inputs"][0]["datatype"],
                                   "parameters": {"binary_data_size": len(body)}}]}).encode()
    answer = server.client.post(f"/v2/models/{name}/versions/1/infer", content=head + body, headers={"Inference-Header-Content-Length": str(len(head))})
    outputs = {output["name"]: numpy.array(output["data"]).reshape(output["shape"]) for output in answer.json().get("outputs", [])}
    return answer, outputs


def differs(outputs, group, told):
    """What is wrong with an answer; nothing where it is the library's."""
    wanted = numpy.array(group["wanted"])
    if told["kind"] == "label":
        found = [str(label) for label in outputs["label"].ravel()]
        return [] if found == group["labels"] else [f"labels {[p for p in zip(found, group['labels']) if p[0] != p[1]][:2]}"]
    numbers = next(values for name, values in outputs.items() if name != "label").astype("f8")
    numbers = numbers.reshape(wanted.shape)
    bound = 2e-6 if told["single"] else 1e-9
    scale = numpy.maximum(1, numpy.abs(wanted))
    far = numpy.abs(numbers - wanted) / scale > bound
    wrong = [f"{numbers[far].ravel()[:2]} for {wanted[far].ravel()[:2]}"] if far.any() else []
    if told["kind"] == "chances" and "label" in outputs:
        found = [str(label) for label in outputs["label"].ravel()]
        pairs = [pair for pair in zip(found, group["labels"]) if pair[0] != pair[1]]
        wrong += [f"labels {pairs[:2]}"] if pairs else []
    return wrong


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_models_answer_as_their_library_does(environment, server, tmp_path):
    step, first = (1, 0) if environment == "newest" else (STEP, list(ENVIRONMENTS).index(environment) % STEP)
    subprocess.run([ENVIRONMENTS[environment], HERE / "matrix_models.py", tmp_path, str(step), str(first)], check=True, timeout=600)
    files = sorted(tmp_path.glob("*.pkl"))
    assert len(files) > 100 / step
    wrong = []
    for number, file in enumerate(files):
        name = f"{environment}-{number}"
        problem = registered(server, name, file)
        if problem:
            wrong.append(f"{file.stem}: refused: {problem[:160]}")
            continue
        told = json.loads(file.with_suffix(".json").read_text())
        for title, group in told["groups"].items():
            answer, outputs = asked(server, name, group["rows"])
            # Until scikit-learn 1.8 rows that every class refuses got NaN for each; a served model answers numbers or nothing.
            if "wanted" in group and not numpy.isfinite(numpy.array(group["wanted"])).all():
                group["refused"] = "NaN"
            if "refused" in group:
                if answer.status_code == 200:
                    wrong.append(f"{file.stem}, {title}: answered where the library says: {group['refused'][:80]}")
            elif answer.status_code != 200:
                wrong.append(f"{file.stem}, {title}: {answer.text[:160]}")
            else:
                wrong += [f"{file.stem}, {title}: {what}" for what in differs(outputs, group, told)]
    assert not wrong, f"{len(wrong)} of {len(files)} files:\n" + "\n".join(wrong)
