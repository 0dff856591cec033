#!/usr/bin/env bash
# Boots a Debian with systemd from a folder, installs the .deb in it, and tries the service: its limits, a prediction, a reload, an
# upgrade, and that a removed and a disabled service stay so. Needs root, systemd-nspawn and a folder that
# `debootstrap --variant=minbase --include=systemd,systemd-sysv bookworm ROOT` made.
#
# packaging/try-service.sh ROOT DEB [NEWER_DEB]
set -eu
root="$1"
cp "$2" "$root/root/one.deb"
cp "${3:-$2}" "$root/root/two.deb"
rm -f "$root/root/log"
cat >"$root/root/try.sh" <<'END'
set -eux
state() { test "$(systemctl is-active balanceops) $(systemctl is-enabled balanceops)" = "$1"; }
answers() { balanceops smoke-http --retries 40 --retry-delay-sec 0.25 "$@" >/dev/null 2>&1; }
main() { systemctl show -p MainPID --value balanceops; }
dpkg -i /root/one.deb
answers --skip-predict
state "active enabled"
grep -Eq 'CapBnd:\s0+$' "/proc/$(main)/status"
grep -Eq 'Seccomp:\s2$' "/proc/$(main)/status"
setpriv --reuid balanceops --regid balanceops --clear-groups env -C /tmp balanceops train-dummy --data /var/lib/balanceops
answers --fail-on-predict-404
systemctl reload balanceops
first="$(main)"
dpkg -i /root/two.deb
answers --fail-on-predict-404
test "$(main)" != "$first"
systemctl disable --now balanceops
dpkg -i /root/two.deb
state "inactive disabled"
systemctl enable --now balanceops
answers --fail-on-predict-404
dpkg -r balanceops
state "inactive masked"
dpkg -i /root/two.deb
answers --fail-on-predict-404
state "active enabled"
dpkg -P balanceops
test -d /var/lib/balanceops/artifacts
echo DONE
END
cat >"$root/etc/systemd/system/try.service" <<'END'
[Unit]
After=basic.target
[Service]
Type=oneshot
ExecStart=/bin/sh /root/try.sh
StandardOutput=file:/root/log
StandardError=inherit
ExecStopPost=/bin/systemctl --no-block poweroff
END
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -sf ../try.service "$root/etc/systemd/system/multi-user.target.wants/try.service"
timeout -s KILL 180 unshare --mount --pid --fork --mount-proc \
    systemd-nspawn --quiet --register=no --keep-unit --private-network -D "$root" -b >"$root/root/boot" 2>&1 || true
if [ "$(tail -1 "$root/root/log" 2>/dev/null)" != DONE ]; then
    cat "$root/root/log" || tail "$root/root/boot"
    echo "[try-service] ERROR: the service fails" >&2
    exit 1
fi
echo "[try-service] installed, served, reloaded, upgraded, removed and purged under systemd; the data stayed"
