"""From a run to serving in one step: what MLflow's client logs answers as soon as the version exists."""

import os

import numpy
import pandas
import pytest

os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")
mlflow = pytest.importorskip("mlflow")
pytest.importorskip("mlflow.sklearn")
from mlflow import MlflowClient
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from conftest import Server, Workspace

ROWS, LABELS = load_breast_cancer(return_X_y=True)
NAMES = [f"c{i}" for i in range(ROWS.shape[1])]
TABLE = pandas.DataFrame(ROWS, columns=NAMES)


def scikit(**options):
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=400)).fit(ROWS, LABELS), "sklearn", options


def xgboost():
    return pytest.importorskip("xgboost").XGBClassifier(n_estimators=10).fit(ROWS, LABELS), "xgboost", {}


def lightgbm():
    return pytest.importorskip("lightgbm").LGBMClassifier(n_estimators=10, verbose=-1).fit(ROWS, LABELS), "lightgbm", {}


def booster():
    library = pytest.importorskip("lightgbm")
    return library.train({"objective": "binary", "verbose": -1}, library.Dataset(ROWS, LABELS), 10), "lightgbm", {}


def onnx():
    pytest.importorskip("onnxruntime")
    return pytest.importorskip("skl2onnx").to_onnx(scikit()[0], ROWS[:1].astype("f4")), "onnx", {}


FLAVORS = {
    "sklearn": scikit,
    "sklearn-skops": lambda: scikit(serialization_format="skops"),
    "sklearn-cloudpickle": lambda: scikit(serialization_format="cloudpickle"),
    "sklearn-pickle": lambda: scikit(serialization_format="pickle"),
    "xgboost": xgboost, "lightgbm": lightgbm, "lightgbm-booster": booster, "onnx": onnx,
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    server = Server(Workspace(tmp_path_factory.mktemp("flavors")))
    yield server
    server.stop()


@pytest.fixture
def server(shared):
    """The server for which each test names its model."""
    mlflow.set_tracking_uri(shared.url)
    mlflow.set_registry_uri(shared.url)
    mlflow.set_experiment("flavors")
    yield shared
    while mlflow.active_run():
        mlflow.end_run()


@pytest.mark.parametrize("name", FLAVORS)
def test_a_logged_model_answers_at_once(name, server):
    model, flavor, options = FLAVORS[name]()
    log_model = __import__(f"mlflow.{flavor}", fromlist=[""]).log_model
    with mlflow.start_run():
        log_model(model, name="model", registered_model_name=name, input_example=TABLE[:3], **options)
    version = MlflowClient().get_model_version(name, "1")
    assert version.status == "READY" and not version.status_message, version.status_message
    source = scikit()[0] if flavor == "onnx" else model
    wanted = source.predict_proba(ROWS[:30])[:, 1] if hasattr(source, "predict_proba") else source.predict(ROWS[:30])
    # What MLflow records of an ONNX model is its tensor, so that the columns have no names.
    rows = ROWS[:30].tolist() if flavor == "onnx" else TABLE[:30].to_dict("records")
    answer = server.client.post(f"/models/{name}/versions/1/predict", json={"instances": rows})
    assert answer.status_code == 200, answer.text
    assert numpy.abs(numpy.array([g["p_win"] for g in answer.json()["predictions"]]) - wanted).max() < 1e-5
    # The current one is asked in the same way, also by the names that only the MLmodel knows.
    MlflowClient().set_registered_model_alias(name, "current", "1")
    shuffled = TABLE[:30][NAMES[::-1]]
    body = {"inputs": rows} if flavor == "onnx" else {"dataframe_split": shuffled.to_dict("split")}
    scored = server.client.post(f"/models/{name}/invocations", json=body)
    assert scored.status_code == 200, scored.text
    # A booster of LightGBM's own answers with numbers there, as MLflow's pyfunc does.
    labels = wanted if name == "lightgbm-booster" else [int(p > 0.5) for p in wanted]
    predictions = scored.json()["predictions"]
    if flavor == "onnx":
        # Of a graph pyfunc answers all outputs by their names.
        assert {name: numpy.shape(column) for name, column in predictions.items()} == {"output_label": (30,), "output_probability": (30,)}
        predictions = predictions["output_label"]
    assert predictions == pytest.approx(labels, abs=1e-9)
    detail = server.client.get(f"/models/{name}").json()["versions"][0]
    assert detail["signature"]["inputs"] and detail["servable"]


def test_a_folder_is_inspected_and_imported(workspace, serve, tmp_path):
    model, _, _ = scikit()
    mlflow.sklearn.save_model(model, tmp_path / "m", input_example=TABLE[:2], serialization_format="cloudpickle")
    shown = workspace.run("models", "inspect", tmp_path / "m").stdout
    assert "StandardScaler > LogisticRegression" in shown and "c29" in shown
    workspace.run("models", "import", tmp_path / "m", "--name", "folder", "--current")
    answer = serve(workspace).client.post("/models/folder/predict", json={"features": TABLE.iloc[0].to_dict()})
    assert abs(answer.json()["prediction"]["p_win"] - model.predict_proba(ROWS[:1])[0, 1]) < 1e-9
    (tmp_path / "empty").mkdir()
    assert "MLmodel" in workspace.run("models", "inspect", tmp_path / "empty", check=False).stderr


def test_a_version_that_fails_its_input_example_does_not_serve(server, tmp_path):
    """An input example with a column fewer: the version exists, says why, and the old one goes on serving."""
    good, _, _ = scikit()
    with mlflow.start_run():
        mlflow.sklearn.log_model(good, name="model", registered_model_name="tested", input_example=ROWS[:2])
    client = MlflowClient()
    client.set_registered_model_alias("tested", "current", "1")
    with mlflow.start_run() as run:
        mlflow.sklearn.save_model(good, tmp_path / "m", input_example=ROWS[:2])
        (tmp_path / "m" / "serving_input_example.json").write_text('{"inputs": [[1.0, 2.0]]}')
        mlflow.log_artifacts(tmp_path / "m", "model")
    client.create_model_version("tested", f"{run.info.artifact_uri}/model", run.info.run_id)
    assert "input example" in client.get_model_version("tested", "2").status_message
    with pytest.raises(mlflow.exceptions.MlflowException, match="input example"):
        client.set_registered_model_alias("tested", "current", "2")
    assert client.get_model_version_by_alias("tested", "current").version in ("1", 1)
    assert server.client.post("/models/tested/predict", json={"features": ROWS[0].tolist()}).json()["version"] == 1


def with_xgboost(objective, **options):
    xgb = pytest.importorskip("xgboost")
    rows, labels = WINE if "multi" in objective else (ROWS, LABELS)
    return xgb.train({"objective": objective, **options}, xgb.DMatrix(rows, labels), 5), "xgboost", {}, rows


def with_lightgbm(objective, **options):
    lgb = pytest.importorskip("lightgbm")
    rows, labels = WINE if "multi" in objective else (ROWS, LABELS)
    return lgb.train({"objective": objective, "verbose": -1, **options}, lgb.Dataset(rows, labels), 5), "lightgbm", {}, rows


WINE = load_wine(return_X_y=True)
ASKED = {
    "probabilities": lambda: (*scikit(pyfunc_predict_fn="predict_proba"), ROWS),
    "log-probabilities": lambda: (*scikit(pyfunc_predict_fn="predict_log_proba"), ROWS),
    "xgboost-binary": lambda: with_xgboost("binary:logistic"),
    "xgboost-softprob": lambda: with_xgboost("multi:softprob", num_class=3),
    "xgboost-softmax": lambda: with_xgboost("multi:softmax", num_class=3),
    "xgboost-regressor": lambda: (pytest.importorskip("xgboost").XGBRegressor(n_estimators=5, objective="binary:logistic").fit(ROWS, LABELS), "xgboost", {}, ROWS),
    "xgboost-classifier": lambda: (*xgboost(), ROWS),
    "lightgbm-binary": lambda: with_lightgbm("binary"),
    "lightgbm-multiclass": lambda: with_lightgbm("multiclass", num_class=3),
    "lightgbm-classifier": lambda: (*lightgbm(), ROWS),
}


@pytest.mark.parametrize("name", ASKED)
def test_invocations_answer_as_pyfunc_does(name, server):
    model, flavor, options, rows = ASKED[name]()
    with mlflow.start_run() as run:
        try:
            getattr(mlflow, flavor).log_model(model, name="model", **options)
        except TypeError:
            getattr(mlflow, flavor).log_model(model, "model", **options)
    mlflow.register_model(f"runs:/{run.info.run_id}/model", name)
    wanted = numpy.asarray(mlflow.pyfunc.load_model(f"models:/{name}/1").predict(rows[:20]))
    split = {"dataframe_split": {"columns": [f"Column_{i}" if flavor == "lightgbm" else str(i) for i in range(rows.shape[1])], "data": rows[:20].tolist()}}
    MlflowClient().set_registered_model_alias(name, "current", "1")
    for path in (f"/models/{name}/versions/1/invocations", f"/models/{name}/invocations"):
        for body in ({"instances": rows[:20].tolist()}, split):
            answer = server.client.post(path, json=body)
            assert answer.status_code == 200, answer.text
            got = answer.json()["predictions"]
            assert numpy.shape(got) == wanted.shape, (path, got[:2], wanted[:2])
            assert numpy.allclose(numpy.array(got, float), wanted, atol=1e-6), path
            assert isinstance(numpy.ravel(got)[0].item(), int) == (wanted.dtype.kind in "iu")


def test_a_model_that_pyfunc_asks_for_a_score_is_refused(server):
    model, _, _ = scikit()
    with mlflow.start_run() as run:
        mlflow.sklearn.log_model(model, "model", pyfunc_predict_fn="score")
    mlflow.register_model(f"runs:/{run.info.run_id}/model", "scored")
    version = server.client.get("/models/scored").json()["versions"][0]
    assert not version["servable"] and "'score'" in version["problem"]
