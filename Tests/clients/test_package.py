"""The packages that scripts/package.sh makes: a wheel that pip installs, a .deb, and the same bytes each time."""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile

import pytest

from conftest import BINARY, ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux" or not shutil.which("readelf"), reason="the packages are Linux's")


def pack(binary, output):
    done = subprocess.run([ROOT / "scripts" / "package.sh", "--binary", binary, "--output", output, "--fast"],
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return {path.suffix: path for path in output.iterdir()}


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("package")
    subprocess.run(["strip", "-o", folder / "balanceops", BINARY], check=True)
    return pack(folder / "balanceops", folder / "dist")


@pytest.fixture(scope="module")
def installed(packages, tmp_path_factory):
    """The wheel as pip installs it, and an environment that has it."""
    folder = tmp_path_factory.mktemp("installed")
    python = getattr(sys, "_base_executable", None) or sys.executable
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", folder, packages[".whl"]],
                   check=True, timeout=120)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("BALANCEOPS_", "MLFLOW_"))}
    return folder, clean | {"PYTHONPATH": str(folder), "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}


def test_the_command_of_the_wheel_runs(installed):
    folder, environment = installed
    done = subprocess.run([folder / "bin" / "balanceops", "--version"], env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == "0.1.0"


def test_a_notebook_gets_a_server_that_ends_with_it(installed, tmp_path):
    _, environment = installed
    script = tmp_path / "notebook.py"
    script.write_text("""
import json, os, urllib.request, balanceops
with balanceops.serve(data="here") as server:
    assert os.environ["MLFLOW_TRACKING_URI"] == server.url
    assert json.load(urllib.request.urlopen(server.url + "/health")) == {"status": "ok"}
    print(server.process.pid)
assert "MLFLOW_TRACKING_URI" not in os.environ
assert server.process.poll() == 0 and os.path.exists("here/balanceops.db")
try:
    with balanceops.serve(arguments=["--log-level", "loud"]): pass
except RuntimeError as error:
    assert "loud" in str(error)
else:
    raise AssertionError("it started")
""")
    done = subprocess.run([sys.executable, script], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not pathlib.Path(f"/proc/{done.stdout.strip()}").exists()


def test_pytest_has_a_server_for_each_test(installed, tmp_path):
    _, environment = installed
    (tmp_path / "test_it.py").write_text("""
import mlflow
def test_a_run(balanceops_server):
    mlflow.set_experiment("first")
    with mlflow.start_run() as run: mlflow.log_metric("acc", 0.9)
    assert mlflow.get_run(run.info.run_id).data.metrics == {"acc": 0.9}
""")
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"],
                          env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="no dpkg")
def test_the_debian_package_has_a_service_and_keeps_data(packages, tmp_path):
    def field(name):
        return subprocess.run(["dpkg-deb", "-f", packages[".deb"], name], capture_output=True, text=True, check=True).stdout.strip()

    assert (field("Package"), field("Version")) == ("balanceops", "0.1.0")
    assert field("Depends").startswith("libc6 (>= 2.")
    subprocess.run(["dpkg-deb", "-x", packages[".deb"], tmp_path / "files"], check=True)
    subprocess.run(["dpkg-deb", "-e", packages[".deb"], tmp_path / "about"], check=True)
    done = subprocess.run([tmp_path / "files/usr/bin/balanceops", "--version"], capture_output=True, text=True)
    assert done.stdout.strip() == "0.1.0"
    unit = (tmp_path / "files/lib/systemd/system/balanceops.service").read_text()
    assert "User=balanceops" in unit and "ProtectSystem=strict" in unit
    assert (tmp_path / "about/conffiles").read_text() == "/etc/balanceops/balanceops.env\n"
    assert "rm " not in (tmp_path / "about/postrm").read_text()
    for script in ["postinst", "prerm", "postrm"]:
        subprocess.run(["sh", "-n", tmp_path / "about" / script], check=True)


def test_the_same_binary_gives_the_same_bytes(tmp_path):
    for name in ["one", "two"]:
        pack(pathlib.Path(shutil.which("true")), tmp_path / name)
    sums = [(tmp_path / name / "SHA256SUMS").read_text() for name in ["one", "two"]]
    assert sums[0] == sums[1] and sums[0].count("\n") == 4
    for line in sums[0].splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((tmp_path / "one" / name).read_bytes()).hexdigest() == digest
    listed = json.loads(next((tmp_path / "one").glob("*.spdx.json")).read_text())
    assert {"balanceops", "sqlite", "swift-nio"} <= {package["name"] for package in listed["packages"]}
    with tarfile.open(next((tmp_path / "one").glob("*.tar.gz"))) as archive:
        assert any(name.endswith("/balanceops") for name in archive.getnames())
