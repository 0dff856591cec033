"""The pages to work with: the table of runs, a run, files, comparison, live pages, trying a model; in a browser that is driven."""

import contextlib
import csv
import fcntl
import html
import importlib.util
import io
import itertools
import json
import math
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
import zlib
from concurrent.futures import Future
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest

from conftest import Server, Workspace

CHROMIUM = next((path for name in ("chromium-headless-shell", "chromium", "google-chrome")
                 if (path := shutil.which(name))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: scripts/bootstrap.sh --tests installs it")

MLFLOW = "/api/2.0/mlflow"
FILES = "/api/2.0/mlflow-artifacts/artifacts"
# An icon that each page has, and what is none of a page's requests to a host.
OWN = ("data:", "blob:", "about:")




# -------------------------------------------------------------------------------------------- a browser


class Browser:
    """Chromium, told what to do over a pipe in the DevTools protocol."""

    def __init__(self, folder):
        ours, theirs = os.pipe(), os.pipe()
        # The browser reads from 3 and writes to 4, which must not be what the pipes happen to be.
        read, write = (fcntl.fcntl(end, fcntl.F_DUPFD, 20) for end in (theirs[0], ours[1]))

        def ends():
            os.dup2(read, 3)
            os.dup2(write, 4)

        self.process = subprocess.Popen(
            [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions", "--mute-audio",
             "--disable-background-networking", "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe",
             f"--user-data-dir={folder}", "about:blank"],
            preexec_fn=ends, pass_fds=(3, 4), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for end in (read, write, theirs[0], ours[1]):
            os.close(end)
        self.input, self.output = os.fdopen(theirs[1], "wb", buffering=0), os.fdopen(ours[0], "rb", buffering=0)
        self.numbers, self.waiting, self.pages, self.headers = itertools.count(1), {}, {}, {}
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        rest = b""
        while found := self.output.read(1 << 20):
            *texts, rest = (rest + found).split(b"\0")
            for message in map(json.loads, texts):
                if "id" in message:
                    self.waiting.pop(message["id"]).set_result(message)
                elif page := self.pages.get(message.get("sessionId")):
                    page.hear(message["method"], message["params"], message["sessionId"])

    def send(self, method, session=None, **parameters):
        number, answer = next(self.numbers), Future()
        self.waiting[number] = answer
        message = {"id": number, "method": method, "params": parameters} | ({"sessionId": session} if session else {})
        self.input.write(json.dumps(message).encode() + b"\0")
        return answer

    def call(self, method, session=None, **parameters):
        answer = self.send(method, session, **parameters).result(timeout=20)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def stop(self):
        self.process.kill()
        self.process.wait()


class Page:
    """A tab with cookies of its own, and what went wrong in it."""

    def __init__(self, browser, width=1440, height=900, dark=False, language="en", zone="utc"):
        self.browser, self.faults, self.requests, self.loads = browser, [], [], 0
        self.context = browser.call("Target.createBrowserContext")["browserContextId"]
        target = browser.call("Target.createTarget", url="about:blank", browserContextId=self.context)["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        browser.pages[self.session] = self
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)
        self.call("Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=False, flatten=True)
        if browser.headers:
            self.call("Network.setExtraHTTPHeaders", headers=browser.headers)
        self.preferences = f"{language}.{zone}.system"
        self.call("Page.bringToFront")
        self.show(width, height, dark)

    def show(self, width, height=900, dark=False):
        """The page in a window of another size, or in the other scheme."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
                                                          {"name": "prefers-reduced-motion", "value": "reduce"}])

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def hear(self, method, event, session):
        if method == "Page.loadEventFired" and session == self.session:
            self.loads += 1
        elif method == "Network.requestWillBeSent":
            self.requests.append(event["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            details = event["exceptionDetails"]
            self.faults.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Runtime.consoleAPICalled" and event["type"] in ("error", "assert"):
            self.faults.append(" ".join(str(argument.get("value", argument.get("description"))) for argument in event["args"]))
        elif method == "Log.entryAdded" and event["entry"]["level"] == "error":
            self.faults.append(f"{event['entry']['text']} {event['entry'].get('url', '')}")
        elif method == "Target.attachedToTarget" and event["targetInfo"]["type"] == "iframe":
            self.browser.pages[event["sessionId"]] = self
            for domain in ("Network", "Log", "Runtime"):
                self.browser.send(f"{domain}.enable", event["sessionId"])

    def open(self, url):
        """Goes to an address of ours; its scripts ran."""
        parts = urlsplit(url)
        self.host = f"{parts.scheme}://{parts.netloc}"
        self.call("Network.setCookie", url=url, name="balanceops", value=self.preferences)
        with self.loading():
            failed = self.call("Page.navigate", url=url).get("errorText")
            assert not failed, f"{url}: {failed}"
        return self

    @contextlib.contextmanager
    def loading(self):
        """What is done within leads to another page."""
        before = self.loads
        yield
        end = time.time() + 15
        while self.loads == before:
            assert time.time() < end, "no page was loaded"
            time.sleep(0.005)

    def evaluate(self, script):
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"].get("exception", {}).get("description", answer["exceptionDetails"]["text"]))
        return answer["result"].get("value")

    def wait(self, script, seconds=6):
        """What a script gives as soon as it gives something."""
        end = time.time() + seconds
        while True:
            with contextlib.suppress(RuntimeError):
                if found := self.evaluate(script):
                    return found
            assert time.time() < end, f"not within {seconds} s: {script}"
            time.sleep(0.02)

    def text(self, selector):
        return self.evaluate(f"document.querySelector({json.dumps(selector)})?.innerText ?? null")

    def texts(self, selector):
        return self.evaluate(f"[...document.querySelectorAll({json.dumps(selector)})].map((one) => one.innerText.trim())")

    def click(self, selector, index=0, shift=False):
        x, y = self.evaluate(f"""(() => {{
            const element = document.querySelectorAll({json.dumps(selector)})[{index}];
            element.scrollIntoView({{ block: "center", inline: "center", behavior: "instant" }});
            const box = element.getClientRects()[0];
            return [box.x + Math.min(box.width / 2, 60), box.y + box.height / 2];
        }})()""")
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1, modifiers=8 if shift else 0)

    def press(self, keys):
        """Types keys one by one."""
        for key in keys:
            self.call("Input.dispatchKeyEvent", type="keyDown", key=key, text=key)
            self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def fill(self, selector, value):
        self.evaluate(f"document.querySelector({json.dumps(selector)}).value = {json.dumps(value)}")

    @property
    def address(self):
        return self.evaluate("location.pathname + location.search")

    @property
    def strangers(self):
        """Requests to another host."""
        return [url for url in self.requests if not url.startswith((self.host, *OWN))]

    def close(self):
        self.browser.call("Target.disposeBrowserContext", browserContextId=self.context)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("browser"))
    yield browser
    browser.stop()


@pytest.fixture
def tab(browser):
    """Opens tabs and closes them at the end of the test."""
    pages = []

    def new(**look):
        pages.append(Page(browser, **look))
        return pages[-1]

    yield new
    for page in pages:
        page.close()


@pytest.fixture
def page(tab):
    return tab()


# ----------------------------------------------------------------------------------------- what they show


def ask(server, path, **body):
    answer = server.client.post(f"{MLFLOW}/{path}", json=body)
    assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
    return answer.json()


def start(server, experiment, name, **more):
    return ask(server, "runs/create", experiment_id=experiment, run_name=name, **more)["run"]["info"]["run_id"]


def log(server, run, points, **more):
    """Metrics as (key, value, step) or (key, value, step, time), a thousand in a request."""
    rows = [{"key": p[0], "value": p[1] if math.isfinite(p[1]) else {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(p[1])], "step": p[2],
             "timestamp": p[3] if len(p) > 3 else 1_700_000_000_000 + p[2] * 1000} for p in points]
    for place in range(0, max(len(rows), 1), 1000):
        ask(server, "runs/log-batch", run_id=run, metrics=rows[place:place + 1000], **(more if place == 0 else {}))


def put(server, experiment, run, path, content):
    answer = server.client.put(f"{FILES}/{experiment}/{run}/artifacts/{quote(path)}", content=content)
    assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"


def png(width, height):
    def part(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = zlib.compress(b"".join(b"\0" + bytes([40, 90, 160]) * width for _ in range(height)))
    return (b"\x89PNG\r\n\x1a\n" + part(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + part(b"IDAT", rows) + part(b"IEND", b""))


HOSTILE = "<img src=x onerror=\"document.title='owned'\">"
NAMES = ["calm-owl", "brave-fox", "이탈-기준선", "tidy-crab", "odd-lynx", "keen-bee", "shy-elk"]
# What makes 5 000 points: a step in the middle, one point that stands out, values that are none.
CURVE = [math.exp(-step / 900) + (step % 7) / 100 for step in range(5000)]
CURVE[2718] = 41.5
CURVE[1234] = CURVE[4321] = math.nan
CURVE[3000] = math.inf


class House:
    """A server with thirty runs, files of many kinds, curves, and models that answer."""

    def __init__(self, folder):
        self.workspace = Workspace(folder)
        self.workspace.run("train-dummy", "--seed", 1)
        self.server = server = Server(self.workspace)
        self.url, self.client = server.url, server.client
        self.client.headers["Origin"] = server.url
        self.experiment = ask(server, "experiments/create", name="team-a/이탈 예측")["experiment_id"]
        self.other = ask(server, "experiments/create", name="vision/cifar")["experiment_id"]
        self.runs = [self.make(number) for number in range(30)]
        self.by_id = {run["id"]: run for run in self.runs}
        self.curve = start(server, self.other, "long-curve")
        log(server, self.curve, [("loss", value, step) for step, value in enumerate(CURVE)])
        self.files = self.keep_files()
        ask(server, "registered-models/create", name="churn model")
        ask(server, "model-versions/create", name="churn model", run_id=self.runs[0]["id"], source=f"runs:/{self.runs[0]['id']}/model")

    def make(self, number):
        """Some accuracies are equal, one of ten is NaN and one is missing."""
        name = f"{NAMES[number % 7]}-{number:02}" if number != 5 else HOSTILE
        start_time = 1_700_000_000_000 + number * 60_000
        run = start(self.server, self.experiment, name, user_id=["jin", "min", "soyeon"][number % 3], start_time=start_time,
                    tags=[{"key": "team", "value": ["risk", "growth"][number % 2]}])
        accuracy = {8: math.nan, 9: None}.get(number % 10, 0.6 + number * 7 % 10 / 32)
        points = [("train/loss", math.exp(-step / 8) + number / 100, step) for step in range(20)]
        points += [("val/acc", 1 - math.exp(-step / 6) * 0.6, step) for step in range(0, 20, 4)]
        log(self.server, run, points + ([("acc", accuracy, 0)] if accuracy is not None else []),
            params=[{"key": key, "value": value} for key, value in [
                ("lr", str([0.1, 0.01, 0.001][number % 3])), ("arch", ["cnn", "mlp", "resnet"][number % 3]), ("seed", str(number)), ("data", "v3")]])
        if number != 29:
            ask(self.server, "runs/update", run_id=run, status="FINISHED" if number % 6 else "FAILED", end_time=start_time + 90_000)
        return {"id": run, "name": name, "acc": accuracy, "number": number}

    def keep_files(self):
        run = start(self.server, self.other, "files")
        rows = "".join(f"{number},{number / 2},\"a, {number}\"\r\n" for number in range(5))
        for path, content in {
            "plot.png": png(64, 32), "table.csv": f"x,half,text\r\n{rows}", "a.json": json.dumps({"depth": {"inner": [1, 2.5, None]}}),
            "report.md": "# Report\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n<script>document.title='owned'</script>\n\n![chart](plot.png)\n",
            "notes.txt": "first line\n<b>second</b> 줄\n", "clean.html": "<!doctype html><title>t</title><p id=p>plain report</p>",
            "deep/er/보고서 최종.csv": "이름,값\n가,1\n", "it's \"quoted\".txt": "quoted", f"{HOSTILE.replace('/', '')}.txt": "hostile name",
        }.items():
            put(self.server, self.other, run, path, content)
        return run

    def scratch(self, count=4, **more):
        """Runs of an experiment that only one test changes."""
        experiment = ask(self.server, "experiments/create", name=f"scratch/{os.urandom(6).hex()}")["experiment_id"]
        runs = [start(self.server, experiment, f"scratch-{number}", start_time=1_700_000_000_000 + number * 1000, **more) for number in range(count)]
        return experiment, runs

    def get(self, path, status=200, **parameters):
        answer = self.client.get(path, params=parameters or None)
        assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text[:500]}"
        return answer


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    house = House(tmp_path_factory.mktemp("house"))
    yield house
    house.server.stop(signal.SIGKILL)


@pytest.fixture(autouse=True)
def proven(request, house):
    """Where the tests run with accounts, the browser shows the same name and password as the clients."""
    if house.client.auth and "browser" in request.fixturenames:
        headers = next(house.client.auth.sync_auth_flow(httpx.Request("GET", house.url))).headers
        request.getfixturevalue("browser").headers = {"Authorization": headers["Authorization"]}


ROWS = "[...document.querySelectorAll('tr[data-row]')].map((row) => row.dataset.row)"


def rows(markup):
    return re.findall(r'<tr data-row="([^"]+)"', markup)


# ------------------------------------------------------------------------------------- the table of runs


def test_the_table_has_names_first_and_hostile_names_are_text(house, page):
    page.open(f"{house.url}/ui/runs?experiment={house.experiment}")
    heads = page.texts("table.runs thead th")
    assert heads[1] == "Name" and heads[2] == "Status"
    names = page.texts("table.runs tbody th a")
    assert names == [run["name"] for run in reversed(house.runs)], "the newest first"
    assert "owned" not in page.evaluate("document.title") and page.evaluate("document.querySelectorAll('table img').length") == 0
    assert page.text("[data-part=count]") == "30 of 30" and not page.faults


def sorted_by(house, key, descending):
    """NaN and what is missing come last either way."""
    numbers = sorted((run["acc"] for run in house.runs if run["acc"] is not None and not math.isnan(run["acc"])), reverse=descending)
    return [f"{number:.9g}" for number in numbers] + ["nan"] * 3 + ["–"] * 3


def test_a_click_on_a_head_sorts_by_its_metric(house, page):
    page.open(f"{house.url}/ui/runs?experiment={house.experiment}&cols=m:acc,p:lr")
    assert not page.evaluate("document.querySelectorAll('th[aria-sort]').length")
    for order, descending in [("descending", True), ("ascending", False)]:
        with page.loading():
            page.click("thead th.number a")
        assert page.evaluate("document.querySelector('th.number').ariaSort") == order and page.evaluate("document.querySelectorAll('[aria-sort]').length") == 1
        shown = page.evaluate("[...document.querySelectorAll('tr[data-row] td.number')].map((cell) => cell.title || cell.textContent)")
        assert [text if text in ("nan", "–") else f"{float(text):.9g}" for text in shown] == sorted_by(house, "acc", descending)
    with page.loading():
        page.click("thead th:last-child a")
    assert page.evaluate("document.querySelector('th:last-child').ariaSort") == "ascending"
    assert page.texts("tr[data-row] td:last-child") == sorted(str([0.1, 0.01, 0.001][number % 3]) for number in range(30))


def choose(page, codes):
    """Ticks the boxes of these columns alone, and shows them."""
    page.evaluate("document.querySelector('details.columns').open = true")
    page.evaluate(f"for (const box of document.querySelectorAll('input[name=col]')) box.checked = {json.dumps(codes)}.includes(box.value)")
    with page.loading():
        page.click("details.columns button")


def test_columns_are_chosen(house, page):
    page.open(f"{house.url}/ui/runs?experiment={house.experiment}")
    choose(page, ["user", "m:val/acc", "p:arch", "t:team"])
    assert [re.sub(r"\s", "", text) for text in page.texts("table.runs thead th")[2:]] == ["User", "val/acc", "arch", "team"]
    assert page.evaluate("[...document.querySelectorAll('input[name=col]:checked')].map((box) => box.value)") == ["user", "m:val/acc", "p:arch", "t:team"]
    by_cols = house.get("/ui/runs", experiment=house.experiment, cols="t:team,nonsense,m:no such,user").text
    heads = re.search(r"<thead>.*</thead>", by_cols, re.S)[0]
    assert [html.unescape(re.sub(r"<[^>]+>", "", head)) for head in re.findall(r"<th .*?</th>", heads)][2:] == ["team", "no such", "User"]


def test_a_choice_of_columns_keeps_the_filter_and_the_limit(house, page):
    page.open(f"{house.url}/ui/runs?experiment={house.experiment}&status=FAILED&limit=25&user=jin")
    before = page.evaluate(ROWS)
    choose(page, ["user"])
    assert page.evaluate(ROWS) == before and "limit=25" in page.address


def test_the_columns_that_are_shown_are_ticked(house):
    """Otherwise who wants one more has to find all of them again."""
    markup = house.get("/ui/runs", experiment=house.experiment).text
    ticked = re.findall(r'name="col" value="([^"]+)" checked', markup)
    assert {"status", "created", "duration", "user", "m:acc", "m:train/loss", "m:val/acc", "p:arch", "p:lr", "p:seed"} <= set(ticked)


def test_runs_are_found_by_their_names(house, page):
    page.open(f"{house.url}/ui/runs?experiment={house.experiment}&sort=-m:acc")
    page.press("/")
    page.call("Input.insertText", text="기준선")
    with page.loading():
        page.call("Input.dispatchKeyEvent", type="keyDown", key="Enter", text="\r")
    assert sorted(page.evaluate(ROWS)) == sorted(run["id"] for run in house.runs if "기준선" in run["name"])
    query = parse_qs(urlsplit(page.address).query)
    assert query["q"] == ["기준선"] and query["sort"] == ["-m:acc"] and query["experiment"] == [house.experiment]


def test_a_condition_chooses_runs(house, page):
    page.open(f"{house.url}/ui/runs?experiment={house.experiment}")
    page.fill("input[name=where]", "metrics.acc > 0.7 AND (params.arch = 'cnn' OR params.`arch` = 'mlp') AND tags.team = 'risk'")
    with page.loading():
        page.click("form.controls button.primary")
    wanted = [run["id"] for run in reversed(house.runs) if (run["acc"] or 0) > 0.7 and run["number"] % 3 < 2 and run["number"] % 2 == 0]
    assert page.evaluate(ROWS) == wanted and wanted
    assert "acc > 0.7" in page.evaluate("document.querySelector('input[name=where]').value")


@pytest.mark.parametrize("condition", ["metrics.acc >", "nonsense", "metrics.acc > 0.7)", "(metrics.acc > 0.7", "1 = 1) OR (1 = 1", "metrics.acc = 'x"])
def test_a_wrong_condition_shows_what_is_wrong_and_no_runs(house, condition):
    markup = house.get("/ui/runs", where=condition).text
    assert re.search(r'id="where-error" role="alert">[^<]{10,}', markup) and not rows(markup)
    assert 'aria-invalid="true" aria-describedby="where-error"' in markup and html.escape(condition).replace("&#x27;", "&#39;") in markup
    assert house.client.get("/ui/runs.csv", params={"where": condition}).status_code == 400


def follow(house, address):
    """The rows of all pages, by the links to the next."""
    seen, pages = [], 0
    while address:
        markup = house.get(address).text
        seen, pages = seen + rows(markup), pages + 1
        link = re.search(r'rel="next" href="([^"]+)"', markup)
        address = link and html.unescape(link[1])
    return seen, pages


@pytest.mark.parametrize("sort", ["", "m:acc", "-m:acc", "p:arch", "-status", "created", "t:team", "-m:none"])
def test_pages_reach_each_run_once(house, sort):
    """Also where many runs are equal in what sorts them."""
    seen, pages = follow(house, f"/ui/runs?experiment={house.experiment}&limit=25&sort={sort}")
    whole = rows(house.get(f"/ui/runs?experiment={house.experiment}&limit=50&sort={sort}").text)
    assert seen == whole and pages == 2 and sorted(seen) == sorted(house.by_id)


def test_the_address_is_the_state_of_the_table(house, page):
    page.open(f"{house.url}/ui/runs?experiment={house.experiment}&limit=25&sort=m%3Aacc&cols=m%3Aacc%2Cp%3Aarch&where=metrics.acc%20%3E%200")
    page.evaluate("window.before = true")
    with page.loading():
        page.click("a[rel=next]") if page.evaluate("Boolean(document.querySelector('a[rel=next]'))") else page.click("thead th.number a")
    shown, address = page.evaluate("document.querySelector('table.runs').outerHTML"), page.address
    with page.loading():
        page.call("Page.reload")
    assert page.evaluate("document.querySelector('table.runs').outerHTML") == shown and page.address == address
    query = parse_qs(urlsplit(address).query)
    assert query["cols"] == ["m:acc,p:arch"] and query["where"] == ["metrics.acc > 0"] and query["limit"] == ["25"]


def test_rows_are_selected_with_the_pointer_and_shift_and_compared(house, page):
    page.open(f"{house.url}/ui/runs?experiment={house.experiment}")
    page.click("td.pick input", 2)
    assert page.text("[data-selected]") == "1 selected"
    page.click("td.pick input", 4, shift=True)
    assert page.text("[data-selected]") == "3 selected"
    assert page.evaluate("[...document.querySelectorAll('tr.chosen')].map((row) => row.rowIndex)") == [3, 4, 5]
    chosen = page.evaluate(ROWS)[2:5]
    with page.loading():
        page.click("button[value=compare]")
    assert page.address == f"/ui/compare?runs={','.join(chosen)}" and page.text("h1") == "Compare"
    assert not page.faults


def test_keys_walk_the_rows_select_and_compare(house, page):
    page.open(f"{house.url}/ui/runs?experiment={house.experiment}")
    ids = page.evaluate(ROWS)
    at = "document.activeElement.closest('tr')?.dataset.row"
    for keys, place in [("j", 0), ("jjj", 3), ("k", 2), ("kkkkk", 0)]:
        page.press(keys)
        assert page.evaluate(at) == ids[place]
    page.press("xjjxjxx")
    assert page.text("[data-selected]") == "2 selected"
    page.press("jx")
    assert page.text("[data-selected]") == "3 selected"
    with page.loading():
        page.press("c")
    assert page.address == f"/ui/compare?runs={ids[0]},{ids[2]},{ids[4]}"


def test_keys_are_left_to_a_field_that_is_typed_in(house, page):
    page.open(f"{house.url}/ui/runs?experiment={house.experiment}")
    page.press("/")
    page.press("jxkc")
    assert page.evaluate("document.activeElement.value") == "jxkc" and page.text("[data-selected]") == ""


def test_runs_are_deleted_at_once_and_brought_back(house, page):
    experiment, runs = house.scratch(5)
    page.open(f"{house.url}/ui/runs?experiment={experiment}&sort=created")
    for index in (1, 3):
        page.click("td.pick input", index)
    with page.loading():
        page.click("button[value=delete]")
    assert page.evaluate(ROWS) == [runs[0], runs[2], runs[4]] and "Deleted runs: 2" in page.text("form.notice")
    assert "sort=created" in page.address
    assert sorted(rows(house.get("/ui/runs", experiment=experiment, stage="deleted").text)) == sorted([runs[1], runs[3]])
    with page.loading():
        page.click("form.notice button")
    assert page.evaluate(ROWS) == runs and "Restored runs: 2" in page.text("p.notice[role=status]")


def test_runs_are_tagged_at_once(house, page):
    experiment, runs = house.scratch(3)
    page.open(f"{house.url}/ui/runs?experiment={experiment}&cols=t:stage")
    for index in (0, 2):
        page.click("td.pick input", index)
    page.click("details.menu summary")
    page.fill("input[name=key]", "stage")
    page.fill("details.menu input[name=value]", "후보 <b>")
    with page.loading():
        page.click("button[value=tag]")
    assert page.texts("tr[data-row] td:last-child") == ["후보 <b>", "–", "후보 <b>"]
    answer = house.client.post("/ui/runs/act", data={"action": "tag", "run": runs[0], "key": "", "back": ""})
    assert answer.status_code == 400 and "Missing name of the tag" in answer.text


def test_what_is_sent_for_several_runs_is_checked(house):
    _, runs = house.scratch(1)
    evil = house.client.post("/ui/runs/act", data={"action": "delete", "run": runs[0]}, headers={"Origin": "http://evil.example"})
    assert evil.status_code == 403
    assert house.client.post("/ui/runs/act", data={"action": "delete", "run": "f" * 32}).status_code == 404
    assert house.client.post("/ui/runs/act", data={"action": "explode", "run": runs[0]}).status_code == 400
    for back in ["https://evil.example", "//evil.example", "?a\r\nX: y", "/ui/account"]:
        answer = house.client.post("/ui/runs/act", data={"action": "tag", "key": "k", "run": runs[0], "back": back})
        assert answer.headers["location"] == "/ui/runs?tagged=1"
    assert house.get(f"{MLFLOW}/runs/get", run_id=runs[0]).json()["run"]["info"]["lifecycle_stage"] == "active"


def table_of(answer):
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def test_the_export_has_each_run_and_each_column(house):
    found = table_of(house.get("/ui/runs.csv", experiment=house.experiment, limit=25, cols="user", sort="created"))
    assert [row["run_id"] for row in found] == [run["id"] for run in house.runs]
    for row, run in zip(found, house.runs):
        assert row["name"] == run["name"] and row["params.seed"] == str(run["number"]) and row["user"] == ["jin", "min", "soyeon"][run["number"] % 3]
        expected = {None: ""}.get(run["acc"], run["acc"])
        assert row["metrics.acc"] == "" if expected == "" else float(row["metrics.acc"]) == expected or math.isnan(expected)
        assert float(row["metrics.train/loss"]) == math.exp(-19 / 8) + run["number"] / 100, "all digits"
    only = table_of(house.client.get("/ui/runs.csv", params={"experiment": house.experiment, "where": "params.arch = 'cnn'", "status": "FAILED"}))
    assert {row["run_id"] for row in only} == {run["id"] for run in house.runs if run["number"] % 6 == 0}


def test_the_export_has_the_tags(house):
    found = table_of(house.get("/ui/runs.csv", experiment=house.experiment))
    assert {row.get("tags.team") for row in found} == {"risk", "growth"}


FORMULAS = ["=1+1", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "=HYPERLINK(\"http://evil.example\",\"x\")"]


def exported(house, values):
    experiment, runs = house.scratch(1)
    log(house.server, runs[0], [], params=[{"key": f"k{place}", "value": value} for place, value in enumerate(values)])
    row = next(csv.DictReader(io.StringIO(house.get("/ui/runs.csv", experiment=experiment).text, newline="")))
    return [row[f"params.k{place}"] for place in range(len(values))]


def test_formulas_are_none_in_the_export(house):
    assert exported(house, FORMULAS) == [f"'{text}" for text in FORMULAS]
    plain = ["-0.5", "+1e-3", "1=1", "a@b", "it's, \"quoted\"\nand long"]
    assert exported(house, plain) == plain, "numbers and other texts stay"


def test_formulas_behind_a_tab_are_none_in_the_export(house):
    """OWASP counts a tab and a carriage return among what a spreadsheet takes for a formula's begin."""
    assert all(text.startswith("'") for text in exported(house, ["\t=1+1", "\r=1+1"]))


# ------------------------------------------------------------------------------------------------ a run


def series(house, run=None, key="loss", **parameters):
    found = house.get("/ui/api/series", run=run or house.curve, key=key, **parameters).json()["series"]
    assert len(found) == 1, found
    return found[0]


def finite(values):
    return [value for value in values if math.isfinite(value)]


@pytest.mark.parametrize("px", [50, 200, 333, 600, 1440, 4000])
@pytest.mark.parametrize("axis", ["step", "time"])
def test_a_thinned_curve_loses_nothing_that_stands_out(house, px, axis):
    """Against a scan of all that was logged."""
    found = series(house, px=px, x=axis)
    assert (found["n"], found["nan"], found["inf"]) == (5000, 2, 1) and len(found["X"]) <= px
    assert 41.5 in found["hi"] and min(found["lo"]) == min(finite(CURVE)) and max(found["hi"]) == max(finite(CURVE))
    assert found["L"][-1] == CURVE[-1] and sum(found["N"]) == len(finite(CURVE))
    assert sum(mean * count for mean, count in zip(found["M"], found["N"])) == pytest.approx(sum(finite(CURVE)))
    ends = [x if axis == "step" else (x - 1_700_000_000_000) // 1000 for x in found["X"]]
    assert ends == sorted(set(ends))
    for before, end, last, low, high in zip([-1, *ends], ends, found["L"], found["lo"], found["hi"]):
        part = finite(CURVE[before + 1:end + 1])
        assert (min(part), max(part)) == (low, high), f"the points {before + 1} to {end}"
        assert last == part[-1]
    assert len(found["nanX"]) == 2 and len(found["infX"]) == 1


def test_a_part_of_a_curve_has_its_points(house):
    """As a zoom asks for it."""
    found = series(house, px=200, **{"from": 2700, "to": 2740})
    assert found["X"] == list(range(2700, 2741)) and found["L"] == CURVE[2700:2741] and "lo" not in found and found["n"] == 41
    hole = series(house, px=200, **{"from": 1230, "to": 1240})
    assert hole["X"] == [step for step in range(1230, 1241) if step != 1234] and hole["nanX"] == [1234] and hole["nan"] == 1
    time_axis = series(house, px=200, x="time", **{"from": 1_700_002_700_000, "to": 1_700_002_705_000})
    assert time_axis["L"] == CURVE[2700:2706] and time_axis["X"][0] == 1_700_002_700_000
    for wrong in [{"px": 200, "x": "nonsense"}, {"key": []}]:
        assert house.client.get("/ui/api/series", params={"run": house.curve, "key": "loss"} | wrong).status_code == 400
    assert house.get("/ui/api/series", run=house.curve, key="none").json()["series"] == []


def test_a_run_that_is_not_there_has_no_curve(house):
    assert house.client.get("/ui/api/series", params={"run": "f" * 32, "key": "loss"}).status_code == 404


def test_a_curve_that_grows_is_known_whole(house):
    _, (run,) = house.scratch(1)
    values = [math.sin(step) for step in range(3000)]
    log(house.server, run, [("m", value, step) for step, value in enumerate(values[:1500])])
    assert series(house, run, "m", px=100)["L"][-1] == values[1499]
    log(house.server, run, [("m", value, 1500 + step) for step, value in enumerate(values[1500:])])
    log(house.server, run, [("m", -77.0, 10, 1_700_000_010_500)])
    found = series(house, run, "m", px=100)
    assert found["L"][-1] == values[-1] and found["n"] == 3001 and min(found["lo"]) == -77


def test_a_curve_whose_points_have_one_time_keeps_its_steps(house):
    """A client that logs a history in one go gives all points the same time."""
    _, (run,) = house.scratch(1)
    values = [1.0] * 500
    values[250] = 9.0
    log(house.server, run, [("m", value, step, 1_700_000_000_000) for step, value in enumerate(values)])
    assert max(series(house, run, "m", px=100)["hi"]) == 9
    found = series(house, run, "m", px=100, x="time")
    assert max(found.get("hi", found["L"])) == 9, "also where time is the axis"


def test_a_long_curve_whose_points_have_one_time_keeps_its_steps(house):
    """More points than are read one by one."""
    _, (run,) = house.scratch(1)
    points = [("m", 9.0 if step == 10_000 else 1 + step / 1e6, step, 1_700_000_000_000) for step in range(21_000)]
    log(house.server, run, points)
    found = series(house, run, "m", px=200)
    assert found["n"] == 21_000 and max(found["hi"]) == 9 and found["L"][-1] == points[-1][1]
    assert len(found["X"]) > 100, "steps make columns, not times"


def charts(page, count=1):
    """Waits until so many charts have been drawn, and gives what they say."""
    return page.wait(f"""(() => {{
        const drawn = [...document.querySelectorAll('.curves canvas[role=img]')].filter((canvas) => canvas.width > 100
            && canvas.getAttribute('aria-label').includes(':') && canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((byte) => byte));
        return drawn.length >= {count} && drawn.map((canvas) => canvas.getAttribute('aria-label'));
    }})()""")


def test_curves_are_drawn_and_told(house, page):
    page.open(f"{house.url}/ui/runs/{house.curve}")
    (label,) = charts(page)
    assert label.startswith("loss: long-curve") and "max 41.5" in label and "first 1" in label
    page.call("Emulation.setDeviceMetricsOverride", width=1440, height=2400, deviceScaleFactor=1, mobile=False)
    page.open(f"{house.url}/ui/runs/{house.runs[3]['id']}")
    labels = charts(page, 3)
    assert sorted(label.split(":")[0] for label in labels) == ["acc", "train/loss", "val/acc"]
    assert not page.faults and not page.strangers


def test_the_charts_speak_the_language_of_the_page(house, tab):
    for language, words in [("en", ["x axis", "Smoothing", "Reset"]), ("ko", ["x축", "평활화", "초기화"])]:
        page = tab(language=language).open(f"{house.url}/ui/runs/{house.curve}")
        charts(page)
        assert all(word in page.text(".curves-bar") for word in words), page.text(".curves-bar")
        assert "x_axis" not in page.text(".curves") and page.text(".curves .note") == {"en": "2 NaN · 1 infinite"}.get(language, page.text(".curves .note"))


def test_a_zoom_asks_for_the_points_of_its_part(house, page):
    page.open(f"{house.url}/ui/runs/{house.curve}")
    charts(page)
    page.evaluate("document.querySelector('.curves canvas').focus()")
    for _ in range(6):
        page.press("+")
        page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    ends = page.wait("""performance.getEntriesByType('resource').map((one) => new URL(one.name).searchParams)
        .filter((query) => query.has('from')).map((query) => [Number(query.get('from')), Number(query.get('to'))]).find(([from, to]) => to - from < 200)""")
    assert 0 < ends[0] < ends[1] < 5000 and page.evaluate("!document.querySelector('.curves figcaption button').hidden")
    assert not page.faults


NOTE = """## What we **learned**

- one
- two `code`

| a | b |
|---|---|
| 1 | 2 |

<script>document.title = 'owned'</script>
<img src=x onerror="document.title='owned'">
[bad](javascript:document.title='owned') [data](data:text/html,<script>1</script>) [good](https://example.com/a)
![spy](http://spy.example/pixel.png)
"""


def test_a_note_is_markdown_and_harmless(house, page):
    _, (run,) = house.scratch(1)
    page.open(f"{house.url}/ui/runs/{run}")
    page.click("details summary", page.texts("details summary").index("Edit"))
    page.fill("textarea[name=note]", NOTE)
    with page.loading():
        page.click("form.stack button")
    assert page.texts(".prose h2, .prose h3") == ["What we learned"] and page.texts(".prose li") == ["one", "two code"]
    assert page.texts(".prose td") == ["1", "2"] and page.evaluate("document.querySelectorAll('.prose strong, .prose code').length") == 2
    links = page.evaluate("[...document.querySelectorAll('.prose a')].map((link) => link.href)")
    assert "https://example.com/a" in links and not [link for link in links if link.startswith(("javascript:", "data:"))]
    assert page.evaluate("document.querySelectorAll('.prose script, .prose [onerror]').length") == 0
    time.sleep(0.1)
    assert page.evaluate("document.title") == "scratch-0 · BalanceOps"
    assert page.evaluate("document.querySelector('textarea[name=note]').value") == NOTE, "what is edited is what was written"
    assert not page.strangers and not page.faults


def test_a_run_is_renamed_and_tagged_on_its_page(house, page):
    _, (run,) = house.scratch(1)
    page.open(f"{house.url}/ui/runs/{run}")
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    page.fill("input[name=name]", "새 이름 <i>")
    with page.loading():
        page.click("form.stack button", 1)
    assert page.text("h1").startswith("새 이름 <i>") and page.evaluate("document.title") == "새 이름 <i> · BalanceOps"
    for key, value in [("owner", "jin"), ("'\"><b>", "<b>x</b>")]:
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        page.fill("form.stack input[name=key]", key)
        page.fill("form.stack input[name=value]", value)
        with page.loading():
            page.click("form.stack button", 2)
    chips = "form.inline .chip"
    assert sorted(" ".join(text.split()) for text in page.texts(chips)) == ["'\"><b> <b>x</b> ×", "owner jin ×"]
    for left in (1, 0):
        with page.loading():
            page.click("form.inline button")
        assert len(page.texts(chips)) == left
    for wrong in [{"action": "rename", "name": ""}, {"action": "rename", "name": "x" * 501}, {"action": "tag", "key": ""}, {"action": "what"}]:
        assert house.client.post(f"/ui/runs/{run}/edit", data=wrong).status_code == 400
    assert house.client.post(f"/ui/runs/{run}/edit", data={"action": "rename", "name": "x"}, headers={"Origin": "http://evil.example"}).status_code == 403


def test_a_run_tells_its_data_and_its_registered_version(house, page):
    _, (run,) = house.scratch(1)
    profile = json.dumps({"num_rows": 1234, "num_elements": 9})
    ask(house.server, "runs/log-inputs", run_id=run, datasets=[{
        "tags": [{"key": "mlflow.data.context", "value": "training"}],
        "dataset": {"name": "고객 <b>", "digest": "abc123", "source_type": "local", "source": "{\"uri\": \"s3://b/x.csv\"}", "profile": profile}}])
    page.open(f"{house.url}/ui/runs/{run}")
    told = page.evaluate("[...document.querySelectorAll('section.card')].find((one) => one.querySelector('h2')?.textContent === 'Data sets').innerText")
    assert all(part in told for part in ["고객 <b>", "training", "abc123", "s3://b/x.csv", "1234"])
    page.open(f"{house.url}/ui/runs/{house.runs[0]['id']}")
    with page.loading():
        page.click("a.button", [text.startswith("Registered as") for text in page.texts("a.button")].index(True))
    assert page.address == "/ui/models/churn%20model/versions/1"


# ------------------------------------------------------------------------------------------------ files


def preview(house, page, path, run=None):
    return page.open(f"{house.url}/ui/runs/{run or house.files}?tab=artifacts&path={quote(path, safe='')}")


def test_files_are_shown_as_what_they_are(house, page):
    preview(house, page, "plot.png")
    assert page.wait("document.querySelector('.preview img').naturalWidth") == 64
    preview(house, page, "table.csv")
    assert page.texts(".preview thead th") == ["x", "half", "text"] and page.texts(".preview tbody tr:nth-child(2) td") == ["1", "0.5", "a, 1"]
    preview(house, page, "a.json")
    assert "".join(page.texts(".preview .lines td:last-child")).replace(" ", "") == '{"depth":{"inner":[1,2.5,null]}}'
    preview(house, page, "notes.txt")
    assert page.texts(".preview .lines td:last-child")[:2] == ["first line", "<b>second</b> 줄"]
    preview(house, page, "report.md")
    assert page.text(".preview .prose h1, .preview .prose h2, .preview .prose h3, .preview .prose h4") == "Report"
    assert page.wait("document.querySelector('.preview .prose img').naturalWidth") == 64, "a picture beside the report"
    assert "owned" not in page.evaluate("document.title")
    preview(house, page, "clean.html")
    assert page.evaluate("document.querySelector('.preview iframe').getAttribute('sandbox')") == "allow-scripts"
    assert not page.faults and not page.strangers


@pytest.mark.parametrize("path", ["it's \"quoted\".txt", f"{HOSTILE.replace('/', '')}.txt", "deep/er/보고서 최종.csv"])
def test_files_of_any_name_are_shown(house, page, path):
    page.open(f"{house.url}/ui/runs/{house.files}?tab=artifacts")
    with page.loading():
        page.click("ul.tree li a:first-child", page.texts("ul.tree li a:first-child").index(path))
    assert page.text(".preview h3") == path and page.text("ul.tree a[aria-current]") == path
    assert page.evaluate("document.querySelectorAll('#content img').length") == 0 and "owned" not in page.evaluate("document.title")
    name = path.split("/")[-1]
    answer = house.get(f"/ui/runs/{house.files}/files/{quote(path)}")
    assert answer.headers["content-disposition"].endswith(f"filename*=UTF-8''{quote(name, safe='')}") and not page.faults


def test_raw_files_are_nothing_but_what_they_are(house):
    for path in ["plot.png", "clean.html", "table.csv", "notes.txt", "report.md", "a.json"]:
        headers = house.get(f"/ui/raw/{house.files}/{path}").headers
        assert headers["x-content-type-options"] == "nosniff" and headers["content-security-policy"].startswith("sandbox"), path
        assert "allow-same-origin" not in headers["content-security-policy"] and "allow-top-navigation" not in headers["content-security-policy"]
        shown = {"plot.png": "image/png", "clean.html": "text/html"}.get(path)
        assert headers["content-type"] == (shown or "application/octet-stream")
        assert shown or headers["content-disposition"].startswith("attachment")
    for path in ["none.png", "../../../etc/passwd", "%2e%2e/%2e%2e/x", "deep", "a%00b"]:
        assert house.client.get(f"/ui/raw/{house.files}/{path}").status_code in (400, 404), path


def test_a_part_of_a_raw_file_is_sent(house):
    whole = png(64, 32)
    for asked, (first, last) in {"bytes=0-9": (0, 9), "bytes=10-": (10, len(whole) - 1), "bytes=5-9999999": (5, len(whole) - 1)}.items():
        answer = house.client.get(f"/ui/raw/{house.files}/plot.png", headers={"Range": asked})
        assert answer.status_code == 206 and answer.content == whole[first:last + 1]
        assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(whole)}"
    for asked in ["bytes=9-3", "items=0-1", "bytes=a-b", "bytes=0-1,3-4"]:
        answer = house.client.get(f"/ui/raw/{house.files}/plot.png", headers={"Range": asked})
        assert answer.status_code == 200 and answer.content == whole, "what is no range is none"


class Recorder:
    """Passes bytes on to a server and keeps the lines of all requests; without a server it answers nothing."""

    def __init__(self, port=None):
        self.lines, self.behind = [], port
        self.door = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.door.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.serve, args=(self.door.accept()[0],), daemon=True).start()

    def serve(self, client):
        with contextlib.suppress(OSError), client:
            if self.behind is None:
                self.lines.append(client.recv(4096).split(b"\r\n")[0].decode(errors="replace"))
                return
            with socket.create_connection(("127.0.0.1", self.behind)) as server:
                threading.Thread(target=self.pump, args=(server, client), daemon=True).start()
                self.pump(client, server, self.lines)

    @staticmethod
    def pump(source, target, lines=None):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if lines is not None:
                    lines += [line.decode() for line in re.findall(rb"(?m)^(?:GET|POST|PUT|DELETE|PATCH|HEAD|OPTIONS) \S+", data)]
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def close(self):
        self.door.close()


@pytest.fixture
def recorded(house):
    """The server's address with a recorder before it, and another host."""
    front, other = Recorder(house.server.port), Recorder()
    yield front, other
    front.close()
    other.close()


# Each try tells what came of it; that scripts run at all is told too, or the test would prove nothing.
REPORT = """<!doctype html><title>report</title>
<link rel=stylesheet href="FRONT/ui/assets/app.css?ghost=style"><img src="FRONT/ui/assets/logo.svg?ghost=img"><script src="FRONT/ui/assets/app.js?ghost=script"></script>
<iframe src="FRONT/ui/runs?ghost=frame"></iframe><object data="OTHER/ghost-object"></object><img src="OTHER/ghost-img"><link rel=prefetch href="OTHER/ghost-prefetch">
<link rel=preconnect href="OTHER"><link rel=dns-prefetch href="OTHER">
<form id=form method=post action="FRONT/ui/runs/act?ghost=form"><input name=action value=delete><input name=run value=RUN></form>
<script>
const told = {};
const attempt = (name, act) => { try { told[name] = String(act()); } catch (error) { told[name] = "refused " + error.name; } };
attempt("parent", () => parent.document.title = "owned");
attempt("top", () => top.document.body.innerHTML = "owned");
attempt("cookie", () => document.cookie = "balanceops=ko.utc.dark; path=/");
attempt("cookies", () => document.cookie);
attempt("storage", () => localStorage.length);
attempt("form", () => document.getElementById("form").submit());
attempt("beacon", () => navigator.sendBeacon("FRONT/ui/runs/act?ghost=beacon", "action=delete"));
attempt("socket", () => new WebSocket("FRONT/ghost-socket".replace("http", "ws")));
attempt("events", () => new EventSource("FRONT/ui/api/events?runs=1&ghost=events"));
attempt("image", () => { new Image().src = "FRONT/ui?ghost=image"; });
attempt("window", () => String(window.open("FRONT/ui/runs?ghost=window")));
attempt("worker", () => new Worker(URL.createObjectURL(new Blob(["fetch('FRONT/ui/runs?ghost=worker')"]))));
attempt("import", () => { import("OTHER/ghost-import").catch(() => 0); });
attempt("topmost", () => { top.location = "OTHER/ghost-top"; });
(async () => {
  for (const [name, url, options] of [["fetch", "FRONT/ui/runs?ghost=fetch", {}], ["post", "FRONT/ui/runs/act?ghost=post", { method: "POST", mode: "no-cors", credentials: "include" }],
                                      ["other", "OTHER/ghost-fetch", { mode: "no-cors" }]]) {
    try { await fetch(url, options); told[name] = "sent"; } catch (error) { told[name] = "refused " + error.name; }
  }
  parent.postMessage(told, "*");
  window.told = told;
})();
</script>"""


def hostile_report(house, recorded):
    front, other = recorded
    text = REPORT
    for word, value in {"FRONT": front.url, "OTHER": other.url, "RUN": house.runs[1]["id"]}.items():
        text = text.replace(word, value)
    put(house.server, house.other, house.files, "hostile.html", text)


def test_a_hostile_report_in_a_page_does_nothing(house, page, recorded):
    front, other = recorded
    hostile_report(house, recorded)
    page.call("Page.addScriptToEvaluateOnNewDocument", source="if (top === window) { window.heard = null; addEventListener('message', (event) => { window.heard = event.data; }); }")
    page.open(f"{front.url}/ui/runs/{house.files}?tab=artifacts&path=hostile.html")
    told = page.wait("window.heard")
    time.sleep(0.5)
    assert page.evaluate("document.title") == "files · BalanceOps" and page.evaluate("document.querySelector('h1').innerText").startswith("files")
    assert page.evaluate("location.origin") == front.url and page.evaluate("document.cookie") == "balanceops=en.utc.system"
    for name in ["parent", "top", "cookie", "cookies", "storage", "fetch", "post", "other"]:
        assert told[name].startswith("refused"), (name, told)
    assert told["window"] == "null"
    assert not [line for line in front.lines if "ghost" in line] and not other.lines, (front.lines, other.lines)
    assert any("/ui/raw/" in line for line in front.lines), "the recorder records"
    assert house.get(f"{MLFLOW}/runs/get", run_id=house.runs[1]["id"]).json()["run"]["info"]["lifecycle_stage"] == "active"


def test_a_hostile_report_alone_in_a_tab_does_nothing(house, page, recorded):
    """Opened by its raw address it has nobody above it."""
    front, other = recorded
    hostile_report(house, recorded)
    text = house.get(f"/ui/raw/{house.files}/hostile.html").text.replace(f"top.location = \"{other.url}/ghost-top\"", "0")
    put(house.server, house.other, house.files, "alone.html", text.replace("parent.document.title = \"owned\"", "0").replace("top.document.body", "({})"))
    page.open(f"{front.url}/ui/raw/{house.files}/alone.html")
    told = page.wait("window.told")
    time.sleep(0.5)
    for name in ["cookie", "cookies", "storage", "fetch", "post", "other"]:
        assert told[name].startswith("refused"), (name, told)
    assert not [line for line in front.lines if "ghost" in line] and not other.lines, (front.lines, other.lines)


def test_a_report_that_leaves_for_another_host_does_not_get_there(house, page, recorded):
    """A frame may lead itself elsewhere; the page says where frames may be."""
    front, other = recorded
    put(house.server, house.other, house.files, "leaves.html", f"<!doctype html><script>location.href = '{other.url}/ghost?' + document.body</script>")
    page.open(f"{front.url}/ui/runs/{house.files}?tab=artifacts&path=leaves.html")
    time.sleep(0.5)
    assert not other.lines and page.evaluate("document.title") == "files · BalanceOps"


SVG = """<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30" onload="document.documentElement.setAttribute('data-owned', 'load')">
<rect width="40" height="30" fill="#369"/><script>document.documentElement.setAttribute('data-owned', 'script')</script>
<foreignObject><img xmlns="http://www.w3.org/1999/xhtml" src="x" onerror="document.documentElement.setAttribute('data-owned', 'error')"/></foreignObject></svg>"""


def test_a_picture_with_a_script_is_a_picture(house, page):
    put(house.server, house.other, house.files, "evil.svg", SVG)
    preview(house, page, "evil.svg")
    assert page.wait("document.querySelector('.preview img').naturalWidth") == 40
    time.sleep(0.2)
    assert page.evaluate("document.documentElement.dataset.owned ?? null") is None and page.evaluate("document.title") == "files · BalanceOps"
    assert not page.faults


def test_the_script_of_a_picture_does_not_run_when_it_is_opened_alone(house, page):
    put(house.server, house.other, house.files, "evil.svg", SVG)
    page.open(f"{house.url}/ui/raw/{house.files}/evil.svg")
    time.sleep(0.2)
    assert page.evaluate("document.documentElement.getAttribute('data-owned')") is None


# ------------------------------------------------------------------------------------------- comparison


def cells(markup):
    """The rows of each table of a comparison, by its title."""
    found = {}
    for title, body in re.findall(r'<section class="card"><h2>([^<]*)</h2>\s*<div class="scroll".*?<tbody>(.*?)</tbody>', markup, re.S):
        found[title] = {html.unescape(key): [" ".join(html.unescape(re.sub(r"<[^>]+>", "", cell)).split()) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.S)]
                        for key, row in re.findall(r'<th scope="row"[^>]*>(.*?)</th>(.*)', body)}
    return found


def test_a_comparison_shows_differences_and_hides_what_is_equal(house, page):
    ids = [house.runs[number]["id"] for number in (0, 1, 2)]
    page.open(f"{house.url}/ui/compare?runs={','.join(ids)}")
    found = cells(house.get(f"/ui/compare?runs={','.join(ids)}").text)
    assert found["Params"] == {"lr": ["0.1", "0.01", "0.001"], "arch": ["cnn", "mlp", "resnet"], "seed": ["0", "1", "2"]}
    assert found["Tags"] == {"team": ["risk", "growth", "risk"]} and "val/acc" not in found["Metrics"]
    assert found["Metrics"]["acc"] == ["0.6", "0.8187 +0.2188", "0.725 +0.125"]
    assert "Equal, not shown: 1" in page.text("#content") and "v3" not in page.text("#content")
    with page.loading():
        page.click("#content p a.button.small")
    assert "all=1" in page.address
    every = cells(house.get(f"/ui/compare?runs={','.join(ids)}&all=1").text)
    assert every["Params"]["data"] == ["v3"] * 3 and len(set(every["Metrics"]["val/acc"])) == 1
    assert page.texts("table.compare thead .tag") == ["base"] * len(every)


def test_another_run_is_the_base(house, page):
    ids = [house.runs[number]["id"] for number in (0, 1, 2)]
    page.open(f"{house.url}/ui/compare?runs={','.join(ids)}")
    with page.loading():
        page.click("table.compare thead a.muted")
    assert f"base={ids[1]}" in page.address
    found = cells(house.get(page.address).text)
    assert found["Metrics"]["acc"] == ["0.6 −0.2188", "0.8187", "0.725 −0.09375"]


def test_all_values_and_the_base_run_hold_together(house, page):
    """Neither choice undoes the other."""
    ids = [house.runs[number]["id"] for number in (0, 1, 2)]
    page.open(f"{house.url}/ui/compare?runs={','.join(ids)}&base={ids[1]}")
    with page.loading():
        page.click("#content p a.button.small")
    assert f"base={ids[1]}" in page.address and "all=1" in page.address
    with page.loading():
        page.click("table.compare thead a.muted")
    assert f"base={ids[0]}" in page.address and "all=1" in page.address


@pytest.mark.parametrize("count", [3, 30])
def test_a_comparison_draws_curves_and_plots(house, tab, count):
    page = tab(height=2200)
    page.open(f"{house.url}/ui/compare?runs={','.join(run['id'] for run in house.runs[:count])}")
    labels = charts(page, 2)
    assert any(label.startswith("train/loss:") for label in labels)
    assert page.wait("document.querySelectorAll('.plots svg, .plots canvas').length") >= 2
    assert len(page.texts(".curves-legend button")) == count and len(page.texts(".plot-runs button")) == count
    assert page.evaluate("document.querySelector('.plots').getBoundingClientRect().height") > 200
    assert len(cells(house.get(page.address).text)["Params"]["lr"]) == count
    assert not page.faults and not page.strangers


def test_a_comparison_needs_runs_that_are(house):
    assert "Select two runs or more" in house.get("/ui/compare").text
    assert "Select two runs or more" in house.get(f"/ui/compare?runs={house.runs[0]['id']},{house.runs[0]['id']}").text
    assert house.client.get(f"/ui/compare?runs={house.runs[0]['id']},{'f' * 32}").status_code == 404


# ------------------------------------------------------------------------------------------- live pages


def live(page):
    page.wait("document.querySelector('[data-live-state]').textContent")


METRIC = "[...document.querySelectorAll('[data-part=metrics] tbody tr')].find((row) => row.cells[0].textContent === 'loss')?.cells[1].textContent"


def watched(house):
    run = start(house.server, house.scratch(0)[0], "watched", start_time=int(time.time() * 1000) - 5000)
    log(house.server, run, [("loss", 0.5, 0)], params=[{"key": f"param-{number:02}", "value": str(number)} for number in range(60)])
    return run


def test_a_metric_changes_on_an_open_page_and_the_reader_stays_where_she_is(house, page):
    run = watched(house)
    page.open(f"{house.url}/ui/runs/{run}")
    live(page)
    page.evaluate("""
        window.mark = 1;
        scrollTo(0, 300);
        const row = [...document.querySelectorAll('[data-part=params] tbody tr')][20];
        getSelection().selectAllChildren(row.cells[0]);
        document.querySelector('nav.tabs a').focus({ preventScroll: true });
    """)
    before = page.evaluate("[scrollY, getSelection().toString()]")
    log(house.server, run, [("loss", 0.25, 1), ("new", 3, 1)])
    page.wait(f"{METRIC} === '0.25'", 3)
    assert page.evaluate("[scrollY, getSelection().toString()]") == before == [300, "param-20"]
    assert page.evaluate("window.mark") == 1 and page.evaluate("document.activeElement.textContent") == "Overview"
    ask(house.server, "runs/update", run_id=run, status="FINISHED", run_name="finished now")
    page.wait("document.querySelector('h1').innerText.startsWith('finished now finished')", 3)
    assert not page.faults


def test_the_selection_in_the_facts_of_a_run_stays(house, page):
    """Whoever copies the ID of a run that still runs selects it first."""
    run = watched(house)
    page.open(f"{house.url}/ui/runs/{run}")
    live(page)
    page.evaluate("getSelection().selectAllChildren(document.querySelector('[data-part=facts] dd.mono'))")
    selected = page.evaluate("getSelection().toString()")
    log(house.server, run, [("loss", 0.25, 1)])
    page.wait(f"{METRIC} === '0.25'", 3)
    assert page.evaluate("getSelection().toString()") == selected and len(selected) == 36


def test_the_curve_of_an_open_page_grows(house, page):
    run = watched(house)
    page.open(f"{house.url}/ui/runs/{run}")
    live(page)
    charts(page)
    log(house.server, run, [("loss", 0.125, 1)])
    page.wait("document.querySelector('.curves canvas').getAttribute('aria-label').includes('last 0.125')", 4)


def test_a_page_with_curves_says_that_it_is_live_after_a_change(house, page):
    run = watched(house)
    page.open(f"{house.url}/ui/runs/{run}")
    live(page)
    charts(page)
    log(house.server, run, [("loss", 0.125, 1)])
    page.wait(f"{METRIC} === '0.125'", 3)
    time.sleep(0.1)
    assert "live" in page.text("[data-live-state]")


def test_a_metric_that_is_new_gets_its_curve_on_an_open_page(house, page):
    run = watched(house)
    page.open(f"{house.url}/ui/runs/{run}")
    live(page)
    log(house.server, run, [("fresh", 0.125, 1)])
    page.wait("[...document.querySelectorAll('.curves canvas')].some((canvas) => (canvas.getAttribute('aria-label') ?? '').startsWith('fresh'))", 12)


def test_times_stay_local_on_an_open_page(house, tab):
    """A page that was told of a change shows times as before."""
    run = watched(house)
    page = tab(zone="browser")
    page.call("Emulation.setTimezoneOverride", timezoneId="Pacific/Honolulu")
    page.open(f"{house.url}/ui/runs/{run}")
    live(page)
    before = page.text("[data-part=facts] time")
    assert "UTC" not in before
    log(house.server, run, [("loss", 0.25, 1)])
    page.wait(f"{METRIC} === '0.25'", 3)
    assert page.text("[data-part=facts] time") == before


def test_a_new_run_is_announced_and_a_cell_changes_in_the_table(house, page):
    experiment, runs = house.scratch(3)
    page.open(f"{house.url}/ui/runs?experiment={experiment}&cols=m:loss,status")
    live(page)
    assert page.evaluate("document.querySelector('[data-new-runs]').hidden")
    page.click("td.pick input", 1)
    page.evaluate("window.mark = 1")
    log(house.server, runs[0], [("loss", 0.75, 0)])
    page.wait(f"document.querySelector('tr[data-row=\"{runs[0]}\"] td.number').textContent === '0.75'", 3)
    start(house.server, experiment, "one more", start_time=1_800_000_000_000)
    page.wait("!document.querySelector('[data-new-runs]').hidden && document.querySelector('[data-new-runs] b').textContent === '1'", 3)
    assert page.text("[data-selected]") == "1 selected" and len(page.evaluate(ROWS)) == 3 and page.evaluate("window.mark") == 1
    with page.loading():
        page.click("[data-new-runs] a")
    assert page.texts("tbody th a")[0] == "one more" and page.evaluate("document.querySelector('[data-new-runs]').hidden")


def test_a_table_that_is_sorted_and_cut_off_announces_no_run_that_only_moved_up(house, page):
    """What comes onto the page because another run left it is not new."""
    experiment, runs = house.scratch(26)
    page.open(f"{house.url}/ui/runs?experiment={experiment}&limit=25")
    live(page)
    ask(house.server, "runs/delete", run_id=runs[20])
    page.wait("document.querySelector('[data-part=count]').textContent.includes('of 25')", 3)
    assert page.evaluate("document.querySelector('[data-new-runs]').hidden")


def test_the_first_run_is_announced_on_an_empty_table(house, page):
    experiment, _ = house.scratch(0)
    page.open(f"{house.url}/ui/runs?experiment={experiment}")
    live(page)
    start(house.server, experiment, "the first")
    page.wait("!document.querySelector('[data-new-runs]').hidden || document.querySelector('tr[data-row]')", 3)


def test_a_stream_tells_changes_and_does_not_hold_up_the_end(workspace, serve):
    server = serve(workspace)
    experiment = ask(server, "experiments/create", name="e")["experiment_id"]
    run = start(server, experiment, "streamed")
    for query, change in [(f"run={run}", lambda: log(server, run, [("m", 1, 0)])), ("runs=1", lambda: start(server, experiment, "second")),
                          (f"runs=1&experiment={experiment}", lambda: ask(server, "runs/update", run_id=run, status="FINISHED"))]:
        with server.client.stream("GET", f"/ui/api/events?{query}", timeout=4) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream") and stream.headers["cache-control"] == "no-store"
            lines = stream.iter_lines()
            assert next(lines).startswith("retry:")
            change()
            changed = time.time()
            assert next(line for line in lines if line.startswith("event:")) == "event: change" and time.time() - changed < 3
            assert next(lines).startswith("data:")
    assert server.client.get("/ui/api/events").status_code == 400
    with socket.create_connection(("127.0.0.1", server.port)) as reader:
        token = server.client.auth and next(server.client.auth.sync_auth_flow(httpx.Request("GET", server.url))).headers["Authorization"]
        reader.sendall(f"GET /ui/api/events?runs=1 HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n{f'Authorization: {token}' if token else 'A: b'}\r\n\r\n".encode())
        assert b"200" in reader.recv(4096)
        begun = time.time()
        server.stop()
        assert time.time() - begun < 5


def test_a_head_request_takes_no_place_among_the_streams(house):
    assert {house.client.head("/ui/api/events?runs=1").status_code for _ in range(201)} == {200}
    with house.client.stream("GET", "/ui/api/events?runs=1") as stream:
        assert stream.status_code == 200


def test_a_run_that_is_not_there_has_no_stream(house):
    with house.client.stream("GET", f"/ui/api/events?run={'f' * 32}") as stream:
        assert stream.status_code == 404


# ---------------------------------------------------------------------------------------- trying a model


def test_a_model_is_tried_on_its_page(house, page):
    page.open(f"{house.url}/ui/models/balance_model")
    with page.loading():
        page.click("a", page.texts("a").index("Try it"))
    assert page.address == "/ui/models/balance_model/try" and page.texts(".fields label") == [f"f{number}" for number in range(1, 9)]
    row = [0.5, -1.25, 3, 0, 1e-3, 2, 0.1, 7]
    for place, value in enumerate(row):
        page.fill(f"input[name=f{place}]", str(value))
    with page.loading():
        page.click("form button.primary", -1 % len(page.texts("form button.primary")))
    answer = house.client.post("/models/balance_model/predict", json={"features": row}).json()
    shown = json.loads(page.text("[aria-live] pre"))
    assert {name: shown[name] for name in ("prediction", "model", "version")} == {name: answer[name] for name in ("prediction", "model", "version")}
    assert page.text("[aria-live] .lead") .split() == [str(answer["prediction"]["label"]), f"v{answer['version']}"]
    assert page.evaluate("[...document.querySelectorAll('.fields input')].map((input) => Number(input.value))") == row, "the row is still there"
    command = page.evaluate("document.querySelectorAll('section pre')[document.querySelectorAll('section pre').length - 2].textContent")
    assert f"{house.url}/models/balance_model/predict" in command
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=20) if shutil.which("curl") and not house.client.auth else None
    assert not done or json.loads(done.stdout)["prediction"] == answer["prediction"]
    assert not page.faults


def test_a_wrong_value_is_told_on_the_page(house, page):
    page.open(f"{house.url}/ui/models/balance_model/try")
    page.fill("input[name=f2]", "abc")
    with page.loading():
        page.click("form button.primary")
    assert page.text("[role=alert].bad") and page.evaluate("document.querySelector('input[name=f2]').value") == "abc"
    assert not page.evaluate("document.querySelector('[aria-live] pre')")


def test_the_page_says_which_value_is_wrong(house):
    """As the API does."""
    row = [0.0, 0.0, "abc", 0.0, 0.0, 0.0, 0.0, 0.0]
    refusal = house.client.post("/models/balance_model/predict", json={"features": row})
    assert refusal.status_code == 422 and "features.2" in refusal.text.replace("[2]", ".2").replace('"features",2', "features.2"), refusal.text
    markup = house.client.post("/ui/models/balance_model/try", data={f"f{place}": str(value) for place, value in enumerate(row)}).text
    problem = re.search(r'<p class="bad" role="alert">(.*?)</p>', markup)[1]
    assert "f3" in problem or "features" in problem or "abc" in problem, problem


def test_a_model_that_is_not_there_is_not_tried(house):
    for name in ["none", "churn model"]:
        assert house.client.get(f"/ui/models/{quote(name)}/try").status_code in (404, 409), name


# -------------------------------------------------------------------------------------------- each page


def places(house):
    return {
        "runs": f"/ui/runs?experiment={house.experiment}&where=params.arch%20%3D%20'cnn'", "overview": f"/ui/runs/{house.curve}", "params": f"/ui/runs/{house.runs[3]['id']}?tab=params",
        "metrics": f"/ui/runs/{house.runs[3]['id']}?tab=metrics", "artifacts": f"/ui/runs/{house.files}?tab=artifacts&path=table.csv",
        "manifest": f"/ui/runs/{house.runs[3]['id']}?tab=manifest", "compare": f"/ui/compare?runs={','.join(run['id'] for run in house.runs[:4])}",
        "try": "/ui/models/balance_model/try",
    }


def axe():
    """The text of axe-core, from the package that brings it; the package itself is not used."""
    found = importlib.util.find_spec("axe_playwright_python")
    return pathlib.Path(found.submodule_search_locations[0], "axe.min.js").read_text() if found else None


CHECK = """axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'], resultTypes: ['violations'] }).then((found) =>
    found.violations.map((one) => `${one.id}: ${one.nodes.length} × ${one.nodes[0].html.slice(0, 200)} ${one.nodes[0].failureSummary}`))"""
PAGES = ["runs", "overview", "params", "metrics", "artifacts", "manifest", "compare", "try"]


@pytest.mark.parametrize(("name", "language"), itertools.product(PAGES, ["en", "ko"]))
def test_a_page_fits_its_window_and_is_open_to_all(house, tab, name, language):
    """Wide and narrow, light and dark: no scrolling sideways, no error, no other host, nothing that axe finds."""
    page, checks = tab(language=language, height=2400), axe()
    page.open(house.url + places(house)[name])
    assert page.evaluate("document.documentElement.lang") == language
    if name in ("overview", "compare"):
        charts(page)
    if checks:
        page.evaluate(checks)
    found = []
    for width, dark in itertools.product((1440, 390), (False, True)):
        page.show(width, 2400, dark)
        over = page.evaluate("new Promise((done) => setTimeout(() => done(document.documentElement.scrollWidth - innerWidth), 50))")
        look = f"{width} {'dark' if dark else 'light'}"
        found += [f"{look}: {over} px too wide"] if over > 0 else []
        found += [f"{look}: {problem}" for problem in page.evaluate(CHECK)] if checks else []
    assert not found, "\n".join(found)
    assert not page.faults and not page.strangers, (page.faults, page.strangers)


# -------------------------------------------------------------------------------------- without scripts


def test_pages_are_whole_without_scripts(house):
    markup = house.get("/ui/runs", experiment=house.experiment, limit=25, cols="m:acc,p:arch").text
    assert len(rows(markup)) == 25 and 'rel="next"' in markup and "data-new-runs hidden" in markup
    link = html.unescape(re.search(r'<th scope="col" class="number"><a href="([^"]+)"', markup)[1])
    best = rows(house.get(link).text)[0]
    assert house.by_id[best]["acc"] == max(run["acc"] for run in house.runs if run["acc"] is not None and not math.isnan(run["acc"]))
    assert re.search(r'<form method="post" action="/ui/runs/act"', markup) and '<button name="action" value="compare"' in markup
    answer = house.client.post("/ui/runs/act", data={"action": "compare", "run": [run["id"] for run in house.runs[:3]]})
    compared = house.get(answer.headers["location"]).text
    assert cells(compared)["Params"]["seed"] == ["0", "1", "2"] and "need JavaScript" in compared
    for path, part in [("table.csv", "<td>a, 1</td>"), ("a.json", "&quot;depth&quot;"), ("report.md", "<h"), ("notes.txt", "&lt;b&gt;second&lt;/b&gt; 줄"),
                       ("plot.png", f"<img src=\"/ui/raw/"), ("clean.html", 'sandbox="allow-scripts"')]:
        assert part in house.get(f"/ui/runs/{house.files}?tab=artifacts&path={path}").text, path
    overview = house.get(f"/ui/runs/{house.runs[3]['id']}").text
    assert overview.count("<tr><td class=\"mono\">") >= 7 and "JavaScript" in overview


# ----------------------------------------------------------------------------------------- with accounts


PASSWORD = "eleven green bottles on a wall"


class Team:
    """Two folders, and people who may see one, both, or change things."""

    def __init__(self, folder):
        self.workspace = Workspace(folder)
        self.workspace.run("users", "add", "root", "--role", "admin", "--no-password")
        token = self.workspace.run("tokens", "create", "--user", "root").stdout.strip()
        self.server = Server(self.workspace)
        self.url = self.server.url
        self.root = httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {token}"}, timeout=20)
        self.server.client = self.root
        self.mine, self.theirs = (ask(self.server, "experiments/create", name=f"{folder}/plans")["experiment_id"] for folder in ("team-a", "vault"))
        self.seen, self.hidden = ([start(self.server, experiment, f"{word}-{number}", start_time=1_700_000_000_000 + number) for number in range(3)]
                                  for experiment, word in [(self.mine, "open"), (self.theirs, "secret")])
        for run in self.seen + self.hidden:
            log(self.server, run, [("m", 0.5, 0), ("m", 0.25, 1)])
            put(self.server, self.mine if run in self.seen else self.theirs, run, "a.txt", "a text")

    def caller(self, name, role, scope="*", password=None):
        """A new account, and a client that shows a token of it."""
        body = {"name": name, "kind": "person", "grants": [{"role": role, "scope": scope}]} | ({"password": password} if password else {})
        for path, sent in [("/users", body), ("/tokens", {"user": name})]:
            answer = self.root.post(path, json=sent)
            assert answer.status_code == 200, answer.text
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {answer.json()['token']}"}, timeout=20)


@pytest.fixture(scope="module")
def team(tmp_path_factory):
    team = Team(tmp_path_factory.mktemp("team"))
    yield team
    team.server.stop(signal.SIGKILL)


def test_a_viewer_is_offered_nothing_that_changes(team):
    viewer = team.caller("vera", "viewer")
    table, run = viewer.get("/ui/runs").text, viewer.get(f"/ui/runs/{team.seen[0]}").text
    assert len(rows(table)) == 6 and '<button name="action" value="compare"' in table
    for control in ['value="delete"', 'value="restore"', 'value="tag"', "details class=\"menu\""]:
        assert control not in table, control
    for control in ["/delete\"", "/edit\"", "textarea", "×"]:
        assert control not in run, control
    writer = team.caller("wim", "writer").get("/ui/runs").text
    assert 'value="delete"' in writer and 'value="tag"' in writer
    for action in ("delete", "restore", "tag"):
        assert viewer.post("/ui/runs/act", data={"action": action, "run": team.seen[0], "key": "k"}).status_code == 403
    for action in ("rename", "note", "tag", "untag"):
        assert viewer.post(f"/ui/runs/{team.seen[0]}/edit", data={"action": action, "name": "x", "note": "x", "key": "k"}).status_code == 403
    assert viewer.post("/ui/runs/act", data={"action": "compare", "run": team.seen}).status_code == 303
    stored = team.root.get(f"{MLFLOW}/runs/get", params={"run_id": team.seen[0]}).json()["run"]
    assert stored["info"]["run_name"] == "open-0" and stored["info"]["lifecycle_stage"] == "active"


def test_a_viewer_of_one_folder_sees_only_its_runs(team):
    viewer = team.caller("vito", "viewer", "experiments:team-a")
    for path in ["/ui/runs", "/ui/runs?q=secret", f"/ui/runs?experiment={team.theirs}", "/ui/runs?where=metrics.m%20%3E%200&sort=m:m", "/ui/runs.csv",
                 f"/ui/compare?runs={','.join(team.seen)}"]:
        text = viewer.get(path).text
        assert "vault" not in text and not re.search(r"secret-\d", text) and not any(run in text for run in team.hidden), path
    assert sorted(rows(viewer.get("/ui/runs").text)) == sorted(team.seen) and "3 of 3" in viewer.get("/ui/runs").text
    assert sorted(row["run_id"] for row in table_of(viewer.get("/ui/runs.csv"))) == sorted(team.seen)
    for path in [f"/ui/compare?runs={team.seen[0]},{team.hidden[0]}", f"/ui/api/series?run={team.hidden[0]}&key=m", f"/ui/raw/{team.hidden[0]}/a.txt",
                 f"/ui/api/series?run={team.seen[0]}&run={team.hidden[0]}&key=m", f"/ui/runs/{team.hidden[0]}", f"/ui/runs/{team.hidden[0]}?tab=artifacts&path=a.txt",
                 f"/ui/api/events?run={team.hidden[0]}"]:
        answer, none = viewer.get(path), viewer.get(path.replace(team.hidden[0], "f" * 32))
        assert answer.status_code == none.status_code == 404, path
        assert answer.text.replace(team.hidden[0], "f" * 32) == none.text or "ui/runs/" in path, "as a run that is not there"
    assert len(viewer.get(f"/ui/api/series?run={team.seen[0]}&key=m").json()["series"][0]["X"]) == 2
    with viewer.stream("GET", "/ui/api/events?runs=1", timeout=3.5) as stream:
        lines = stream.iter_lines()
        next(lines)
        log(team.server, team.hidden[0], [("m", 0.125, 2)])
        with pytest.raises(httpx.ReadTimeout):
            next(line for line in lines if line.startswith("event:"))


def test_a_writer_of_one_folder_changes_only_its_runs(team):
    writer = team.caller("will", "writer", "experiments:team-a")
    mixed = writer.post("/ui/runs/act", data={"action": "delete", "run": [team.seen[1], team.hidden[1]]})
    assert mixed.status_code in (403, 404)
    stages = [team.root.get(f"{MLFLOW}/runs/get", params={"run_id": run}).json()["run"]["info"]["lifecycle_stage"] for run in (team.seen[1], team.hidden[1])]
    assert stages == ["active", "active"], "all or none"
    assert writer.post("/ui/runs/act", data={"action": "tag", "key": "k", "value": "v", "run": team.seen[1]}).status_code == 303


def test_somebody_who_signed_in_deletes_and_restores_with_the_forms(team, page):
    """The forms carry what proves that our page made them."""
    team.caller("wanda", "writer", password=PASSWORD)
    page.browser.headers, headers = {}, page.browser.headers
    page.call("Network.setExtraHTTPHeaders", headers={})
    page.open(f"{team.url}/ui/runs?experiment={team.mine}&sort=created")
    assert page.address.startswith("/ui/sign-in")
    page.fill("input[name=name]", "wanda")
    page.fill("input[name=password]", PASSWORD)
    with page.loading():
        page.click("form[action$=sign-in] button")
    assert page.evaluate(ROWS) == team.seen, "back where she wanted to go"
    page.click("td.pick input", 0)
    with page.loading():
        page.click("button[value=delete]")
    assert page.evaluate(ROWS) == team.seen[1:]
    with page.loading():
        page.click("form.notice button")
    assert page.evaluate(ROWS) == team.seen
    cookies = "; ".join(f"{one['name']}={one['value']}" for one in page.call("Network.getCookies", urls=[team.url])["cookies"])
    bare = httpx.post(f"{team.url}/ui/runs/act", data={"action": "delete", "run": team.seen[0]}, headers={"Cookie": cookies})
    assert bare.status_code == 403 and not page.faults
    page.browser.headers = headers
