#!/usr/bin/env bash
# Lets git begin commit messages with .gitmessage.
. "$(dirname "$0")/lib.sh"
git config commit.template .gitmessage
say "git uses .gitmessage as commit template"
