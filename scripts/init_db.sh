#!/usr/bin/env bash
# Creates the database, or migrates an older one to the current schema.
. "$(dirname "$0")/lib.sh"
balanceops init-db "$@"
