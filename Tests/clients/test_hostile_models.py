"""Damaged and hostile model files: refused with a reason, or served; never a crash, a hang or much memory."""

import json
import pickle
import random
import resource
import subprocess

import joblib
import numpy
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from conftest import effort

ROWS, LABELS = load_breast_cancer(return_X_y=True)
ROWS = ROWS[:120, :4]
LABELS = LABELS[:120]


def inspect(path, timeout=10):
    """The exit status and the message; a process that takes more than 1.5 GiB or 10 seconds fails the test."""
    from conftest import BINARY
    done = subprocess.run([BINARY, "models", "inspect", path], capture_output=True, text=True, timeout=timeout,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (3 << 29, 3 << 29)))
    assert done.returncode in (0, 5), (done.returncode, done.stderr[-2000:])
    assert done.returncode == 0 or done.stderr.startswith("[ERR]")
    return done.returncode, done.stderr


def files(folder):
    """A small file of each format."""
    texts = numpy.array([["a", 1.0], ["b", 2.0], ["c", 3.0]] * 10, dtype=object)
    encoder = ColumnTransformer([("t", OneHotEncoder(), [0]), ("n", StandardScaler(), [1])])
    models = {
        "texts": make_pipeline(encoder, LogisticRegression()).fit(texts, [0, 1, 1] * 10),
        "forest": RandomForestClassifier(5, random_state=0).fit(ROWS, LABELS),
        "histogram": HistGradientBoostingClassifier(max_iter=4).fit(ROWS, LABELS),
        "isolation": IsolationForest(n_estimators=4, random_state=0).fit(ROWS),
        "neighbors": KNeighborsClassifier().fit(ROWS, LABELS),
        "calibrated": CalibratedClassifierCV(GaussianNB(), cv=2).fit(ROWS, LABELS),
    }
    for name, model in models.items():
        (folder / f"{name}.pkl").write_bytes(pickle.dumps(model))
    joblib.dump(models["forest"], folder / "forest.joblib")
    try:
        import skops.io
        skops.io.dump(models["forest"], folder / "forest.skops")
        skops.io.dump(models["texts"], folder / "texts.skops")
    except ImportError:
        pass
    try:
        import xgboost
        model = xgboost.XGBClassifier(n_estimators=3, max_depth=3).fit(ROWS, LABELS)
        model.save_model(folder / "x.json")
        model.save_model(folder / "x.ubj")
        (folder / "x.pkl").write_bytes(pickle.dumps(model))
    except ImportError:
        pass
    try:
        import lightgbm
        lightgbm.LGBMClassifier(n_estimators=3, verbose=-1).fit(ROWS, LABELS).booster_.save_model(folder / "l.txt")
    except ImportError:
        pass
    try:
        import skl2onnx
        (folder / "m.onnx").write_bytes(skl2onnx.to_onnx(models["forest"], ROWS[:1].astype("f4")).SerializeToString())
    except ImportError:
        pass
    return sorted(folder.iterdir())


def mutate(data, generator):
    data = bytearray(data)
    kind = generator.randrange(4)
    if kind == 0:
        return bytes(data[:generator.randrange(len(data))])
    for _ in range(generator.randint(1, 3)):
        place = generator.randrange(len(data))
        data[place] = data[place] ^ 1 << generator.randrange(8) if kind == 1 else generator.choice([0, 0x7F, 0xFF, ord("9"), ord("-")])
    return bytes(data)


def test_mutations_of_every_format(tmp_path):
    (tmp_path / "good").mkdir()
    generator = random.Random(11)
    for path in files(tmp_path / "good"):
        assert inspect(path)[0] == 0, path
        whole = path.read_bytes()
        for _ in range(effort(25)):
            (tmp_path / "bad").write_bytes(mutate(whole, generator))
            inspect(tmp_path / "bad")


def pickled(model):
    return pickle.dumps(model, 4)


def with_itself(make):
    """An estimator whose pickle holds the estimator again."""
    model = make()
    model.steps.append(("again", model)) if isinstance(model, Pipeline) else model.transformers_.append(("again", model, [0]))
    return pickled(model)


def changed(model, change):
    change(model)
    return pickled(model)


def doubled(levels):
    inner = Pipeline([("s", StandardScaler().fit(ROWS))])
    for _ in range(levels):
        inner = Pipeline([("a", inner), ("b", inner)])
    return pickled(Pipeline([("all", inner), ("c", LogisticRegression().fit(ROWS, LABELS))]))


def scaler():
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(ROWS, LABELS)


def columns():
    return ColumnTransformer([("n", StandardScaler(), [0, 1])]).fit(ROWS)


def light(old, new):
    import lightgbm
    text = lightgbm.LGBMClassifier(n_estimators=2, verbose=-1).fit(ROWS, LABELS).booster_.model_to_string()
    line = next(l for l in text.splitlines() if l.startswith(old))
    return text.replace(line, new(line)).encode()


def boost(change):
    import xgboost
    booster = xgboost.XGBClassifier(n_estimators=2, max_depth=2).fit(ROWS, LABELS).get_booster()
    document = json.loads(booster.save_raw("json"))
    change(document["learner"])
    return json.dumps(document).encode()


HOSTILE = {
    "a pipeline in itself": lambda: with_itself(scaler),
    "columns in themselves": lambda: pickled(make_pipeline(columns(), LogisticRegression())) and with_itself(columns),
    "pipelines that double": lambda: doubled(28),
    "one tree ten thousand times": lambda: changed(RandomForestClassifier(1).fit(ROWS, LABELS), lambda m: m.estimators_.extend(m.estimators_ * 9999)),
    "fewer weights than classes": lambda: changed(SGDClassifier(loss="log_loss").fit(ROWS, LABELS), lambda m: setattr(m, "coef_", numpy.ones((5, 4)))),
    "narrow variances": lambda: changed(GaussianNB().fit(ROWS, LABELS), lambda m: setattr(m, "var_", m.var_[:, :2])),
    "infinite columns": lambda: changed(IsolationForest(n_estimators=2).fit(ROWS), lambda m: setattr(m, "estimators_features_", [numpy.array([numpy.inf])] * 2)),
    "a child far away": lambda: light("left_child=", lambda l: "left_child=" + " ".join(["-9223372036854775808"] * len(l.split()))),
    "a child too large": lambda: light("right_child=", lambda l: "right_child=" + " ".join(["9223372036854775807"] * len(l.split()))),
    "one class of several": lambda: light("objective=", lambda l: "objective=multiclass num_class:1"),
    "too many parallel trees": lambda: boost(lambda l: l["gradient_booster"]["model"]["gbtree_model_param"].update(num_parallel_tree="9223372036854775807")),
    "no class": lambda: boost(lambda l: l["objective"].update(name="multi:softprob")),
    "children that overflow": lambda: boost(lambda l: [t.update(left_children=[9223372036854775807] * len(t["left_children"])) for t in l["gradient_booster"]["model"]["trees"]]),
    "typed nothing": lambda: b"{i\x01a[$Z#l\x7f\xff\xff\xff",
    "nested arrays": lambda: b"{i\x01a" + b"[" * 100000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused(name, tmp_path):
    try:
        data = HOSTILE[name]()
    except ImportError as error:
        pytest.skip(str(error))
    (tmp_path / "m").write_bytes(data)
    assert inspect(tmp_path / "m")[0] == 5


def test_hidden_external_data_is_found(tmp_path):
    """Tags and numbers that are longer than they need be, which other readers cut to 32 bits."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper
    weight = onnx.numpy_helper.from_array(numpy.array([1, 2], "f4"), "w")
    weight.ClearField("raw_data")
    entry = weight.external_data.add()
    entry.key, entry.value = "location", "secret.bin"
    weight.data_location = TensorProto.EXTERNAL
    tensor = weight.SerializeToString()
    assert tensor.count(b"\x70\x01") == 1 and tensor.count(b"\x6a") == 1
    hidden = [tensor.replace(b"\x6a", b"\xea\x80\x80\x80\x10").replace(b"\x70\x01", b"\x70\x81\x80\x80\x80\x10"), tensor]
    for data in hidden:
        graph = helper.make_graph([helper.make_node("Mul", ["a", "w"], ["y"])], "g", [helper.make_tensor_value_info("a", TensorProto.FLOAT, [2])],
                                  [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])])
        body = graph.SerializeToString() + b"\x2a" + bytes([len(data)]) + data
        model = helper.make_model(helper.make_graph([], "g", [], []), opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        model.ClearField("graph")
        head = model.SerializeToString()
        (tmp_path / "m.onnx").write_bytes(head[:2] + b"\x3a" + bytes([len(body)]) + body + head[2:])
        status, message = inspect(tmp_path / "m.onnx")
        assert status == 5 and ("damaged" in message or "external data files" in message)


def test_a_small_request_does_not_ask_for_much(workspace, serve):
    model = HistGradientBoostingClassifier(max_iter=3)
    pandas = pytest.importorskip("pandas")
    model.fit(pandas.DataFrame(ROWS, columns=list("abcd")), LABELS)
    joblib.dump(model, workspace.folder / "m.joblib")
    workspace.run("models", "import", workspace.folder / "m.joblib", "--name", "m", "--current")
    server = serve(workspace)
    for shape in ([1 << 26, 0], [1 << 26, 1], [1 << 62], [0, 1 << 40]):
        body = {"inputs": [{"name": "d", "datatype": "FP64", "shape": shape, "data": []}]}
        answer = server.client.post("/v2/models/m/infer", json=body)
        assert answer.status_code == 400, answer.text
    wide = {"dataframe_records": [{f"c{i}": 1 for i in range(20000)}]}
    assert server.client.post("/models/m/invocations", json=wide).status_code in (200, 400)
    huge = server.client.post("/models/m/predict", json={"features": [1e308, 1, 1, 1]})
    assert huge.status_code == 200
