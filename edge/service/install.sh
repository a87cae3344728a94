# shellcheck shell=bash
# Installs, renews and removes the service. Sourced by ../../install.sh, whose say, die, apt_install, find_python and
# python_version it uses, in the folder of the checkout.

RELEASES=/opt/wimose/releases  # one folder each: a virtual environment with everything in it
CURRENT=/opt/wimose/current    # link to the one that runs
CONFIG=/etc/wimose
STATE=/var/lib/wimose
CACHE=/var/cache/wimose  # kernels that numba compiled, one folder for each release
UNITS=/etc/systemd/system
CREDSTORE=/etc/credstore
COMMAND=/usr/local/bin/wimose
KEEP=2      # releases: the one that runs, and the one to go back to
STEADY_S=3  # whoever dies right after saying READY dies within these

declare -A UNIT_FILE=([service]=wimose.service [mqtt-only]=wimose-mqtt.service [relay]=wimose-relay.service)
declare -A UNIT=([service]=wimose.service [mqtt-only]=wimose.service [relay]=wimose-relay.service)

ACTION=install ROLE='' WHEELS='' DRY=0
DONE=''  # what to say at the end
FORMER='' FORMER_ROLE=''  # what ran before
UNFINISHED='' SWITCHED=0 MADE_USER=0  # what `unwind` has to take back

service_main() {
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin  # root's own Python is none for a service
    parse_options "$@"
    if ((DRY)); then say "nothing is changed; these are the steps"; else begin; fi
    FORMER_ROLE=$(installed_role)
    [[ ! -e $CURRENT ]] || FORMER=$(readlink -f "$CURRENT")
    case $ACTION in
    install) install_service ;;
    uninstall) uninstall ;;
    purge) purge ;;
    esac
    ((DRY)) || say "$DONE"
}

parse_options() {
    while (($#)); do
        case $1 in
        --service | --mqtt-only | --relay)
            [[ -z $ROLE ]] || die 2 "$1 and --$ROLE: a host has one part in the house; give one of them"
            ROLE=${1#--}
            ;;
        --offline)
            [[ -d ${2:-} ]] || die 2 "--offline needs the folder of the wheels (see --help)"
            WHEELS=$(readlink -f "$2") && shift
            ;;
        --dry-run) DRY=1 ;;
        --uninstall) ACTION=uninstall ;;
        --purge) ACTION=purge ;;
        -h | --help) usage && exit 0 ;;
        *) usage >&2 && exit 2 ;;
        esac
        shift
    done
    [[ $ACTION == install || -z $ROLE$WHEELS ]] || die 2 "--$ACTION goes alone, or with --dry-run"
}

begin() {
    local version
    ((EUID == 0)) || die 2 "the service is installed by root: sudo ./install.sh (to look first: --dry-run)"
    [[ -d /run/systemd/system ]] || die 3 "this host was not started by systemd; ./install.sh demo works without it"
    read -r _ version _ < <(systemctl --version)
    ((version >= 252)) || die 3 "systemd $version is too old: 252 or later is needed (Debian 12), for its credentials"
    umask 022  # the service's user reads what root writes
    exec 9>/run/wimose-install.lock
    flock -n 9 || die 1 "another install.sh is at work on this host"
}

# Runs a step, or prints it. Like all progress, what it says goes to stderr.
run() { if ((DRY)); then printf '%s\n' "$(printf '%q ' "$@")"; else "$@" >&2; fi; }

installed_role() {
    if [[ -e $UNITS/wimose-relay.service ]]; then
        printf relay
    elif grep -qs '^PrivateUsers=yes' "$UNITS/wimose.service"; then
        printf mqtt-only
    elif [[ -e $UNITS/wimose.service ]]; then
        printf service
    fi
}

install_service() {
    local python version release
    ROLE=${ROLE:-${FORMER_ROLE:-service}}  # an upgrade keeps the part that this host has
    python=$(service_python)
    version=$(python_version "$python")
    release=$RELEASES/$(release_name "$version")
    ((DRY)) || trap unwind EXIT
    make_user
    make_release "$release" "$python" "$version"
    make_config "$release"
    compile_kernels "$release"
    examine "$release"
    activate "$release" "$ROLE"
    UNFINISHED='' SWITCHED=0
    trap - EXIT
    run ln -sfn "$CURRENT/bin/wimose" "$COMMAND"
    remove_old_releases "$release"
    DONE="${UNIT[$ROLE]} is active. Configuration: $CONFIG/config.yaml. What it says: journalctl -fu ${UNIT[$ROLE]}"
}

# One that every user can run: the service sees neither /root nor /home.
service_python() {
    local python prefix
    python=$(find_python)
    prefix=$("$python" -c 'import sys; print(sys.base_prefix)')
    [[ ! $prefix =~ ^/(root|home)/ ]] || die 3 "the service cannot use the Python in $prefix: name another, PYTHON=..."
    printf '%s\n' "$python"
}

# The same sources with the same Python are the same release.
release_name() {
    local number hash
    number=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' edge/__init__.py)
    hash=$({ sources -print0 | sort -z | xargs -0 sha256sum && echo "$1"; } | sha256sum)
    printf '%s-%s\n' "$number" "${hash:0:8}"
}

sources() {
    find pyproject.toml README.md LICENSE edge models firmware_tools calibration \
        -name __pycache__ -prune -o -type f ! -name '.*' "$@"
}

make_user() {
    getent passwd wimose >/dev/null && return
    # A user that stays, not DynamicUser=: /etc/wimose, pipes and calibrations have an owner, and `sudo -u wimose` works.
    run useradd --system --user-group --home-dir "$STATE" --no-create-home --shell /usr/sbin/nologin wimose
    MADE_USER=1
}

make_release() {
    local release=$1 python=$2 version=$3 log pip
    if [[ -e $release/finished ]] && python_version "$release/bin/python" >/dev/null; then
        say "release ${release##*/} is there already"
        return
    fi
    log=$release/install.log
    pip=(-m pip --no-input --disable-pip-version-check install)
    [[ -z $WHEELS ]] || pip+=(--no-index --find-links "$WHEELS")
    say "building release ${release##*/} (some minutes)"
    if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
        [[ -z $WHEELS ]] || die 3 "missing: python$version-venv, which is not among the wheels; install it first"
        run apt_install "python$version-venv"
    fi
    UNFINISHED=$release
    run rm -rf "$release"
    run mkdir -p "$release"
    run "$python" -m venv "$release"
    run copy_sources "$release/source"  # pip would leave a build folder of root's in the checkout
    run "$release/bin/python" "${pip[@]}" --log "$log" --quiet "$release/source" </dev/null ||
        die 1 "pip failed (no network? disk full?): mend what it says above, then run this again."
    run rm -rf "$release/source"
    run write_line "$release/environment" "NUMBA_CACHE_DIR=$CACHE/${release##*/}"
    run touch "$release/finished"
}

copy_sources() {
    mkdir "$1" && sources -print0 | tar --create --null --files-from=- | tar --extract --directory="$1" --no-same-owner
}

write_line() { printf '%s\n' "$2" >"$1"; }

packaged() { printf '%s/lib/python%s/site-packages/edge/service\n' "$1" "$(release_python "$1")"; }

# Of one that is only printed, the version is that of the Python that would make it.
release_python() { python_version "$1/bin/python" || python_version "$(service_python)"; }

make_config() {
    local example
    example=$(packaged "$1")/config.example.yaml
    run install -d -m 0755 "$CONFIG"
    run install -m 0644 "$example" "$CONFIG/config.example.yaml"
    [[ -e $CONFIG/config.yaml ]] || run install -m 0644 "$example" "$CONFIG/config.yaml"
    # The units load both from here, where, unlike under a path of their own, they may be missing.
    run install -d -m 0700 "$CREDSTORE"
    run ln -sfn "$CONFIG/mqtt-password" "$CREDSTORE/wimose.mqtt-password"
    run ln -sfn "$CONFIG/mqtt-key" "$CREDSTORE/wimose.mqtt-key"
}

# What is wrong with the house, such as a broker that is off, can be mended while the service runs.
examine() {
    local code=0 arguments=(doctor)
    [[ $ROLE != relay ]] || arguments+=(--relay)
    say "examining this host"
    run env --chdir=/ "$1/bin/wimose" "${arguments[@]}" || code=$?
    ((code < 2)) || die "$code" "mend what stands above, then run this again."
    ((code == 0)) || say "the service is started nevertheless"
}

compile_kernels() {
    local cache=$CACHE/${1##*/}
    [[ $ROLE != relay ]] || return 0  # it computes nothing
    say "compiling for this processor (up to a minute)"
    run install -d -m 0750 -o wimose -g wimose "$CACHE" "$cache"
    # From /: Python would take the checkout that it stands in for the package.
    run runuser -u wimose -- env --chdir=/ "NUMBA_CACHE_DIR=$cache" "$1/bin/python" -m edge.service.warm ||
        die $? "that failed: mend what stands above, then run this again."
}

# Puts a release in the place of whatever runs; fails where it does not become active, or does not stay so.
activate() {
    local release=$1 role=$2 unit other
    unit=${UNIT[$role]}
    SWITCHED=1
    for other in wimose.service wimose-relay.service; do
        [[ $other == "$unit" ]] || remove_unit "$other"
    done
    run install -m 0644 "$(packaged "$release")/systemd/${UNIT_FILE[$role]}" "$UNITS/$unit"
    run ln -sfn "$release" "$CURRENT.new"
    run mv -T "$CURRENT.new" "$CURRENT"  # a rename: at no time is there none
    run systemctl daemon-reload
    run systemctl --quiet enable "$unit"
    ((DRY)) || systemctl --quiet reset-failed "$unit" 2>/dev/null || true  # earlier crashes do not count
    say "starting $unit with release ${release##*/}"
    run systemctl restart "$unit" || not_active "$unit"
    run sleep "$STEADY_S"
    ((DRY)) || is_steady "$unit" || not_active "$unit"
}

is_steady() {
    systemctl --quiet is-active "$1" && [[ $(systemctl show --property=NRestarts --value "$1") == 0 ]]
}

not_active() {
    say "$1 did not become active; the last that it said:"
    journalctl --unit="$1" --lines=20 --no-pager --output=cat >&2 || true
    exit 1
}

# Takes back what an installation that failed, or was interrupted, has done.
unwind() {
    local code=$?
    trap - EXIT
    set +e
    if [[ -z $FORMER ]]; then
        say "nothing ran before, so everything is removed again but $CONFIG. Mend what stands above, then run this again."
        uninstall
        ((MADE_USER == 0)) || remove_user
    elif ((SWITCHED)); then
        say "going back to release ${FORMER##*/}"
        if (activate "$FORMER" "$FORMER_ROLE"); then
            say "release ${FORMER##*/} is active again. Mend what stands above, then run this again."
        else
            say "that does not start either: mend what stands above (wimose doctor helps), then run this again."
        fi
    else
        say "release ${FORMER##*/} was not touched."
    fi
    [[ -z $UNFINISHED ]] || rm -rf "$UNFINISHED" "${CACHE:?}/${UNFINISHED##*/}"
    exit $((code ? code : 1))
}

# Keeps the one that was installed last before this, to go back to.
remove_old_releases() {
    local old
    while IFS= read -r old; do
        say "removing the old release ${old##*/}"
        run rm -rf "$old" "${CACHE:?}/${old##*/}"
    done < <(find "$RELEASES" -mindepth 2 -maxdepth 2 -name finished ! -path "$1/*" -printf '%T@ %h\n' 2>/dev/null |
        sort -rn | cut -d' ' -f2- | tail -n +"$KEEP")
}

stop_units() {
    local unit
    for unit in wimose.service wimose-relay.service; do
        [[ ! -e $UNITS/$unit ]] || run systemctl stop "$unit"
    done
}

remove_unit() {
    [[ -e $UNITS/$1 ]] || return 0
    run systemctl --quiet disable --now "$1" || true
    run rm -f "$UNITS/$1"
}

uninstall() {
    remove_unit wimose.service
    remove_unit wimose-relay.service
    run systemctl daemon-reload
    run rm -rf /opt/wimose "$CACHE"
    run rm -f "$COMMAND" "$CREDSTORE/wimose.mqtt-password" "$CREDSTORE/wimose.mqtt-key"
    DONE="removed; $CONFIG and $STATE are kept (--purge removes them too)"
}

purge() {
    stop_units
    if [[ -x $CURRENT/bin/python ]]; then
        say "clearing what the broker keeps of this room"
        run env --chdir=/ "CREDENTIALS_DIRECTORY=$CONFIG" "$CURRENT/bin/python" -m edge.service.forget ||
            say "that failed: the broker keeps the topics wimose/<room>/ and the hub's entities until you remove them"
    fi
    uninstall
    run rm -rf "$CONFIG" "$STATE" "$UNITS/wimose.service.d" "$UNITS/wimose-relay.service.d"
    run systemctl daemon-reload
    remove_user
    DONE="removed, with configuration and state"
}

remove_user() {
    getent passwd wimose >/dev/null || return 0
    run userdel wimose
}
