"""The packages that scripts/package.sh makes: a wheel that pip installs, a .deb, and the same bytes each time."""

import gzip
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile

import pytest

from conftest import BINARY, ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux" or not shutil.which("readelf"), reason="the packages are Linux's")


def pack(binary, output, *options):
    done = subprocess.run([ROOT / "scripts" / "package.sh", "--binary", binary, "--output", output, "--fast", *options],
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


@pytest.fixture(scope="module")
def unpacked(packages, tmp_path_factory):
    """The files of the .deb, and what dpkg is told."""
    if not shutil.which("dpkg-deb"):
        pytest.skip("no dpkg")
    folder = tmp_path_factory.mktemp("deb")
    subprocess.run(["dpkg-deb", "-x", packages[".deb"], folder / "files"], check=True)
    subprocess.run(["dpkg-deb", "-e", packages[".deb"], folder / "about"], check=True)
    return folder / "files", folder / "about"


@pytest.fixture(scope="module")
def commands():
    """What the program says about its commands."""
    done = subprocess.run([BINARY, "--experimental-dump-help"], capture_output=True, text=True, check=True)
    return [command for command in json.loads(done.stdout)["command"]["subcommands"] if command["commandName"] != "help"]


def test_the_debian_package_has_the_program_its_licences_and_its_sums(packages, unpacked):
    files, about = unpacked
    control = dict(line.split(": ", 1) for line in (about / "control").read_text().splitlines() if not line.startswith(" "))
    assert (control["Package"], control["Version"]) == ("balanceops", "0.1.0")
    assert control["Depends"].startswith("libc6 (>= 2.")
    size = sum(path.stat().st_size for path in files.rglob("*") if path.is_file())
    assert size / 1024 <= int(control["Installed-Size"]) <= size / 1024 + 100
    done = subprocess.run([files / "usr/bin/balanceops", "--version"], capture_output=True, text=True)
    assert done.stdout.strip() == "0.1.0"
    documents = files / "usr/share/doc/balanceops"
    assert (documents / "copyright").read_text().startswith("Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n")
    assert re.match(r"balanceops \(0\.1\.0\) unstable;", gzip.decompress((documents / "changelog.gz").read_bytes()).decode())
    notices = gzip.decompress((documents / "NOTICES.gz").read_bytes()).decode()
    if (ROOT / ".build/checkouts").exists():
        assert "Apache License" in notices and "swift-nio" in notices and "Yams" in notices
    sums = dict(reversed(line.split("  ")) for line in (about / "md5sums").read_text().splitlines())
    found = {str(path.relative_to(files)): hashlib.md5(path.read_bytes()).hexdigest() for path in files.rglob("*") if path.is_file()}
    assert sums == found
    listed = subprocess.run(["dpkg-deb", "-c", packages[".deb"]], capture_output=True, text=True, check=True).stdout.splitlines()
    assert all(line.split()[1] == "root/root" for line in listed)
    writable = [line for line in listed if line[5] == "w" or line[8] == "w"]
    assert not writable, writable


def test_the_scripts_of_the_debian_package_keep_data(unpacked):
    files, about = unpacked
    assert (about / "conffiles").read_text() == "/etc/balanceops/balanceops.env\n"
    # Settings may be secrets.
    assert (files / "etc/balanceops/balanceops.env").stat().st_mode & 0o777 == 0o640
    for script in ["postinst", "prerm", "postrm"]:
        for shell in filter(shutil.which, ["sh", "dash"]):
            subprocess.run([shell, "-n", about / script], check=True)
        text = (about / script).read_text()
        assert text.startswith("#!/bin/sh\nset -e\n") and not re.search(r"\brm\b|userdel|deluser", text)


def test_the_unit_names_what_the_package_has(unpacked):
    files, about = unpacked
    path = files / "usr/lib/systemd/system/balanceops.service"
    unit = [line.split("=", 1) for line in path.read_text().splitlines() if "=" in line and not line.startswith("#")]
    values = dict(unit)
    program, command, *_ = values["ExecStart"].split()
    assert (files / program[1:]).stat().st_mode & 0o111 and command == "serve"
    assert (files / values["EnvironmentFile"].lstrip("-/")).exists()
    assert f"adduser --quiet --system --group --home {values['WorkingDirectory']} " in (about / "postinst").read_text()
    assert values["User"] == values["Group"] == "balanceops" and values["ProtectSystem"] == "strict"
    page = re.search(r"man:([\w-]+)\((\d)\)", values["Documentation"])
    assert (files / f"usr/share/man/man{page[2]}/{page[1]}.{page[2]}.gz").exists()
    if shutil.which("systemd-analyze"):
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=15", path], capture_output=True, text=True)
        assert done.returncode == 0 or "--offline" in done.stderr, done.stdout + done.stderr


def test_every_command_has_a_manual_page(packages, unpacked, commands, tmp_path):
    files, _ = unpacked
    pages = {path.name.removesuffix(".1.gz"): gzip.decompress(path.read_bytes()).decode() for path in (files / "usr/share/man/man1").iterdir()}
    assert set(pages) == {"balanceops", *(f"balanceops-{command['commandName']}" for command in commands)}
    for command in commands:
        page = pages[f"balanceops-{command['commandName']}"].replace("\\-", "-")
        for one in [command, *command.get("subcommands", [])]:
            # As in the help: each option that is shown, and each command of a group.
            assert one["commandName"] in page
            names = {f"--{name['name']}" for argument in one["arguments"] if argument["shouldDisplay"]
                     for name in argument.get("names", []) if name["kind"] == "long"} - {"--help", "--version"}
            assert {name for name in names if f"\\fB{name}\\fR" not in page} == set()
        assert re.search(r"^\.SH EXAMPLES\n\.nf\n.*\bbalanceops ", page, re.MULTILINE)
    for name, page in pages.items():
        (tmp_path / f"{name}.1").write_text(page)
        if shutil.which("groff"):
            done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", tmp_path / f"{name}.1"], capture_output=True, text=True)
            assert done.returncode == 0 and done.stderr == ""
    with tarfile.open(packages[".gz"]) as archive:
        assert {pathlib.Path(path).stem for path in archive.getnames() if path.endswith(".1")} == set(pages)


def test_shells_complete_the_commands(unpacked):
    files, _ = unpacked
    for shell, name in [("bash", "bash-completion/completions/balanceops"), ("zsh", "zsh/vendor-completions/_balanceops"),
                        ("fish", "fish/vendor_completions.d/balanceops.fish")]:
        text = (files / "usr/share" / name).read_text()
        assert "train-tabular-baseline" in text
        if shutil.which(shell):
            subprocess.run([shell, "-n", files / "usr/share" / name], check=True, timeout=30)


def test_the_same_binary_gives_the_same_bytes(commands, tmp_path):
    # A program that says of itself what ours does, and sooner.
    (tmp_path / "help.json").write_text(json.dumps({"command": {"abstract": "It.", "arguments": [], "subcommands": commands}}))
    (tmp_path / "asked").write_text(f"#!/bin/sh\nif [ $1 = --experimental-dump-help ]; then cat '{tmp_path}/help.json'; else echo $1; fi\n")
    (tmp_path / "asked").chmod(0o755)
    for name in ["one", "two"]:
        # A small binary; its times and its place do not count.
        (tmp_path / f"in-{name}").mkdir()
        binary = shutil.copy(shutil.which("true"), tmp_path / f"in-{name}" / name)
        os.utime(binary, (0, 1e9 if name == "one" else 1.5e9))
        pack(binary, tmp_path / name, "--ask", tmp_path / "asked")
    sums = [(tmp_path / name / "SHA256SUMS").read_text() for name in ["one", "two"]]
    assert sums[0] == sums[1] and sums[0].count("\n") == 4
    for line in sums[0].splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((tmp_path / "one" / name).read_bytes()).hexdigest() == digest
    listed = json.loads(next((tmp_path / "one").glob("*.spdx.json")).read_text())
    assert {"balanceops", "sqlite", "swift", "swift-nio"} <= {package["name"] for package in listed["packages"]}
