"""What scripts and tools rely on besides MLflow's documented API: names of files, GETs with bodies, wordings, times."""

import json
import urllib.parse

import pytest

ROOT_PATH = "/api/2.0/mlflow"
NAMES = ["per%cent.txt", "50%.txt", "what?.txt", "a;b.txt", "back\\slash.txt", "dog%step%0%timestamp%17%abc.png", "%2e%2e",
         "plus+.txt", "sharp#.txt", "tab\there.txt", "한글 이름.txt", "a'b\"c.txt", "a:b.txt", "%25.txt"]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    from conftest import Server, Workspace
    server = Server(Workspace(tmp_path_factory.mktemp("details")))
    yield server
    server.stop()


def post(server, path, **body):
    answer = server.client.post(f"{ROOT_PATH}/{path}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def get(server, path, **query):
    answer = server.client.get(f"{ROOT_PATH}/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def run(server):
    return post(server, "runs/create", experiment_id="0")["run"]["info"]["run_id"]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_may_have_every_name_that_a_disk_takes(server, run, name):
    url = f"/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/" + urllib.parse.quote(name, safe="")
    assert server.client.put(url, content=name.encode()).status_code == 200
    found = server.client.get(url)
    assert found.content == name.encode()
    assert [file["path"] for file in get(server, "artifacts/list", run_id=run)["files"]] == [name]
    assert "filename=" in found.headers["content-disposition"]


@pytest.mark.parametrize("path", ["..", "a/../b", "/etc/passwd", "a//b", ".", "a/\0", "c:/x"])
def test_no_name_leaves_its_run(server, run, path):
    url = f"/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/" + urllib.parse.quote(path, safe="")
    assert server.client.put(url, content=b"x").status_code in (400, 404)


def test_images_of_every_client_arrive(server):
    mlflow = pytest.importorskip("mlflow")
    numpy = pytest.importorskip("numpy")
    pytest.importorskip("PIL")
    import mlflow
    mlflow.set_tracking_uri(server.url)
    with mlflow.start_run() as run:
        mlflow.log_image(numpy.zeros((2, 2, 3), dtype=numpy.uint8), key="dog", step=0)
    client = mlflow.MlflowClient(server.url)
    files = [file.path for file in client.list_artifacts(run.info.run_id, "images")]
    assert any(name.endswith(".png") for name in files), files


@pytest.mark.parametrize("path, fields, place", [
    ("experiments/get", {"experiment_id": "0"}, "experiment"),
    ("experiments/get-by-name", {"experiment_name": "Default"}, "experiment"),
])
def test_the_fields_of_a_get_may_come_in_its_body(server, path, fields, place):
    answer = server.client.request("GET", f"{ROOT_PATH}/{path}", json=fields)
    assert answer.status_code == 200 and place in answer.json(), answer.text


def test_a_body_counts_only_where_there_is_no_query(server, run):
    answer = server.client.request("GET", f"{ROOT_PATH}/runs/get", params={"run_id": run}, json={"run_id": "x"})
    assert answer.status_code == 200


def test_an_experiment_that_exists_is_told_as_mlflow_does(server):
    post(server, "experiments/create", name="twice")
    answer = server.client.post(f"{ROOT_PATH}/experiments/create", json={"name": "twice"})
    assert answer.json()["error_code"] == "RESOURCE_ALREADY_EXISTS"
    assert "Experiment(name=twice) already exists" in answer.json()["message"]


def test_a_location_of_our_own_store_is_taken(server):
    made = post(server, "experiments/create", name="placed", artifact_location="mlflow-artifacts:/team/x")["experiment_id"]
    location = get(server, "experiments/get", experiment_id=made)["experiment"]["artifact_location"]
    assert location == f"mlflow-artifacts:/{made}"


def test_the_tag_with_a_runs_name_goes_and_the_name_stays(server):
    run = post(server, "runs/create", experiment_id="0", run_name="kept")["run"]["info"]["run_id"]
    post(server, "runs/delete-tag", run_id=run, key="mlflow.runName")
    found = get(server, "runs/get", run_id=run)["run"]
    assert found["info"]["run_name"] == "kept"
    assert "mlflow.runName" not in [tag["key"] for tag in found["data"].get("tags", [])]


def test_a_version_does_not_touch_its_model(server, run):
    post(server, "registered-models/create", name="still")
    version = post(server, "model-versions/create", name="still", source=f"runs:/{run}/m", run_id=run)["model_version"]["version"]
    before = get(server, "registered-models/get", name="still")["registered_model"]["last_updated_timestamp"]
    server.client.patch(f"{ROOT_PATH}/model-versions/update", json={"name": "still", "version": version, "description": "d"})
    post(server, "model-versions/set-tag", name="still", version=version, key="k", value="v")
    post(server, "registered-models/alias", name="still", version=version, alias="champion")
    found = get(server, "registered-models/get", name="still")["registered_model"]
    assert found["last_updated_timestamp"] == before
    assert found["latest_versions"][0]["aliases"] == ["champion"]
    found = get(server, "model-versions/search", filter="name = 'still'")["model_versions"]
    assert found[0]["aliases"] == ["champion"]


def test_a_logged_model_knows_its_versions(server, run):
    model = post(server, "logged-models", experiment_id="0", name="logged", source_run_id=run)["model"]["info"]["model_id"]
    post(server, "registered-models/create", name="from-logged")
    for number in (1, 2):
        post(server, "model-versions/create", name="from-logged", source=f"models:/{model}", model_id=model)
        tags = get(server, f"logged-models/{model}")["model"]["info"]["tags"]
        known = json.loads(next(tag["value"] for tag in tags if tag["key"] == "mlflow.modelVersions"))
        assert known[-1] == {"name": "from-logged", "version": number} and len(known) == number


def test_logged_models_are_ordered_by_a_digest_alone(server):
    post(server, "logged-models/search", experiment_ids=["0"], order_by=[{"field_name": "metrics.acc", "dataset_digest": "x1"}])


def test_two_names_that_look_the_same_are_not_two_models(server):
    post(server, "registered-models/create", name="café-model")
    for twin in ["cafe\u0301-model", "Café-Model", "café-model ", "c\u0430fé-model", "ca\u200bfé-model"]:
        answer = server.client.post(f"{ROOT_PATH}/registered-models/create", json={"name": twin})
        assert answer.status_code == 400 and answer.json()["error_code"] == "RESOURCE_ALREADY_EXISTS", twin


def test_numbers_are_never_given_twice(server, run):
    post(server, "registered-models/create", name="again")
    for _ in range(2):
        post(server, "model-versions/create", name="again", source=f"runs:/{run}/m", run_id=run)
    assert server.client.request("DELETE", f"{ROOT_PATH}/registered-models/delete", json={"name": "again"}).status_code == 200
    post(server, "registered-models/create", name="again")
    assert post(server, "model-versions/create", name="again", source=f"runs:/{run}/m", run_id=run)["model_version"]["version"] == "3"


def test_a_prompt_is_kept_and_what_is_not_offered_says_so(server):
    genai = pytest.importorskip("mlflow.genai")
    import mlflow
    if not hasattr(genai, "register_prompt"):
        pytest.skip("this client has no prompts")
    mlflow.set_tracking_uri(server.url)
    mlflow.set_registry_uri(server.url)
    first = genai.register_prompt(name="greeting", template="Hello {{name}}", commit_message="first", tags={"team": "risk"})
    assert first.version == 1 and genai.register_prompt(name="greeting", template="안녕 {{name}}").version == 2
    assert genai.load_prompt("prompts:/greeting/1").template == "Hello {{name}}" and genai.load_prompt("prompts:/greeting/2").template == "안녕 {{name}}"
    names = [model.name for model in mlflow.MlflowClient(server.url).search_registered_models()]
    assert "greeting" not in names, "a prompt is no model"
    wrong = server.client.post("/api/2.0/mlflow/model-versions/create", json={
        "name": "greeting", "source": "file:///etc", "tags": [{"key": "mlflow.prompt.is_prompt", "value": "true"}]})
    assert wrong.status_code == 400 and "prompt source" in wrong.json()["message"]
    for method, path, family in [("POST", "/api/3.0/mlflow/traces", "traces"), ("POST", "/api/3.0/mlflow/datasets/create", "evaluation datasets"),
                                 ("POST", "/api/3.0/mlflow/scorers/register", "scorers"), ("GET", "/api/2.0/mlflow/webhooks", "webhooks")]:
        answer = server.client.request(method, path, json={})
        assert answer.status_code == 404 and answer.json()["error_code"] == "ENDPOINT_NOT_FOUND"
        assert f"MLflow {family} are not supported" in answer.json()["message"], answer.text


def test_a_name_is_found_as_clients_before_2026_ask_for_it(server):
    """They decode the names that a server lists, `%25` to `%`, and ask for what comes out."""
    run = server.client.post("/api/2.0/mlflow/runs/create", json={"experiment_id": "0"}).json()["run"]["info"]["run_id"]
    root = f"/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts"
    for name in ["images/dog%2525step%252525%2525x", "images/cat%2525step%252581%2525x", "images/plain%25.txt", "images/a%2541b", "sub%2525/in.txt"]:
        server.client.put(f"{root}/{name}", content=name.encode()).raise_for_status()
    listed = [file["path"] for file in server.client.get("/api/2.0/mlflow/artifacts/list", params={"run_id": run, "path": "images"}).json()["files"]]
    assert server.client.get(f"{root}/images/aAb").content == b"images/a%2541b"
    assert listed == ["images/a%41b", "images/cat%25step%2581%25x", "images/dog%25step%2525%25x", "images/plain%.txt"]
    assert server.client.get(f"{root}/images/dog%25step%25%25x").content == b"images/dog%2525step%252525%2525x"
    assert server.client.get("/get-artifact", params={"run_id": run, "path": "images/cat%step\ufffd%x"}).content == b"images/cat%2525step%252581%2525x"
    assert server.client.get(f"{root}/sub%25/in.txt").content == b"sub%2525/in.txt"
    inside = server.client.get("/api/2.0/mlflow/artifacts/list", params={"run_id": run, "path": "sub%"}).json()["files"]
    assert [file["path"] for file in inside] == ["sub%/in.txt"]
    assert server.client.get(f"{root}/images/none%25").status_code == 404
