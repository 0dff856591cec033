"""Reading at scale: the p50 and p99 of what pages and clients ask for, over a database that `balanceops bench seed` filled.

    balanceops bench seed --db /tmp/scale/b.db --runs 100000 --points 10000000 --json
    balanceops serve --db /tmp/scale/b.db --artifacts /tmp/scale/a --port 8155
    python3 bench/scale.py 8155 EXPERIMENT LONG_RUN
"""

import http.client
import json
import sys
import time


def main():
    port, experiment, long = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    search = lambda **body: ("POST", "/api/2.0/mlflow/runs/search", json.dumps({"experiment_ids": [experiment], "max_results": 100} | body))
    api = "/api/2.0/mlflow"
    asks = {
        "GET /runs, first page": ("GET", "/runs?limit=20", None),
        "GET /runs, the thousandth page": ("GET", "/runs?limit=20&offset=20000", None),
        "search, newest first": search(),
        "search, by a metric": search(order_by=["metrics.metric_3 DESC"]),
        "search, filtered by a metric, by another": search(filter="metrics.metric_1 > 0.9", order_by=["metrics.metric_3 ASC"]),
        "search, metric and param": search(filter="metrics.metric_1 > 0.5 AND params.param_2 = '5'"),
        "history of ten million points, thinned to 1000": ("GET", f"{api}/metrics/get-history-bulk-interval?run_ids={long}&metric_key=curve&max_results=1000", None),
        "history, first page of 25 000": ("GET", f"{api}/metrics/get-history?run_id={long}&metric_key=curve&max_results=25000", None),
        "dashboard, runs": ("GET", "/ui", None),
        "dashboard, runs by a filter": ("GET", "/ui?where=metrics.metric_1%20%3E%200.99", None),
        "dashboard, experiments": ("GET", "/ui/experiments", None),
        "dashboard, the long run": ("GET", f"/ui/runs/{long}", None),
    }
    for name, (method, path, body) in asks.items():
        times = []
        for _ in range(30):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
            begin = time.perf_counter()
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            answer = connection.getresponse()
            size = len(answer.read())
            times.append((time.perf_counter() - begin) * 1000)
            if sum(times) > 20_000:
                break
        times.sort()
        print(f"{name:50} {answer.status} {times[len(times) // 2]:9.1f} ms p50 {times[-1]:9.1f} ms max {size:9} bytes")


if __name__ == "__main__":
    main()
