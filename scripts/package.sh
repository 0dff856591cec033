#!/usr/bin/env bash
# Makes the packages from one build: a tar.gz, a wheel, a .deb, their check sums and an SPDX list, in dist/.
#
# scripts/package.sh [--binary FILE] [--ask FILE] [--output FOLDER] [--version NUMBER] [--fast]
#   --binary   packs this binary instead of building one
#   --ask      makes manual pages and completions from this binary, if the packed one does not run here
#   --version  names the packages so, instead of by the version in the source
#   --fast     packs quickly and not small, for tests
. "$(dirname "$0")/lib.sh"

given="" output=dist options=()
while [ $# -gt 0 ]; do
    case "$1" in
        --binary) given="$2"; shift 2 ;;
        --output) output="$2"; shift 2 ;;
        --ask | --version) options+=("$1" "$2"); shift 2 ;;
        --fast) options+=(--fast); shift ;;
        *) fail "unknown option $1" ;;
    esac
done

# Everything but the C library is linked in: the system's static archives stand in a folder that is searched first.
link_static() {
    folder="$PWD/.build/static"
    mkdir -p "$folder"
    for name in libsqlite3 libz libstdc++; do
        archive="$(gcc -print-file-name="$name.a")"
        [ -f "$archive" ] || fail "$name.a is missing: apt-get install libsqlite3-dev zlib1g-dev libstdc++-12-dev"
        ln -sf "$archive" "$folder/$name.a"
    done
    ln -sf "$(gcc -print-file-name=libgcc_eh.a)" "$folder/libgcc_s.a"
}

if [ -n "$given" ]; then
    binary="$given"
else
    link_static
    say "building a release binary"
    swift build -c release --static-swift-stdlib -Xlinker -s -Xlinker "-L$PWD/.build/static" --product balanceops >/dev/null
    binary=.build/release/balanceops
    needed="$(readelf -d "$binary" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -vE '^(libc|libm|ld-linux.*)\.so' || true)"
    [ -z "$needed" ] || fail "the binary needs more than the C library: $needed"
fi

# The same commit gives the same bytes.
SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}"
export SOURCE_DATE_EPOCH
umask 022
mkdir -p "$output"
python3 packaging/package.py --binary "$binary" --output "$output" "${options[@]}"
say "in $output:"
(cd "$output" && cat SHA256SUMS)
