#!/usr/bin/env bash
# Runs all tests: ours in Swift, then those with real clients, which need Python (scripts/bootstrap.sh --tests).
. "$(dirname "$0")/lib.sh"

swift test --disable-xctest
if [ -x .build/venv/bin/python ]; then
    .build/venv/bin/python -m pytest -q -p no:cacheprovider -p no:warnings Tests/clients
    say "the tests of MLflow once more, with the client of a year before"
    .build/venv-before/bin/python -m pytest -q -p no:cacheprovider -p no:warnings Tests/clients/test_mlflow*.py Tests/clients/test_lifecycle.py \
        Tests/clients/test_transfer.py
    say "the tests of model files once more, with scikit-learn 1.3 and the boosting libraries of a major version before"
    .build/venv-formats-before/bin/python -m pytest -q -p no:cacheprovider -p no:warnings Tests/clients/test_model_formats.py
else
    say "SKIPPED: the tests with real clients, as there is no .build/venv (scripts/bootstrap.sh --tests makes it)"
fi
