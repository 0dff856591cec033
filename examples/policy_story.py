"""Two models that are equally good, judged by the original rule and by a policy that asks whether it was luck.

Trains pairs of random forests on the German credit data that differ in nothing but their seed, logs them with MLflow's
client, and asks `balanceops gate` about each pair. Run it beside a server:

    balanceops serve &
    python examples/policy_story.py --server http://127.0.0.1:8000 --pairs 60
"""

import argparse
import os
import pathlib
import subprocess
import tempfile

import mlflow
import numpy
import pandas
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import balanced_accuracy_score, recall_score
from sklearn.model_selection import train_test_split

HERE = pathlib.Path(__file__).resolve().parent


def data():
    table = pandas.read_csv(HERE / "datasets" / "german_credit.csv")
    target = (table.pop(table.columns[-1]) == "bad").astype(int).to_numpy()
    return pandas.get_dummies(table).astype(float).to_numpy(), target


def log(client, experiment, features, target, split, seed):
    """Trains one model, and logs what it says of every row that it had not seen."""
    train, test = train_test_split(numpy.arange(len(target)), test_size=0.5, stratify=target, random_state=split)
    model = RandomForestClassifier(150, class_weight="balanced_subsample", min_samples_leaf=3, random_state=seed)
    said = model.fit(features[train], target[train]).predict(features[test])
    run = client.create_run(experiment, tags={"mlflow.runName": f"forest-{split}-{seed}"}).info.run_id
    client.log_metric(run, "bal_acc", balanced_accuracy_score(target[test], said))
    client.log_metric(run, "recall_1", recall_score(target[test], said))
    rows = pandas.DataFrame({"row": test, "label": target[test], "prediction": said})
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "predictions.csv"
        rows.to_csv(path, index=False)
        client.log_artifact(run, str(path))
    client.set_terminated(run)
    return run


def gate(binary, run, current, policy):
    done = subprocess.run([binary, "gate", "--run", run, "--current", current, "--policy", policy],
                          capture_output=True, text=True)
    assert done.returncode in (0, 3, 4), done.stdout + done.stderr
    return done.returncode == 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", default="http://127.0.0.1:8000")
    parser.add_argument("--binary", default=os.environ.get("BALANCEOPS_BINARY", "balanceops"))
    parser.add_argument("--pairs", type=int, default=60)
    options = parser.parse_args()
    client = mlflow.MlflowClient(options.server)
    experiment = client.create_experiment(f"policy story {os.getpid()}")
    features, target = data()
    with tempfile.TemporaryDirectory() as folder:
        shown = subprocess.run([options.binary, "policy", "show", "legacy-original"], capture_output=True, text=True, check=True)
        original = pathlib.Path(folder) / "original.json"
        original.write_text(shown.stdout)
        counts = {"original": 0, "significant": 0}
        for pair in range(options.pairs):
            current = log(client, experiment, features, target, pair, 2 * pair)
            candidate = log(client, experiment, features, target, pair, 2 * pair + 1)
            counts["original"] += gate(options.binary, candidate, current, original)
            counts["significant"] += gate(options.binary, candidate, current, HERE / "policies" / "significant_gain.yaml")
    for name, count in counts.items():
        print(f"{name}: {count} of {options.pairs} equal candidates promoted ({100 * count / options.pairs:.0f} %)")


if __name__ == "__main__":
    main()
