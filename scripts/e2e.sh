#!/usr/bin/env bash
# Installs missing dependencies, builds, and runs the complete loop once on the German credit data.
. "$(dirname "$0")/lib.sh"

case "$*" in
*--dataset-spec* | *--skip-train*) balanceops e2e "$@" ;;
*) balanceops e2e --dataset-spec examples/dataset_specs/german_credit.json "$@" ;;
esac
say "the binary is $PWD/$binary; add it to your PATH to run it as balanceops"
