#!/usr/bin/env bash
# Makes what the Dockerfile's last stage makes, without a container engine, and runs the loop in it: as user 1000, without a network,
# with a read-only root. Needs root, debootstrap and a tar.gz of scripts/package.sh; mounts and processes end with the script.
#
# scripts/image.sh [--dist FOLDER] [--root FOLDER]
#   --dist  the folder with the tar.gz
#   --root  keeps the root in this folder, or uses the one that is there
. "$(dirname "$0")/lib.sh"

dist=dist root=""
while [ $# -gt 0 ]; do
    case "$1" in
        --dist) dist="$2"; shift 2 ;;
        --root) root="$2"; shift 2 ;;
        *) fail "unknown option $1" ;;
    esac
done

# In namespaces of its own: nothing but the root is left of it.
if [ -z "${IMAGE_INSIDE:-}" ]; then
    [ "$(id -u)" = 0 ] || fail "it needs root"
    if [ -z "$root" ]; then
        root="$(mktemp -d)"
        chmod 755 "$root"
        trap 'rm -rf --one-file-system "$root"' EXIT
    fi
    if [ ! -e "$root/etc/debian_version" ]; then
        say "making a bare Debian"
        debootstrap --variant=minbase --include=ca-certificates bookworm "$root" >"$root.log" || fail "see $root.log"
        rm "$root.log"
    fi
    IMAGE_INSIDE=1 unshare --mount --pid --net --fork --mount-proc "$0" --dist "$dist" --root "$root"
    exit
fi

# As in the Dockerfile.
mkdir -p "$root/opt/balanceops" "$root/app/data" "$root/app/artifacts"
tar -xzf "$dist"/balanceops-*-linux-*.tar.gz -C "$root/opt/balanceops" --strip-components=1 --no-same-owner
ln -sfn /opt/balanceops/balanceops "$root/usr/local/bin/balanceops"
chroot "$root" sh -c 'id balanceops >/dev/null 2>&1 || useradd --uid 1000 --home-dir /app balanceops; chown balanceops /app/data /app/artifacts'
cp -R examples "$root/app/"
say "the image has $(du -sm --apparent-size "$root" | cut -f1) MB, $(du -sm --apparent-size "$root/opt/balanceops" | cut -f1) of them BalanceOps"

# As with docker-compose.yml: a root that nobody writes, /tmp in memory, two folders.
ip link set lo up
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
volumes="$root/mnt"
mount -t tmpfs tmpfs "$volumes"
mkdir "$volumes/data" "$volumes/artifacts"
chown 1000 "$volumes"/*
for folder in data artifacts; do mount --bind "$volumes/$folder" "$root/app/$folder"; done
mount -t tmpfs tmpfs "$root/tmp"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
within=(chroot "$root" setpriv --reuid 1000 --regid 1000 --clear-groups --bounding-set=-all --no-new-privs
    env -i -C /app PATH=/usr/local/bin:/usr/bin:/bin BALANCEOPS_HOST=0.0.0.0 BALANCEOPS_OPEN=1)
healthy() { "${within[@]}" balanceops smoke-http --json --base-url "http://127.0.0.1:$1" "${@:2}" >/dev/null; }

if "${within[@]}" touch /app/here 2>/dev/null || "${within[@]}" touch /opt/balanceops/here 2>/dev/null; then fail "the root can be written"; fi
"${within[@]}" balanceops e2e --port 8010 >/dev/null || fail "the loop does not run"
"${within[@]}" balanceops serve --log-level warning >/dev/null &
api=$!
healthy 8000 --skip-predict --retries 40 --retry-delay-sec 0.25 2>/dev/null || fail "serve does not answer"
healthy 8000 --fail-on-predict-404 || fail "it does not predict"
BALANCEOPS_API_URL=http://127.0.0.1:8000 "${within[@]}" balanceops dashboard --log-level warning >/dev/null &
dashboard=$!
healthy 8501 --skip-predict --retries 40 --retry-delay-sec 0.25 2>/dev/null || fail "the dashboard does not answer"
if healthy 8009 --skip-predict 2>/dev/null; then fail "the health check finds a server where there is none"; fi
kill "$api" "$dashboard"
wait "$api" || fail "serve ended with $?"
wait "$dashboard" || fail "the dashboard ended with $?"
say "e2e, serve, dashboard and the health check work with a read-only root; $(find "$volumes" -type f | wc -l) files written"
