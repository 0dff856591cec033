"""Makes model files and what the library answers to edge rows, with the libraries of the environment that runs it.

    python matrix_models.py FOLDER [STEP FIRST]

By estimator and by the parameters that change the mathematics. FOLDER gets NAME.pkl and NAME.json: groups of rows, and for each group the answers,
or the words with which the library refuses it. With STEP only one case of so many is taken, beginning with that at FIRST.
"""

import itertools
import json
import pathlib
import pickle
import sys
import warnings

import numpy
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.decomposition import PCA
from sklearn.ensemble import (ExtraTreesClassifier, ExtraTreesRegressor, GradientBoostingClassifier, GradientBoostingRegressor,
                              HistGradientBoostingClassifier, HistGradientBoostingRegressor, IsolationForest, RandomForestClassifier,
                              RandomForestRegressor)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (ElasticNet, Lasso, LinearRegression, LogisticRegression, Ridge, RidgeClassifier, SGDClassifier, SGDRegressor)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (MaxAbsScaler, MinMaxScaler, Normalizer, OneHotEncoder, OrdinalEncoder, PolynomialFeatures, RobustScaler,
                                   StandardScaler)
from sklearn.svm import LinearSVC, LinearSVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor

warnings.filterwarnings("ignore")
RELEASE = tuple(int(part) for part in sklearn.__version__.split(".")[:2])
BINARY = tuple(part[:300] for part in load_breast_cancer(return_X_y=True))
BINARY = (BINARY[0][:, :6], BINARY[1])
WINE = load_wine(return_X_y=True)
WINE = (WINE[0][:, :6], WINE[1])
VALUES = tuple(part[:300] for part in load_diabetes(return_X_y=True))
VALUES = (VALUES[0][:, :5], VALUES[1])
CATEGORIES = (numpy.column_stack([numpy.arange(300) % 5, numpy.arange(300) % 3, VALUES[0][:300, 0]]), BINARY[1])


def holes(data):
    rows = data[0].copy()
    rows[::7, 0] = numpy.nan
    rows[3::11, 2] = numpy.nan
    return rows, data[1]


def steps(step, **more):
    return make_pipeline(step, LogisticRegression(max_iter=200, **more))


def cases():
    """(name, estimator, data); one that this version of the library does not know is skipped."""
    scaled = lambda model: make_pipeline(StandardScaler(), model)
    for name, step in {
        "standard": lambda: StandardScaler(), "standard no mean": lambda: StandardScaler(with_mean=False), "standard no std": lambda: StandardScaler(with_std=False),
        "minmax": lambda: MinMaxScaler((-1, 2)), "minmax clip": lambda: MinMaxScaler(clip=True), "maxabs": lambda: MaxAbsScaler(),
        "maxabs clip": lambda: MaxAbsScaler(clip=True), "robust": lambda: RobustScaler(), "robust no scaling": lambda: RobustScaler(with_scaling=False),
        "robust unit": lambda: RobustScaler(unit_variance=True), "l1": lambda: Normalizer("l1"), "l2": lambda: Normalizer("l2"), "max": lambda: Normalizer("max"),
        "poly 2": lambda: PolynomialFeatures(2), "poly interaction": lambda: PolynomialFeatures(2, interaction_only=True, include_bias=False),
        "poly range": lambda: PolynomialFeatures((2, 3)), "pca": lambda: PCA(3), "pca whiten": lambda: PCA(3, whiten=True),
    }.items():
        yield name, lambda step=step: make_pipeline(StandardScaler(), step(), LogisticRegression(max_iter=200)), BINARY
    for strategy in ["mean", "median", "most_frequent", "constant"]:
        for indicator in [False, True]:
            yield f"imputer {strategy} {indicator}", lambda s=strategy, i=indicator: steps(SimpleImputer(strategy=s, add_indicator=i)), holes(BINARY)
    yield "imputer empty", lambda: steps(SimpleImputer(keep_empty_features=True)), (numpy.column_stack([BINARY[0], numpy.full(len(BINARY[0]), numpy.nan)]), BINARY[1])
    for name, encoder in {
        "onehot": lambda: OneHotEncoder(handle_unknown="ignore"), "onehot drop": lambda: OneHotEncoder(drop="first"), "onehot error": lambda: OneHotEncoder(),
        "onehot rare": lambda: OneHotEncoder(min_frequency=70, handle_unknown="infrequent_if_exist"), "onehot binary": lambda: OneHotEncoder(drop="if_binary"),
        "ordinal": lambda: OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), "ordinal rare": lambda: OrdinalEncoder(min_frequency=70),
    }.items():
        for end, model in {"linear": lambda: LogisticRegression(), "trees": lambda: GradientBoostingClassifier(n_estimators=5)}.items():
            yield f"{name} {end}", lambda e=encoder, m=model: make_pipeline(ColumnTransformer([("c", e(), [0, 1])], remainder="passthrough"), m()), CATEGORIES
    yield "weights of columns", lambda: make_pipeline(ColumnTransformer([("a", StandardScaler(), [0, 1]), ("b", MinMaxScaler(), [2, 3])], transformer_weights={"a": 3}), LogisticRegression()), BINARY
    for solver in ["lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga"]:
        for data, several in [(BINARY, "two"), (WINE, "three")]:
            for mode in (["-"] if RELEASE >= (1, 8) else ["auto", "ovr", "multinomial"]):
                more = {} if mode == "-" else {"multi_class": mode}
                yield f"logistic {solver} {mode} {several}", lambda s=solver, m=more: scaled(LogisticRegression(solver=s, max_iter=300, **m)), data
    yield "logistic no intercept", lambda: scaled(LogisticRegression(fit_intercept=False)), WINE
    for loss in ["hinge", "log_loss", "modified_huber", "squared_hinge", "perceptron", "squared_error", "huber"]:
        yield f"sgd {loss} two", lambda l=loss: scaled(SGDClassifier(loss=l, random_state=0)), BINARY
        yield f"sgd {loss} three", lambda l=loss: SGDClassifier(loss=l, random_state=0, average=True), WINE
    for name, model in {"linear": LinearRegression, "ridge": Ridge, "lasso": Lasso, "elastic": ElasticNet, "sgd": SGDRegressor, "svr": LinearSVR}.items():
        yield f"regression {name}", lambda m=model: scaled(m()), VALUES
    yield "regression positive", lambda: LinearRegression(positive=True), VALUES
    for name, model in {"ridge": RidgeClassifier, "svc": LinearSVC}.items():
        yield f"classifier {name} two", lambda m=model: scaled(m()), BINARY
        yield f"classifier {name} three", lambda m=model: scaled(m()), WINE
    for method in ["sigmoid", "isotonic"]:
        for name, inner in {"nb": GaussianNB, "svc": LinearSVC, "forest": lambda: RandomForestClassifier(5, random_state=0), "logistic": LogisticRegression}.items():
            for data, several in [(BINARY, "two"), (WINE, "three")]:
                yield f"calibrated {method} {name} {several}", lambda m=method, i=inner: scaled(CalibratedClassifierCV(i(), method=m, cv=3)), data
    for activation in ["identity", "logistic", "tanh", "relu"]:
        yield f"mlp {activation}", lambda a=activation: scaled(MLPClassifier((8, 4), activation=a, max_iter=40, random_state=0)), WINE
        yield f"mlp two {activation}", lambda a=activation: scaled(MLPClassifier((5,), activation=a, max_iter=40, random_state=0)), BINARY
        yield f"mlp regressor {activation}", lambda a=activation: scaled(MLPRegressor((5,), activation=a, max_iter=60, random_state=0)), VALUES
    yield "mlp poisson", lambda: scaled(MLPRegressor((5,), loss="poisson", max_iter=60, random_state=0)), VALUES
    for weights in ["uniform", "distance"]:
        # No two rows at the same distance: there the library's choice depends on its build.
        smooth = (BINARY[0][:, [0, 2, 3, 5]] + numpy.sin(numpy.arange(1200).reshape(300, 4)) * 1e-3, VALUES[1])
        for more in [{}, {"p": 1}, {"p": 3}, {"metric": "chebyshev"}, {"metric": "manhattan"}]:
            title = " ".join(map(str, [weights, *more.values()]))
            yield f"neighbours {title}", lambda w=weights, m=more: scaled(KNeighborsClassifier(4, weights=w, **m)), WINE
            yield f"neighbours regressor {title}", lambda w=weights, m=more: scaled(KNeighborsRegressor(4, weights=w, **m)), smooth
    yield "bayes", lambda: GaussianNB(), WINE
    yield "bayes priors", lambda: GaussianNB(priors=[0.1, 0.9], var_smoothing=1e-3), BINARY
    for criterion in ["gini", "entropy", "log_loss"]:
        for name, model in {"tree": DecisionTreeClassifier, "extra tree": ExtraTreeClassifier}.items():
            yield f"{name} {criterion}", lambda m=model, c=criterion: m(criterion=c, max_depth=5, random_state=0), WINE
    for criterion in ["squared_error", "absolute_error", "friedman_mse", "poisson"]:
        for name, model in {"tree": DecisionTreeRegressor, "extra tree": ExtraTreeRegressor}.items():
            yield f"{name} {criterion}", lambda m=model, c=criterion: m(criterion=c, max_depth=5, random_state=0), VALUES
    for name, model in {"forest": RandomForestClassifier, "extra trees": ExtraTreesClassifier}.items():
        yield name, lambda m=model: m(8, max_depth=6, random_state=0), WINE
        yield f"{name} holes", lambda m=model: m(8, max_depth=6, random_state=0), holes(BINARY)
        yield f"{name} monotone", lambda m=model: m(8, max_depth=6, random_state=0, monotonic_cst=[1, 0, 0, 0, 0, 0]), BINARY
    for name, model in {"forest": RandomForestRegressor, "extra trees": ExtraTreesRegressor}.items():
        yield f"{name} regressor", lambda m=model: m(8, max_depth=6, random_state=0), VALUES
    for loss in ["log_loss", "exponential"]:
        for init in [None, "zero"]:
            yield f"boosting {loss} {init}", lambda l=loss, i=init: GradientBoostingClassifier(loss=l, init=i, n_estimators=8, random_state=0), BINARY
    yield "boosting three", lambda: GradientBoostingClassifier(n_estimators=8, subsample=0.7, random_state=0), WINE
    for loss in ["squared_error", "absolute_error", "huber", "quantile"]:
        yield f"boosting regressor {loss}", lambda l=loss: GradientBoostingRegressor(loss=l, n_estimators=8, random_state=0), VALUES
    for name, data in {"two": BINARY, "three": WINE, "holes": holes(BINARY)}.items():
        yield f"histogram {name}", lambda: HistGradientBoostingClassifier(max_iter=8, random_state=0), data
    yield "histogram categories", lambda: HistGradientBoostingClassifier(max_iter=8, categorical_features=[0, 1], random_state=0), CATEGORIES
    yield "histogram early", lambda: HistGradientBoostingClassifier(max_iter=30, early_stopping=True, n_iter_no_change=2, random_state=0), BINARY
    for loss in ["squared_error", "absolute_error", "poisson", "gamma", "quantile"]:
        more = {"quantile": 0.8} if loss == "quantile" else {}
        yield f"histogram regressor {loss}", lambda l=loss, m=more: HistGradientBoostingRegressor(loss=l, max_iter=8, random_state=0, **m), VALUES
    for contamination in ["auto", 0.1]:
        yield f"isolation {contamination}", lambda c=contamination: IsolationForest(8, contamination=c, random_state=0), BINARY
    yield from boosters()


def boosters():
    try:
        import xgboost
        for name, data, more in [("two", BINARY, {}), ("three", WINE, {}), ("holes", holes(BINARY), {}), ("dart", BINARY, {"booster": "dart", "rate_drop": 0.5}),
                                 ("base", BINARY, {"base_score": 0.2}), ("missing", BINARY, {"missing": -1}), ("exact", WINE, {"tree_method": "exact"}),
                                 ("lossguide", BINARY, {"tree_method": "hist", "grow_policy": "lossguide", "max_leaves": 6})]:
            yield f"xgb {name}", lambda m=more: xgboost.XGBClassifier(n_estimators=6, max_depth=3, n_jobs=1, **m), data
        for objective in ["reg:squarederror", "reg:absoluteerror", "count:poisson", "reg:gamma", "reg:tweedie", "reg:pseudohubererror"]:
            yield f"xgb {objective}", lambda o=objective: xgboost.XGBRegressor(objective=o, n_estimators=6, max_depth=3, n_jobs=1), VALUES
        yield "xgb forest", lambda: xgboost.XGBRFClassifier(n_estimators=6, max_depth=3, n_jobs=1), BINARY
        for sparse in [True, False]:
            name = "sparse_output" if RELEASE >= (1, 2) else "sparse"
            yield f"xgb behind onehot {sparse}", lambda s=sparse, n=name: make_pipeline(ColumnTransformer([("c", OneHotEncoder(handle_unknown="ignore", **{n: s}), [0, 1])], remainder="passthrough"), xgboost.XGBClassifier(n_estimators=6, n_jobs=1)), CATEGORIES
    except ImportError:
        pass
    try:
        import lightgbm
        for name, data, more in [("two", BINARY, {}), ("three", WINE, {}), ("holes", holes(BINARY), {}), ("dart", BINARY, {"boosting_type": "dart"}),
                                 ("rf", BINARY, {"boosting_type": "rf", "subsample": 0.7, "subsample_freq": 1}), ("ovr", WINE, {"objective": "multiclassova"}),
                                 ("zero as missing", BINARY, {"zero_as_missing": True}), ("no missing", holes(BINARY), {"use_missing": False})]:
            yield f"lgbm {name}", lambda m=more: lightgbm.LGBMClassifier(n_estimators=6, num_leaves=7, n_jobs=1, verbose=-1, **m), data
        for objective in ["regression", "regression_l1", "huber", "fair", "poisson", "quantile", "mape", "gamma", "tweedie"]:
            yield f"lgbm {objective}", lambda o=objective: lightgbm.LGBMRegressor(objective=o, n_estimators=6, num_leaves=7, n_jobs=1, verbose=-1), VALUES
    except ImportError:
        pass


def thresholds(model):
    """The numbers at which trees part, where the library shows them, by feature."""
    found = []
    trees = getattr(model, "estimators_", [model])
    for tree in numpy.ravel(numpy.array(trees, dtype=object)):
        inner = getattr(tree, "tree_", None)
        if inner is not None:
            found += [(f, t) for f, t in zip(inner.feature, inner.threshold) if f >= 0]
    return found[:60]


def groups(model, rows):
    """Rows to ask about: real ones, thresholds and their neighbours, far, missing and infinite ones."""
    some = numpy.nan_to_num(rows[::9][:25])
    near = []
    for feature, threshold in thresholds(model):
        for value in [threshold, numpy.nextafter(numpy.float32(threshold), numpy.float32(numpy.inf)), numpy.nextafter(threshold, -numpy.inf), numpy.nextafter(threshold, numpy.inf)]:
            near.append(some[0].copy())
            near[-1][feature] = value
    one = lambda value: [numpy.where(numpy.arange(rows.shape[1]) == column, value, some[1]) for column in range(rows.shape[1])]
    return {"real": some, "edge": numpy.vstack([numpy.nextafter(some, numpy.inf), some * 0, -some] + ([near] if near else [])), "far": some * 1e6,
            "missing": numpy.array(one(numpy.nan)), "infinite": numpy.array(one(numpy.inf) + one(-numpy.inf))}


def answers(model, rows):
    ask = model.predict_proba if hasattr(model, "predict_proba") else model.decision_function if isinstance(model, IsolationForest) else model.predict
    return ask(rows)


def main(folder, step=1, first=0):
    folder.mkdir(parents=True, exist_ok=True)
    for name, make, (rows, labels) in itertools.islice(cases(), first, None, step):
        try:
            model = make().fit(rows, labels)
        except (TypeError, ValueError, AttributeError, ImportError) as problem:
            if "--skipped" in sys.argv:
                print(name, str(problem).splitlines()[0][:120])
            continue
        asked = {}
        for group, some in groups(model, rows).items():
            try:
                found = answers(model, some)
                asked[group] = {"rows": some.tolist(), "wanted": numpy.asarray(found, dtype="f8").tolist(), "labels": [str(label) for label in model.predict(some)]}
            except ValueError as refusal:
                asked[group] = {"rows": some.tolist(), "refused": str(refusal).splitlines()[0]}
        kind = "value" if not hasattr(model, "classes_") else "chances" if hasattr(model, "predict_proba") else "label"
        (folder / f"{name}.json").write_text(json.dumps({"kind": kind, "groups": asked, "single": name.startswith("xgb")}))
        (folder / f"{name}.pkl").write_bytes(pickle.dumps(model))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), *(int(word) for word in sys.argv[2:] if word.isdigit()))
