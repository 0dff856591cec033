"""Files that scikit-learn and joblib wrote are served as they are, with Python's own answers."""

import pickle
import random
import sys
import types

import joblib
import numpy
import pytest
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC


def dummy_model(count=8):
    """The original's model under the original's name."""
    class DummyBalanceModel:
        def __init__(self, seed, w, b):
            self.seed, self.w, self.b = seed, w, b

        def predict_proba(self, rows):
            answer = 1 / (1 + numpy.exp(-(rows @ self.w + self.b)))
            answer = numpy.clip(answer, 1e-6, 1 - 1e-6)
            return numpy.stack([1 - answer, answer], axis=1)

    names = ["balanceops", "balanceops.models", "balanceops.models.dummy"]
    for name in names:
        sys.modules[name] = types.ModuleType(name)
    sys.modules[names[-1]].DummyBalanceModel = DummyBalanceModel
    DummyBalanceModel.__module__ = names[-1]
    DummyBalanceModel.__qualname__ = "DummyBalanceModel"
    generator = numpy.random.default_rng(1)
    return DummyBalanceModel(1, generator.normal(size=count), float(generator.normal()))


def cancer():
    return load_breast_cancer(return_X_y=True)


def models():
    rows, target = cancer()
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(rows, target)
    yield "pipeline", pipeline, rows
    yield "wrapped", {"model": pipeline, "feature_names": [f"f{i}" for i in range(30)], "dataset_meta": {"a": 1}}, rows
    yield "bare", LogisticRegression(max_iter=5000).fit(rows, target), rows
    yield "texts", LogisticRegression(max_iter=5000).fit(rows[:, :4], numpy.array(["no", "yes"])[target]), rows[:, :4]
    yield "mean-only", Pipeline([("s", StandardScaler(with_std=False)), ("skip", "passthrough"),
                                 ("c", LogisticRegression(max_iter=5000))]).fit(rows, target), rows
    yield "float32", make_pipeline(StandardScaler(), LogisticRegression()).fit(rows.astype("f4"), target), rows
    flowers, kinds = load_iris(return_X_y=True)
    yield "three classes", make_pipeline(StandardScaler(), LogisticRegression()).fit(flowers, kinds), flowers
    generator = numpy.random.default_rng(2)
    yield "dummy", dummy_model(), generator.normal(size=(40, 8))


@pytest.mark.parametrize("name, model, rows", list(models()), ids=lambda value: value if isinstance(value, str) else "")
def test_answers_equal_pythons(workspace, serve, name, model, rows):
    workspace.run("demo-run")
    inner = model["model"] if isinstance(model, dict) else model
    expected = inner.predict_proba(rows)[:, 1]
    server = None
    writers = [lambda path: joblib.dump(model, path), lambda path: joblib.dump(model, path, compress=3)]
    writers += [lambda path, p=p: path.write_bytes(pickle.dumps(model, protocol=p)) for p in (2, 3, 4, 5)]
    for number, write in enumerate(writers):
        path = workspace.folder / f"{number}.joblib"
        write(path)
        workspace.run("promote", "--latest", "--model-path", path)
        server = server or serve(workspace)
        for index in range(0, len(rows), max(1, len(rows) // 12)):
            answer = server.predict(rows[index])
            assert answer.status_code == 200, answer.text
            assert abs(answer.json()["p_win"] - expected[index]) < 1e-12
    version = server.client.get("/version").json()
    assert version["model_type"] == type(inner).__name__
    assert version["expected_n_features"] == rows.shape[1]


def test_a_model_of_another_kind_is_refused_by_name(workspace):
    workspace.run("demo-run")
    rows, target = cancer()
    for model, name in [(SVC().fit(rows, target), "SVC"), ({"x": 1}, "'model'"),
                        ([1, 2], "list"), (numpy.arange(3), "ndarray")]:
        path = workspace.folder / "other.joblib"
        joblib.dump(model, path)
        done = workspace.run("promote", "--latest", "--model-path", path, check=False)
        assert done.returncode == 5, done.stderr
        assert name in done.stderr


class Payload:
    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def test_a_hostile_file_executes_nothing(workspace):
    workspace.run("demo-run")
    proof = workspace.folder / "executed"
    import builtins
    import os
    import subprocess
    payloads = [Payload(os.system, f"touch {proof}"), Payload(builtins.eval, f"open('{proof}', 'w')"),
                Payload(subprocess.check_call, ["touch", str(proof)]), Payload(builtins.getattr, "text", "upper")]
    for payload in payloads:
        for body in (payload, {"model": payload}, [1, payload]):
            for protocol in (0, 2, 4, 5):
                path = workspace.folder / "hostile.joblib"
                path.write_bytes(pickle.dumps(body, protocol=protocol))
                done = workspace.run("promote", "--latest", "--model-path", path, check=False)
                assert done.returncode == 5, done.stderr
                assert not proof.exists()


def test_damaged_files_are_refused_and_the_last_good_model_serves(workspace, serve):
    rows, target = cancer()
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(rows, target)
    workspace.run("demo-run")
    good = workspace.folder / "good.joblib"
    joblib.dump(model, good)
    workspace.run("promote", "--latest", "--model-path", good)
    server = serve(workspace)
    before = server.predict(rows[0]).json()
    whole = good.read_bytes()
    chance = random.Random(5)
    for turn in range(60):
        if turn % 3 == 0:
            damaged = whole[: chance.randrange(len(whole))]
        elif turn % 3 == 1:
            damaged = bytearray(whole)
            for _ in range(20):
                damaged[chance.randrange(len(damaged) // 3)] ^= 1 << chance.randrange(8)
        else:
            damaged = chance.randbytes(chance.randrange(1, 4000))
        workspace.current.with_suffix(".new").write_bytes(bytes(damaged))
        workspace.current.with_suffix(".new").rename(workspace.current)
        answer = server.predict(rows[0])
        assert answer.status_code in (200, 400), answer.text
        if server.client.get("/version").json().get("model_error"):
            assert answer.json() == before or answer.status_code == 200
    workspace.run("promote", "--latest", "--model-path", good)
    assert server.predict(rows[0]).json() == before
