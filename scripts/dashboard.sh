#!/usr/bin/env bash
# Serves the dashboard on a separate port.
. "$(dirname "$0")/lib.sh"
balanceops dashboard "$@"
