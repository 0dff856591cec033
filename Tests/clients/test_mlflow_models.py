"""MLflow's client with models: log_model, autolog, the registry, and what serves."""

import json
import os
import time

import pytest

os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")
mlflow = pytest.importorskip("mlflow")
mlflow_sklearn = pytest.importorskip("mlflow.sklearn")
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

ROWS, LABELS = load_breast_cancer(return_X_y=True)


@pytest.fixture
def server(workspace, serve):
    server = serve(workspace)
    mlflow.set_tracking_uri(server.url)
    mlflow.set_registry_uri(server.url)
    mlflow.set_experiment("models")
    yield server
    mlflow.sklearn.autolog(disable=True)
    while mlflow.active_run():
        mlflow.end_run()


@pytest.fixture
def client(server):
    return MlflowClient(tracking_uri=server.url, registry_uri=server.url)


def fit(count=len(ROWS), **options):
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=500, **options)).fit(ROWS[:count], LABELS[:count])


def log(model, name=None, **metrics):
    """A run with a model in the format that any version of the client can write."""
    with mlflow.start_run() as run:
        mlflow.log_metrics(metrics)
        try:
            info = mlflow.sklearn.log_model(model, name="clf", serialization_format="cloudpickle", registered_model_name=name)
        except TypeError:
            info = mlflow.sklearn.log_model(model, "clf", serialization_format="cloudpickle", registered_model_name=name)
    return run.info.run_id, info


@pytest.mark.requirements
def test_a_logged_model_comes_back_by_run_version_and_alias(server, client):
    model = fit()
    run, info = log(model, "credit")
    client.set_registered_model_alias("credit", "champion", "1")
    for uri in [f"runs:/{run}/clf", info.model_uri, "models:/credit/1", "models:/credit@champion", "models:/credit/latest"]:
        loaded = mlflow.sklearn.load_model(uri)
        assert (loaded.predict(ROWS) == model.predict(ROWS)).all(), uri
    assert mlflow.pyfunc.load_model("models:/credit/1").predict(ROWS[:5]).tolist() == model.predict(ROWS[:5]).tolist()
    version = client.get_model_version("credit", "1")
    assert version.run_id == run and version.aliases == ["champion"] and version.current_stage == "None"


def test_register_a_model_of_an_older_run(server, client):
    run, _ = log(fit())
    version = mlflow.register_model(f"runs:/{run}/clf", "late")
    assert (version.name, str(version.version)) == ("late", "1")
    assert mlflow.sklearn.load_model("models:/late/1").predict(ROWS[:3]).shape == (3,)


def test_the_alias_current_is_what_predict_answers_with(server, client):
    models = [fit(300), fit(500, C=0.1)]
    for model in models:
        log(model, "balance_model", bal_acc=0.9)
    assert server.predict(ROWS[0]).json()["error"]["code"] == "NO_CURRENT_MODEL"
    for number, model in enumerate(models, start=1):
        client.set_registered_model_alias("balance_model", "current", str(number))
        for row in ROWS[:20]:
            assert server.predict(row).json()["p_win"] == pytest.approx(model.predict_proba([row])[0, 1], abs=1e-9)
        assert client.get_model_version("balance_model", str(number)).current_stage == "Production"
    assert client.get_model_version("balance_model", "1").current_stage == "Archived"
    assert client.get_model_version_by_alias("balance_model", "current").version in (2, "2")
    shown = server.client.get("/model").json()
    assert shown["name"] == "balance_model" and shown["stage"] == "current"
    with pytest.raises(MlflowException, match="serves"):
        client.delete_model_version("balance_model", "2")
    with pytest.raises(MlflowException, match="serves"):
        client.delete_registered_model("balance_model")
    client.delete_registered_model_alias("balance_model", "current")
    server.client.get("/model")
    for _ in range(100):
        answer = server.predict(ROWS[0])
        if answer.status_code == 404:
            break
        time.sleep(0.05)
    assert answer.json()["error"]["code"] == "NO_CURRENT_MODEL"
    client.delete_registered_model("balance_model")


def test_the_stage_calls_move_the_same_alias(server, client):
    model = fit()
    log(model, "balance_model")
    log(fit(300), "balance_model")
    version = client.transition_model_version_stage("balance_model", "1", "Production")
    assert version.current_stage == "Production"
    assert server.predict(ROWS[0]).json()["p_win"] == pytest.approx(model.predict_proba(ROWS[:1])[0, 1], abs=1e-9)
    client.transition_model_version_stage("balance_model", "2", "Production", archive_existing_versions=True)
    stages = {str(v.version): v.current_stage for v in client.search_model_versions("name='balance_model'")}
    assert stages == {"1": "Archived", "2": "Production"}
    assert [str(v.version) for v in client.get_latest_versions("balance_model", ["Production"])] == ["2"]
    client.transition_model_version_stage("balance_model", "2", "Archived")
    with pytest.raises(MlflowException):
        client.get_model_version_by_alias("balance_model", "current")


def test_a_bound_policy_decides_who_becomes_current(server, client, workspace):
    log(fit(), "balance_model", bal_acc=0.80, recall_1=0.7)
    log(fit(500), "balance_model", bal_acc=0.803, recall_1=0.7)
    log(fit(500), "balance_model", bal_acc=0.806, recall_1=0.7)
    workspace.run("policy", "set", "default", "--name", "balance_model")
    client.set_registered_model_alias("balance_model", "current", "1")
    with pytest.raises(MlflowException, match="not enough improvement .*0.8000->0.8030") as refused:
        client.set_registered_model_alias("balance_model", "current", "2")
    assert refused.value.error_code == "RESOURCE_CONFLICT"
    with pytest.raises(MlflowException, match="not enough improvement"):
        client.transition_model_version_stage("balance_model", "2", "Production")
    assert str(client.get_model_version_by_alias("balance_model", "current").version) == "1"
    client.set_registered_model_alias("balance_model", "current", "3")
    assert str(client.get_model_version_by_alias("balance_model", "current").version) == "3"
    workspace.run("policy", "set", "none", "--name", "balance_model")
    client.set_registered_model_alias("balance_model", "current", "2")


def test_a_version_that_cannot_be_executed_is_kept_and_says_why(server, client):
    _, info = log(RandomForestClassifier(n_estimators=3).fit(ROWS, LABELS), "odd")
    assert mlflow.sklearn.load_model("models:/odd/1").predict(ROWS[:2]).shape == (2,)
    client.set_registered_model_alias("odd", "current", "1")
    client.create_registered_model("far")
    version = client.create_model_version("far", "s3://bucket/model")
    assert "object store" in version.status_message
    with pytest.raises(MlflowException, match="Invalid model version source"):
        client.create_model_version("far", "/etc/passwd")


def test_a_version_that_cannot_serve_does_not_replace_one_that_does(server, client):
    log(fit(), "balance_model")
    client.set_registered_model_alias("balance_model", "current", "1")
    client.create_model_version("balance_model", "s3://bucket/model")
    with pytest.raises(MlflowException, match="cannot be served, and version 1 serves"):
        client.set_registered_model_alias("balance_model", "current", "2")
    assert server.predict(ROWS[0]).status_code == 200


def test_autolog_records_a_fit(server, client):
    mlflow.sklearn.autolog()
    with mlflow.start_run() as run:
        LogisticRegression(max_iter=5000, C=0.5).fit(ROWS, LABELS)
    found = client.get_run(run.info.run_id)
    assert found.data.params["C"] == "0.5" and found.data.metrics["training_accuracy_score"] > 0.9
    assert found.info.status == "FINISHED"
    names = {f.path for f in client.list_artifacts(run.info.run_id)}
    assert any("confusion_matrix" in name for name in names), names
    if hasattr(found, "outputs") and found.outputs and found.outputs.model_outputs:
        model = client.get_logged_model(found.outputs.model_outputs[0].model_id)
        assert model.status.name == "READY" and model.params["C"] == "0.5"
        assert {m.key for m in model.metrics} >= {"training_accuracy_score"}


def test_logged_models_are_searched(server, client):
    if not hasattr(client, "search_logged_models"):
        pytest.skip("this client has no logged models")
    for number in range(3):
        with mlflow.start_run():
            model = mlflow.create_external_model(name=f"ext{number}", params={"n": str(number)}, tags={"team": "a"})
            mlflow.log_metric("acc", number / 10, model_id=model.model_id)
    experiment = mlflow.get_experiment_by_name("models").experiment_id
    found = client.search_logged_models([experiment], "metrics.acc >= 0.1 AND tags.team = 'a'", order_by=[{"field_name": "metrics.acc", "ascending": False}])
    assert [m.name for m in found] == ["ext2", "ext1"]
    pages, token = [], None
    while True:
        page = client.search_logged_models([experiment], max_results=1, page_token=token)
        pages += [m.name for m in page]
        token = page.token
        if not token:
            break
    assert pages == ["ext2", "ext1", "ext0"]
    client.delete_logged_model(found[0].model_id)
    assert "ext2" not in [m.name for m in client.search_logged_models([experiment])]
    client.set_logged_model_tags(found[1].model_id, {"k": "v"})
    assert client.get_logged_model(found[1].model_id).tags["k"] == "v"


def test_the_registry_by_its_client(server, client):
    client.create_registered_model("위험 모델", tags={"a": "1"}, description="d")
    with pytest.raises(MlflowException) as taken:
        client.create_registered_model("위험 모델")
    assert taken.value.error_code == "RESOURCE_ALREADY_EXISTS"
    for number in range(5):
        client.create_model_version("위험 모델", f"s3://b/{number}", tags={"n": str(number)})
    assert [str(v.version) for v in client.search_model_versions("name = '위험 모델' AND version_number > 2", order_by=["version_number ASC"])] == ["3", "4", "5"]
    client.delete_model_version("위험 모델", "5")
    assert str(client.create_model_version("위험 모델", "s3://b/x").version) == "6"
    client.set_model_version_tag("위험 모델", "6", "t", "v")
    client.update_model_version("위험 모델", "6", description="described")
    version = client.get_model_version("위험 모델", "6")
    assert version.tags == {"t": "v"} and version.description == "described"
    client.rename_registered_model("위험 모델", "renamed")
    assert client.get_registered_model("renamed").tags == {"a": "1"}
    assert len(client.search_model_versions("name = 'renamed'")) == 5
    found, token = [], None
    for number in range(12):
        client.create_registered_model(f"many-{number:02}")
    while True:
        page = client.search_registered_models("name LIKE 'many-%'", max_results=5, page_token=token)
        found += [m.name for m in page]
        token = page.token
        if not token:
            break
    assert found == [f"many-{n:02}" for n in range(12)]
    client.delete_registered_model("renamed")
    with pytest.raises(MlflowException) as gone:
        client.get_registered_model("renamed")
    assert gone.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_prompts_and_traces_are_refused_cleanly(server):
    for path in ["/api/3.0/mlflow/traces", "/api/2.0/mlflow/traces", "/v1/traces", "/api/3.0/mlflow/server-features"]:
        answer = server.client.post(path, json={})
        assert answer.status_code in (404, 501), path
        assert "error" in answer.json() or "error_code" in answer.json()
    for path in ["mpu/create/1/r/a", "presigned/1/r/a"]:
        answer = server.client.request("POST" if "mpu" in path else "GET", f"/api/2.0/mlflow-artifacts/{path}")
        assert answer.status_code == 501 and answer.json()["error_code"] == "NOT_IMPLEMENTED"


def test_a_version_that_cannot_be_executed_never_answers_with_another_ones_file(server, client):
    log(fit(), "balance_model")
    client.set_registered_model_alias("balance_model", "current", "1")
    assert server.predict(ROWS[0]).status_code == 200
    client.delete_registered_model_alias("balance_model", "current")
    client.create_model_version("balance_model", "s3://bucket/model")
    client.set_registered_model_alias("balance_model", "current", "2")
    time.sleep(0.5)
    answer = server.predict(ROWS[0])
    assert answer.status_code == 404, answer.text


def test_a_refused_promotion_leaves_the_serving_version_as_it_is(server, client, workspace):
    for accuracy in (0.8, 0.801):
        log(fit(), "balance_model", bal_acc=accuracy, recall_1=0.7)
    workspace.run("policy", "set", "default", "--name", "balance_model")
    client.set_registered_model_alias("balance_model", "current", "1")
    version = client.get_model_version("balance_model", "1")
    root = client.get_model_version_download_uri("balance_model", "1").removeprefix("mlflow-artifacts:/")
    proxy = f"/api/2.0/mlflow-artifacts/artifacts/{root}"
    server.client.put(f"{proxy}/model.pkl", content=b"rubbish")
    for wanted in ("1", "2"):
        with pytest.raises(MlflowException):
            client.set_registered_model_alias("balance_model", "current", wanted)
    assert client.get_model_version("balance_model", "1").status_message == version.status_message
    assert server.predict(ROWS[0]).status_code == 200


def test_models_with_names_like_our_files_stay(server, client, workspace):
    for name in ["current.model.previous-1", "balance_model"]:
        log(fit(), name)
        client.set_registered_model_alias(name, "current", "1")
    log(fit(300), "balance_model")
    client.set_registered_model_alias("balance_model", "current", "2")
    assert (workspace.artifacts / "models" / "current.model.previous-1.current.model").exists()


def test_a_copy_outlives_its_origin(server, client):
    run, _ = log(fit(), "origin")
    client.create_registered_model("copy")
    client.create_model_version("copy", "models:/origin/1", run)
    uri = client.get_model_version_download_uri("copy", "1")
    client.delete_registered_model("origin")
    assert client.get_model_version_download_uri("copy", "1") == uri
    assert mlflow.sklearn.load_model("models:/copy/1").predict(ROWS[:2]).shape == (2,)
    client.set_registered_model_alias("copy", "current", "1")
    assert client.get_model_version("copy", "1").status_message in (None, "")
