"""A profile put where the service finds it, the service told, the former profile brought back."""

import glob
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from calibration.guide import Guide
from calibration.work import write_whole
from edge.config import DEFAULT_FILE, Config
from edge.errors import BundleMismatch, ConfigError, RecordingError
from edge.inference.bundle import Bundle
from edge.inference.head import Head
from edge.profile import ProfileFile, former, read_profile, roll_back, write_profile
from edge.service.doctor.host import command_output

ROOMS = Path("/etc/wimose/rooms")
SEVERAL = re.compile(r"^rooms:", re.MULTILINE)  # then the key belongs into the room's own entry, by hand
UNSET = re.compile(r"^profile:\s*(null|~)?\s*(#.*)?$", re.MULTILINE)  # as config.example.yaml has it

Run = Callable[[Sequence[str]], str | None]


def profile_path(config: Config, room: str) -> Path:
    """Where the room's profile is, or goes."""
    return Path(config.profile) if config.profile else ROOMS / f"{room}.yaml"


def install(path: Path, file: ProfileFile, head: Head | None) -> None:
    """Write a profile; the former one is kept. Raises RecordingError where that cannot be, and changes nothing."""
    made = not path.parent.exists()
    _set_aside(path)
    before = {part: part.read_bytes() for part in _parts(path)}
    try:
        write_profile(path, file, head)
        for part in _parts(path):
            part.chmod(0o644)  # the service is another user
        if made:
            path.parent.chmod(0o755)
    except OSError as error:
        _restore(path, before)
        raise RecordingError(
            f"cannot write {path}: {error.strerror}; the profile that was in use still is. Mend that (disk full? not "
            "root?), then: wimose calibrate --step report"
        ) from error
    except BaseException:  # ctrl-C too
        _restore(path, before)
        raise


def bring_back(path: Path, bundle: Bundle, force: bool) -> ProfileFile:
    """Exchange the profile and its former one. Raises ConfigError where there is none, BundleMismatch for another's."""
    if not former(path).exists():
        raise ConfigError(
            f"there is no profile before {path}; to go without one, take `profile` out of the configuration"
        )
    before = read_profile(former(path))
    if before.bundle_sha256 != bundle.description.sha256 and not force:
        raise BundleMismatch(
            f"the former profile was made with {before.bundle}, and the configuration names {bundle.identity}: name "
            "that bundle in the configuration first, or add --force"
        )
    try:
        return roll_back(path)
    except OSError as error:
        raise RecordingError(
            f"cannot write {path}: {error.strerror}; run it with sudo, on a disk with space"
        ) from error


def announce(guide: Guide, path: Path, config: Config, config_file: Path | None, run: Run = command_output) -> bool:
    """Make the configuration name the profile, and tell the service. True: the service has taken it."""
    if config.profile is None and not _named(guide, path, config_file or DEFAULT_FILE):
        return False
    if (run(["systemctl", "is-active", "wimose"]) or "").strip() != "active":
        guide.say("the service is not running here: it reads the profile when it starts (systemctl start wimose)")
        return False
    if run(["systemctl", "reload", "wimose"]) is None:
        guide.warn("the service could not be told", "systemctl reload wimose")
        return False
    guide.say("the service has been told to take it: journalctl -u wimose -n 3 says whether it did")
    return True


def _named(guide: Guide, path: Path, config_file: Path) -> bool:
    """Offer to write the key; never without being asked."""
    line = f"profile: {path}"
    several = config_file.is_file() and SEVERAL.search(config_file.read_text()) is not None
    writable = config_file.is_file() and not guide.yes and not several
    if not writable or not guide.confirm(f"{config_file} names no profile. Write `{line}` into it?"):
        where = "into the room's entry of `rooms`" if several else "into it"
        guide.warn(f"{config_file} names no profile yet", f"write {where}: {line}   then: systemctl reload wimose")
        return False
    text = config_file.read_text()
    added = UNSET.sub(line, text, count=1) if UNSET.search(text) else text.rstrip("\n") + f"\n{line}\n"
    mode = config_file.stat().st_mode
    write_whole(config_file, added.encode())
    config_file.chmod(mode)
    return True


def _parts(path: Path) -> list[Path]:
    """Every file of a profile that is there."""
    stem = glob.escape(path.stem)
    return [part for pattern in (f"{stem}.yaml", f"{stem}.former.yaml", f"{stem}-????????.npz", f"{stem}*.new")
            for part in path.parent.glob(pattern)]  # fmt: skip


def _set_aside(path: Path) -> None:
    """A profile that cannot be read would stand in the way of every other; nobody uses it either."""
    for profile in (path, former(path)):
        try:
            if profile.exists():
                read_profile(profile)
        except ConfigError:
            profile.replace(profile.with_name(profile.name + ".unreadable"))


def _restore(path: Path, before: Mapping[Path, bytes]) -> None:
    """As it was before a write that failed; what is new goes first, which makes space for what was there."""
    for part in _parts(path):
        if part not in before:
            part.unlink(missing_ok=True)
    for part, data in before.items():
        if not part.exists() or part.read_bytes() != data:
            new = part.with_name(part.name + ".back")
            new.write_bytes(data)
            new.replace(part)
