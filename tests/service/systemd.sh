#!/usr/bin/env bash
# The whole life of the service under a real systemd: installed, killed, hung, upgraded, badly upgraded, removed.
# Changes the machine it runs on: boot.sh beside this file runs it in a container that is thrown away.
#     usage: systemd.sh CHECKOUT WHEELDIR
# Needs root, systemd, mosquitto with its clients, and Python 3.11 to 3.13 that the wheels are for; no network.
set -euo pipefail

PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
checkout=$1 wheels=$2
work=$(mktemp -d)
topics=wimose/lab

WAIT_S=60        # for everything that takes seconds; a busy machine may take longer
WATCHDOG_S=90    # WatchdogSec of 20, TimeoutStopSec of 15 for a process that is stopped, RestartSec of 5

passed() { printf 'passed: %s\n' "$*"; }

failed() {
    printf 'FAILED: %s\n' "$*" >&2
    systemctl status --no-pager --lines=30 wimose.service >&2 || true
    exit 1
}

# Waits for a command to succeed.
until_true() {
    local patience=$1 begun=$SECONDS
    while ! "${@:2}"; do
        ((SECONDS - begun < patience)) || failed "not within $patience s: ${*:2}"
        sleep 0.5
    done
}

heard() { mosquitto_sub -h 127.0.0.1 -u wimose -P secret -t "$1" -C 1 -W "${2:-5}" 2>/dev/null; }
says() { [[ $(heard "$topics/status") == "$1" ]]; }
relay_says() { [[ $(heard "$topics/csi/receiver2/status") == "$1" ]]; }
property() { systemctl show --property="$1" --value wimose.service; }
active() { systemctl --quiet is-active wimose.service; }
restarted() { active && [[ $(property MainPID) != "$1" && $(property MainPID) != 0 ]]; }
release() { basename "$(readlink -f /opt/wimose/current)"; }
releases() { find /opt/wimose/releases -mindepth 1 -maxdepth 1 | wc -l; }
install_from() { "$1/install.sh" --offline "$wheels" "${@:2}" 2>&1 | sed 's/^/    /'; }

# A checkout of its own, of version $1, to break.
next_version() {
    local folder=$work/$1
    mkdir "$folder"
    tar --create --directory="$checkout" --exclude=__pycache__ install.sh pyproject.toml README.md LICENSE edge models \
        firmware_tools calibration | tar --extract --directory="$folder" --no-same-owner
    sed -i "s/^__version__ = .*/__version__ = \"$1\"/" "$folder/edge/__init__.py"
    printf '%s\n' "$folder"
}

nothing_is_left() {
    [[ ! -e /opt/wimose && ! -e /var/cache/wimose && ! -e /usr/local/bin/wimose ]] &&
        ! ls /etc/systemd/system/wimose* /etc/credstore/wimose* 2>/dev/null &&
        ! systemctl cat wimose.service &>/dev/null
}

cat >/etc/mosquitto/conf.d/test.conf <<TEXT
listener 1883 127.0.0.1
allow_anonymous false
password_file /etc/mosquitto/passwords
TEXT
mosquitto_passwd -b -c /etc/mosquitto/passwords wimose secret
chown mosquitto /etc/mosquitto/passwords
systemctl restart mosquitto

install -d /etc/wimose
cat >/etc/wimose/config.yaml <<TEXT
# Written by somebody; must stay as it is.
room: lab
origin: replay
mqtt: {address: "mqtt://wimose@127.0.0.1"}
receivers: [{name: receiver1, source: relay}, {name: receiver2, source: relay}]
TEXT
(umask 077 && echo secret >/etc/wimose/mqtt-password)
sha256sum /etc/wimose/config.yaml >"$work/config.sum"

broken=$(next_version 0.0.1)
echo 'raise SystemExit("this release is broken")' >"$broken/edge/commands/run.py"
if install_from "$broken" --mqtt-only; then failed "a broken release was installed"; fi
nothing_is_left || failed "a first installation that failed left something"
! id wimose &>/dev/null || failed "a first installation that failed left its user"
[[ -e /etc/wimose/config.example.yaml ]] || failed "no example to begin with"
passed "a first installation that fails leaves nothing but the configuration"

install_from "$checkout" --mqtt-only
active || failed "not active"
until_true $WAIT_S says online
passed "installed; active with the password of /etc/wimose/mqtt-password; status online"
first=$(release)
[[ $(property User) == wimose ]] || failed "it runs as $(property User)"
[[ $(awk '/^CapEff/ {print $2}' "/proc/$(property MainPID)/status") == 0000000000000000 ]] || failed "it has capabilities"
systemd-analyze security --threshold=13 --no-pager wimose.service | tail -n 1
sha256sum --quiet --check "$work/config.sum" || failed "the configuration was changed"
passed "no capability without a NIC, exposure within 1.3, configuration as it was"

for receiver in receiver1 receiver2; do
    mkfifo "$work/$receiver.pipe"
    WIMOSE_MQTT_PASSWORD_FILE=/etc/wimose/mqtt-password wimose relay --set relay.source=log \
        --set "relay.receiver=$receiver" --set "relay.path=$work/$receiver.pipe" 2>"$work/$receiver.log" &
done
python3 - /opt/wimose/current/lib/python3*/site-packages/edge/demo/session "$work" <<'PYTHON' &
# The bundled session, as log_to_file would write it: both receivers at once, in pieces, at its own pace.
import sys, time
from pathlib import Path
session, work = map(Path, sys.argv[1:])
names = ("receiver1", "receiver2")
logs = [(session / f"{name}.dat").read_bytes() for name in names]
pipes = [(work / f"{name}.pipe").open("wb", buffering=0) for name in names]
PIECES, SECONDS = 1000, 25
for n in range(PIECES):
    for log, pipe in zip(logs, pipes):
        pipe.write(log[len(log) * n // PIECES : len(log) * (n + 1) // PIECES])
    time.sleep(SECONDS / PIECES)
PYTHON
feeder=$!
pose=$(heard "$topics/pose" $WAIT_S) || failed "no pose from two relays: $(tail "$work"/*.log)"
[[ $pose == *'"source":"replay"'*'"trained_on":"simulated"'* ]] || failed "a pose that does not say what it is: $pose"
kill $feeder %1 %2 2>/dev/null || true
wait
passed "two relays with recorded packets: poses, under the sandbox of the unit"

newer=$(find /var/cache/wimose -name '*.nbc' -newer "/etc/systemd/system/multi-user.target.wants/wimose.service")
[[ -z $newer ]] || failed "compiled again, though the installer had done it: $newer"
[[ $(find /var/cache/wimose -name '*.nbi' | wc -l) -gt 10 ]] || failed "nothing was compiled ahead"
passed "every kernel was found compiled"

pid=$(property MainPID)
kill -KILL "$pid"
until_true $WAIT_S restarted "$pid"
until_true $WAIT_S says online
[[ $(property NRestarts) == 1 ]] || failed "restarted $(property NRestarts) times"
passed "kill -9: restarted, status online again"

pid=$(property MainPID)
systemctl reload wimose.service
until_true $WAIT_S active
[[ $(property MainPID) == "$pid" ]] || failed "a reload is no restart"
passed "reloaded in the same process"

kill -STOP "$pid"
begun=$SECONDS
until_true $WATCHDOG_S restarted "$pid"
journalctl --unit=wimose.service --no-pager --output=cat | grep -F 'Watchdog timeout' || failed "not by the watchdog"
until_true $WAIT_S says online
passed "hung (SIGSTOP): restarted by the watchdog after $((SECONDS - begun)) s, status online again"

begun=$(date +%s%N)
systemctl stop wimose.service
took_ms=$((($(date +%s%N) - begun) / 1000000))
[[ $(property Result) == success && $(property ExecMainStatus) == 0 ]] || failed "ended with $(property Result)"
((took_ms < 5000)) || failed "took $took_ms ms to stop"
says offline || failed "status is not offline"
systemctl start wimose.service
until_true $WAIT_S says online
passed "stopped within $took_ms ms with exit code 0, status offline; started again"

second=$(next_version 0.0.2)
pid=$(property MainPID)
install_from "$second"
[[ $(release) == 0.0.2-* && $(releases) == 2 ]] || failed "release $(release) of $(releases)"
restarted "$pid" || failed "the old process goes on"
[[ $(wimose --version) == "wimose 0.0.2" ]] || failed "the command is that of $(wimose --version)"
grep -q '^PrivateUsers=yes' /etc/systemd/system/wimose.service || failed "the upgrade forgot --mqtt-only"
until_true $WAIT_S says online
passed "upgraded to $(release); $first is kept to go back to"

broken=$(next_version 0.0.3)
echo 'raise SystemExit("this release is broken")' >"$broken/edge/commands/run.py"
echo '# of the broken release' >>"$broken/edge/service/systemd/wimose.service"
if install_from "$broken" --service; then failed "a broken release was installed"; fi
[[ $(release) == 0.0.2-* && $(releases) == 2 ]] || failed "release $(release) of $(releases) after going back"
active || failed "not active after going back"
grep -q '^PrivateUsers=yes' /etc/systemd/system/wimose.service || failed "the broken release's unit stayed"
until_true $WAIT_S says online
passed "a release that does not start is taken back: $(release) is active again with its unit, status online"

broken=$(next_version 0.0.4)
sed -i 's/"rich>=13"/"rich>=13", "no-such-package>=1"/' "$broken/pyproject.toml"
pid=$(property MainPID)
if install_from "$broken"; then failed "a release without its packages was installed"; fi
[[ $(property MainPID) == "$pid" && $(releases) == 2 ]] || failed "a release that cannot be built was felt"
passed "a release that cannot be built is not felt: same process"

third=$(next_version 0.0.5)
install_from "$third" --service
[[ $(release) == 0.0.5-* && $(releases) == 2 && ! -e /opt/wimose/releases/$first ]] || failed "$(releases) are kept"
[[ ! -e /var/cache/wimose/$first ]] || failed "what was compiled for $first is kept"
[[ $(awk '/^CapEff/ {print $2}' "/proc/$(property MainPID)/status") == 0000000000001000 ]] || failed "no CAP_NET_ADMIN"
systemd-analyze security --threshold=18 --no-pager wimose.service | tail -n 1
until_true $WAIT_S says online
passed "two releases are kept; with a NIC: CAP_NET_ADMIN and nothing else, exposure within 1.8"

install_from "$third"
[[ $(release) == 0.0.5-* && $(releases) == 2 ]] || failed "installing again is not the same"
passed "installed again: nothing new"

install_from_nothing() { "$1/install.sh" "${@:2}" 2>&1 | sed 's/^/    /'; }
install_from_nothing "$third" --uninstall
nothing_is_left || failed "something is left"
says offline || failed "status is not offline"
sha256sum --quiet --check "$work/config.sum" || failed "the configuration is gone"
passed "uninstalled; configuration kept, status offline"

echo 'relay: {receiver: receiver2, source: log, path: /var/lib/wimose/receiver2.pipe}' >>/etc/wimose/config.yaml
install -d -o wimose /var/lib/wimose
mkfifo /var/lib/wimose/receiver2.pipe
chown wimose /var/lib/wimose/receiver2.pipe
install_from "$third" --relay
systemctl --quiet is-active wimose-relay.service || failed "the relay is not active"
until_true $WAIT_S relay_says online
systemd-analyze security --threshold=18 --no-pager wimose-relay.service | tail -n 1
passed "the other part: relay active, its status online, exposure within 1.8"

install_from "$third" --mqtt-only
[[ ! -e /etc/systemd/system/wimose-relay.service ]] || failed "a host has two parts"
until_true $WAIT_S relay_says offline
until_true $WAIT_S says online
passed "a host that changes its part: the relay is gone, the service active"

[[ -n $(heard "$topics/info") ]] || failed "nothing is retained, so nothing can be cleared"
install_from_nothing "$third" --purge
nothing_is_left || failed "something is left"
[[ ! -e /etc/wimose && ! -e /var/lib/wimose ]] || failed "configuration or state is left"
! id wimose &>/dev/null || failed "the user is left"
[[ -z $(heard "$topics/#" 2) ]] || failed "the broker still keeps $(heard "$topics/#" 2)"
passed "purged: configuration, state, user and retained topics are gone"
