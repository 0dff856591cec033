"""Models of the libraries, served here and compared with the libraries' own answers, row by row."""

import json
import pickle
import warnings

import joblib
import numpy
import pytest
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    ExtraTreesClassifier, ExtraTreesRegressor, GradientBoostingClassifier, GradientBoostingRegressor,
    HistGradientBoostingClassifier, HistGradientBoostingRegressor, IsolationForest, RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, LogisticRegression, Ridge, RidgeClassifier, SGDClassifier, SGDRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer, MaxAbsScaler, MinMaxScaler, Normalizer, OneHotEncoder, OrdinalEncoder, PolynomialFeatures,
    RobustScaler, StandardScaler,
)
from sklearn.svm import LinearSVC, LinearSVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

warnings.filterwarnings("ignore")
SKLEARN = tuple(map(int, sklearn.__version__.split(".")[:2]))
BINARY = load_breast_cancer(return_X_y=True)
SEVERAL = load_wine(return_X_y=True)
VALUES = load_diabetes(return_X_y=True)
WORDS = (SEVERAL[0], numpy.array(["low", "mid", "위험"])[SEVERAL[1]])


def with_holes(data, share=0.1):
    rows = data[0].copy()
    rows[numpy.random.default_rng(0).random(rows.shape) < share] = numpy.nan
    return rows, data[1]


def small(data, columns=4):
    return numpy.round(data[0][:, :columns]), data[1]


CASES = {
    "logistic": (LogisticRegression(max_iter=300), BINARY),
    "logistic-words": (make_pipeline(StandardScaler(), LogisticRegression()), WORDS),
    "linear": (LinearRegression(), VALUES),
    "ridge": (Ridge(), VALUES),
    "lasso": (Lasso(alpha=0.1), VALUES),
    "elastic": (make_pipeline(RobustScaler(), ElasticNet(alpha=0.1)), VALUES),
    "ridge-classifier": (RidgeClassifier(), SEVERAL),
    "sgd-log": (make_pipeline(StandardScaler(), SGDClassifier(loss="log_loss", random_state=0)), SEVERAL),
    "sgd-hinge": (make_pipeline(StandardScaler(), SGDClassifier(random_state=0)), BINARY),
    "sgd-regressor": (make_pipeline(StandardScaler(), SGDRegressor(random_state=0)), VALUES),
    "svc": (make_pipeline(StandardScaler(), LinearSVC(random_state=0)), SEVERAL),
    "calibrated-several": (CalibratedClassifierCV(make_pipeline(StandardScaler(), LinearSVC()), cv=3), SEVERAL),
    "calibrated-isotonic": (CalibratedClassifierCV(LogisticRegression(max_iter=500), cv=3, method="isotonic"), WORDS),
    "calibrated-bayes": (CalibratedClassifierCV(GaussianNB(), cv=3, ensemble=False), BINARY),
    "svr": (make_pipeline(StandardScaler(), LinearSVR(random_state=0)), VALUES),
    "calibrated": (CalibratedClassifierCV(make_pipeline(StandardScaler(), LinearSVC())[-1], cv=3), (StandardScaler().fit_transform(BINARY[0]), BINARY[1])),
    "tree": (DecisionTreeClassifier(random_state=0), SEVERAL),
    "tree-regressor": (DecisionTreeRegressor(max_depth=5, random_state=0), VALUES),
    "forest": (RandomForestClassifier(30, random_state=0), BINARY),
    "forest-words": (RandomForestClassifier(20, random_state=0), WORDS),
    "forest-regressor": (RandomForestRegressor(20, random_state=0), VALUES),
    "extra": (ExtraTreesClassifier(20, random_state=0), SEVERAL),
    "extra-regressor": (ExtraTreesRegressor(20, random_state=0), VALUES),
    "forest-holes": (RandomForestClassifier(20, random_state=0), with_holes(BINARY)),
    "boosting": (GradientBoostingClassifier(n_estimators=30, random_state=0), BINARY),
    "boosting-several": (GradientBoostingClassifier(n_estimators=10, random_state=0), WORDS),
    "boosting-exponential": (GradientBoostingClassifier(n_estimators=10, loss="exponential", random_state=0), BINARY),
    "boosting-regressor": (GradientBoostingRegressor(n_estimators=30, loss="huber", random_state=0), VALUES),
    "histogram": (HistGradientBoostingClassifier(max_iter=30), BINARY),
    "histogram-several": (HistGradientBoostingClassifier(max_iter=10), WORDS),
    "histogram-holes": (HistGradientBoostingClassifier(max_iter=20), with_holes(BINARY)),
    "histogram-regressor": (HistGradientBoostingRegressor(max_iter=20), VALUES),
    "histogram-poisson": (HistGradientBoostingRegressor(max_iter=20, loss="poisson"), VALUES),
    "isolation": (IsolationForest(n_estimators=30, random_state=0), (BINARY[0], None)),
    "mlp": (make_pipeline(StandardScaler(), MLPClassifier(hidden_layer_sizes=(8, 5), max_iter=60, random_state=0)), SEVERAL),
    "mlp-binary": (make_pipeline(StandardScaler(), MLPClassifier(hidden_layer_sizes=(6,), activation="tanh", max_iter=60, random_state=0)), BINARY),
    "mlp-regressor": (make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(6,), activation="logistic", max_iter=60, random_state=0)), VALUES),
    "knn": (make_pipeline(StandardScaler(), KNeighborsClassifier(7, algorithm="brute")), SEVERAL),
    "knn-weighted": (KNeighborsRegressor(5, weights="distance", algorithm="brute", p=1), VALUES),
    "knn-tree": (KNeighborsClassifier(4), SEVERAL),
    "knn-ball": (KNeighborsRegressor(4, algorithm="ball_tree", metric="manhattan"), VALUES),
    "histogram-categories": (HistGradientBoostingClassifier(max_iter=20, categorical_features=[1, 3]), small(SEVERAL)),
    "bayes": (GaussianNB(), WORDS),
    "min-max": (make_pipeline(MinMaxScaler(clip=True), LogisticRegression()), BINARY),
    "max-abs": (make_pipeline(MaxAbsScaler(), LogisticRegression()), BINARY),
    "normalizer": (make_pipeline(Normalizer("l1"), LogisticRegression()), BINARY),
    "imputer": (make_pipeline(SimpleImputer(add_indicator=True), StandardScaler(), LogisticRegression()), with_holes(BINARY)),
    "polynomial": (make_pipeline(StandardScaler(), PolynomialFeatures(3, interaction_only=False), Ridge()), (VALUES[0][:, :5], VALUES[1])),
    "interactions": (make_pipeline(PolynomialFeatures(2, interaction_only=True, include_bias=False), Ridge()), VALUES),
    "pca": (make_pipeline(StandardScaler(), PCA(5, whiten=True, random_state=0), LogisticRegression()), BINARY),
    "one-hot": (make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression()), small(SEVERAL)),
    "one-hot-drop": (make_pipeline(OneHotEncoder(drop="first"), LogisticRegression()), small(SEVERAL, 2)),
    "ordinal": (make_pipeline(OrdinalEncoder(), DecisionTreeClassifier(random_state=0)), small(SEVERAL)),
    "columns": (make_pipeline(ColumnTransformer([("a", StandardScaler(), [0, 3]), ("b", make_pipeline(SimpleImputer(), MinMaxScaler()), slice(5, 9)), ("c", "drop", [1])], remainder="passthrough"), LogisticRegression(max_iter=500)), BINARY),
    "function": (make_pipeline(FunctionTransformer(None), StandardScaler(), LogisticRegression()), BINARY),
}


def expected(model, rows):
    if hasattr(model, "predict_proba"):
        return "probabilities", model.predict_proba(rows)
    if hasattr(model, "classes_") or isinstance(model, IsolationForest):
        return "label", model.predict(rows)
    return "value", model.predict(rows)


def ask(server, name, rows):
    instances = [[None if numpy.isnan(v) else float(v) for v in row] for row in rows]
    answer = server.client.post(f"/models/{name}/versions/latest/predict", json={"instances": instances})
    assert answer.status_code == 200, answer.text
    return answer.json()["predictions"]


def compare(server, name, model, rows, tolerance=1e-9):
    kind, wanted = expected(model, rows)
    got = ask(server, name, rows)
    assert len(got) == len(rows)
    if kind == "probabilities":
        classes = [str(c) for c in model.classes_]
        found = numpy.array([[g["probabilities"][c] for c in classes] for g in got])
        best = model.classes_[found.argmax(axis=1)]
        assert [g["label"] for g in got] == [v.item() if hasattr(v, "item") else v for v in best]
        assert numpy.abs(found - wanted).max() <= tolerance, (name, numpy.abs(found - wanted).max())
    elif kind == "label":
        assert [g["label"] for g in got] == [v.item() for v in wanted]
    else:
        found = numpy.array([g["value"] for g in got])
        assert numpy.abs(found - wanted).max() <= tolerance * max(1, numpy.abs(wanted).max()), (name, numpy.abs(found - wanted).max())


def odd_rows(rows):
    """Real rows, rows far outside, and the extremes of what the model saw."""
    rows = numpy.nan_to_num(rows[:40])
    return numpy.vstack([rows, rows * 3 - 1, rows[:5] * -1, numpy.zeros((1, rows.shape[1]))])


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    from conftest import Server, Workspace
    workspace = Workspace(tmp_path_factory.mktemp("formats"))
    server = Server(workspace)
    yield workspace, server
    server.stop()


@pytest.mark.parametrize("name", CASES)
def test_scikit_learn_by_pickle_joblib_and_skops(name, shared, tmp_path):
    workspace, server = shared
    skops = pytest.importorskip("skops.io")
    model, (rows, labels) = CASES[name]
    if name == "forest-holes" and SKLEARN < (1, 4):
        pytest.skip("this scikit-learn's forests take no missing values")
    model.fit(rows, labels)
    pickle.dump(model, open(tmp_path / "m.pkl", "wb"))
    joblib.dump(model, tmp_path / "m.joblib", compress=3)
    skops.dump(model, tmp_path / "m.skops")
    for file in ["m.pkl", "m.joblib", "m.skops"]:
        registered = f"{name}-{file[2:]}"
        workspace.run("models", "import", tmp_path / file, "--name", registered)
        compare(server, registered, model, rows[:60])
        if name not in ("one-hot-drop", "ordinal", "histogram-categories"):
            compare(server, registered, model, odd_rows(rows))


PEOPLE = 300


def people(seed=0):
    """A table with texts, numbers, and holes in both."""
    pandas = pytest.importorskip("pandas")
    random = numpy.random.default_rng(seed)
    table = pandas.DataFrame({
        "age": random.integers(18, 80, PEOPLE).astype(float),
        "job": random.choice(["clerk", "manager", "none", "학생"], PEOPLE, p=[0.6, 0.3, 0.08, 0.02]),
        "income": random.normal(3000, 900, PEOPLE),
        "city": random.choice(["Seoul", "Busan", "Daegu", "Jeju", "Ulsan"], PEOPLE, p=[0.5, 0.3, 0.15, 0.03, 0.02]),
    })
    target = ((table["age"] > 45) ^ (table["job"] == "manager")).astype(int)
    table.loc[random.random(PEOPLE) < 0.1, "income"] = numpy.nan
    return table, target


def text_models():
    numbers = ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["age", "income"])
    yield "one-hot-ignore", ColumnTransformer([numbers, ("texts", OneHotEncoder(handle_unknown="ignore"), ["job", "city"])])
    yield "one-hot-rare", ColumnTransformer([numbers, ("texts", OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=15), ["job", "city"])])
    yield "one-hot-drop", ColumnTransformer([numbers, ("texts", OneHotEncoder(drop="if_binary", max_categories=3, handle_unknown="ignore"), ["job", "city"])])
    yield "ordinal", ColumnTransformer([("texts", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["city", "job"]), numbers])
    yield "imputed", ColumnTransformer([numbers, ("texts", make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")), ["job", "city"])])


@pytest.mark.parametrize("name, encoder", list(text_models()), ids=lambda v: v if isinstance(v, str) else "")
def test_tables_with_texts(name, encoder, shared, tmp_path):
    skops = pytest.importorskip("skops.io")
    workspace, server = shared
    table, target = people()
    model = make_pipeline(encoder, GradientBoostingClassifier(n_estimators=10, random_state=0)).fit(table, target)
    joblib.dump(model, tmp_path / "m.joblib")
    skops.dump(model, tmp_path / "m.skops")
    asked = people(1)[0]
    asked.loc[:20, "city"] = "Nowhere"
    wanted = model.predict_proba(asked)[:, 1]
    rows = [{k: None if isinstance(v, float) and numpy.isnan(v) else v for k, v in row.items()} for row in asked.to_dict("records")]
    for file in ["m.joblib", "m.skops"]:
        registered = f"texts-{name}-{file[2:]}"
        workspace.run("models", "import", tmp_path / file, "--name", registered)
        answer = server.client.post(f"/models/{registered}/versions/1/predict", json={"instances": rows})
        assert answer.status_code == 200, answer.text
        found = numpy.array([g["p_win"] for g in answer.json()["predictions"]])
        assert numpy.abs(found - wanted).max() < 1e-9


def test_a_text_that_is_no_category_is_named(shared, tmp_path):
    workspace, server = shared
    table, target = people()
    encoder = ColumnTransformer([("texts", OneHotEncoder(), ["job", "city"])])
    joblib.dump(make_pipeline(encoder, LogisticRegression()).fit(table, target), tmp_path / "m.joblib")
    workspace.run("models", "import", tmp_path / "m.joblib", "--name", "strict")
    row = {"age": 30, "job": "clerk", "income": 1, "city": "Seoul"}
    ask = lambda **other: server.client.post("/models/strict/versions/1/predict", json={"instances": [row, row | other]})
    assert ask().status_code == 200
    for other, place in [({"city": "Rome"}, "city"), ({"job": 3}, "job"), ({"job": None}, "job")]:
        answer = ask(**other)
        assert answer.status_code == 422
        assert answer.json()["error"]["details"][0]["loc"] == ["body", "instances", 1, place]


BOOSTED = {
    "xgb": ("xgboost", "XGBClassifier", dict(n_estimators=12), BINARY, 1e-6),
    "xgb-several": ("xgboost", "XGBClassifier", dict(n_estimators=5), SEVERAL, 1e-6),
    "xgb-regressor": ("xgboost", "XGBRegressor", dict(n_estimators=12), VALUES, 1e-6),
    "lgb": ("lightgbm", "LGBMClassifier", dict(n_estimators=12, verbose=-1), BINARY, 1e-9),
    "lgb-words": ("lightgbm", "LGBMClassifier", dict(n_estimators=5, verbose=-1), WORDS, 1e-9),
    "lgb-regressor": ("lightgbm", "LGBMRegressor", dict(n_estimators=12, verbose=-1), VALUES, 1e-9),
}


@pytest.mark.parametrize("name", BOOSTED)
def test_pickled_boosters_alone_and_in_a_pipeline(name, shared, tmp_path):
    library, kind, options, (rows, labels), tolerance = BOOSTED[name]
    workspace, server = shared
    make = lambda: getattr(pytest.importorskip(library), kind)(**options)
    for place, model in [("alone", make()), ("pipeline", make_pipeline(StandardScaler(), make()))]:
        model.fit(rows, labels)
        for protocol in (2, 4, 5):
            (tmp_path / "m.pkl").write_bytes(pickle.dumps(model, protocol))
            workspace.run("models", "import", tmp_path / "m.pkl", "--name", f"pickled-{name}-{place}-{protocol}")
            compare(server, f"pickled-{name}-{place}-{protocol}", model, rows[:60], tolerance)


def test_early_stopping_keeps_the_best_rounds(shared, tmp_path):
    xgboost, lightgbm = pytest.importorskip("xgboost"), pytest.importorskip("lightgbm")
    workspace, server = shared
    rows, labels = BINARY
    random = numpy.random.default_rng(0)
    noisy = numpy.where(random.random(len(labels)) < 0.3, 1 - labels, labels)
    first = xgboost.XGBClassifier(n_estimators=60, early_stopping_rounds=3).fit(rows[:300], noisy[:300], eval_set=[(rows[300:], noisy[300:])], verbose=False)
    assert first.best_iteration < first.get_booster().num_boosted_rounds() - 1
    first.save_model(tmp_path / "x.json")
    second = lightgbm.LGBMClassifier(n_estimators=60, verbose=-1).fit(rows[:300], noisy[:300], eval_set=[(rows[300:], noisy[300:])], callbacks=[lightgbm.early_stopping(3, verbose=False)])
    second.booster_.save_model(tmp_path / "l.txt")
    for name, model in [("x", first), ("l", second)]:
        (tmp_path / f"{name}.pkl").write_bytes(pickle.dumps(model))
        for file in ["x.json" if name == "x" else "l.txt", f"{name}.pkl"]:
            registered = f"best-{name}-{file[2:]}"
            workspace.run("models", "import", tmp_path / file, "--name", registered)
            compare(server, registered, model, rows[:80], 1e-6)


XGB = {
    "binary": ("XGBClassifier", dict(n_estimators=20), BINARY),
    "holes": ("XGBClassifier", dict(n_estimators=20), with_holes(BINARY, 0.3)),
    "several": ("XGBClassifier", dict(n_estimators=8), SEVERAL),
    "regression": ("XGBRegressor", dict(n_estimators=20, base_score=150), VALUES),
    "poisson": ("XGBRegressor", dict(n_estimators=20, objective="count:poisson"), VALUES),
    "dart": ("XGBClassifier", dict(n_estimators=12, booster="dart", rate_drop=0.3), BINARY),
    "forest": ("XGBRFClassifier", dict(n_estimators=10), BINARY),
}


@pytest.mark.parametrize("name", XGB)
@pytest.mark.parametrize("ending", ["json", "ubj"])
def test_xgboost(name, ending, shared, tmp_path):
    xgboost = pytest.importorskip("xgboost")
    workspace, server = shared
    kind, options, (rows, labels) = XGB[name]
    model = getattr(xgboost, kind)(**options).fit(rows, labels)
    model.save_model(tmp_path / f"m.{ending}")
    workspace.run("models", "import", tmp_path / f"m.{ending}", "--name", f"xgb-{name}-{ending}")
    compare(server, f"xgb-{name}-{ending}", model, rows[:80], tolerance=1e-6)
    compare(server, f"xgb-{name}-{ending}", model, odd_rows(rows), tolerance=1e-6)


def test_xgboost_with_categories(shared, tmp_path):
    xgboost = pytest.importorskip("xgboost")
    pandas = pytest.importorskip("pandas")
    workspace, server = shared
    random = numpy.random.default_rng(0)
    table = pandas.DataFrame({"a": random.normal(size=400), "c": pandas.Categorical(random.integers(0, 9, 400))})
    labels = ((table["c"].cat.codes % 3 == 1) ^ (table["a"] > 0.5)).astype(int)
    model = xgboost.XGBClassifier(n_estimators=10, enable_categorical=True, max_cat_to_onehot=2).fit(table, labels)
    model.save_model(tmp_path / "m.json")
    workspace.run("models", "import", tmp_path / "m.json", "--name", "xgb-categories")
    wanted = model.predict_proba(table)[:, 1]
    rows = [{"a": float(a), "c": int(c)} for a, c in zip(table["a"], table["c"].cat.codes)]
    got = server.client.post("/models/xgb-categories/versions/1/predict", json={"instances": rows}).json()["predictions"]
    assert numpy.abs(numpy.array([g["p_win"] for g in got]) - wanted).max() < 1e-6


LGB = {
    "binary": ("LGBMClassifier", {}, BINARY),
    "holes": ("LGBMClassifier", {}, with_holes(BINARY, 0.3)),
    "zeros": ("LGBMClassifier", dict(zero_as_missing=True), (numpy.where(BINARY[0] < 0.1, 0, BINARY[0]), BINARY[1])),
    "several": ("LGBMClassifier", dict(n_estimators=10), SEVERAL),
    "ova": ("LGBMClassifier", dict(n_estimators=10, objective="multiclassova"), SEVERAL),
    "regression": ("LGBMRegressor", {}, VALUES),
    "sqrt": ("LGBMRegressor", dict(reg_sqrt=True, n_estimators=20), VALUES),
    "poisson": ("LGBMRegressor", dict(objective="poisson", n_estimators=20), VALUES),
    "forest": ("LGBMClassifier", dict(boosting_type="rf", bagging_freq=1, bagging_fraction=0.7, n_estimators=10), BINARY),
    "dart": ("LGBMClassifier", dict(boosting_type="dart", n_estimators=15), BINARY),
}


@pytest.mark.parametrize("name", LGB)
def test_lightgbm(name, shared, tmp_path):
    lightgbm = pytest.importorskip("lightgbm")
    workspace, server = shared
    kind, options, (rows, labels) = LGB[name]
    model = getattr(lightgbm, kind)(verbose=-1, **options).fit(rows, labels)
    model.booster_.save_model(tmp_path / "m.txt")
    workspace.run("models", "import", tmp_path / "m.txt", "--name", f"lgb-{name}")
    compare(server, f"lgb-{name}", model, rows[:80])
    compare(server, f"lgb-{name}", model, odd_rows(rows))


def test_lightgbm_with_categories(shared, tmp_path):
    lightgbm = pytest.importorskip("lightgbm")
    workspace, server = shared
    random = numpy.random.default_rng(0)
    rows = numpy.column_stack([random.normal(size=600), random.integers(0, 70, 600)])
    labels = (rows[:, 1].astype(int) % 3 == 1) ^ (rows[:, 0] > 0.5)
    model = lightgbm.LGBMClassifier(verbose=-1, min_data_per_group=1, cat_smooth=1).fit(rows, labels.astype(int), categorical_feature=[1])
    model.booster_.save_model(tmp_path / "m.txt")
    workspace.run("models", "import", tmp_path / "m.txt", "--name", "lgb-categories")
    compare(server, "lgb-categories", model, rows)
    compare(server, "lgb-categories", model, numpy.array([[0, -1], [1, 1000], [numpy.nan, numpy.nan], [0, 2.7]]))
