"""ONNX models, executed by ONNX Runtime through its C interface, compared with scikit-learn and with onnxruntime."""

import numpy
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")
skl2onnx = pytest.importorskip("skl2onnx")
pandas = pytest.importorskip("pandas")
from skl2onnx.common.data_types import FloatTensorType, StringTensorType  # noqa: E402

BINARY = load_breast_cancer(return_X_y=True)
SEVERAL = load_wine(return_X_y=True)
WORDS = (SEVERAL[0], numpy.array(["low", "mid", "위험"])[SEVERAL[1]])
VALUES = load_diabetes(return_X_y=True)

CASES = {
    "logistic": (make_pipeline(StandardScaler(), LogisticRegression()), BINARY),
    "logistic-several": (make_pipeline(StandardScaler(), LogisticRegression()), SEVERAL),
    "logistic-words": (make_pipeline(StandardScaler(), LogisticRegression()), WORDS),
    "forest": (RandomForestClassifier(30, random_state=0), BINARY),
    "boosting": (GradientBoostingClassifier(n_estimators=20, random_state=0), BINARY),
    "mlp": (make_pipeline(StandardScaler(), MLPClassifier((8,), max_iter=50, random_state=0)), SEVERAL),
    "linear": (LinearRegression(), VALUES),
    "forest-regressor": (RandomForestRegressor(20, random_state=0), VALUES),
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    from conftest import Server, Workspace
    workspace = Workspace(tmp_path_factory.mktemp("onnx"))
    server = Server(workspace)
    yield workspace, server
    server.stop()


@pytest.mark.parametrize("zipmap", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_scikit_learn_through_onnx(name, zipmap, shared, tmp_path):
    workspace, server = shared
    model, (rows, labels) = CASES[name]
    model.fit(rows, labels)
    options = {id(model): {"zipmap": zipmap}} if hasattr(model, "classes_") else None
    made = skl2onnx.to_onnx(model, rows[:1].astype("f4"), options=options)
    (tmp_path / "m.onnx").write_bytes(made.SerializeToString())
    registered = f"{name}-{zipmap}"
    workspace.run("models", "import", tmp_path / "m.onnx", "--name", registered)
    rows = rows[:80].astype("f4")
    answer = server.client.post(f"/models/{registered}/versions/1/predict", json={"instances": rows.astype("f8").tolist()})
    assert answer.status_code == 200, answer.text
    got = answer.json()["predictions"]
    if not hasattr(model, "classes_"):
        assert numpy.allclose([g["value"] for g in got], model.predict(rows), rtol=1e-5)
        return
    classes = [str(c) for c in model.classes_]
    found = numpy.array([[g["probabilities"][c] for c in classes] for g in got])
    assert numpy.abs(found - model.predict_proba(rows)).max() < 2e-6
    assert [str(g["label"]) for g in got] == [str(v) for v in model.classes_[found.argmax(axis=1)]]


def test_invocations_answer_all_outputs_as_pyfunc_does(shared, tmp_path):
    mlflow = pytest.importorskip("mlflow")
    workspace, server = shared
    model, (rows, labels) = CASES["logistic-several"]
    model.fit(rows, labels)
    made = skl2onnx.to_onnx(model, rows[:1].astype("f4"))
    mlflow.onnx.save_model(made, tmp_path / "m")
    workspace.run("models", "import", tmp_path / "m", "--name", "pyfunc", "--current")
    library = mlflow.pyfunc.load_model(str(tmp_path / "m"))
    some = rows[:7].astype("f4")
    wanted = library.predict(pandas.DataFrame(some)).to_dict("records")
    for body in [{"dataframe_split": {"data": some.tolist()}}, {"dataframe_records": pandas.DataFrame(some).to_dict("records")}]:
        body = {key: value if key == "dataframe_split" else [{str(k): v for k, v in row.items()} for row in value] for key, value in body.items()}
        answer = server.client.post("/models/pyfunc/invocations", json=body)
        assert answer.status_code == 200, answer.text
        for found, row in zip(answer.json()["predictions"], wanted, strict=True):
            (label, chances) = list(row)
            assert list(found) == [label, chances] and found[label] == row[label]
            assert found[chances] == pytest.approx({str(k): v for k, v in row[chances].items()}, abs=1e-7)
    for body in [{"inputs": {"X": some.tolist()}}, {"inputs": some.tolist()}, {"instances": some.tolist()}]:
        answer = server.client.post("/models/pyfunc/invocations", json=body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["predictions"][label] == [row[label] for row in wanted]


def add():
    """A graph with two inputs of several types: floats with two free dimensions, and whole numbers."""
    from onnx import TensorProto, helper
    weight = onnx.numpy_helper.from_array(numpy.array([1, 2], "f4"), "w")
    graph = helper.make_graph(
        [helper.make_node("Mul", ["a", "w"], ["y"]), helper.make_node("Cast", ["n"], ["z"], to=TensorProto.DOUBLE)], "g",
        [helper.make_tensor_value_info("a", TensorProto.FLOAT, ["rows", "more", 2]), helper.make_tensor_value_info("n", TensorProto.INT64, ["rows"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", "more", 2]), helper.make_tensor_value_info("z", TensorProto.DOUBLE, ["rows"])],
        [weight])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def test_several_inputs_of_any_shape(shared, tmp_path):
    workspace, server = shared
    (tmp_path / "m.onnx").write_bytes(add().SerializeToString())
    workspace.run("models", "import", tmp_path / "m.onnx", "--name", "add", "--current")
    metadata = server.client.get("/v2/models/add").json()
    assert [(i["name"], i["datatype"], i["shape"]) for i in metadata["inputs"]] == [("a", "FP32", [-1, -1, 2]), ("n", "INT64", [-1])]
    body = {"inputs": [{"name": "a", "shape": [1, 2, 2], "datatype": "FP32", "data": [[[1, 2], [3, 4]]]},
                       {"name": "n", "shape": [1], "datatype": "INT64", "data": [7]}]}
    outputs = server.client.post("/v2/models/add/infer", json=body).json()["outputs"]
    assert outputs[0]["data"] == [1, 4, 3, 8] and outputs[0]["shape"] == [1, 2, 2] and outputs[1]["data"] == [7]
    scored = server.client.post("/models/add/invocations", json={"inputs": {"a": [[[1, 2]]], "n": [3]}})
    assert scored.json() == {"predictions": {"y": [[[1, 4]]], "z": [3]}}
    for change, message in [(dict(datatype="FP64"), "FP64"), (dict(shape=[2, 2], data=[1, 2, 3, 4]), "shape"), (dict(name="b"), "'b'"),
                            (dict(shape=[1, 1, 3], data=[1, 2, 3]), "shape")]:
        wrong = server.client.post("/v2/models/add/infer", json={"inputs": [body["inputs"][0] | change, body["inputs"][1]]})
        assert wrong.status_code == 400 and message in wrong.json()["error"], wrong.text
    assert "missing" in server.client.post("/v2/models/add/infer", json={"inputs": body["inputs"][:1]}).json()["error"]
    assert server.client.post("/models/add/predict", json={"features": [1, 2]}).status_code == 400


def test_a_table_with_texts(shared, tmp_path):
    workspace, server = shared
    table = pandas.DataFrame({"job": ["clerk", "manager", "학생"] * 20, "age": numpy.arange(60.0).astype("f4")})
    target = ((table["age"] > 30) ^ (table["job"] == "manager")).astype(int)
    encoder = ColumnTransformer([("t", OneHotEncoder(handle_unknown="ignore"), ["job"]), ("n", StandardScaler(), ["age"])])
    model = make_pipeline(encoder, LogisticRegression()).fit(table, target)
    made = skl2onnx.to_onnx(model, initial_types=[("job", StringTensorType([None, 1])), ("age", FloatTensorType([None, 1]))])
    (tmp_path / "m.onnx").write_bytes(made.SerializeToString())
    workspace.run("models", "import", tmp_path / "m.onnx", "--name", "people")
    answer = server.client.post("/models/people/versions/1/predict", json={"instances": table.astype({"age": float}).to_dict("records")})
    assert answer.status_code == 200, answer.text
    found = [g["p_win"] for g in answer.json()["predictions"]]
    assert numpy.abs(found - model.predict_proba(table)[:, 1]).max() < 1e-6


def test_what_cannot_be_executed_is_refused_by_name(shared, tmp_path):
    workspace, _ = shared
    path = tmp_path / "m.onnx"
    onnx.save(add(), path, save_as_external_data=True, size_threshold=0, location="w.bin", convert_attribute=True)
    bare = add()
    tensor = bare.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"
    for make in [lambda: None, lambda: path.write_bytes(bare.SerializeToString())]:
        make()
        done = workspace.run("models", "inspect", path, check=False)
        assert done.returncode == 5 and "external data files" in done.stderr, done.stderr
    path.write_bytes(add().SerializeToString())
    done = workspace.run("models", "inspect", path, "--onnx-runtime", "/nowhere/lib.so", check=False)
    assert done.returncode == 5 and "bootstrap.sh --onnx" in done.stderr
    assert "onnx" in workspace.run("models", "inspect", path).stdout


def test_a_loop_without_end_is_ended(shared, tmp_path):
    from onnx import TensorProto, helper
    workspace, server = shared
    body = helper.make_graph([helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Add", ["v", "v"], ["w"])], "b",
                             [helper.make_tensor_value_info("i", TensorProto.INT64, []), helper.make_tensor_value_info("go", TensorProto.BOOL, []),
                              helper.make_tensor_value_info("v", TensorProto.FLOAT, [1, 2])],
                             [helper.make_tensor_value_info("on", TensorProto.BOOL, []), helper.make_tensor_value_info("w", TensorProto.FLOAT, [1, 2])])
    count = onnx.numpy_helper.from_array(numpy.array(10 ** 15), "count")
    graph = helper.make_graph([helper.make_node("Loop", ["count", "", "x"], ["y"], body=body)], "g",
                              [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2])], [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])], [count])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    workspace.run("models", "import", tmp_path / "m.onnx", "--name", "endless")
    tensor = {"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}
    answer = server.client.post("/v2/models/endless/versions/1/infer", json={"inputs": [tensor]})
    assert answer.status_code == 400 and "terminate" in answer.json()["error"]
