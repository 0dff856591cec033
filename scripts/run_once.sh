#!/usr/bin/env bash
# Creates the database and records a demo run.
. "$(dirname "$0")/lib.sh"
balanceops init-db
balanceops demo-run "$@"
