"""What a rough world does to commands and servers: closed outputs, impossible ports, clients that stall, killed parents."""

import json
import os
import signal
import socket
import subprocess
import time

import pytest

from conftest import BINARY, ROOT, free_port


@pytest.mark.parametrize("command", ["train-dummy", "config", "init-db"])
def test_a_closed_or_full_output_is_no_crash(workspace, command):
    for redirection in ["| true", "> /dev/full", ">&-", "2> /dev/full >&2"]:
        done = subprocess.run(["bash", "-c", f"set -o pipefail; {BINARY} {command} {redirection}"],
                              env=workspace.environment, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0 and "Fatal" not in done.stderr, done.stderr


@pytest.mark.parametrize("arguments", [
    ["smoke-http", "--port", "99999"], ["smoke-http", "--base-url", "nowhere"], ["e2e", "--port", "99999"],
    ["predict", "--dataset-spec", "examples/dataset_specs/german_credit.json", "--base-url", "http://127.0.0.1:70000"],
    ["serve", "--port", "99999"], ["serve", "--host", "8.8.8.8"], ["init-db", "--db", ":memory:"]])
def test_an_impossible_address_is_a_usage_error(workspace, arguments):
    done = workspace.run(*arguments, check=False)
    assert done.returncode == 64 and "[ERR]" in done.stderr, done.stderr


def test_the_dashboard_lives_with_an_impossible_api_address(workspace, serve):
    dashboard = serve(workspace, "dashboard", "--api-url", "http://127.0.0.1:99999")
    for _ in range(2):
        assert "invalid API URL" in dashboard.client.get("/").text


def test_a_stalled_client_does_not_keep_the_server_from_stopping(workspace, serve):
    server = serve(workspace)
    with socket.create_connection(("127.0.0.1", server.port)) as stalled:
        stalled.sendall(b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 30\r\n\r\n{")
        time.sleep(0.3)
        started = time.monotonic()
        server.process.terminate()
        assert server.process.wait(timeout=20) == 0
        assert time.monotonic() - started < 15


def test_a_killed_e2e_leaves_no_server(workspace):
    port = free_port()
    process = workspace.start("e2e", "--port", port, "--retries", 0)
    for line in process.stdout:
        if "API on" in line:
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return
        time.sleep(0.1)
    raise AssertionError("the server is still there")


def test_the_binary_may_have_any_name(workspace, tmp_path):
    for name, arguments in [("balanceops-linux", ["init-db"]), ("balanceops-init-db", []), ("balanceops-e2e", ["--skip-serve"])]:
        link = tmp_path / name
        link.symlink_to(BINARY)
        done = subprocess.run([link, *arguments], env=workspace.environment, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, (name, done.stderr)


def test_a_malformed_body_is_the_clients_mistake(workspace, serve):
    server = serve(workspace)
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
        assert b" 400 " in connection.recv(65536).split(b"\r\n")[0]


def test_the_reason_of_a_damaged_model_is_told(workspace, serve):
    workspace.run("train-dummy")
    server = serve(workspace)
    server.predict([0] * 8)
    workspace.current.write_text("garbage")
    assert server.predict([0] * 8).status_code == 200
    assert "begins with 67 61 72" in server.client.get("/version").json()["model_error"]


def test_the_search_finds_what_is_there(workspace, serve):
    import sqlite3
    workspace.run("demo-run")
    with sqlite3.connect(workspace.database) as database:
        database.execute("UPDATE run SET note = 'ÉTÉ a+b 100%', kind = 'odd kind+1'")
    pages = serve(workspace).client
    for query in ["q=%C3%89T%C3%89", "q=a%2Bb", "q=100%25", "kind=odd+kind%2B1", "q=ODD+kind"]:
        assert "_demo_" in pages.get(f"/ui?sent=1&{query}").text, query
    assert "_demo_" not in pages.get("/ui?sent=1&q=a+b").text
