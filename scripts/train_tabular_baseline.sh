#!/usr/bin/env bash
# Trains the tabular baseline; without arguments on a toy table of six rows, without promotion.
. "$(dirname "$0")/lib.sh"

if [ "$#" -eq 0 ]; then
    toy="$(mktemp -d)/toy.csv"
    printf "f1,f2,y\n0.1,1.2,0\n0.4,0.9,0\n0.3,1.1,0\n1.2,0.2,1\n1.0,0.1,1\n1.4,0.3,1\n" >"$toy"
    set -- --csv-path "$toy" --target-col y --dataset-name toy --no-auto-promote
fi
balanceops train-tabular-baseline "$@"
