"""Draws a flame graph of one path under load: python3 bench/flame.py BIN PATH OUT.svg (needs perf, wrk, and a binary with symbols).

    swift build -c release --static-swift-stdlib --product balanceops
    python3 bench/flame.py .build/release/balanceops predict bench/results/flame-predict.svg

PATH is `predict` or `log-metric`. Time is on the breadth, callers are below what they call.
"""

import http.client
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

PORT = 8177


def call(method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=5)
    connection.request(method, path, body and json.dumps(body), {"Content-Type": "application/json"})
    return json.loads(connection.getresponse().read())


def samples(program, path, folder):
    """The stacks of five seconds of load, the outermost function first, with how often each was seen."""
    environment = os.environ | {"BALANCEOPS_DB": f"{folder}/b.db", "BALANCEOPS_ARTIFACTS": f"{folder}/a", "BALANCEOPS_LOG_LEVEL": "critical",
                                "BALANCEOPS_CURRENT_MODEL": f"{folder}/a/models/current.model"}
    subprocess.run([program, "train-dummy"], check=True, env=environment, capture_output=True)
    server = subprocess.Popen([program, "serve", "--port", str(PORT), "--grpc-port", "off"], env=environment, stdout=subprocess.DEVNULL)
    try:
        for _ in range(500):
            try:
                call("GET", "/health")
                break
            except OSError:
                time.sleep(0.01)
        url, body = f"http://127.0.0.1:{PORT}/predict", json.dumps({"features": [0.5] * 8})
        if path == "log-metric":
            run = call("POST", "/api/2.0/mlflow/runs/create", {"experiment_id": "0"})["run"]["info"]["run_id"]
            url = f"http://127.0.0.1:{PORT}/api/2.0/mlflow/runs/log-metric"
            body = '{"run_id": "%s", "key": "loss", "value": 0.5, "timestamp": @, "step": @}' % run
        script = folder / "load.lua"
        script.write_text(f"local n, body = 0, [[{body}]]\nrequest = function() n = n + 1; "
                          "return wrk.format('POST', nil, {['Content-Type'] = 'application/json'}, (body:gsub('@', n))) end")
        load = subprocess.Popen(["wrk", "-t1", "-c16", "-d7s", "-s", script, url], stdout=subprocess.DEVNULL)
        time.sleep(1)
        subprocess.run(["perf", "record", "-F", "999", "-g", "-o", folder / "perf", "-p", str(server.pid), "--", "sleep", "5"], check=True, capture_output=True)
        load.wait()
    finally:
        server.terminate()
        server.wait()
    text = subprocess.run(["perf", "script", "-i", folder / "perf", "-F", "comm,ip,sym"], check=True, capture_output=True, text=True).stdout
    if shutil.which("swift"):
        text = subprocess.run(["swift", "demangle", "--simplified"], input=text, capture_output=True, text=True).stdout
    for block in text.split("\n\n"):
        lines = block.strip().splitlines()
        if len(lines) > 1:
            yield [lines[0].strip()] + [re.sub(r"^\s*[0-9a-f]+\s", "", line).strip() for line in reversed(lines[1:])]


def tree(stacks):
    root = {"count": 0, "below": {}}
    for stack in stacks:
        node = root
        node["count"] += 1
        for name in stack:
            node = node["below"].setdefault(name, {"count": 0, "below": {}})
            node["count"] += 1
    return root


def boxes(node, left, depth, share, found):
    """Each function as a box: what stands below a two-hundredth of all is left out."""
    for name, child in sorted(node["below"].items()):
        breadth = child["count"] * share
        if breadth >= 6:
            found.append((left, depth, breadth, name, child["count"]))
            boxes(child, left, depth + 1, share, found)
        left += breadth
    return found


def draw(root, title):
    found = boxes(root, 0, 0, 1200 / max(root["count"], 1), [])
    top = max((depth for _, depth, *_ in found), default=0)
    height = 16 * (top + 1) + 40
    escape = lambda text: text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1200 {height}" font-family="monospace" font-size="10">',
             f'<rect width="1200" height="{height}" fill="#fff"/><text x="6" y="18" font-size="13">{escape(title)}</text>']
    for left, depth, breadth, name, count in found:
        y = height - 16 * (depth + 1)
        # The kernel's functions have no module, spaces or signs in their names.
        colour = "#fcd34d" if re.fullmatch(r"[a-z0-9_.]+", name) else "#fb923c"
        label = escape(name[:int(breadth / 6.2)]) if breadth > 20 else ""
        parts.append(f'<g><title>{escape(name)}: {count / root["count"]:.1%}</title><rect x="{left:.1f}" y="{y}" width="{max(breadth - 0.5, 0.5):.1f}" height="15" '
                     f'fill="{colour}"/><text x="{left + 2:.1f}" y="{y + 11}">{label}</text></g>')
    return "\n".join(parts) + "</svg>\n"


def main():
    program, path, out = os.path.abspath(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])
    with tempfile.TemporaryDirectory() as folder:
        root = tree(samples(program, path, pathlib.Path(folder)))
    out.write_text(draw(root, f"{path}: {root['count']} samples of the server under load; yellow: kernel and C library, orange: the rest"))
    print(f"[bench] {out}")


if __name__ == "__main__":
    main()
