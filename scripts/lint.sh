#!/usr/bin/env bash
# Checks what no formatter sees: the syntax of scripts and data files, and words that the house does not use.
. "$(dirname "$0")/lib.sh"

status=0
report() { printf '%s\n' "$*" >&2; status=1; }

for script in scripts/*.sh .githooks/* .ci/run; do
    bash -n "$script" || report "$script: not a valid shell script"
    [ -x "$script" ] || [ "$script" = scripts/lib.sh ] || report "$script: not executable"
done
for name in scripts/*.sh; do
    case "$name" in scripts/lib.sh | scripts/lint.sh | scripts/test.sh | scripts/generate_grpc.sh | scripts/package.sh | scripts/image.sh) continue ;; esac
    [ -f "${name%.sh}.ps1" ] || report "$name: missing .ps1 counterpart"
done
if command -v python3 >/dev/null 2>&1; then
    for file in examples/dataset_specs/*.json .swift-format; do
        python3 -m json.tool "$file" >/dev/null || report "$file: not valid JSON"
    done
    python3 -m compileall -q Tests/clients >/dev/null || report "Tests/clients: not valid Python"
fi
found="$(grep -rnE '\btry!|\bfatalError\(|\bTODO\b|\bFIXME\b|[^?!]as! ' Sources --include='*.swift' || true)"
[ -z "$found" ] || report "$found"
# Each needs a comment above it, which may stand above the documentation, that says why it is safe to share.
while IFS=: read -r file line _; do
    head -n "$line" "$file" | tail -n 9 | grep -q '// Safe to share' || report "$file:$line: missing comment '// Safe to share'"
done < <(grep -rn '@unchecked Sendable' Sources --include='*.swift' --exclude-dir=Generated)
[ "$status" -eq 0 ] && say "OK"
exit "$status"
