"""Runs the comparison that bench/run.sh sets up, and writes the report: tables with medians and ratios, and SVG charts."""

import argparse
import datetime
import http.client
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

PROCESSES = []
ROW = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]


def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def said(*arguments, environment=None):
    """What a program prints; where it fails, the run ends with what it said of that."""
    done = subprocess.run(list(map(str, arguments)), capture_output=True, text=True, env=environment)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, arguments))} failed with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def start(arguments, url, environment=None, wait=60):
    """A server that answers, and how many milliseconds that took."""
    begin = time.perf_counter()
    errors = tempfile.TemporaryFile()
    process = subprocess.Popen(list(map(str, arguments)), env=os.environ | (environment or {}), stdout=subprocess.DEVNULL,
                               stderr=errors, start_new_session=True)
    PROCESSES.append(process)
    host, path = re.match(r"http://([^/]+)(.*)", url).groups()
    while time.perf_counter() - begin < wait:
        try:
            connection = http.client.HTTPConnection(host, timeout=2)
            connection.request("GET", path or "/")
            connection.getresponse().read()
            return process, (time.perf_counter() - begin) * 1000
        except OSError:
            time.sleep(0.002)
        if process.poll() is not None:
            break
    errors.seek(0)
    raise SystemExit(f"{arguments[0]} did not start (exit status {process.poll()}):\n{errors.read().decode(errors='replace')[-2000:]}")


def stop(process):
    try:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(10)
    except (ProcessLookupError, subprocess.TimeoutExpired):
        os.killpg(process.pid, signal.SIGKILL)


def tree(pid):
    found = [pid]
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                parent = int(open(f"/proc/{name}/stat").read().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
            if parent == pid:
                found += tree(int(name))
    return found


def memory(process):
    """The resident memory of a process and its children, in MiB."""
    total = 0
    for pid in tree(process.pid):
        try:
            total += int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{pid}/status").read()).group(1))
        except (OSError, AttributeError):
            continue
    return total / 1024


def processor(process):
    """The CPU seconds of a process and its children."""
    ticks = 0
    for pid in tree(process.pid):
        try:
            fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        except OSError:
            continue
    return ticks / os.sysconf("SC_CLK_TCK")


def wrk(home, process, url, body, seconds):
    """Requests a second, p50 and p99 in milliseconds, CPU microseconds a request, and how many answers were no 2xx."""
    script = home / "post.lua"
    lines = [] if body is None else [f"wrk.method = 'POST'", f"wrk.body = '{json.dumps(body)}'", "wrk.headers['Content-Type'] = 'application/json'"]
    script.write_text("\n".join(lines))
    before = processor(process)
    text = said("wrk", "-t1", "-c16", f"-d{seconds}s", "--latency", "-s", script, url)
    used = processor(process) - before
    requests = int(re.search(r"(\d+) requests in", text).group(1))
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    def milliseconds(share):
        number, unit = re.search(rf"{share}%\s+([\d.]+)(us|ms|s)", text).groups()
        return float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]
    return {"rate": requests / seconds, "p50": milliseconds(50), "p99": milliseconds(99), "cpu": used / max(requests, 1) * 1e6,
            "bad": int(bad.group(1)) if bad else 0}


def middle(samples):
    return {key: statistics.median(sample[key] for sample in samples) for key in samples[0]}


class Bench:
    def __init__(self, options):
        self.home, self.bin, self.quick = pathlib.Path(options.home), pathlib.Path(options.bin), options.quick
        self.seconds, self.rounds = (3, 2) if options.quick else (8, 3)
        self.work = self.home / "work"
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        self.report, self.charts = [], []

    def table(self, title, columns, rows):
        self.report += [f"\n## {title}\n", "| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
        self.report += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
        print(f"[bench] {title}")
        for row in rows:
            print("   ", *row, sep="  ")

    # Models

    def train(self):
        import joblib
        import numpy
        import skl2onnx
        from lightgbm import LGBMClassifier
        from sklearn.datasets import make_classification
        from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
        from xgboost import XGBClassifier
        rows, labels = make_classification(4000, 8, n_informative=6, random_state=0)
        rows = rows.astype("f4").astype("f8")
        self.models = {"logistic": make_pipeline(StandardScaler(), LogisticRegression()), "forest of 100": RandomForestClassifier(100, random_state=0),
                       "boosting of 100": GradientBoostingClassifier(random_state=0), "LightGBM 100": LGBMClassifier(verbose=-1),
                       "XGBoost 100": XGBClassifier(n_estimators=100)}
        self.rows = rows
        numpy.savetxt(self.work / "rows.csv", rows, delimiter=",")
        for name, model in self.models.items():
            model.fit(rows, labels)
            joblib.dump(model, self.work / f"{name}.joblib")
            if "oost 100" not in name and "LightGBM" not in name:
                made = skl2onnx.to_onnx(model, rows[:1].astype("f4"), options={id(model): {"zipmap": False}})
                (self.work / f"{name}.onnx").write_bytes(made.SerializeToString())

    def evaluators(self):
        """Single rows and batches: our evaluator, ONNX Runtime through its C interface from the same program, and Python."""
        files = sorted(self.work.glob("*.joblib")) + sorted(self.work.glob("*.onnx"))
        text = ""
        for _ in range(self.rounds):
            text += said(self.bin / "BalanceBench", "evaluator", self.work / "rows.csv", *files)
        found = {}
        for name, single, rate in re.findall(r"^(.+?\.(?:joblib|onnx))\s+([\d.]+) us a row,\s+(\d+) thousand", text, re.M):
            found.setdefault(name.strip(), []).append({"single": float(single), "rate": float(rate)})
        rows = []
        for name, model in self.models.items():
            begin = time.perf_counter()
            for index in range(30):
                model.predict_proba(self.rows[index:index + 1])
            python = (time.perf_counter() - begin) / 30 * 1e6
            ours = middle(found[f"{name}.joblib"])
            other = middle(found[f"{name}.onnx"]) if f"{name}.onnx" in found else None
            rows.append([name, f"{ours['single']:.2f}", f"{other['single']:.2f}" if other else "-", f"{python:.0f}",
                         f"{other['single'] / ours['single']:.1f}x" if other else "-", f"{python / ours['single']:.0f}x",
                         f"{ours['rate']:.0f}k", f"{other['rate']:.0f}k" if other else "-"])
        self.table("Models alone", ["model", "ours, us a row", "ONNX Runtime from Swift, us", "the library in Python, us", "against ONNX Runtime",
                                    "against Python", "ours, rows/s in batches of 1000", "ONNX Runtime, rows/s"], rows)

    def kernels(self):
        """What requests are made of, alone."""
        found = {}
        for _ in range(self.rounds):
            for name, value, unit in re.findall(r"^(.+): ([\d.]+) (\S+)$", said(self.bin / "BalanceBench", "kernels"), re.M):
                found.setdefault((name, unit), []).append(float(value))
        self.table("Kernels", ["kernel", "median", ""], [[name, f"{statistics.median(values):,.1f}", unit] for (name, unit), values in found.items()])

    # Serving

    def balanceops(self, *arguments):
        return said(self.bin / "balanceops", *arguments, environment=self.environment)

    @property
    def environment(self):
        data = self.work / "data"
        return os.environ | {"BALANCEOPS_DB": str(data / "b.db"), "BALANCEOPS_ARTIFACTS": str(data / "artifacts"),
                             "BALANCEOPS_CURRENT_MODEL": str(data / "artifacts/models/current.model"), "BALANCEOPS_LOG_LEVEL": "critical"}

    def serving(self):
        for name, file in [("balance_model", "logistic"), ("forest", "forest of 100")]:
            self.balanceops("models", "import", self.work / f"{file}.joblib", "--name", name, "--current")
        ours, fast, nginx = port(), port(), port()
        server, started = start([self.bin / "balanceops", "serve", "--port", ours, "--grpc-port", "off"], f"http://127.0.0.1:{ours}/health", self.environment)
        idle = memory(server)
        configuration = self.work / "nginx.conf"
        configuration.write_text(f"worker_processes 1; daemon off; pid {self.work}/nginx.pid; error_log /dev/null; events {{}} http {{ access_log off; keepalive_requests 100000000; "
                                 f"server {{ listen 127.0.0.1:{nginx}; location / {{ return 200 '{{\"p_win\":0.5}}'; }} }} }}")
        proxy, _ = start([shutil.which("nginx") or "/usr/sbin/nginx", "-c", configuration], f"http://127.0.0.1:{nginx}/")
        python = self.home / "venv/bin/python"
        original, original_start = start([python, "-m", "uvicorn", "--app-dir", "bench/peers", "fastapi_app:app", "--port", fast, "--log-level", "critical"],
                                         f"http://127.0.0.1:{fast}/runs", {"BENCH_MODEL": str(self.work / "logistic.joblib"), "BENCH_DB": str(self.work / "data/b.db")})
        mlserver = self.mlserver()
        one = {"features": ROW}
        infer = {"inputs": [{"name": "input", "shape": [1, 8], "datatype": "FP64", "data": ROW}]}
        base = f"http://127.0.0.1:{ours}"
        lines = [("nginx, return 200", proxy, f"http://127.0.0.1:{nginx}/", one), ("BalanceOps /predict", server, f"{base}/predict", one),
                 ("BalanceOps /models/forest/predict", server, f"{base}/models/forest/predict", one),
                 ("BalanceOps /invocations", server, f"{base}/invocations", {"inputs": [ROW]}),
                 ("BalanceOps /v2/models/forest/infer", server, f"{base}/v2/models/forest/infer", infer),
                 ("BalanceOps GET /runs", server, f"{base}/runs", None),
                 ("FastAPI of the original's kind /predict", original, f"http://127.0.0.1:{fast}/predict", one)]
        if mlserver:
            process, url, mlserver_start = mlserver
            lines += [("BalanceOps /v2/models/balance_model/infer", server, f"{base}/v2/models/balance_model/infer", infer),
                      ("MLServer /v2/models/m/infer", process, f"{url}/v2/models/m/infer", infer)]
        samples = {name: [] for name, *_ in lines}
        for _, process, url, body in lines:
            wrk(self.work, process, url, body, 1)
        # A B A B: a neighbour on the machine slows all of them.
        for _ in range(self.rounds):
            for name, process, url, body in lines:
                samples[name].append(wrk(self.work, process, url, body, self.seconds))
        found = {name: middle(values) for name, values in samples.items()}
        top, slow = found["nginx, return 200"]["rate"], found["FastAPI of the original's kind /predict"]["rate"]
        self.table("Serving: wrk, 1 thread, 16 connections", ["server", "requests/s", "p50 ms", "p99 ms", "CPU us/request", "of nginx", "against FastAPI", "not 2xx"],
                   [[name, f"{s['rate']:,.0f}", f"{s['p50']:.2f}", f"{s['p99']:.2f}", f"{s['cpu']:.1f}", f"{s['rate'] / top:.0%}", f"{s['rate'] / slow:.0f}x", s["bad"]]
                    for name, s in found.items()])
        self.charts += [("Requests a second", [(name, s["rate"]) for name, s in found.items()]), ("p99 in milliseconds", [(name, s["p99"]) for name, s in found.items()])]
        binary = (self.bin / "balanceops").stat().st_size / 2**20
        self.table("Start and size", ["server", "first answer, ms", "idle memory, MiB", "after the load, MiB", "binary, MiB"],
                   [["BalanceOps", f"{started:.0f}", f"{idle:.0f}", f"{memory(server):.0f}", f"{binary:.0f}"],
                    ["FastAPI, uvicorn", f"{original_start:.0f}", "", f"{memory(original):.0f}", ""]]
                   + ([["MLServer", f"{mlserver_start:.0f}", "", f"{memory(mlserver[0]):.0f}", ""]] if mlserver else []))
        for process in (server, proxy, original) + ((mlserver[0],) if mlserver else ()):
            stop(process)

    def mlserver(self):
        """MLServer with the same logistic model, its own best form for it: one process without a pool; nothing where it is not installed."""
        program = self.home / "mlserver" / "bin" / "mlserver"
        if not program.exists():
            return None
        folder = self.work / "mlserver"
        folder.mkdir()
        shutil.copy(self.work / "logistic.joblib", folder / "model.joblib")
        http, grpc, metrics = port(), port(), port()
        (folder / "settings.json").write_text(json.dumps({"host": "127.0.0.1", "http_port": http, "grpc_port": grpc, "metrics_port": metrics,
                                                          "parallel_workers": 0, "debug": False}))
        (folder / "model-settings.json").write_text(json.dumps({"name": "m", "implementation": "mlserver_sklearn.SKLearnModel",
                                                                "parameters": {"uri": "./model.joblib"}}))
        url = f"http://127.0.0.1:{http}"
        process, started = start([program, "start", folder], f"{url}/v2/health/ready", wait=120)
        return process, url, started

    # Tracking

    SEARCHED = 10_000
    POINTS = 100_000

    def tracking(self):
        """The same calls to both, over the same number of runs; each call logs a point, or begins a run, of its own."""
        ours, theirs = port(), port()
        folder = self.work / "tracking"
        folder.mkdir()
        environment = os.environ | {"BALANCEOPS_LOG_LEVEL": "critical", "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true",
                                    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        said(self.bin / "balanceops", "bench", "seed", "--db", folder / "ours/balanceops.db", "--runs", self.SEARCHED, environment=environment)
        server, started = start([self.bin / "balanceops", "serve", "--data", folder / "ours", "--port", ours, "--grpc-port", "off"], f"http://127.0.0.1:{ours}/health", environment)
        mlflow, mlflow_started = start([self.home / "venv/bin/mlflow", "server", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination",
                                        folder / "art", "--port", theirs], f"http://127.0.0.1:{theirs}/health", environment, wait=120)
        sides = {"BalanceOps": ours, "mlflow server": theirs}
        # Ours has the experiment of the seed; theirs is filled behind the server's back, as its calls would take minutes.
        self.post(theirs, "experiments/create", {"name": "seeded"})
        runs = {name: self.create_run(number) for name, number in sides.items()}
        for number in sides.values():
            self.post(number, "experiments/create", {"name": "more"})
        fill_mlflow(folder / "mlflow.db", self.SEARCHED, runs["mlflow server"], self.POINTS)
        for first in range(0, self.POINTS, 1000):
            points = [{"key": "curve", "value": 1 / (step + 1), "timestamp": step, "step": step} for step in range(first, first + 1000)]
            self.post(ours, "runs/log-batch", {"run_id": runs["BalanceOps"], "metrics": points})
        table = [self.compare(name, *job, sides, runs) for name, job in self.jobs().items()] + [self.ask(name, *job, sides, runs) for name, job in self.asks().items()]
        table += [["start to the first answer, ms", f"{started:.0f}", f"{mlflow_started:.0f}", f"{mlflow_started / started:.0f}x"],
                  ["memory, MiB", f"{memory(server):.0f}", f"{memory(mlflow):.0f}", f"{memory(mlflow) / memory(server):.0f}x"]]
        self.table("Tracking: 8 connections, calls a second (searches and histories: one client, ms)",
                   ["call", "BalanceOps", "mlflow server 3.17.2 on SQLite, without its job runner", "ratio"], table)
        stop(server)
        stop(mlflow)

    @staticmethod
    def jobs():
        """Calls under load: a path, and a body in which each `@` becomes another number."""
        batch = ", ".join('{"key": "m%d", "value": %.3f, "timestamp": @, "step": @}' % (index % 10, index / 7) for index in range(1000))
        return {
            "log-metric": ("runs/log-metric", '{"run_id": "RUN", "key": "loss", "value": 0.5, "timestamp": @, "step": @}'),
            "log-batch of 1000": ("runs/log-batch", '{"run_id": "RUN", "metrics": [' + batch + "]}"),
            "create run": ("runs/create", '{"experiment_id": "2", "start_time": @}'),
            "get run": ("runs/get?run_id=RUN", None),
        }

    @staticmethod
    def asks():
        search = {"experiment_ids": ["1"], "filter": "metrics.metric_1 > 0.5", "order_by": ["metrics.metric_3 DESC"]}
        return {
            "search of 10 000 runs, filtered and ordered by metrics, the first 100, ms": ("POST", "runs/search", search | {"max_results": 100}),
            "the same, the first 1000, ms": ("POST", "runs/search", search | {"max_results": 1000}),
            "history of 100 000 points, ms": ("GET", "metrics/get-history?run_id=RUN&metric_key=curve", None),
        }

    def compare(self, name, path, body, sides, runs):
        rates = {side: [] for side in sides}
        for _ in range(2 if self.quick else 3):
            for side, number in sides.items():
                rates[side].append(self.load(number, path.replace("RUN", runs[side]), body and body.replace("RUN", runs[side])))
        mine, peer = (statistics.median(rates[side]) for side in sides)
        return [name, f"{mine:,.0f}", f"{peer:,.1f}", f"{mine / max(peer, 0.01):.0f}x"]

    def ask(self, name, method, path, body, sides, runs):
        times = {side: [] for side in sides}
        for _ in range(2 if self.quick else 3):
            for side, number in sides.items():
                connection = http.client.HTTPConnection("127.0.0.1", number, timeout=300)
                begin = time.perf_counter()
                connection.request(method, f"/api/2.0/mlflow/{path.replace('RUN', runs[side])}", body and json.dumps(body), {"Content-Type": "application/json"})
                answer = connection.getresponse()
                text = answer.read()
                times[side].append((time.perf_counter() - begin) * 1000)
                found = len(next(value for value in json.loads(text).values() if isinstance(value, list)))
                assert found in (100, 1000, self.POINTS), found
        mine, peer = (statistics.median(times[side]) for side in sides)
        return [name, f"{mine:,.0f}", f"{peer:,.0f}", f"{peer / mine:.0f}x"]

    @staticmethod
    def post(number, path, body):
        connection = http.client.HTTPConnection("127.0.0.1", number)
        connection.request("POST", f"/api/2.0/mlflow/{path}", json.dumps(body), {"Content-Type": "application/json"})
        return json.loads(connection.getresponse().read())

    def create_run(self, number):
        return self.post(number, "runs/create", {"experiment_id": "0", "start_time": 1})["run"]["info"]["run_id"]

    def load(self, number, path, body):
        """Calls a second over 8 connections."""
        script = self.work / "load.lua"
        # The numbers go on where the last load ended: no point is logged twice.
        self.counter = getattr(self, "counter", 0) + 10_000_000
        lines = [] if body is None else ["wrk.headers['Content-Type'] = 'application/json'", f"local n, body = {self.counter}, [[{body}]]",
                                         "request = function() n = n + 1; return wrk.format('POST', nil, nil, (body:gsub('@', tostring(n)))) end"]
        script.write_text("\n".join(lines))
        text = said("wrk", "-t1", "-c8", f"-d{2 if self.quick else 5}s", "--timeout", "60s", "-s", script,
                    f"http://127.0.0.1:{number}/api/2.0/mlflow/{path}")
        assert "Non-2xx" not in text, text
        return float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1))

    # Report

    def write(self):
        date = datetime.date.today().isoformat()
        folder = pathlib.Path("bench/results")
        folder.mkdir(exist_ok=True)
        for number, (title, bars) in enumerate(self.charts):
            (folder / f"{date}-{number}.svg").write_text(chart(title, bars))
        machine = re.search(r"model name\s+: (.*)", open("/proc/cpuinfo").read())
        head = [f"# Measured on {date}", "", f"{os.cpu_count()} cores of {machine.group(1) if machine else platform.machine()}, shared; Linux {platform.release()}. "
                f"Medians of {self.rounds} rounds, peers in turn{' (quick)' if self.quick else ''}. Absolute numbers are noise on a shared machine; ratios hold better."]
        head += [f"\n![{title}]({date}-{number}.svg)" for number, (title, _) in enumerate(self.charts)]
        (folder / f"{date}.md").write_text("\n".join(head + self.report) + "\n")
        print(f"[bench] bench/results/{date}.md")


def fill_mlflow(path, runs, long, points):
    """Puts runs with ten metrics and ten params, and a long history of one run, into MLflow's own database."""
    import random
    import sqlite3
    numbers = random.Random(1)
    ids = [f"{numbers.getrandbits(128):032x}" for _ in range(runs)]
    values = [("metric_%d" % key, numbers.random(), 1, 1, 0, run) for run in ids for key in range(10)]
    with sqlite3.connect(path, timeout=60) as database:
        database.executemany("INSERT INTO runs (run_uuid, name, user_id, status, start_time, end_time, lifecycle_stage, artifact_uri, experiment_id) "
                             "VALUES (?, 'r', 'bench', 'FINISHED', ?, ?, 'active', 'mlflow-artifacts:/1', 1)", [(run, at, at + 1) for at, run in enumerate(ids)])
        columns = "(key, value, timestamp, step, is_nan, run_uuid) VALUES (?, ?, ?, ?, ?, ?)"
        for table in ("metrics", "latest_metrics"):
            database.executemany(f"INSERT INTO {table} {columns}", values)
        database.executemany("INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)",
                             [("param_%d" % key, str(index * (key + 3) % 97), run) for index, run in enumerate(ids) for key in range(10)])
        database.executemany("INSERT INTO tags (key, value, run_uuid) VALUES ('mlflow.runName', 'r', ?)", [(run,) for run in ids])
        database.executemany(f"INSERT INTO metrics {columns}", [("curve", 1 / (step + 1), step, step, 0, long) for step in range(points)])
        database.execute("INSERT INTO latest_metrics " + columns, ("curve", 1 / points, points - 1, points - 1, 0, long))


def chart(title, bars):
    """Horizontal bars as SVG."""
    largest = max(value for _, value in bars) or 1
    height = 40 + 28 * len(bars)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {height}" font-family="sans-serif" font-size="13">',
             f'<rect width="760" height="{height}" fill="#fff"/><text x="12" y="22" font-weight="bold">{title}</text>']
    for index, (name, value) in enumerate(bars):
        y, width = 40 + 28 * index, 380 * value / largest
        colour = "#2563eb" if name.startswith("BalanceOps") else "#9ca3af"
        number = f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
        parts.append(f'<text x="270" y="{y + 14}" text-anchor="end">{name}</text><rect x="280" y="{y}" width="{width:.1f}" height="18" fill="{colour}"/>'
                     f'<text x="{286 + width:.1f}" y="{y + 14}">{number}</text>')
    return "".join(parts) + "</svg>\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", required=True)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--quick", action="store_true")
    bench = Bench(parser.parse_args())
    try:
        bench.train()
        bench.evaluators()
        bench.kernels()
        bench.serving()
        bench.tracking()
        bench.write()
    finally:
        for process in PROCESSES:
            if process.poll() is None:
                stop(process)


if __name__ == "__main__":
    sys.exit(main())
