#!/usr/bin/env bash
# Creates the database, or brings an older one to the newest schema.
. "$(dirname "$0")/lib.sh"
balanceops init-db "$@"
