"""What the tests of real clients share: the binary, a workspace, a running server."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest

# Libraries with threads of their own wait for each other by spinning, which takes the processor from the servers and from other workers.
os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = pathlib.Path(__file__).resolve().parents[2]
ACCOUNTS = os.environ.get("BALANCEOPS_TEST_ACCOUNTS") == "1"
PASSWORD = "what the tests sign in with"
BINARY = pathlib.Path(os.environ.get("BALANCEOPS_BINARY", ROOT / ".build" / "debug" / "balanceops"))
EFFORT = float(os.environ.get("BALANCEOPS_TEST_EFFORT", "0.2"))
# The files that take longest, which begin first: no worker is left alone with one of them at the end.
SLOWEST = ["test_matrix.py", "test_workspace.py", "test_commands.py", "test_sign_in.py", "test_openapi.py", "test_model_formats.py", "test_transfer.py",
           "test_access.py", "test_governance.py", "test_fast_lane.py", "test_webhooks.py", "test_connections.py", "test_mlflow.py", "test_mlflow_tools.py"]


def effort(count, least=1):
    """How often a test of many tries does so: as often as it says with BALANCEOPS_TEST_EFFORT=1, a fifth of that by default."""
    return max(least, round(count * EFFORT))


def pytest_configure(config):
    config.addinivalue_line("markers", "requirements: MLflow's client infers the requirements of the models that the test logs")
    # pytest-xdist would begin with the files of the most tests.
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items):
    """The slowest files first; within a file the tests keep their order."""
    places = {name: place for place, name in enumerate(SLOWEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Workspace:
    """A database and artifacts of their own, and the binary that works on them."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.database = self.folder / "data" / "balanceops.db"
        self.artifacts = self.folder / "artifacts"
        self.current = self.artifacts / "models" / "current.model"
        clean = {name: value for name, value in os.environ.items() if not name.startswith("BALANCEOPS_")}
        self.environment = clean | {
            "BALANCEOPS_DB": str(self.database),
            "BALANCEOPS_ARTIFACTS": str(self.artifacts),
            "BALANCEOPS_CURRENT_MODEL": str(self.current),
        }

    def run(self, *arguments, check=True, timeout=120):
        done = subprocess.run(
            [BINARY, *map(str, arguments)],
            env=self.environment, cwd=ROOT, capture_output=True, text=True, timeout=timeout,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def start(self, *arguments):
        return subprocess.Popen(
            [BINARY, *map(str, arguments)],
            env=self.environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )


class Server:
    """A server process of a workspace.

    With BALANCEOPS_TEST_ACCOUNTS=1 it has accounts, and its clients are an admin: what holds without holds with them.
    """

    def __init__(self, workspace, command="serve", *arguments):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        grpc = ["--grpc-port", "off"] if command == "serve" and "--grpc-port" not in arguments else []
        self.process = workspace.start(command, "--port", self.port, "--log-level", "critical", *grpc, *arguments)
        self.client = httpx.Client(base_url=self.url, timeout=20)
        if ACCOUNTS:
            self.prove(workspace)
        for _ in range(200):
            try:
                self.client.get("/health")
                return
            except httpx.TransportError:
                assert self.process.poll() is None, self.process.stdout.read()
                time.sleep(0.05)
        raise AssertionError("the server did not start")

    def prove(self, workspace):
        """The same name and password on each server, as MLflow's client has one pair for all."""
        subprocess.run([BINARY, "users", "add", "root", "--role", "admin", "--password-stdin"], input=PASSWORD, text=True,
                       env=workspace.environment, capture_output=True, timeout=60)
        self.client.auth = ("root", PASSWORD)
        os.environ.update(MLFLOW_TRACKING_USERNAME="root", MLFLOW_TRACKING_PASSWORD=PASSWORD)

    def predict(self, features):
        return self.client.post("/predict", json={"features": list(map(float, features))})

    def stop(self, number=signal.SIGTERM):
        self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=20)


def copy(workspace, folder):
    """What a workspace without a server holds, in a folder of its own."""
    shutil.copytree(workspace.folder, folder, dirs_exist_ok=True)
    return Workspace(folder)


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path)


@pytest.fixture(autouse=True)
def no_experiment_of_another_test():
    """MLflow's client keeps the experiment that a test chose, in the process and in the environment."""
    yield
    for name in ["MLFLOW_EXPERIMENT_ID", "MLFLOW_RUN_ID"]:
        os.environ.pop(name, None)
    fluent = sys.modules.get("mlflow.tracking.fluent")
    if fluent:
        fluent._active_experiment_id = None


@pytest.fixture(autouse=True, scope="module")
def no_server_of_another_file():
    """MLflow's client keeps the addresses that a file set, and would ask a registry that is gone."""
    yield
    mlflow = sys.modules.get("mlflow")
    if mlflow:
        mlflow.set_tracking_uri(None)
        mlflow.set_registry_uri(None)
    for name in ["MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"]:
        os.environ.pop(name, None)


@pytest.fixture(autouse=True)
def no_inference_of_requirements(request, monkeypatch):
    """MLflow's client logs a model with the requirements that it knows of, and not with those that it infers.

    It infers them by loading the model in another process, which takes seconds for each model; no server sees more of it than a line of a text file.
    A test with the mark `requirements` keeps it.
    """
    models = sys.modules.get("mlflow.models")
    if models and not request.node.get_closest_marker("requirements"):
        monkeypatch.setattr(models, "infer_pip_requirements", lambda model_uri, flavor, fallback=None, **_: fallback)


@pytest.fixture
def serve():
    """Starts servers and stops them at the end of the test."""
    servers = []

    def start(workspace, *arguments):
        servers.append(Server(workspace, *arguments))
        return servers[-1]

    yield start
    for server in servers:
        server.stop(signal.SIGKILL)
