#!/usr/bin/env bash
# Runs all tests: ours in Swift, then those with real clients, which need Python (scripts/bootstrap.sh --tests). With --matrix
# models of every version of their libraries are read, else those of the newest and three others.
. "$(dirname "$0")/lib.sh"

for argument in "$@"; do
    case "$argument" in
    --matrix) ./scripts/bootstrap.sh --tests --matrix ;;
    *) fail "unknown argument '$argument'; usage: scripts/test.sh [--matrix]" ;;
    esac
done

# A server and its client seldom need two cores at once.
clients() { "$1/bin/python" -m pytest -q -p no:cacheprovider -p no:warnings -n "${BALANCEOPS_TEST_WORKERS:-2}" --dist loadfile "${@:2}"; }

swift test --disable-xctest
if [ -x .build/venv/bin/python ]; then
    clients .build/venv Tests/clients
    say "the tests of MLflow once more, with the client of a year before"
    clients .build/venv-before Tests/clients/test_mlflow.py Tests/clients/test_mlflow_models.py Tests/clients/test_mlflow_details.py \
        Tests/clients/test_lifecycle.py Tests/clients/test_transfer.py
    say "the tests of model files once more, with scikit-learn 1.3 and the boosting libraries of a major version before"
    clients .build/venv-formats-before Tests/clients/test_model_formats.py
else
    say "SKIPPED: the tests with real clients, as there is no .build/venv (scripts/bootstrap.sh --tests makes it)"
fi
