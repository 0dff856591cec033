"""docs/getting-started.md, line by line, as a newcomer pastes it."""

import os
import re
import shutil
import subprocess
import sys
import time

import httpx
import pytest

from conftest import BINARY, ROOT, free_port


def blocks():
    """The blocks of code with their languages, up to the section about the template."""
    text = (ROOT / "docs/getting-started.md").read_text().split("## Coming from the Python template")[0]
    return re.findall(r"^```(\w*)\n(.*?)^```", text, re.M | re.S)


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
def test_every_line_of_getting_started_does_what_it_says(tmp_path):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/balanceops").symlink_to(BINARY)
    port = str(free_port())
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("BALANCEOPS_", "MLFLOW_"))}
    environment |= {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "BALANCEOPS_PORT": port, "BALANCEOPS_GRPC_PORT": "off"}
    server = None
    ran = 0
    try:
        for language, block in blocks():
            block = block.replace("127.0.0.1:8000", f"127.0.0.1:{port}")
            if language == "python":
                pytest.importorskip("mlflow")
                done = subprocess.run([sys.executable, "-c", block], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
                assert done.returncode == 0, done.stderr
                continue
            for line in block.strip().splitlines():
                if line == "balanceops serve":
                    server = subprocess.Popen(["balanceops", "serve"], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                    wait(port)
                    continue
                if line.startswith("export "):
                    name, value = line.removeprefix("export ").split("=", 1)
                    environment[name] = value
                    continue
                wanted = re.search(r"# exit status (\d+)$", line)
                own = environment if not re.search(r" (backup|restore|train\S*) ", f" {line} ") else environment | {"BALANCEOPS_SERVER": ""}
                done = subprocess.run(["bash", "-c", line], cwd=tmp_path, env=own, capture_output=True, text=True, timeout=120)
                assert done.returncode == int(wanted.group(1) if wanted else 0), f"{line}\n{done.stdout}{done.stderr}"
                ran += 1
    finally:
        if server:
            server.terminate()
            server.wait(timeout=20)
    assert ran > 20


def wait(port):
    for _ in range(200):
        try:
            return httpx.get(f"http://127.0.0.1:{port}/health")
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("the server did not start")
