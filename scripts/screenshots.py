"""Makes the pictures of the documentation: a server with data of its own, and the main pages in headless Chromium.

.build/venv/bin/python scripts/screenshots.py [BINARY]
"""

import json
import math
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs/images"
PORT = 8791
URL = f"http://127.0.0.1:{PORT}"
SPEC = ROOT / "examples/dataset_specs/german_credit.json"
NAMES = ["calm-owl", "brave-fox", "tidy-crab", "odd-lynx", "keen-bee", "shy-elk", "bold-hare", "wise-newt"]


def post(path, **body):
    request = urllib.request.Request(f"{URL}/api/2.0/mlflow/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
    return json.load(urllib.request.urlopen(request))


def fill():
    """Runs of one experiment, as a training of a network logs them."""
    dice = random.Random(7)
    experiment = post("experiments/create", name="vision/cifar")["experiment_id"]
    now = int(time.time() * 1000)
    ids = []
    for number in range(24):
        start = now - (24 - number) * 3_600_000
        rate, arch = [0.1, 0.03, 0.01][number % 3], ["cnn", "resnet", "mlp"][number // 3 % 3]
        run = post("runs/create", experiment_id=experiment, run_name=f"{NAMES[number % 8]}-{number + 1}", user_id=["jin", "min", "soyeon"][number % 3],
                   start_time=start, tags=[{"key": "team", "value": "vision"}])["run"]["info"]["run_id"]
        ids.append(run)
        params = {"lr": rate, "arch": arch, "batch_size": [64, 128][number % 2], "dropout": [0.1, 0.3, 0.5][number % 3], "seed": number}
        post("runs/log-batch", run_id=run, params=[{"key": key, "value": str(value)} for key, value in params.items()])
        pace = 120 * (1 + 3 * rate) * {"cnn": 1, "resnet": 0.8, "mlp": 1.4}[arch]
        points = []
        for step in range(900):
            noise = dice.random() * 0.06
            points.append({"key": "train/loss", "value": 0.15 + math.exp(-step / pace) + noise, "timestamp": start + step * 1500, "step": step})
            if step % 15 == 0:
                points.append({"key": "val/loss", "value": 0.22 + math.exp(-step / pace) + noise * 2, "timestamp": start + step * 1500, "step": step})
                points.append({"key": "val/acc", "value": 0.93 - 0.6 * math.exp(-step / pace) - noise, "timestamp": start + step * 1500, "step": step})
        for place in range(0, len(points), 1000):
            post("runs/log-batch", run_id=run, metrics=points[place:place + 1000])
        if number < 23:
            post("runs/update", run_id=run, status="FAILED" if number == 5 else "FINISHED", end_time=start + 900 * 1500)
    return experiment, ids


def shot(browser, page, name, height):
    subprocess.run([browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size=1440,{height}",
                    "--virtual-time-budget=1400", f"--screenshot={IMAGES / name}", URL + page], check=True, capture_output=True, timeout=60)


def main():
    binary = sys.argv[1] if len(sys.argv) > 1 else ROOT / ".build/debug/balanceops"
    browser = next(path for name in ("chromium-headless-shell", "chromium", "google-chrome") if (path := shutil.which(name)))
    with tempfile.TemporaryDirectory() as data:
        for seed in (42, 7):
            subprocess.run([binary, "train-tabular-baseline", "--dataset-spec", SPEC, "--seed", str(seed), "--data", data], check=True, cwd=ROOT, capture_output=True)
        server = subprocess.Popen([binary, "serve", "--data", data, "--port", str(PORT), "--grpc-port", "off", "--log-level", "critical"],
                                  stdout=subprocess.DEVNULL)
        try:
            for _ in range(100):
                try:
                    urllib.request.urlopen(f"{URL}/health")
                    break
                except urllib.error.URLError:
                    time.sleep(0.05)
            experiment, ids = fill()
            shot(browser, "/ui", "dashboard.png", 1100)
            shot(browser, f"/ui/runs?experiment={experiment}&sort=-m%3Aval%2Facc", "runs.png", 900)
            shot(browser, f"/ui/runs/{ids[20]}", "run.png", 1300)
            shot(browser, "/ui/models/balance_model", "model.png", 1000)
        finally:
            server.terminate()
            server.wait()


main()
