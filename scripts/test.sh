#!/usr/bin/env bash
# Runs all tests: ours in Swift, then those with real clients, which need Python (scripts/bootstrap.sh --tests). With --matrix
# the models of all library versions are tested, otherwise those of the newest and three others.
. "$(dirname "$0")/lib.sh"

for argument in "$@"; do
    case "$argument" in
    --matrix) ./scripts/bootstrap.sh --tests --matrix ;;
    *) fail "unknown argument '$argument'; usage: scripts/test.sh [--matrix]" ;;
    esac
done

# A server and its client seldom need two cores at once.
clients() { "$1/bin/python" -m pytest -q -p no:cacheprovider -p no:warnings -n "${BALANCEOPS_TEST_WORKERS:-2}" --dist loadfile "${@:2}"; }

# `swift test` would build a part again, with flags of its own.
swift build --build-tests
swift test --disable-xctest --skip-build
# It takes what the clients, which wait for servers and clocks, leave of the processor.
optimised=""
if [ -n "${BENCH_SCRATCH:-}" ]; then
    nice -n 19 ./bench/check.sh --build &
    optimised=$!
fi
if [ -x .build/venv/bin/python ]; then
    clients .build/venv Tests/clients
    say "running the MLflow tests again with the client of a year ago"
    clients .build/venv-before Tests/clients/test_mlflow.py Tests/clients/test_mlflow_models.py Tests/clients/test_mlflow_details.py \
        Tests/clients/test_lifecycle.py Tests/clients/test_transfer.py
    say "running the model file tests again with scikit-learn 1.3 and the previous major versions of the boosting libraries"
    clients .build/venv-formats-before Tests/clients/test_model_formats.py
else
    say "SKIPPED: tests with real clients; .build/venv is missing (create it with scripts/bootstrap.sh --tests)"
fi
if [ -n "$optimised" ]; then wait "$optimised"; fi
