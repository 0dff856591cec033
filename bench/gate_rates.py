"""How often policies err, asked of the program itself: draws rows of two models, logs them, and reads the decisions.

    python bench/gate_rates.py --binary .build/release/balanceops --draws 1000

Each scenario says how often rows of a class are right under both models. A gain is false where the true one is 0; a guard errs where the true
loss is what it allows; a miss is a real gain that does not pass.
"""

import argparse
import os
import pathlib
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Tests" / "clients"))


def rule(metric, **more):
    fields = ", ".join(f"{key}: {value}" for key, value in more.items())
    return f"apiVersion: balanceops/v1\nname: rates\nrules:\n  - {{id: r, test: paired_bootstrap, metric: {metric}, {fields}}}\n"


# Name, policy, rows of class 0 and 1, and for each class the shares of rows that only the candidate, only the current model has right.
SCENARIOS = [
    ("false gain, acc, 200 rows", rule("acc", alpha=0.05), (100, 100), ((0.05, 0.05), (0.05, 0.05))),
    ("false gain, acc, 40 rows", rule("acc", alpha=0.05), (20, 20), ((0.15, 0.15), (0.15, 0.15))),
    ("false gain, bal_acc, 20 of 400 rows positive", rule("bal_acc", alpha=0.05), (380, 20), ((0.05, 0.05), (0.15, 0.15))),
    ("false gain, bal_acc, what one class loses the other wins", rule("bal_acc", alpha=0.05), (200, 200), ((0.10, 0.05), (0.05, 0.10))),
    ("false gain, recall_1, 50 positive", rule("recall_1", alpha=0.05), (150, 50), ((0.05, 0.05), (0.10, 0.10))),
    ("guard 0.03, loss 0.03, 100 positive", rule("recall_1", max_regression=0.03, alpha=0.05), (100, 100), ((0, 0), (0.02, 0.05))),
    ("guard 0.03, loss 0.03, 500 positive", rule("recall_1", max_regression=0.03, alpha=0.05), (100, 500), ((0, 0), (0.02, 0.05))),
    ("guard 0.05, loss 0.05, 50 positive", rule("recall_1", max_regression=0.05, alpha=0.05), (100, 50), ((0, 0), (0, 0.05))),
    ("miss, recall_1 +0.10, 50 positive, no loss", rule("recall_1", alpha=0.05), (150, 50), ((0, 0), (0.10, 0))),
    ("miss, bal_acc +0.05, 200 and 800 rows", rule("bal_acc", alpha=0.05), (800, 200), ((0.09, 0.04), (0.09, 0.04))),
    ("miss, acc +0.05, 500 rows", rule("acc", alpha=0.05), (250, 250), ((0.08, 0.03), (0.08, 0.03))),
    ("miss, equal models, guard 0.03, 500 positive", rule("recall_1", max_regression=0.03, alpha=0.05), (100, 500), ((0, 0), (0.025, 0.025))),
]


def rows(chance, counts, shares):
    """Two tables of predictions of the same rows, the candidate's first."""
    tables = (["row,label,prediction"], ["row,label,prediction"])
    for label, (count, (won, lost)) in enumerate(zip(counts, shares)):
        for _ in range(count):
            draw = chance.random()
            right = (True, False) if draw < won else (False, True) if draw < won + lost else (chance.random() < 0.8,) * 2
            for table, is_right in zip(tables, right):
                table.append(f"{len(table)},{label},{label if is_right else 1 - label}")
    return ["\n".join(table) + "\n" for table in tables]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", default=".build/release/balanceops")
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    os.environ["BALANCEOPS_BINARY"] = str(pathlib.Path(options.binary).resolve())
    from conftest import Server, Workspace

    with tempfile.TemporaryDirectory() as folder:
        server = Server(Workspace(folder))
        ask = server.client

        def post(path, **body):
            answer = ask.post(path, json=body)
            assert answer.status_code == 200, answer.text
            return answer.json()

        post("/api/2.0/mlflow/registered-models/create", name="m")
        chance = random.Random(options.seed)
        print(f"{options.draws} draws, seed {options.seed}, {subprocess.run([options.binary, '--version'], capture_output=True, text=True).stdout.strip()}")
        runs = [post("/api/2.0/mlflow/runs/create", experiment_id="0")["run"]["info"]["run_id"] for _ in range(2)]
        for name, policy, counts, shares in SCENARIOS:
            passed = 0
            for _ in range(options.draws):
                for run, table in zip(runs, rows(chance, counts, shares)):
                    put = ask.put(f"/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/predictions.csv", content=table)
                    assert put.status_code == 200, put.text
                decision = post("/models/m/decisions", run_id=runs[0], against=runs[1], policy=policy)
                found = decision["rules"][0]
                assert found["result"] in ("pass", "fail", "inconclusive"), found
                passed += found["result"] == "pass"
            print(f"{name:60} {100 * passed / options.draws:5.1f} % pass", flush=True)
        server.stop()


if __name__ == "__main__":
    main()
