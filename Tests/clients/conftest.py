"""What the tests of real clients share: the binary, a workspace, a running server."""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ACCOUNTS = os.environ.get("BALANCEOPS_TEST_ACCOUNTS") == "1"
PASSWORD = "what the tests sign in with"
BINARY = pathlib.Path(os.environ.get("BALANCEOPS_BINARY", ROOT / ".build" / "debug" / "balanceops"))


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
