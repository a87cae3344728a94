#!/usr/bin/env bash
# Boots a real systemd in a Debian container that is thrown away, runs systemd.sh in it, and ends with its exit code.
#     usage: boot.sh WHEELDIR        (for Python 3.11; see test_systemd.py)
# Needs root, and systemd-nspawn and debootstrap (apt-get install systemd-container debootstrap). The first time it
# downloads Debian into ~/.cache/wimose-test; inside there is no network.
set -euo pipefail

checkout=$(readlink -f -- "$(dirname -- "${BASH_SOURCE[0]}")/../..")
wheels=$(readlink -f "$1")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/wimose-test
tree=$cache/bookworm
packages=systemd,systemd-sysv,dbus,python3,python3-venv,procps,iproute2,mosquitto,mosquitto-clients
BOOT_S=60

mkdir -p "$cache"
if [[ ! -e $tree/complete ]]; then
    rm -rf "$tree"
    debootstrap --variant=minbase --include=$packages bookworm "$tree" >"$cache/debootstrap.log" 2>&1 || {
        tail -n 5 "$cache/debootstrap.log" >&2
        exit 1
    }
    touch "$tree/complete"
fi

work=$(mktemp -d "$cache/run.XXXXXX")
mkdir "$work/changes" "$work/scratch" "$work/root"
mount -t overlay overlay -o "lowerdir=$tree,upperdir=$work/changes,workdir=$work/scratch" "$work/root"

# CAP_NET_ADMIN is in a container's set only where it has a network of its own.
systemd-nspawn --quiet --directory="$work/root" --boot --register=no --keep-unit --private-network \
    --machine="wimose-test-$$" --bind-ro="$checkout:/checkout" --bind-ro="$wheels:/wheels" \
    </dev/null >"$work/boot.log" 2>&1 &
container=$!

end() {
    local code=$?
    set +e
    kill -s TERM "$container" 2>/dev/null  # nspawn hands it on as a power-off
    for _ in {1..100}; do kill -0 "$container" 2>/dev/null && sleep 0.1; done
    kill -s KILL "$container" 2>/dev/null
    wait "$container" 2>/dev/null
    umount "$work/root" && rm -rf "$work"
    exit "$code"
}
trap end EXIT

inside() {
    nsenter --target "$init" --mount --uts --ipc --net --pid --root --wd env -i LANG=C.UTF-8 HOME=/root \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

is_up() {
    init=$(pgrep -P "$container" -x systemd | head -n 1) && [[ -n $init ]] &&
        [[ $(inside systemctl is-system-running 2>/dev/null) =~ ^(running|degraded)$ ]]
}

begun=$SECONDS
until is_up; do
    ((SECONDS - begun < BOOT_S)) || { tail -n 5 "$work/boot.log" >&2; exit 1; }
    sleep 0.2
done
inside ip link set lo up
inside bash /checkout/tests/service/systemd.sh /checkout /wheels
