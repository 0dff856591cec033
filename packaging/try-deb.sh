#!/usr/bin/env bash
# Installs the .deb in a bare Debian, runs the loop as its user, upgrades, removes and purges it, and checks that the data stays.
# Needs root, a network and a folder that `debootstrap --variant=minbase bookworm ROOT` made; mounts and processes end with the script.
#
# packaging/try-deb.sh ROOT DEB [NEWER_DEB]
set -eu
[ -n "${TRY_DEB:-}" ] || TRY_DEB=1 exec unshare --mount --pid --fork "$0" "$@"

root="$1"
say() { printf '[try-deb] %s\n' "$*"; }
fail() { say "ERROR: $*" >&2; exit 1; }
# A port that no server of this machine has.
within=(chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive BALANCEOPS_PORT=18910)
user=(setpriv --reuid balanceops --regid balanceops --clear-groups env -C /var/lib/balanceops)
inside() { "${within[@]}" "$@"; }
balanceops() { "${within[@]}" "${user[@]}" balanceops "$@"; }
data() { inside sh -c 'cd /var/lib/balanceops && stat -c "%n %U %a" . && find . -type f -name "*.model" -exec sha256sum {} + | sort'; }
apt() { inside apt-get -qq -o Dpkg::Use-Pty=0 "$@" >"$root/tmp/apt.log" 2>&1 || { cat "$root/tmp/apt.log"; fail "apt-get $*"; }; }

install_deb() {
    cp "$1" "$root/tmp/balanceops.deb"
    apt install -y --allow-downgrades /tmp/balanceops.deb
    say "installed $(inside dpkg-query -W -f '${Package} ${Version} ${Status}' balanceops)"
    # The settings may differ: c marks them.
    [ -z "$(inside dpkg --verify balanceops | grep -v " c ")" ] || fail "files differ from their sums"
    [ -L "$root/etc/systemd/system/multi-user.target.wants/balanceops.service" ] || fail "the service is not enabled"
}

# A server as the unit starts it: health, a prediction, the audit trail.
serve() {
    "${within[@]}" "${user[@]}" balanceops serve --data /var/lib/balanceops --grpc-port off --log-level warning >/dev/null &
    server=$!
    balanceops smoke-http --port 18910 --retries 40 --fail-on-predict-404 >/dev/null 2>&1 || fail "the server does not answer"
    balanceops audit verify --data /var/lib/balanceops >/dev/null || fail "the audit trail is not intact"
    kill -TERM "$server"
    wait "$server" || fail "the server ended with $?"
    say "served, predicted, ended"
}

mount --make-rprivate /
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/dev"
for node in null zero random urandom; do touch "$root/dev/$node"; mount --bind "/dev/$node" "$root/dev/$node"; done
ln -s /proc/self/fd "$root/dev/fd"
apt update

install_deb "$2"
balanceops train-dummy --data /var/lib/balanceops --no-auto-promote >/dev/null
balanceops promote --latest --data /var/lib/balanceops --reason "the first model" >/dev/null
say "trained and promoted as $(inside stat -c '%U, %a' /var/lib/balanceops)"
serve
echo "BALANCEOPS_LOG_LEVEL=info" >>"$root/etc/balanceops/balanceops.env"
before="$(data)"
if [ -n "${3:-}" ]; then
    install_deb "$3"
    [ "$(data)" = "$before" ] || fail "the upgrade changed the data"
    grep -q '^BALANCEOPS_LOG_LEVEL' "$root/etc/balanceops/balanceops.env" || fail "the upgrade lost a setting"
    serve
fi
for step in remove purge; do
    apt "$step" -y balanceops
    [ "$(data)" = "$before" ] || fail "$step changed the data"
    [ ! -e "$root/usr/bin/balanceops" ] || fail "$step left the program"
done
[ ! -e "$root/etc/balanceops" ] || fail "purge left the settings"
left="$(inside find / -xdev -path /proc -prune -o -path /var/lib/balanceops -prune -o -path /tmp -prune -o -iname '*balanceops*' -print)"
[ -z "$left" ] || fail "purge left $left"
install_deb "${3:-$2}"
[ "$(data)" = "$before" ] || fail "a new installation changed the data"
serve
say "removed, purged and installed again; the data stayed"
