"""A thousand changes of the current model under full load: python bench/swaps.py BIN [COUNT] (needs wrk and scikit-learn).

wrk asks `/predict` without a pause, two clients compare every answer with what its version says of the row, and after each change
the next answer must be the new version's.
"""

import http.client
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import joblib
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression

NAME, PORT = "balance_model", 8178
ROWS, LABELS = load_breast_cancer(return_X_y=True)
ROW = ROWS[0, :8].tolist()


def call(connection, path, body):
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    assert answer.status == 200, text
    return json.loads(text)


def resident(process):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{process.pid}/status").read_text()).group(1)) / 1024


def run(program, count, folder):
    environment = os.environ | {"BALANCEOPS_DB": f"{folder}/b.db", "BALANCEOPS_ARTIFACTS": f"{folder}/a", "BALANCEOPS_LOG_LEVEL": "critical",
                                "BALANCEOPS_CURRENT_MODEL": f"{folder}/a/models/current.model"}
    for number in range(3):
        joblib.dump(LogisticRegression(max_iter=20 + 30 * number).fit(ROWS[:, :8] * (number + 1), LABELS), folder / "m.joblib")
        subprocess.run([program, "models", "import", folder / "m.joblib", "--name", NAME, "--current"], check=True, capture_output=True, env=environment)
    server = subprocess.Popen([program, "serve", "--port", str(PORT), "--grpc-port", "off"], env=environment, stdout=subprocess.DEVNULL)
    time.sleep(1)
    connection = http.client.HTTPConnection("127.0.0.1", PORT)
    golden = {v: call(connection, f"/models/{NAME}/versions/{v}/predict", {"features": ROW})["prediction"]["p_win"] for v in (1, 2, 3)}
    assert len(set(golden.values())) == 3
    wrong, done, answers = [], threading.Event(), [0, 0]

    def compare(place):
        own = http.client.HTTPConnection("127.0.0.1", PORT)
        while not done.is_set():
            answer = call(own, f"/models/{NAME}/predict", {"features": ROW})
            answers[place] += 1
            if answer["prediction"]["p_win"] != golden[answer["version"]] or call(own, "/predict", {"features": ROW})["p_win"] not in golden.values():
                wrong.append(answer)

    script = folder / "load.lua"
    script.write_text(f"wrk.method = 'POST'\nwrk.body = '{json.dumps({'features': ROW})}'\nwrk.headers['Content-Type'] = 'application/json'\n")
    load = subprocess.Popen(["wrk", "-t1", "-c16", "-d600s", "-s", script, f"http://127.0.0.1:{PORT}/predict"], stdout=subprocess.PIPE, text=True)
    threads = [threading.Thread(target=compare, args=(place,)) for place in (0, 1)]
    for thread in threads:
        thread.start()
    time.sleep(2)
    late, times, before = 0, [], resident(server)
    for index in range(count):
        version = index % 3 + 1
        begin = time.perf_counter()
        call(connection, "/api/2.0/mlflow/registered-models/alias", {"name": NAME, "alias": "current", "version": str(version)})
        times.append((time.perf_counter() - begin) * 1000)
        late += call(connection, "/predict", {"features": ROW})["p_win"] != golden[version]
        if index == 99:
            early = resident(server)
    after = resident(server)
    done.set()
    for thread in threads:
        thread.join()
    load.send_signal(2)
    text = load.communicate()[0]
    server.terminate()
    server.wait()
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    print(f"{count} changes, median {statistics.median(times):.1f} ms; {sum(answers)} answers compared, {len(wrong)} wrong; next answers not of the new version: {late}")
    print(f"wrk: {re.search(r'([0-9]+) requests in', text).group(1)} requests, {bad.group(1) if bad else 0} not 2xx")
    print(f"memory: {before:.0f} MiB before, {early:.0f} after 100 changes, {after:.0f} after all")
    return wrong or late or bad


def main():
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(1 if run(os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1000, pathlib.Path(folder)) else 0)


if __name__ == "__main__":
    main()
