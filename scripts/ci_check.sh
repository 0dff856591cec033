#!/usr/bin/env bash
# Runs what CI runs.
. "$(dirname "$0")/lib.sh"
export BALANCEOPS_CONFIGURATION="${BALANCEOPS_CONFIGURATION:-debug}"
configuration="$BALANCEOPS_CONFIGURATION"
binary=".build/$configuration/balanceops"
balanceops ci-check "$@"
