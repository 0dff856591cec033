#!/usr/bin/env bash
# Serves the API, and the dashboard below /ui.
. "$(dirname "$0")/lib.sh"
balanceops serve "$@"
