"""The dashboard in headless Chromium."""

import re
import shutil
import sqlite3
import subprocess

import pytest

CHROMIUM = next((path for name in ("chromium-headless-shell", "chromium", "google-chrome")
                 if (path := shutil.which(name))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: scripts/bootstrap.sh --tests installs it")


def dom(url):
    """The page as it stands after its scripts ran."""
    done = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1360,1200",
         "--virtual-time-budget=4000", "--dump-dom", url],
        capture_output=True, text=True, timeout=60)
    return done.stdout


@pytest.fixture
def filled(workspace):
    for seed in range(4):
        workspace.run("train-dummy", "--seed", seed)
    workspace.run("demo-run")
    return workspace


def test_the_overview_draws_its_chart(filled, serve):
    page = dom(serve(filled).url + "/ui")
    assert "balance_model" in page
    assert page.count("train_dummy") >= 4
    assert re.search(r'<canvas[^>]*aria-label="Metric trend: [^"]*bal_acc 0\.88', page), "the chart tells its last values"
    assert "<polyline" not in page, "the script replaces the picture for pages without scripts"


def test_the_picture_stands_in_without_scripts(filled, serve):
    assert "<polyline" in serve(filled).client.get("/ui").text


def test_filters_work(filled, serve):
    page = dom(serve(filled).url + "/ui?sent=1&kind=demo&metrics=1")
    assert "_demo_" in page and "_train_dummy_" not in page


def test_hostile_names_are_text(filled, serve):
    attack = "<img src=x onerror=\"document.title='owned'\">"
    with sqlite3.connect(filled.database) as database:
        database.execute("UPDATE run SET note = ?, kind = ?, git_branch = ?, run_dir_name = ?", (attack,) * 4)
        database.execute("UPDATE latest_metric SET key = ? WHERE key = 'acc'", (attack,))
    server = serve(filled)
    run = server.client.get("/runs").json()["items"][0]["run_id"]
    for path in ("/ui", f"/ui/runs/{run}", f"/ui/runs/{run}?tab=metrics"):
        page = dom(server.url + path)
        assert "<title>owned" not in page
        assert "<img src=\"x\"" not in page and "<img src=x" not in page
        assert "&lt;img src=x" in page


def test_both_languages_and_zones(filled, serve):
    server = serve(filled)
    page = dom(server.url + "/ui/preferences?lang=ko&tz=utc&theme=dark&back=%2Fui")
    assert "현재 모델" in page and " UTC</time>" in page and 'data-theme="dark"' in page
    assert "Current model" not in page


def test_the_dashboard_on_its_own_port_says_when_the_api_is_down(filled, serve):
    dashboard = serve(filled, "dashboard", "--api-url", "http://127.0.0.1:9")
    page = dom(dashboard.url + "/")
    assert "The API does not answer." in page and "balanceops serve" in page
    api = serve(filled)
    up = serve(filled, "dashboard", "--api-url", api.url)
    assert "DummyBalanceModel" in dom(up.url + "/")


def test_a_wide_chart_is_drawn_with_many_runs(filled, serve):
    with sqlite3.connect(filled.database) as database:
        for number in range(150):
            run = f"{number:032x}"
            database.execute(
                "INSERT INTO run (run_id, kind, status, created_at, start_time_ms) VALUES (?, 'bulk', 'FINISHED', ?, ?)",
                (run, "2026-01-01T00:00:00+00:00", number))
            database.execute("INSERT INTO latest_metric (run_id, key, value, step, timestamp_ms) VALUES (?, 'acc', ?, 0, 0)",
                             (run, number))
    page = dom(serve(filled).url + "/ui?sent=1&kind=bulk&limit=200&points=200&metric=acc&metrics=1")
    assert re.search(r'aria-label="Metric trend: [^"]*acc 149"', page)
