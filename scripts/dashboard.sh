#!/usr/bin/env bash
# Serves the dashboard on a port of its own.
. "$(dirname "$0")/lib.sh"
balanceops dashboard "$@"
