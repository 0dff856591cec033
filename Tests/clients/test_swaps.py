"""Swaps under load: every answer is of the version that it names, and the first request after a swap sees it."""

import http.client
import json
import threading

import joblib
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression

ROWS, LABELS = load_breast_cancer(return_X_y=True)
ROW = ROWS[0, :8].tolist()


def call(connection, path, body):
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    assert answer.status == 200, text
    return json.loads(text)


def test_every_answer_is_of_its_version(workspace, serve):
    for number in range(3):
        model = LogisticRegression(max_iter=20 + 30 * number).fit(ROWS[:, :8] * (number + 1), LABELS)
        joblib.dump(model, workspace.folder / "m.joblib")
        workspace.run("models", "import", workspace.folder / "m.joblib", "--name", "m")
    server = serve(workspace)
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    golden = {v: call(connection, f"/models/m/versions/{v}/predict", {"features": ROW})["prediction"]["p_win"] for v in (1, 2, 3)}
    assert len(set(golden.values())) == 3
    swap = lambda v: call(connection, "/api/2.0/mlflow/registered-models/alias", {"name": "m", "alias": "current", "version": str(v)})
    swap(1)
    wrong, seen, done = [], set(), threading.Event()

    def load():
        own = http.client.HTTPConnection("127.0.0.1", server.port)
        while not done.is_set():
            answer = call(own, "/models/m/predict", {"features": ROW})
            seen.add(answer["version"])
            if answer["prediction"]["p_win"] != golden[answer["version"]]:
                wrong.append(answer)

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for number in range(60):
            version = number % 3 + 1
            swap(version)
            assert call(connection, "/models/m/predict", {"features": ROW})["version"] == version
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert not wrong and seen == {1, 2, 3}
