#!/usr/bin/env bash
# Sets up what a command needs, in .venv beside this file, and runs it. Safe to run again at any time.
set -euo pipefail

cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")"
VENV=$PWD/.venv
STAMP=$VENV/install.stamp  # extra and fingerprint of the last finished installation
LOG=$VENV/install.log      # pip's output; outlasts a run only where pip failed or was interrupted
TOUCHED='^Installing collected packages'  # from this line of the log on, pip alters .venv
PATH=$PATH:/usr/sbin       # Debian's mosquitto lies there, and only root has it on PATH

usage() {
    cat <<'TEXT'
usage: ./install.sh demo [arguments of wimose demo]  install what the demonstration needs, then run it
       ./install.sh test [arguments of pytest]       install development tools and a mosquitto broker, then run
                                                     ruff, mypy and pytest
       ./install.sh dev                              install development tools and say how to use them

       sudo ./install.sh [OPTIONS]                   install the service, or upgrade it, and start it

  --service           on the host that runs the model (default; an upgrade keeps what the host was)
  --mqtt-only         the same on a host without an Intel 5300: the service gets no rights over the network
  --relay             on the host of the second receiver: it sends its packets to the first one's broker
  --offline WHEELDIR  take the Python packages from a folder of wheels for this Python, not from the network
  --dry-run           print every step and change nothing
  --uninstall         remove the service; /etc/wimose and /var/lib/wimose stay
  --purge             remove them too, and what the broker keeps of this room

PYTHON names the Python to use (3.11 to 3.13); without it, python3.11 is preferred.

examples: ./install.sh demo --help
          ./install.sh test -x tests/edge
          PYTHON=python3.12 ./install.sh dev
          ./install.sh --dry-run
          sudo ./install.sh
          pip wheel --wheel-dir wheels . 'setuptools>=77' && sudo ./install.sh --offline wheels
TEXT
}

# Progress goes to stderr, so that stdout holds only what the command prints.
say() { printf 'install.sh: %s\n' "$*" >&2; }

# Exit codes are those of wimose: 1 failed, 2 usage, 3 missing dependency.
die() { say "${*:2}"; exit "$1"; }

# Containers often have no sudo and need none.
as_root() { if ((EUID == 0)); then "$@"; else sudo "$@"; fi; }

# A failed update is no reason to stop: one dead third-party list fails it, and the install may still work.
apt_install() {
    local out apt=(as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120)
    if ! command -v apt-get >/dev/null || { ((EUID != 0)) && ! command -v sudo >/dev/null; }; then
        die 3 "missing: $1. Install it as root (on Debian: apt-get install $1), then run this again."
    fi
    say "installing the system package $1 with apt-get"
    "${apt[@]}" update </dev/null >/dev/null 2>&1 || say "apt-get update failed; trying with the lists that are there"
    out=$("${apt[@]}" install -y --no-install-recommends "$1" </dev/null 2>&1) || {
        tail -n 8 <<<"$out" >&2
        die 3 "apt-get could not install $1 (no network?): mend what it says above, then run this again."
    }
}

# Prints X.Y, and fails outside the range that pyproject.toml allows.
python_version() {
    "$1" -c 'import sys; v = sys.version_info; print("%d.%d" % v[:2]); sys.exit(not (3, 11) <= v[:2] <= (3, 13))' \
        2>/dev/null
}

# 3.11 first: later Pythons have no wheel of tflite-runtime.
find_python() {
    local candidate candidates=(python3.11 python3.12 python3.13 python3)
    [[ -z ${PYTHON:-} ]] || candidates=("$PYTHON")
    for candidate in "${candidates[@]}"; do
        if python_version "$candidate" >/dev/null; then printf '%s\n' "$candidate" && return; fi
    done
    die 3 "no Python 3.11 to 3.13 (tried ${candidates[*]}). Install one, or name it: PYTHON=/path/to/python3.11"
}

# Debian packs ensurepip apart from Python: without that package venv would fail half-way.
create_venv() {
    local python version out
    [[ -n ${PYTHON:-} ]] || command -v python3 >/dev/null || apt_install python3-venv
    python=$(find_python)
    version=$(python_version "$python")
    "$python" -c 'import venv, ensurepip' 2>/dev/null || apt_install "python$version-venv"
    say "creating .venv with Python $version"
    out=$("$python" -m venv --clear "$VENV" 2>&1) || die 1 "could not create .venv: $out"
}

# False where a run died while altering .venv, the checkout was moved, or Python is gone or not the one asked for.
# venv writes bin/activate last, and its own path into it: the line vouches for all that came before.
venv_is_sound() {
    local version
    version=$(python_version "$VENV/bin/python") && grep -qsF "$VENV" "$VENV/bin/activate" &&
        ! grep -qs "$TOUCHED" "$LOG" &&
        { [[ -z ${PYTHON:-} ]] || [[ $(python_version "$PYTHON") == "$version" ]]; }
}

# Brings .venv to extra $1, or to dev where it was dev before (dev contains demo); where nothing changed, without pip.
prepare_venv() {
    local extra=$1 stamp
    exec 9<.
    flock -n 9 || { say "waiting for another install.sh in this checkout" && flock 9; }
    venv_is_sound || create_venv
    if grep -qs '^dev ' "$STAMP"; then extra=dev; fi
    stamp="$extra $({ cat pyproject.toml && python_version "$VENV/bin/python"; } | sha256sum)"
    if [[ ! -f $STAMP || $(<"$STAMP") != "$stamp" ]]; then
        say "installing the Python packages for $extra into .venv (the first time, some minutes)"
        "$VENV/bin/python" -m pip --no-input --disable-pip-version-check install -e ".[$extra]" \
            </dev/null >"$LOG" 2>&1 || {
            tail -n 12 "$LOG" >&2
            die 1 "pip failed (no network? disk full?): mend what it says above (whole log: $LOG), then run this again."
        }
        printf '%s\n' "$stamp" >"$STAMP"
    fi
    rm -f "$LOG"
    exec 9<&-
}

# The tests start brokers of their own; the service that the package starts would only hold the port.
prepare_broker() {
    command -v mosquitto >/dev/null && return
    apt_install mosquitto
    if [[ -d /run/systemd/system ]]; then as_root systemctl --quiet disable --now mosquitto || true; fi
}

# The tests look at the page in it.
prepare_browser() {
    local name
    for name in chromium chromium-browser google-chrome; do
        if command -v "$name" >/dev/null; then return; fi
    done
    apt_install chromium
}

# It checks the units of the service; nothing of the package is started.
prepare_systemd_analyze() { command -v systemd-analyze >/dev/null || apt_install systemd; }

# Names each check, and ends with the exit code of the first that fails.
check() {
    local code=0
    say "$*"
    "$VENV/bin/$1" "${@:2}" || code=$?
    ((code == 0)) || die "$code" "failed: $*"
}

case ${1:-} in
demo) prepare_venv demo; exec "$VENV/bin/wimose" "$@" ;;
dev) prepare_venv dev; say "ready; to use it: source $VENV/bin/activate" ;;
test)
    prepare_broker
    prepare_browser
    prepare_systemd_analyze
    prepare_venv dev
    export KERAS_HOME=$VENV/keras  # a personal keras.json would change what is tested
    check ruff check
    check ruff format --check
    check mypy
    check pytest --numprocesses=auto --maxprocesses=4 --dist=loadfile "${@:2}"
    ;;
-h | --help) usage ;;
'' | --*)
    # shellcheck source=edge/service/install.sh
    source edge/service/install.sh
    service_main "$@"
    ;;
*) usage >&2; exit 2 ;;
esac
