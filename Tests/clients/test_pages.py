"""The dashboard in headless Chromium."""

import html
import re
import shutil
import sqlite3
import subprocess

import pytest

from conftest import Workspace, copy

CHROMIUM = next((path for name in ("chromium-headless-shell", "chromium", "google-chrome")
                 if (path := shutil.which(name))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: scripts/bootstrap.sh --tests installs it")


def dom(url):
    """The page as it stands after its scripts ran, and before it goes live: a stream never ends."""
    done = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1360,1200",
         "--virtual-time-budget=1400", "--dump-dom", url],
        capture_output=True, text=True, timeout=60)
    return done.stdout


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    workspace = Workspace(tmp_path_factory.mktemp("trained"))
    for seed in range(4):
        workspace.run("train-dummy", "--seed", seed)
    workspace.run("demo-run")
    return workspace


@pytest.fixture
def filled(trained, tmp_path):
    return copy(trained, tmp_path)


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
        database.execute("UPDATE metric_key SET key = ? WHERE key = 'acc'", (attack,))
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


def test_the_addresses_that_mlflow_clients_print(filled, serve):
    server = serve(filled)
    run = server.client.get("/runs/latest").json()["run_id"]
    assert server.client.get("/", follow_redirects=False).headers["location"] == "/ui"
    assert f'action="/ui/runs/{run}/delete"' in dom(f"{server.url}/#/experiments/1/runs/{run}")
    assert 'action="/ui/models/balance_model/versions/1/promote"' in dom(f"{server.url}/#/models/balance_model/versions/1")
    assert '<input type="hidden" name="experiment" value="0">' in dom(f"{server.url}/#/experiments/0")
    assert 'name="experiment"' not in dom(f"{server.url}/ui"), "the home page has none of these"


def test_the_dashboard_on_its_own_port_says_when_the_api_is_down(filled, serve):
    dashboard = serve(filled, "dashboard", "--api-url", "http://127.0.0.1:9")
    page = dom(dashboard.url + "/")
    assert "Cannot reach the API." in page and "balanceops serve" in page
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
            database.execute("INSERT INTO latest_metric (run_seq, key_id, value, is_nan, step, timestamp_ms) "
                             "SELECT r.seq, k.key_id, ?, 0, 0, 0 FROM run r, metric_key k WHERE r.run_id = ? AND k.key = 'acc'",
                             (number, run))
    page = dom(serve(filled).url + "/ui?sent=1&kind=bulk&limit=200&points=200&metric=acc&metrics=1")
    assert re.search(r'aria-label="Metric trend: [^"]*acc 149"', page)


def test_every_run_is_reached_over_pages_and_the_filter_stays(filled, serve):
    with sqlite3.connect(filled.database) as database:
        for number in range(215):
            database.execute(
                "INSERT INTO run (run_id, kind, status, created_at, start_time_ms) VALUES (?, 'bulk', 'FINISHED', ?, ?)",
                (f"{number:032x}", "2026-01-01T00:00:00+00:00", number // 3))
    server = serve(filled)
    seen, address = [], "/ui/?sent=1&kind=bulk&limit=100"
    while address:
        page = server.client.get(address).text
        table = page[page.index('<table class="runs">'):]
        seen += re.findall(r'href="/ui/runs/([0-9a-f-]{36})">', table[:table.index("</table>")])
        following = re.search(r'rel="next" href="([^"]+)"', page)
        address = following and html.unescape(following[1])
    assert [int(name.replace("-", ""), 16) for name in seen] == list(range(214, -1, -1))
    assert "Newest runs" in page and "215" in page
    wrong = server.client.get("/ui/?after=nonsense")
    assert wrong.status_code == 400 and "Invalid page token" in wrong.text


# ---------------------------------------------------------------------------------------------- models


@pytest.fixture(scope="module")
def promoted(tmp_path_factory):
    """A model with a policy, three versions of which the first serves, and predictions row by row."""
    workspace = Workspace(tmp_path_factory.mktemp("promoted"))
    for seed in range(3):
        workspace.run("train-tabular-baseline", "--dataset-spec", "examples/dataset_specs/german_credit.json",
                      "--no-auto-promote", "--test-size", 0.3)
    runs = workspace.run("models", "list", check=False)
    assert runs.returncode == 0
    candidates = sorted((workspace.artifacts / "models" / "candidates").iterdir())
    for file in candidates:
        workspace.run("models", "import", file, "--name", "credit", "--actor", "jin")
    workspace.run("promote", "credit", 1, "--reason", "the first one", "--actor", "jin")
    return workspace


@pytest.fixture
def governed(promoted, serve, tmp_path):
    workspace = copy(promoted, tmp_path)
    server = serve(workspace)
    server.client.headers["Origin"] = server.url
    return workspace, server


FORM = {"actor": "min", "reason": "looked at it", "sure": "1"}


def form(server, path, expect=303, **fields):
    answer = server.client.post(path, data=FORM | fields)
    assert answer.status_code == expect, answer.text[:2000]
    return answer


def test_a_models_page_tells_what_serves_and_why(governed):
    _, server = governed
    page = dom(server.url + "/ui/models/credit")
    assert re.search(r"v1</a>\s*serves", page) and "<strong>jin</strong> promoted" in page and "the first one" in page
    assert "v3" in page and "credit" in dom(server.url + "/ui/models")
    korean = server.client.get("/ui/models/credit", headers={"Cookie": "balanceops=ko.kst.system"}).text
    assert "서빙 중" in korean and "이력" in korean and "History" not in korean


def test_a_policy_is_edited_checked_tried_and_bound(governed):
    _, server = governed
    bad = "apiVersion: balanceops/v1\nname: x\nruls: []\n"
    check = server.client.post("/ui/models/credit/policy/check", data={"text": bad}).json()
    assert (check["mistakes"][0]["line"], check["mistakes"][0]["column"]) == (3, 1)
    tried = form(server, "/ui/models/credit/policy", 200, text=bad, do="try", version="2")
    assert "did you mean" in tried.text and "ruls: []" in tried.text
    good = "apiVersion: balanceops/v1\nname: x\nrules:\n  - {id: floor, metric: bal_acc, min: 0.5}\napproval: {required: 1}\n"
    dry = form(server, "/ui/models/credit/policy", 200, text=good, do="try", version="2")
    assert "floor" in dry.text and "has no bal_acc" in dry.text
    assert server.client.get("/models/credit/slot").json()["policy"] is None, "a dry run binds nothing"
    form(server, "/ui/models/credit/policy", text=good, do="save", generation="1", policy="")
    assert form(server, "/ui/models/credit/policy", 409, text=bad.replace("ruls: []", "mode: manual"), do="save", generation="1", policy="")
    assert server.client.get("/models/credit/slot").json()["policy"] == "x"
    page = dom(server.url + "/ui/models/credit/policy")
    assert re.search(r'id="policy-mistakes"[^>]*><p class="muted">Valid policy: [0-9a-f]{12}', page), "the script checked the text"


def test_a_version_is_promoted_approved_and_rolled_back_from_its_pages(governed):
    _, server = governed
    form(server, "/ui/models/credit/versions/2/promote", generation="1")
    assert server.client.get("/models/credit/slot").json()["current"] == 2
    stale = form(server, "/ui/models/credit/versions/3/promote", 409, generation="1")
    assert "generation 2" in stale.text
    page = server.client.get("/ui/models/credit/versions/3").text
    generation = re.search(r'name="generation" value="(\d+)"', page).group(1)
    assert generation == "2" and "balanceops promote credit 3" in page
    preview = dom(server.url + "/ui/models/credit/rollback")
    assert "v2 → v1" in preview and "the policy" in preview.lower()
    form(server, "/ui/models/credit/rollback", to="1", generation="2")
    assert server.client.get("/models/credit/slot").json()["current"] == 1
    form(server, "/ui/models/credit/versions/3/quarantine")
    assert "in quarantine" in server.client.get("/ui/models/credit").text
    form(server, "/ui/models/credit/versions/3/release")
    form(server, "/ui/models/credit/freeze", generation="3")
    assert "Frozen by min" in server.client.get("/ui/models/credit").text
    assert form(server, "/ui/models/credit/rollback", 409, to="2", generation="3").text.count("MODEL_FROZEN") == 1
    form(server, "/ui/models/credit/unfreeze", generation="3")
    missing = server.client.post("/ui/models/credit/freeze", data={"actor": "", "reason": "x"})
    assert missing.status_code == 400 and "Missing name" in missing.text


def test_a_form_of_another_site_changes_nothing(governed):
    _, server = governed
    answer = server.client.post("/ui/models/credit/rollback", data=FORM | {"to": "2"}, headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403
    assert server.client.post("/ui/models/credit/freeze", json=FORM).status_code == 415


def test_the_audit_pages_show_and_replay(governed):
    workspace, server = governed
    workspace.run("policy", "set", "default", "--name", "credit")
    workspace.run("promote", "credit", 2, "--reason", "<img src=x onerror=alert(1)>", check=False)
    page = dom(server.url + "/ui/audit?subject=credit")
    assert "&lt;img src=x" in page and "<img src=x" not in page and "requested promotion (rejected)" in page
    line = re.search(r'/ui/audit/(\d+)">\1</a>', page).group(1)
    told = dom(f"{server.url}/ui/audit/{line}")
    assert "Replay gives the same decision" in told and re.search(r"same decision</dt><dd>yes", told)
    assert server.client.get("/ui/audit/999999").status_code == 404


def test_the_version_page_says_how_likely_chance_is(workspace, serve):
    server = serve(workspace)
    made = []
    for wrong in (60, 40):
        run = server.client.post("/api/2.0/mlflow/runs/create", json={"experiment_id": "0"}).json()["run"]["info"]["run_id"]
        rows = "".join(f"{i},{i % 2},{i % 2 if i >= wrong else 1 - i % 2}\n" for i in range(300))
        root = f"/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts"
        server.client.put(f"{root}/predictions.csv", content="row,label,prediction\n" + rows)
        made.append((run, root))
    workspace.run("train-dummy", "--no-auto-promote")
    file = next((workspace.artifacts / "models" / "candidates").iterdir()).read_bytes()
    server.client.post("/api/2.0/mlflow/registered-models/create", json={"name": "m"})
    for run, root in made:
        server.client.put(f"{root}/model/m.json", content=file)
        server.client.post("/api/2.0/mlflow/model-versions/create", json={"name": "m", "run_id": run, "source": f"runs:/{run}/model/m.json"})
    workspace.run("promote", "m", 1, "--reason", "first")
    page = dom(server.url + "/ui/models/m/versions/2")
    assert "p-value" in page and "paired_bootstrap" in page and re.search(r"<strong>9\.54e-07</strong>", page)


def test_pages_are_bounded_by_rows_and_columns(workspace, serve):
    """A run may log thousands of metrics, and there may be hundreds of models; a page does not grow with them."""
    server = serve(workspace)
    for number in range(3):
        run = server.client.post("/api/2.0/mlflow/runs/create", json={"experiment_id": "0"}).json()["run"]["info"]["run_id"]
        for part in range(4):
            points = [{"key": f"m{part}_{number}_{i}", "value": 1, "timestamp": 1, "step": 0} for i in range(1000)]
            assert server.client.post("/api/2.0/mlflow/runs/log-batch", json={"run_id": run, "metrics": points}).status_code == 200
    page = server.client.get("/ui").text
    assert len(page) < 60_000 and "+3980" in page and "12000" in page
    chosen = server.client.get("/ui?sent=1&metric=m3_0_999").text
    assert 'value="m3_0_999" checked' in chosen, "any metric can be asked for"
    for number in range(205):
        server.client.post("/api/2.0/mlflow/registered-models/create", json={"name": f"model-{number:03}"})
    first = server.client.get("/ui/models").text
    link = re.search(r'href="(/ui/models\?after=[^"]+)"', first)[1]
    assert first.count("/ui/models/model-") == 200
    assert server.client.get(link).text.count("/ui/models/model-") == 5


def test_pages_work_below_a_path_of_a_proxy(workspace, serve):
    """The proxy takes its own path away; every link, form and redirect has it in front."""
    workspace.run("train-dummy")
    server = serve(workspace, "serve", "--base-path", "/mlops/")
    for path in ["/ui", "/ui/models", "/ui/models/balance_model", "/ui/models/balance_model/versions/1", "/ui/audit", "/ui/experiments", "/ui/runs/none"]:
        links = re.findall(r'(?:href|src|action)="([^"#]+)', server.client.get(path).text)
        assert len(links) > 5 and all(link.startswith("/mlops/ui") for link in links if not link.startswith("http")), (path, links)
    for path, target in [("/", "/mlops/ui"), ("/ui/runs/latest", "/mlops/ui/runs/"), ("/ui/preferences?lang=ko&back=/mlops/ui/models", "/mlops/ui/models")]:
        answer = server.client.get(path)
        assert answer.status_code == 303 and answer.headers["location"].startswith(target), answer.headers
    server.stop()
    for wrong in ["mlops", "/a b", "/a//b", "//evil.example", "/a?b"]:
        done = workspace.run("serve", "--port", "0", "--base-path", wrong, check=False, timeout=30)
        assert done.returncode == 64 and "BALANCEOPS_BASE_PATH" in done.stderr, done.stderr
