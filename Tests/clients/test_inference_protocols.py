"""The Open Inference Protocol with tritonclient, and MLflow's scoring protocol, on models of scikit-learn."""

import gzip
import json
import struct
import zlib

import joblib
import numpy
import pandas
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

client_http = pytest.importorskip("tritonclient.http")
from tritonclient.utils import InferenceServerException  # noqa: E402

ROWS, LABELS = load_breast_cancer(return_X_y=True)
TABLE = pandas.DataFrame({"job": ["clerk", "manager", "none"] * 20, "age": numpy.arange(60.0)})
TARGET = (TABLE["age"] > 30) ^ (TABLE["job"] == "manager")


def models():
    wine = load_wine(return_X_y=True)
    yield "cancer", make_pipeline(StandardScaler(), LogisticRegression()).fit(ROWS, LABELS)
    yield "cancer", RandomForestClassifier(20, random_state=0).fit(ROWS, LABELS)
    yield "wine", LogisticRegression(max_iter=50).fit(wine[0], numpy.array(["a", "b", "위험"])[wine[1]])
    yield "sugar", LinearRegression().fit(*load_diabetes(return_X_y=True))
    encoder = ColumnTransformer([("texts", OneHotEncoder(), ["job"])], remainder="passthrough")
    yield "people", make_pipeline(encoder, LogisticRegression(max_iter=300)).fit(TABLE, TARGET)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    from conftest import Server, Workspace
    folder = tmp_path_factory.mktemp("protocols")
    workspace = Workspace(folder)
    known = {}
    for name, model in models():
        joblib.dump(model, folder / "m.joblib")
        options = [] if name in known else ["--current"]
        workspace.run("models", "import", folder / "m.joblib", "--name", name, *options)
        known.setdefault(name, model)
    server = Server(workspace)
    yield server, known
    server.stop()


@pytest.fixture
def triton(served):
    client = client_http.InferenceServerClient(f"127.0.0.1:{served[0].port}")
    yield client
    client.close()


def rows_input(rows, binary, datatype="FP64"):
    tensor = client_http.InferInput("input", list(rows.shape), datatype)
    kinds = {"FP64": "f8", "FP32": "f4", "INT64": "i8", "INT32": "i4"}
    return tensor.set_data_from_numpy(rows.astype(kinds[datatype]), binary_data=binary)


def test_server_and_models_tell_what_they_are(triton, served):
    assert triton.is_server_live() and triton.is_server_ready()
    server = triton.get_server_metadata()
    assert server["name"] == "balanceops" and "binary_tensor_data" in server["extensions"]
    assert triton.is_model_ready("cancer") and triton.is_model_ready("cancer", "2")
    assert not triton.is_model_ready("nope") and not triton.is_model_ready("cancer", "9")
    metadata = triton.get_model_metadata("cancer")
    assert metadata["versions"] == ["1", "2"]
    assert metadata["inputs"] == [{"name": "input", "datatype": "FP64", "shape": [-1, 30]}]
    assert metadata["outputs"] == [{"name": "label", "datatype": "INT64", "shape": [-1]},
                                   {"name": "probabilities", "datatype": "FP64", "shape": [-1, 2]}]
    config = triton.get_model_config("cancer", "2")
    assert config["input"] == [{"name": "input", "data_type": "TYPE_FP64", "dims": [30]}] and config["max_batch_size"] > 1
    assert [i["datatype"] for i in triton.get_model_metadata("people")["inputs"]] == ["BYTES", "FP64"]
    index = triton.get_model_repository_index()
    assert {(e["name"], e["version"], e["state"]) for e in index} >= {("cancer", "1", "READY"), ("cancer", "2", "READY")}


@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False, None])
@pytest.mark.parametrize("compression", [None, "gzip", "deflate"])
def test_answers_equal_the_librarys(triton, served, binary_in, binary_out, compression):
    model = served[1]["cancer"]
    outputs = None if binary_out is None else [
        client_http.InferRequestedOutput(n, binary_data=binary_out) for n in ("probabilities", "label")]
    answer = triton.infer("cancer", [rows_input(ROWS[:50], binary_in)], outputs=outputs, request_id="a-17",
                          request_compression_algorithm=compression, response_compression_algorithm=compression)
    assert answer.get_response()["id"] == "a-17" and answer.get_response()["model_version"] == "1"
    assert numpy.abs(answer.as_numpy("probabilities") - model.predict_proba(ROWS[:50])).max() < 1e-12
    assert (answer.as_numpy("label") == model.predict(ROWS[:50])).all()


@pytest.mark.parametrize("datatype", ["FP64", "FP32", "INT64", "INT32"])
def test_numbers_of_every_type(triton, served, datatype):
    rows = ROWS[:9].astype("i4") if datatype.startswith("INT") else ROWS[:9].astype("f4")
    answer = triton.infer("cancer", [rows_input(rows, True, datatype)])
    assert numpy.abs(answer.as_numpy("probabilities") - served[1]["cancer"].predict_proba(rows.astype("f8"))).max() < 1e-12


def test_texts_go_in_and_come_out(triton, served):
    wine = load_wine(return_X_y=True)[0]
    answer = triton.infer("wine", [rows_input(wine, True)])
    expected = served[1]["wine"].predict(wine)
    assert [v.decode() for v in answer.as_numpy("label")] == list(expected)
    for binary in (True, False):
        job = client_http.InferInput("job", [60, 1], "BYTES")
        job.set_data_from_numpy(TABLE[["job"]].to_numpy().astype(object), binary_data=binary)
        age = client_http.InferInput("age", [60, 1], "FP64").set_data_from_numpy(TABLE[["age"]].to_numpy(), binary_data=binary)
        answer = triton.infer("people", [age, job])
        assert numpy.abs(answer.as_numpy("probabilities") - served[1]["people"].predict_proba(TABLE)).max() < 1e-12
        assert answer.as_numpy("label").dtype == bool
    sugar = load_diabetes(return_X_y=True)[0]
    assert numpy.abs(triton.infer("sugar", [rows_input(sugar, True)]).as_numpy("value") - served[1]["sugar"].predict(sugar)).max() < 1e-9


def test_an_empty_batch_has_an_empty_answer(triton):
    answer = triton.infer("cancer", [rows_input(numpy.zeros((0, 30)), True)])
    assert answer.as_numpy("probabilities").shape == (0, 2)


def test_statistics_count_rows_and_runs(triton):
    before = {(s["name"], s["version"]): s for s in triton.get_inference_statistics()["model_stats"]}.get(("cancer", "2"))
    for _ in range(3):
        triton.infer("cancer", [rows_input(ROWS[:7], True)], model_version="2")
    stats = triton.get_inference_statistics("cancer", "2")["model_stats"][0]
    rows, runs = (before["inference_count"], before["execution_count"]) if before else (0, 0)
    assert stats["inference_count"] - rows == 21 and stats["execution_count"] - runs == 3
    assert stats["inference_stats"]["success"]["ns"] > 0


def test_unload_and_load(triton, served):
    triton.unload_model("sugar")
    assert not triton.is_model_ready("sugar") and triton.is_server_ready()
    assert {e["state"] for e in triton.get_model_repository_index() if e["name"] == "sugar"} == {"UNAVAILABLE"}
    with pytest.raises(InferenceServerException, match="unloaded"):
        triton.infer("sugar", [rows_input(numpy.zeros((1, 10)), True)])
    triton.load_model("sugar", headers={"X-BalanceOps-Actor": "mina"})
    assert triton.is_model_ready("sugar")
    trail = served[0].client.get("/audit", params={"subject": "sugar", "limit": 2}).json()["items"]
    assert [(line["action"], line["actor"]) for line in trail] == [("model loaded", "mina"), ("model unloaded", "api")]
    for name in ("load_model", "unload_model"):
        with pytest.raises(InferenceServerException, match="not found"):
            getattr(triton, name)("nope")
    with pytest.raises(InferenceServerException, match="config"):
        triton.load_model("sugar", config='{"max_batch_size": 1}')


def head(**members):
    return {"inputs": [{"name": "input", "shape": [1, 30], "datatype": "FP64", "data": [0.5] * 30} | members]}


BAD = {
    "no JSON": (b"{", None, "not valid JSON"),
    "no object": (b"[]", None, "must be a JSON object"),
    "no inputs": (b"{}", None, "'inputs'"),
    "empty inputs": (b'{"inputs": []}', None, "empty"),
    "unknown input": (head(name="x"), None, "no input 'x'"),
    "unknown type": (head(datatype="FLOAT"), None, "'datatype'"),
    "no shape": (head(shape="1"), None, "'shape'"),
    "negative shape": (head(shape=[-1, 30]), None, "negative"),
    "enormous shape": (head(shape=[1 << 40, 1 << 40]), None, "too large"),
    "wrong width": (head(shape=[1, 3], data=[1, 2, 3]), None, "[-1, 30]"),
    "one dimension": (head(shape=[30]), None, "[-1, 30]"),
    "data and shape differ": (head(data=[1.0]), None, "requires 30"),
    "a text": (head(data=["a"] * 30), None, "element 0"),
    "texts for numbers": (head(datatype="BYTES", data=["a"] * 30), None, "texts where the model takes numbers"),
    "null": (head(data=[None] * 30), None, "row 0: the model takes no missing values"),
    "too large for its type": (head(datatype="INT8", data=[300] * 30), None, "INT8"),
    "unknown output": (head() | {"outputs": [{"name": "nope"}]}, None, "no output 'nope'"),
    "outputs no list": (head() | {"outputs": 3}, None, "'outputs'"),
    "id no text": (head() | {"id": 3}, None, "'id'"),
    "shared memory": (head(parameters={"shared_memory_region": "r"}), None, "shared memory"),
    "classification": (head() | {"outputs": [{"name": "label", "parameters": {"classification": 2}}]}, None, "classification"),
    "data and binary": (head(parameters={"binary_data_size": 240}), None, "both"),
    "head longer than the body": (json.dumps(head()).encode(), "99999", "99999"),
    "head length no number": (json.dumps(head()).encode(), "-1", "invalid Inference-Header-Content-Length"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_named(served, name):
    body, length, message = BAD[name]
    headers = {"Inference-Header-Content-Length": length} if length else {}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = served[0].client.post("/v2/models/cancer/infer", content=content, headers=headers)
    assert answer.status_code == 400
    assert list(answer.json()) == ["error"] and message in answer.json()["error"]


def test_binary_bodies_that_do_not_fit_are_named(served):
    def ask(size, data, shape=(1, 30), datatype="FP64"):
        tensor = {"name": "input", "shape": shape, "datatype": datatype, "parameters": {"binary_data_size": size}}
        text = json.dumps({"inputs": [tensor]}).encode()
        return served[0].client.post("/v2/models/cancer/infer", content=text + data,
                                     headers={"Inference-Header-Content-Length": str(len(text))})
    assert ask(240, bytes(240)).status_code == 200
    for answer in [ask(240, bytes(100)), ask(100, bytes(240)), ask(239, bytes(239)), ask(-1, b""), ask(240, bytes(248)),
                   ask(8, struct.pack("<I", 1 << 31) + b"abcd", [1, 1], "BYTES"), ask(3, b"abc", [1, 1], "BYTES")]:
        assert answer.status_code == 400 and answer.json()["error"]
    nan = ask(240, struct.pack("<30d", *[float("nan")] * 30))
    assert nan.status_code == 400 and "missing" in nan.json()["error"]
    # Clients in Python write the word; null is the same.
    for word in ["NaN", "null"]:
        text = '{"inputs": [{"name": "input", "shape": [1, 30], "datatype": "FP64", "data": [%s]}]}' % ", ".join([word] + ["1"] * 29)
        told = served[0].client.post("/v2/models/cancer/infer", content=text, headers={"Content-Type": "application/json"})
        assert told.status_code == 400 and "takes no missing values" in told.json()["error"], told.text


def test_every_path_below_v2_answers_in_the_protocols_shape(served):
    client = served[0].client
    for method, path in [("GET", "/v2/nope"), ("GET", "/v2/models/nope"), ("PUT", "/v2"), ("GET", "/v2/models/cancer/infer"),
                         ("GET", "/v2/models/cancer/versions/77"), ("GET", "/v2/models/cancer/versions/x/ready")]:
        answer = client.request(method, path)
        assert answer.status_code >= 400 and list(answer.json()) == ["error"]
    packed = gzip.compress(json.dumps(head()).encode())
    assert client.post("/v2/models/cancer/infer", content=packed, headers={"Content-Encoding": "gzip"}).status_code == 200
    assert client.post("/v2/models/cancer/infer", content=packed[:-9], headers={"Content-Encoding": "gzip"}).status_code == 400
    assert client.post("/v2/models/cancer/infer", content=packed, headers={"Content-Encoding": "br"}).status_code == 415
    bomb = zlib.compress(bytes(200 << 20), 9)
    assert client.post("/v2/models/cancer/infer", content=bomb, headers={"Content-Encoding": "deflate"}).status_code == 400


def score(server, body, name="cancer", kind="application/json", **options):
    content = body if isinstance(body, (bytes, str)) else json.dumps(body)
    return server.client.post(f"/models/{name}/invocations", content=content, headers={"Content-Type": kind}, **options)


def test_mlflows_scoring_protocol(served):
    server, known = served
    rows = ROWS[:12]
    expected = known["cancer"].predict(rows).tolist()
    names = [f"c{i}" for i in range(30)]
    frame = pandas.DataFrame(rows, columns=names)
    for body in [{"dataframe_split": {"columns": names, "data": rows.tolist()}}, {"dataframe_split": {"data": rows.tolist()}},
                 {"dataframe_records": frame.to_dict("records")}, {"instances": rows.tolist()},
                 {"instances": frame.to_dict("records")}, {"inputs": rows.tolist(), "params": {}},
                 {"inputs": frame.to_dict("list")}]:
        answer = score(server, body)
        assert answer.status_code == 200, answer.text
        assert answer.json() == {"predictions": expected}
    assert score(server, frame.to_csv(index=False), kind="text/csv").json() == {"predictions": expected}
    mixed = TABLE.assign(more=1)[["age", "more", "job"]]
    people = known["people"].predict(TABLE).tolist()
    assert score(server, {"dataframe_split": json.loads(mixed.to_json(orient="split"))}, "people").json()["predictions"] == people
    assert score(server, mixed.to_csv(index=False), "people", "text/csv").json()["predictions"] == people


def test_wrong_scoring_requests_are_named(served):
    server = served[0]
    for body, message in [("{", "JSON"), ([], "object"), ({}, "exactly one"), ({"instances": [], "inputs": []}, "exactly one"),
                          ({"instances": 3}, "list"), ({"instances": [[1, 2]]}, "length"), ({"instances": [["a"] * 30]}, "number"),
                          ({"instances": []}, "1 to"), ({"dataframe_split": {}}, "data"), ({"inputs": {"a": [1], "b": [1, 2]}}, "'b'"),
                          ({"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}, "row 0")]:
        answer = score(server, body)
        assert answer.status_code == 400, (body, answer.text)
        assert answer.json()["error_code"] == "BAD_REQUEST" and message in answer.json()["message"]
    assert score(server, {"dataframe_records": [{"job": "clerk"}]}, "people").status_code == 400
    assert score(server, "x", kind="text/plain").status_code == 415
    assert score(server, "{}", kind="application/json; charset=latin-1").status_code == 415
    assert server.client.get("/ping").status_code == 404
    assert server.client.post("/invocations", json={"instances": [[1]]}).status_code == 404


@pytest.fixture(scope="module")
def remote(served, tmp_path_factory):
    """The same models from a server that listens for gRPC too."""
    client_grpc = pytest.importorskip("tritonclient.grpc")
    from conftest import Server, Workspace, free_port
    workspace = Workspace(tmp_path_factory.mktemp("grpc"))
    folder = workspace.folder
    for name, model in models():
        joblib.dump(model, folder / "m.joblib")
        workspace.run("models", "import", folder / "m.joblib", "--name", name, *([] if name == "cancer" else ["--current"]))
    workspace.run("models", "import", folder / "m.joblib", "--name", "cancer2", "--current")
    port = free_port()
    server = Server(workspace, "serve", "--grpc-port", str(port))
    client = client_grpc.InferenceServerClient(f"127.0.0.1:{port}")
    for _ in range(100):
        try:
            if client.is_server_live():
                break
        except InferenceServerException:
            pass
    yield client, served[1], client_grpc
    client.close()
    server.stop()


def grpc_input(module, rows, name="input", datatype="FP64"):
    return module.InferInput(name, list(rows.shape), datatype)


def test_grpc_tells_what_there_is(remote):
    client, known, module = remote
    assert client.is_server_live() and client.is_server_ready()
    assert client.get_server_metadata().name == "balanceops"
    assert client.is_model_ready("cancer", "1") and not client.is_model_ready("cancer") and not client.is_model_ready("nope")
    metadata = client.get_model_metadata("wine")
    assert [(i.name, i.datatype, list(i.shape)) for i in metadata.inputs] == [("input", "FP64", [-1, 13])]
    assert [o.datatype for o in metadata.outputs] == ["BYTES", "FP64"]
    config = client.get_model_config("wine").config
    assert config.name == "wine" and config.output[0].data_type == 13 and list(config.input[0].dims) == [13]
    index = client.get_model_repository_index().models
    assert {(m.name, m.version, m.state) for m in index} >= {("cancer", "2", "READY"), ("sugar", "1", "READY")}


def test_grpc_answers_equal_the_librarys(remote):
    client, known, module = remote
    tensor = grpc_input(module, ROWS[:40]).set_data_from_numpy(ROWS[:40])
    for compression in (None, "gzip", "deflate"):
        answer = client.infer("cancer", [tensor], model_version="1", request_id="7", compression_algorithm=compression)
        assert answer.get_response().id == "7"
        assert numpy.abs(answer.as_numpy("probabilities") - known["cancer"].predict_proba(ROWS[:40])).max() < 1e-12
    wine = load_wine(return_X_y=True)[0]
    answer = client.infer("wine", [grpc_input(module, wine).set_data_from_numpy(wine)], outputs=[module.InferRequestedOutput("label")])
    assert [v.decode() for v in answer.as_numpy("label")] == list(known["wine"].predict(wine))
    job = grpc_input(module, TABLE[["job"]].to_numpy(), "job", "BYTES").set_data_from_numpy(TABLE[["job"]].to_numpy().astype(object))
    age = grpc_input(module, TABLE[["age"]].to_numpy(), "age").set_data_from_numpy(TABLE[["age"]].to_numpy())
    answer = client.infer("people", [job, age])
    assert numpy.abs(answer.as_numpy("probabilities") - known["people"].predict_proba(TABLE)).max() < 1e-12
    stats = client.get_inference_statistics("people").model_stats[0]
    assert stats.inference_count == 60 and stats.inference_stats.success.ns > 0


def test_grpc_takes_typed_contents(remote):
    client, known, module = remote
    messages, calls = module.service_pb2, module.service_pb2_grpc
    request = messages.ModelInferRequest(model_name="sugar", inputs=[
        messages.ModelInferRequest.InferInputTensor(name="input", datatype="FP32", shape=[2, 10],
                                                    contents=messages.InferTensorContents(fp32_contents=[0.5] * 20))])
    answer = client._client_stub.ModelInfer(request)
    assert not answer.raw_output_contents
    assert numpy.abs(numpy.array(answer.outputs[0].contents.fp64_contents) - known["sugar"].predict(numpy.full((2, 10), 0.5))).max() < 1e-9


def test_grpc_errors_have_their_status(remote):
    client, known, module = remote
    good = grpc_input(module, ROWS[:1]).set_data_from_numpy(ROWS[:1])
    wrong = grpc_input(module, ROWS[:1, :3]).set_data_from_numpy(ROWS[:1, :3])
    other = grpc_input(module, ROWS[:1], "x").set_data_from_numpy(ROWS[:1])
    for call, status, text in [
        (lambda: client.infer("nope", [good]), "NOT_FOUND", "nope"),
        (lambda: client.infer("cancer", [good], model_version="9"), "NOT_FOUND", "9"),
        (lambda: client.infer("cancer", [wrong], model_version="1"), "INVALID_ARGUMENT", "[-1, 30]"),
        (lambda: client.infer("cancer", [other], model_version="1"), "INVALID_ARGUMENT", "'x'"),
        (lambda: client.infer("cancer", [], model_version="1"), "INVALID_ARGUMENT", "inputs"),
        (lambda: client.get_model_metadata("nope"), "NOT_FOUND", "nope"),
        (lambda: client.load_model("sugar", config="{}"), "INVALID_ARGUMENT", "config"),
        (lambda: client.get_trace_settings(), "UNIMPLEMENTED", ""),
    ]:
        with pytest.raises(InferenceServerException) as error:
            call()
        assert status in str(error.value.status()) and text in error.value.message()
    client.unload_model("sugar")
    assert not client.is_model_ready("sugar")
    with pytest.raises(InferenceServerException, match="unloaded"):
        client.infer("sugar", [good])
    client.load_model("sugar")
    assert client.is_model_ready("sugar")


def test_a_stream_goes_on_after_an_error(remote):
    import queue
    client, known, module = remote
    answers = queue.Queue()
    client.start_stream(callback=lambda result, error: answers.put((result, error)))
    good = grpc_input(module, ROWS[:3]).set_data_from_numpy(ROWS[:3])
    wrong = grpc_input(module, ROWS[:1, :3]).set_data_from_numpy(ROWS[:1, :3])
    for tensor in (good, wrong, good):
        client.async_stream_infer("cancer", [tensor], model_version="1")
    got = [answers.get(timeout=10) for _ in range(3)]
    client.stop_stream()
    assert got[1][0] is None and "[-1, 30]" in str(got[1][1])
    for place in (0, 2):
        assert numpy.abs(got[place][0].as_numpy("probabilities") - known["cancer"].predict_proba(ROWS[:3])).max() < 1e-12
