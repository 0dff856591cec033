"""What once was answered otherwise than the library does: each case is asked for every row, and for rows at the edges."""

import pickle
import warnings

import numpy
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, OneHotEncoder, OrdinalEncoder, StandardScaler

pandas = pytest.importorskip("pandas")
warnings.filterwarnings("ignore")
BINARY = load_breast_cancer(return_X_y=True)
WINE = load_wine(return_X_y=True)
FEW = (numpy.round(WINE[0][:, :3]), WINE[1])
TABLE = pandas.DataFrame(WINE[0][:, :4], columns=list("abcd")).assign(word=numpy.array(["x", "y", "z"])[WINE[1]])


def xgb(**options):
    return pytest.importorskip("xgboost").XGBClassifier(n_estimators=8, **options)


def lgb(**options):
    return pytest.importorskip("lightgbm").LGBMClassifier(n_estimators=8, verbose=-1, **options)


def encoded(**options):
    return ColumnTransformer([("k", OneHotEncoder(handle_unknown="ignore"), [0])], remainder="passthrough", **options)


def constant():
    rows = WINE[0][:, :4].copy()
    rows[:, 2] = 7
    return rows, WINE[1]


def near_zero():
    """Cells around LightGBM's own zero, and small categories."""
    rows = BINARY[0][:, :4] - BINARY[0][:, :4].mean(axis=0)
    rows[::3, 0], rows[1::3, 0] = 1e-36, -1e-36
    return rows, BINARY[1]


CASES = {
    "a sparse matrix into XGBoost": lambda: (make_pipeline(encoded(sparse_threshold=1), xgb()), FEW),
    "a dense one into XGBoost": lambda: (make_pipeline(encoded(sparse_threshold=0), xgb()), FEW),
    "a sparse matrix into LightGBM": lambda: (make_pipeline(encoded(sparse_threshold=1), lgb()), FEW),
    "one-hot into XGBoost": lambda: (make_pipeline(OneHotEncoder(handle_unknown="ignore"), xgb()), FEW),
    "a choice by the decision": lambda: (SGDClassifier(loss="log_loss", random_state=0), WINE),
    "XGBoost with a number for missing": lambda: (xgb(missing=-1), (numpy.where(BINARY[0] < 0.05, -1, BINARY[0]), BINARY[1])),
    "weights of transformers": lambda: (make_pipeline(ColumnTransformer([("a", StandardScaler(), [0, 1]), ("b", MaxAbsScaler(), [2])], transformer_weights={"a": 3, "b": 0.1}), LogisticRegression()), WINE),
    "calibrated over LightGBM": lambda: (CalibratedClassifierCV(lgb(), cv=3), BINARY),
    "calibrated over boosting": lambda: (CalibratedClassifierCV(GradientBoostingClassifier(n_estimators=5), cv=3), WINE),
    "calibrated over histograms": lambda: (CalibratedClassifierCV(HistGradientBoostingClassifier(max_iter=5), cv=3), WINE),
    "calibrated over a forest with holes": lambda: (CalibratedClassifierCV(RandomForestClassifier(5, random_state=0), cv=3), (numpy.where(BINARY[0] < 0.02, numpy.nan, BINARY[0]), BINARY[1])),
    "a constant column": lambda: (GaussianNB(), constant()),
    "a start of 0": lambda: (GradientBoostingClassifier(n_estimators=1, learning_rate=1e-300), (BINARY[0][:424], numpy.tile([0, 1], 212))),
    "LightGBM near zero": lambda: (lgb(), near_zero()),
    "a rare category": lambda: (make_pipeline(OrdinalEncoder(max_categories=3, handle_unknown="use_encoded_value", unknown_value=-1), GradientBoostingClassifier(n_estimators=5)), FEW),
    "a clipped scale": lambda: (make_pipeline(MaxAbsScaler(**({"clip": True} if "clip" in MaxAbsScaler().get_params() else {})), LogisticRegression()), WINE),
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    from conftest import Server, Workspace
    workspace = Workspace(tmp_path_factory.mktemp("answers"))
    server = Server(workspace)
    yield workspace, server
    server.stop()


def served(shared, tmp_path, name, model, check=True):
    workspace, server = shared
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(model))
    done = workspace.run("models", "import", tmp_path / "m.pkl", "--name", name.replace(" ", "-"), check=check)
    return (lambda rows: server.client.post(f"/models/{name.replace(' ', '-')}/versions/1/predict", json={"instances": rows})), done


def edges(rows):
    """Real rows, the float neighbours of their cells, and rows far outside."""
    some = rows[:60]
    return numpy.vstack([some, numpy.nextafter(some, numpy.inf), numpy.nextafter(some, -numpy.inf), some * 1000, -some, some * 0])


@pytest.mark.parametrize("name", CASES)
def test_answers_are_the_library_s(name, shared, tmp_path):
    model, (rows, labels) = CASES[name]()
    model.fit(rows, labels)
    ask, _ = served(shared, tmp_path, name, model)
    asked = edges(rows)
    answer = ask([[None if numpy.isnan(cell) else cell for cell in row] for row in asked.tolist()])
    assert answer.status_code == 200, answer.text
    got = answer.json()["predictions"]
    wanted = model.predict_proba(asked)
    found = numpy.array([list(g["probabilities"].values()) for g in got])
    assert numpy.abs(found - wanted).max() < 1e-6, numpy.abs(found - wanted).max()
    wrong = [i for i, (g, label) in enumerate(zip(got, model.predict(asked))) if g["label"] != label]
    assert not wrong, (wrong[:5], found[wrong[:2]])


@pytest.mark.parametrize("columns", ["names", "selector", "index", "slice"])
def test_columns_that_no_step_looks_at_may_hold_anything(columns, shared, tmp_path):
    chosen = {"names": ["a", "c"], "selector": make_column_selector(dtype_include="number"), "index": pandas.Index(["a", "b"], dtype=object), "slice": slice("b", "d")}[columns]
    model = make_pipeline(ColumnTransformer([("n", StandardScaler(), chosen)]), LogisticRegression()).fit(TABLE, WINE[1])
    ask, _ = served(shared, tmp_path, f"columns {columns}", model)
    rows = TABLE.to_dict("records")
    wanted = model.predict_proba(TABLE)
    for change in [{}, {"word": 3}, {"word": None}, {"word": "never seen"}]:
        answer = ask([row | change for row in rows])
        assert answer.status_code == 200, answer.text
        found = numpy.array([list(g["probabilities"].values()) for g in answer.json()["predictions"]])
        assert numpy.abs(found - wanted).max() < 1e-9
    assert ask([{name: value for name, value in rows[0].items() if name != "word"}]).status_code == 200
    assert ask([rows[0] | {"b" if columns == "slice" else "a": "text"}]).status_code == 422


REFUSED = {
    "several labels by a network": (MLPClassifier(max_iter=3), (WINE[0], numpy.eye(3, dtype=int)[WINE[1]])),
    "several labels by ridge": (RidgeClassifier(), (WINE[0], numpy.eye(3, dtype=int)[WINE[1]])),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_answered_rightly_is_refused_by_name(name, shared, tmp_path):
    model, (rows, labels) = REFUSED[name]
    _, done = served(shared, tmp_path, name, model.fit(rows, labels), check=False)
    assert done.returncode == 5 and type(model).__name__ in done.stderr, done.stderr


def test_weighted_neighbours(shared, tmp_path):
    rows, labels = StandardScaler().fit_transform(WINE[0]), WINE[1]
    model = KNeighborsClassifier(5, metric="minkowski", p=3, metric_params={"w": numpy.arange(1.0, 14)}, algorithm="brute").fit(rows, labels)
    ask, done = served(shared, tmp_path, "weighted", model)
    answer = ask((rows[:50] * 1.01).tolist())
    assert [g["label"] for g in answer.json()["predictions"]] == model.predict(rows[:50] * 1.01).tolist()


def test_the_words_of_a_number_in_quotes(shared, tmp_path):
    """The original reads "1.5" as a number, and nothing else."""
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(WINE[0], WINE[1])
    ask, _ = served(shared, tmp_path, "quotes", model)
    row = WINE[0][0].tolist()
    assert ask([[str(cell) for cell in row]]).json() == ask([row]).json()
    for word in ["", " ", "x", "0x10", "nan", "inf", "1e999", "e", "1 2", "١"]:
        assert ask([[word] + row[1:]]).status_code == 422, word


@pytest.mark.parametrize("model", [
    StandardScaler(), LogisticRegression(), GaussianNB(), RandomForestClassifier(2), HistGradientBoostingClassifier(max_iter=2),
    GradientBoostingClassifier(n_estimators=2), KNeighborsClassifier(), MLPClassifier(max_iter=2), CalibratedClassifierCV(GaussianNB()), lgb()])
def test_an_attribute_that_nobody_knows_is_refused_by_name(model, shared, tmp_path):
    """It may change what the library answers; a newer version's attribute is met like this too."""
    whole = make_pipeline(model, LogisticRegression()) if hasattr(model, "transform") else model
    whole.fit(*WINE)
    model.changes_the_answer_ = 3
    _, done = served(shared, tmp_path, "unknown", whole, check=False)
    assert done.returncode == 5, done.stdout
    assert type(model).__name__ in done.stderr and "'changes_the_answer_'" in done.stderr, done.stderr
    assert "docs/model-attributes.md" in done.stderr


def test_the_columns_of_a_signature_hold_their_types(shared, tmp_path):
    """As MLflow's pyfunc: whole numbers where the signature says so, and single precision where it says float."""
    mlflow = pytest.importorskip("mlflow")
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema
    workspace, server = shared
    rows = pandas.DataFrame({"n": numpy.arange(200), "x": numpy.linspace(-1, 1, 200), "flag": numpy.tile([True, False], 100)})
    model = LogisticRegression().fit(rows, (numpy.arange(200) > 90).astype(int))
    signature = ModelSignature(inputs=Schema([ColSpec("long", "n"), ColSpec("float", "x"), ColSpec("boolean", "flag")]))
    mlflow.sklearn.save_model(model, tmp_path / "m", signature=signature, serialization_format="pickle", pyfunc_predict_fn="predict_proba")
    workspace.run("models", "import", tmp_path / "m", "--name", "typed", "--current")
    library = mlflow.pyfunc.load_model(str(tmp_path / "m"))

    def ask(body, **more):
        return server.client.post("/models/typed/invocations", **(dict(json=body) if more == {} else dict(content=body) | more))

    def split(*cells):
        return {"dataframe_split": {"columns": ["n", "x", "flag"], "data": [list(cells)]}}

    wanted = library.predict(pandas.DataFrame({"n": [3], "x": numpy.array([0.1], "f4"), "flag": [True]}))
    for n in [3, 3.0, "3"]:
        for flag in [True, 1]:
            answer = ask(split(n, 0.1, flag))
            assert answer.status_code == 200 and numpy.abs(numpy.array(answer.json()["predictions"]) - wanted).max() < 1e-12, answer.text
    csv = ask("n,x,flag\n3,0.1,True\n", headers={"content-type": "text/csv"})
    assert csv.status_code == 200 and numpy.abs(numpy.array(csv.json()["predictions"]) - wanted).max() < 1e-12, csv.text
    for n in [1.5, "1.5", "x", 1e300, 2**70]:
        wrong = ask(split(n, 0.1, True))
        assert wrong.status_code == 400 and "'n'" in wrong.json()["message"] and "long" in wrong.json()["message"], wrong.text
    with pytest.raises(mlflow.exceptions.MlflowException):
        library.predict(pandas.DataFrame({"n": [1.5], "x": numpy.array([0.1], "f4"), "flag": [True]}))
    assert ask(split(None, 0.1, True)).status_code == 400
    assert ask("n,x,flag\n1.5,0.1,True\n", headers={"content-type": "text/csv"}).status_code == 400
