"""The commands, on the files of this machine and on a server: the same answers, plain mistakes, backups."""

import json
import os
import pathlib
import pty
import re
import shutil
import subprocess
import threading
import time

import pytest

from conftest import BINARY, ROOT, Server, Workspace, free_port

SPEC = "examples/dataset_specs/german_credit.json"
SAME_ROWS = "apiVersion: balanceops/v1\nname: rows\ndata: {same_fingerprint_as: current}\nrules:\n  - {id: gain, metric: bal_acc, vs: current, min_delta: 0.001}\n"


def run(folder, *arguments, check=True, server=None, **more):
    """The command with --data of a folder, or on a server."""
    place = ["--server", server] if server else ["--data", folder] if folder else []
    clean = {name: value for name, value in os.environ.items() if not name.startswith("BALANCEOPS_")} | more
    done = subprocess.run([BINARY, *map(str, arguments), *map(str, place)], capture_output=True, text=True, timeout=120, cwd=ROOT, env=clean)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A folder with two versions of a model, a policy, a webhook, and a server on it."""
    folder = tmp_path_factory.mktemp("house") / "data"
    run(folder, "train-tabular-baseline", "--dataset-spec", SPEC, "--name", "credit")
    run(folder, "train-tabular-baseline", "--dataset-spec", SPEC, "--name", "credit", "--seed", 7)
    run(folder, "policy", "set", "default", "--name", "credit", "--reason", "as always")
    run(folder, "webhook", "add", "https://example.com/hook", "--model", "credit")
    run(folder, "experiments", "create", "team-a/이름")
    workspace = Workspace(folder)
    workspace.environment |= {"BALANCEOPS_DB": str(folder / "balanceops.db"), "BALANCEOPS_ARTIFACTS": str(folder / "artifacts"),
                              "BALANCEOPS_CURRENT_MODEL": str(folder / "artifacts/models/current.model")}
    server = Server(workspace)
    yield folder, server
    server.stop()


READS = [
    ["models", "list"], ["models", "versions", "credit"], ["models", "list", "credit"], ["runs", "list"], ["runs", "show", "latest"],
    ["runs", "list", "--filter", "metrics.bal_acc > 0.6", "--order-by", "metrics.bal_acc DESC"], ["experiments", "list"],
    ["experiments", "list", "--filter", "name LIKE 'team-a/%'"], ["explain", "credit"], ["explain", "credit", "1"], ["policy", "list"],
    ["policy", "show", "default"], ["policy", "show", "--name", "credit"], ["policy", "diff", "default", "legacy-original"],
    ["audit", "log"], ["audit", "log", "--model", "credit", "--limit", "2"], ["audit", "verify"], ["audit", "replay", "2"], ["webhook", "list"],
    ["promote", "credit", "1", "--dry-run"], ["rollback", "credit", "--dry-run"], ["purge", "--dry-run"],
    ["evaluate", "credit", "1", "--dataset-spec", SPEC, "--dry-run"],
]


@pytest.mark.parametrize("words", READS, ids=" ".join)
def test_a_server_answers_as_the_files_do(house, words):
    folder, server = house
    ours, theirs = run(folder, *words, "--json", check=False), run(None, *words, "--json", server=server.url, check=False)
    assert (ours.returncode, ours.stdout) == (theirs.returncode, theirs.stdout)
    assert json.loads(ours.stdout) is not None
    plain = [run(folder, *words, check=False), run(None, *words, server=server.url, check=False)]
    assert plain[0].stdout == plain[1].stdout and plain[0].stdout


@pytest.mark.parametrize("words", [["audit", "export"], ["audit", "head"]], ids=" ".join)
def test_what_is_written_as_json_is_the_same(house, words):
    folder, server = house
    assert run(folder, *words).stdout == run(None, *words, server=server.url).stdout


@pytest.mark.parametrize("words", READS + [["doctor"], ["audit", "export"], ["audit", "head"], ["backup", "--to", "b"]], ids=" ".join)
def test_reading_creates_nothing(words, tmp_path):
    if words[0] in ("promote", "rollback", "purge", "evaluate"):
        pytest.skip("these may make a database")
    done = run(tmp_path / "none", *words, check=False)
    assert done.returncode == 1 and "no database at" in done.stderr and "--data" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_model_is_moved_on_a_server_by_the_commands_alone(tmp_path):
    """From a laptop: import, promote, decide, freeze, quarantine, roll back, purge."""
    server = Server(Workspace(tmp_path))
    laptop = tmp_path / "laptop"
    laptop.mkdir()
    run(tmp_path / "made", "train-dummy", "--no-auto-promote")
    run(tmp_path / "made", "train-dummy", "--seed", 7, "--no-auto-promote")
    files = sorted((tmp_path / "made/artifacts/models/candidates").iterdir())

    def on(*words, code=0):
        done = run(None, *words, server=server.url, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    assert "dummy version 1 serves" in on("models", "import", files[0], "--name", "dummy", "--current")
    on("models", "import", files[1], "--name", "dummy")
    assert "version 1 -> version 2" in on("promote", "dummy", 2, "--reason", "better")
    assert "because  " in on("explain", "dummy")
    assert "frozen" in on("freeze", "dummy", "--reason", "closing")
    assert "is frozen" in on("promote", "dummy", 1, "--reason", "no", code=8)
    on("unfreeze", "dummy", "--reason", "done")
    assert "version 1 serves" in on("rollback", "dummy", "--reason", "worse", "--yes")
    on("quarantine", "dummy", 2, "--reason", "leak")
    assert "quarantine" in on("promote", "dummy", 2, "--reason", "again", code=3)
    on("release", "dummy", 2, "--reason", "checked")
    hook = json.loads(on("webhook", "add", "https://example.com/h", "--json"))["id"]
    on("webhook", "remove", hook)
    runs = json.loads(on("runs", "list", "--json"))
    spare = server.client.post("/api/2.0/mlflow/runs/create", json={"experiment_id": "0"}).json()["run"]["info"]["run_id"]
    on("runs", "delete", spare)
    assert "RESTORED" not in on("runs", "list", "--deleted") and spare in on("runs", "list", "--deleted")
    on("runs", "restore", spare)
    on("runs", "delete", spare)
    assert "removed 0 experiments, 1 run," in on("purge", "--run", spare)
    on("experiments", "create", "trial")
    on("experiments", "rename", "trial", "trials")
    on("experiments", "delete", "trials")
    assert "trials" in on("experiments", "list", "--deleted")
    assert "trail is intact" in on("audit", "verify")
    assert len(runs) == 2 and list(laptop.iterdir()) == []
    server.stop()


def test_a_run_is_promoted_on_a_server(house):
    """Its model file is on the server; the command names the run alone."""
    _, server = house
    run_id = json.loads(run(None, "runs", "list", "--json", server=server.url).stdout)[0]["info"]["run_id"]
    done = run(None, "promote", "--run-id", run_id, "--name", "by-run", "--create", server=server.url)
    assert "promoted run_id=" in done.stdout
    refused = run(None, "promote", "--run-id", run_id, "--model-path", "x", server=server.url, check=False)
    assert refused.returncode == 64 and "works on files" in refused.stderr


def test_a_version_judged_on_other_rows_is_evaluated_and_compared(tmp_path):
    """The policy holds the candidate until the current version is judged on the candidate's rows."""
    run(tmp_path, "train-tabular-baseline", "--dataset-spec", SPEC, "--name", "credit")
    run(tmp_path, "train-tabular-baseline", "--dataset-spec", SPEC, "--name", "credit", "--seed", 7, "--no-auto-promote")
    runs = json.loads(run(tmp_path, "runs", "list", "--json").stdout)
    candidate = json.loads(run(tmp_path, "runs", "show", runs[0]["info"]["run_id"], "--json").stdout)["info"]["run_id"]
    policy = tmp_path / "p.yaml"
    policy.write_text(SAME_ROWS)
    run(tmp_path, "policy", "set", policy, "--name", "credit", "--reason", "rows")
    held = run(tmp_path, "promote", "--run-id", candidate, "--name", "credit", check=False)
    assert held.returncode == 6 and "judged on other" in held.stdout
    done = run(tmp_path, "evaluate", "credit", 1, "--dataset-spec", SPEC, "--seed", 7)
    assert "on 200 rows" in done.stdout
    again = run(tmp_path, "promote", "--run-id", candidate, "--name", "credit", check=False)
    assert again.returncode == 0 and "promoted run_id" in again.stdout, again.stdout + again.stderr
    assert "snapshot refreshed v1" in run(tmp_path, "audit", "log").stdout
    # The rows that it was judged on last count, also where they were judged before.
    for seed in (42, 7):
        run(tmp_path, "evaluate", "credit", 1, "--dataset-spec", SPEC, "--seed", seed)
    shown = json.loads(run(tmp_path, "models", "versions", "credit", "--json").stdout)
    assert abs(next(v for v in shown if v["version"] == 1)["metrics"]["bal_acc"] - 0.6714) < 1e-3


def test_data_without_the_columns_of_the_model_is_refused(house):
    folder, _ = house
    done = run(folder, "evaluate", "credit", 1, "--csv-path", ROOT / "examples/datasets/breast_cancer.csv", "--target-col", "benign", check=False)
    assert done.returncode != 0 and "has no column" in done.stderr


MISTAKES = [
    (["promte"], 64, "did you mean 'promote'"), (["model", "list"], 64, "did you mean 'models'"), (["models", "lst"], 64, "did you mean 'list'"),
    (["help", "nosuch"], 64, "unknown command"), (["hepl"], 64, "did you mean 'help'"), (["models", "versions", "credt"], 1, "did you mean 'credit'"),
    (["promote", "credt", 7], 1, "did you mean 'credit'"), (["promote", "credit", 99, "--reason", "x"], 1, "99"),
    (["promote", "credit", 1], 64, "--reason"), (["promote", "credit", "one", "--reason", "x"], 64, "one"),
    (["policy", "show", "defualt"], 1, "did you mean 'default'"), (["policy", "check", "none.yaml"], 1, "cannot read the policy file"),
    (["runs", "show", "none"], 2, "balanceops runs list"), (["runs", "list", "--filter", "metrics.acc >"], 1, "filter"),
    (["runs", "list", "--experiment", "team-a/이릉"], 1, "did you mean 'team-a/이름'"), (["runs", "compare", "one"], 64, "2 to 20"),
    (["runs", "delete", "none"], 1, "none"), (["rollback", "credit"], 64, "--reason"), (["rollback", "credit", "--reason", "x"], 64, "--yes"),
    (["audit", "replay", 9999], 1, "9999"), (["webhook", "test", "wh-none"], 1, "wh-none"), (["completions", "csh"], 64, "bash, zsh or fish"),
    (["models", "inspect", "nofile"], 1, "no such file"), (["evaluate", "credit", 1], 64, "--dataset-spec"),
    (["models", "list", "--server", "127.0.0.1:8000"], 64, "http://"), (["gate", "--run", "none", "--policy", "none.yaml"], 1, "cannot read"),
]


@pytest.mark.parametrize("words,code,said", MISTAKES, ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else None)
def test_a_mistake_is_told_with_what_to_do(house, words, code, said):
    folder, _ = house
    alone = words[0] in ("promte", "model", "help", "hepl", "completions") or "--server" in words or words[:2] in (["models", "lst"], ["policy", "check"])
    done = run(None if alone else folder, *words, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    assert said in done.stderr and "Traceback" not in done.stderr and "Fatal" not in done.stderr, done.stderr


def test_a_refused_connection_fails_at_once():
    start = time.monotonic()
    for words in (["models", "list"], ["promote", "m", "1", "--reason", "x"], ["gate", "--run", "r", "--policy", "examples/policies/production.yaml"]):
        done = run(None, *words, server=f"http://127.0.0.1:{free_port()}", check=False)
        assert done.returncode == 1 and "refused" in done.stderr
    assert time.monotonic() - start < 5


def on_terminal(*arguments, columns=60, **more):
    """What a command prints to a terminal with some columns."""
    read, write = pty.openpty()
    import fcntl
    import struct
    import termios
    fcntl.ioctl(write, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "TERM")} | {"TERM": "xterm"} | more
    process = subprocess.Popen([BINARY, *map(str, arguments)], stdout=write, stderr=subprocess.DEVNULL, env=environment, cwd=ROOT)
    os.close(write)
    text = b""
    while True:
        try:
            part = os.read(read, 65536)
        except OSError:
            break
        if not part:
            break
        text += part
    process.wait(timeout=60)
    os.close(read)
    return text.decode()


def test_a_terminal_gets_colours_and_tables_that_fit(house):
    import unicodedata
    folder, _ = house
    for words in (["runs", "list"], ["experiments", "list"], ["models", "versions", "credit"]):
        text = on_terminal(*words, "--data", folder)
        for line in text.splitlines():
            width = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in re.sub(r"\x1b\[\d+m", "", line))
            assert width <= 60, line
    assert "…" in on_terminal("models", "versions", "credit", "--data", folder)
    decision = ["explain", "credit", "1", "--data", folder]
    assert "\x1b[3" in on_terminal(*decision)
    assert "\x1b[" not in on_terminal(*decision, NO_COLOR="1") and "\x1b[" not in run(folder, "explain", "credit", "1", check=False).stdout


def test_times_are_in_the_zone_of_the_person(house):
    folder, _ = house
    seoul = run(folder, "runs", "list", TZ="Asia/Seoul").stdout
    assert "+09:00" in seoul and "+09:00" not in run(folder, "runs", "list", TZ="UTC").stdout


def test_completions_are_valid_scripts(tmp_path):
    for shell in ("bash", "zsh", "fish"):
        script = tmp_path / shell
        script.write_text(run(None, "completions", shell).stdout)
        assert "promote" in script.read_text()
        if shutil.which(shell):
            assert subprocess.run([shell, "-n", script], capture_output=True).returncode == 0


def test_doctor_looks_at_files_and_at_a_server(house):
    folder, server = house
    files = json.loads(run(folder, "doctor", "--json").stdout)
    assert all(finding["ok"] for finding in files) and any("audit trail" in finding["what"] for finding in files)
    there = run(None, "doctor", server=server.url)
    assert "model 'credit'" in there.stdout and "WARN" not in there.stdout


def test_doctor_finds_a_damaged_model(tmp_path):
    run(tmp_path, "train-dummy")
    file = next((tmp_path / "artifacts/models/candidates").iterdir())
    file.write_text(file.read_text().replace("0.", "1.", 1))
    done = run(tmp_path, "doctor", check=False)
    assert done.returncode == 1 and "WARN" in done.stdout and "damaged" in done.stdout


def test_a_backup_of_a_busy_server_is_whole(tmp_path):
    """Taken while a client logs, uploads and promotes; restored elsewhere after the original is gone."""
    workspace = Workspace(tmp_path / "w")
    workspace.run("train-dummy")
    workspace.run("train-dummy", "--seed", 7)
    server = Server(workspace)
    stop = threading.Event()

    def busy():
        number = 0
        while not stop.is_set():
            number += 1
            made = server.client.post("/api/2.0/mlflow/runs/create", json={"experiment_id": "0"}).json()["run"]["info"]["run_id"]
            server.client.put(f"/api/2.0/mlflow-artifacts/artifacts/0/{made}/artifacts/f.txt", content=str(number) * 2000)
            server.client.post("/api/2.0/mlflow/runs/log-metric", json={"run_id": made, "key": "m", "value": number, "timestamp": 1, "step": 0})
            server.client.post("/models/balance_model/promote", json={"version": 1 + number % 2, "reason": "busy", "allow_any": True})

    thread = threading.Thread(target=busy)
    thread.start()
    backups = []
    try:
        for number in range(3):
            time.sleep(0.3)
            target = tmp_path / f"backup-{number}"
            assert "verified" in workspace.run("backup", "--to", target).stdout
            backups.append(target)
    finally:
        stop.set()
        thread.join()
    server.stop()
    shutil.rmtree(tmp_path / "w")
    for number, backup in enumerate(backups):
        assert "is whole" in run(None, "restore", "--from", backup, "--dry-run").stdout
        data = tmp_path / f"restored-{number}"
        assert "audit trail verified" in run(data, "restore", "--from", backup).stdout
        findings = json.loads(run(data, "doctor", "--json").stdout)
        assert all(finding["ok"] for finding in findings), findings
        slot = json.loads(run(data, "models", "list", "--json").stdout)[0]["slot"]
        again = Workspace(data)
        again.environment = {name: value for name, value in os.environ.items() if not name.startswith("BALANCEOPS_")}
        served = Server(again, "serve", "--data", data)
        answer = served.client.post("/models/balance_model/predict", json={"features": [0.0] * 8}).json()
        assert answer["version"] == slot["current"]
        served.stop()
        for run_id in [r["info"]["run_id"] for r in json.loads(run(data, "runs", "list", "--limit", 5, "--json").stdout)]:
            run(data, "runs", "show", run_id)


def test_a_restore_overwrites_nothing_and_takes_nothing_damaged(tmp_path):
    data, backup = tmp_path / "data", tmp_path / "backup"
    run(data, "train-dummy")
    run(data, "backup", "--to", backup)
    assert run(data, "backup", "--to", backup, check=False).returncode != 0
    before = (data / "balanceops.db").read_bytes()
    refused = run(data, "restore", "--from", backup, check=False)
    assert refused.returncode == 1 and "overwrites nothing" in refused.stderr
    assert (data / "balanceops.db").read_bytes() == before
    (data / "balanceops.db").unlink()
    assert "overwrites nothing" in run(data, "restore", "--from", backup, check=False).stderr
    file = next(path for path in backup.rglob("*") if path.is_file() and "candidates" in str(path))
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    damaged = run(tmp_path / "new", "restore", "--from", backup, check=False)
    assert damaged.returncode == 74 and "is not what was backed up" in damaged.stderr
    assert not (tmp_path / "new").exists()
    (backup / "backup.json").unlink()
    assert "not a complete backup" in run(tmp_path / "new", "restore", "--from", backup, check=False).stderr


def test_a_backup_is_for_its_owner_alone(tmp_path):
    run(tmp_path / "data", "train-dummy")
    run(tmp_path / "data", "backup", "--to", tmp_path / "backup")
    for path in (tmp_path / "backup").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_the_gate_names_the_newest_run(house):
    folder, server = house
    policy = ROOT / "examples/policies/production.yaml"
    done = run(None, "gate", "--run", "latest", "--policy", policy, "--current", "none", server=server.url, check=False)
    assert done.returncode in (0, 3, 6) and "by policy" in done.stdout


def test_version_tells_of_both_sides(house):
    _, server = house
    both = json.loads(run(None, "version", "--json", server=server.url).stdout)
    assert both["version"] == both["server"]["package"]["version"] and both["schema"] > 0


def test_the_whole_loop_answers_with_json(tmp_path):
    done = run(tmp_path, "e2e", "--port", free_port(), "--json")
    assert json.loads(done.stdout)["slot"]["current"] == 1 and "[e2e] OK" in done.stderr
