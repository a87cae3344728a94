"""What makes the poses: the bundle and its engine, the compiled kernels, the room profile."""

import os
import sys
from contextlib import suppress
from pathlib import Path

from edge.config import Config
from edge.errors import WimoseError
from edge.inference.bundle import find_bundle, load_bundle
from edge.inference.engine import Engine
from edge.profile import load_profile
from edge.service.doctor.finding import Check, Finding

ENVIRONMENT = "environment"  # beside the release's bin: what the service's unit sets
PACKAGE = Path(__file__).parents[2]


def bundle(config: Config) -> Finding:
    """Load it as the service does, hash and all."""
    check = Check("bundle")
    try:
        loaded = load_bundle(find_bundle(config.bundle))
        Engine(loaded, config.engine)
    except WimoseError as error:
        return check.fail(
            str(error), f"correct `bundle` in the configuration (it says {config.bundle}), or install again"
        )
    return check.ok(f"{loaded.identity}, trained on {loaded.description.trained_on} data")


def caches(prefix: Path = Path(sys.prefix), package: Path = PACKAGE) -> Finding:
    """Are the signal path's kernels compiled, and can those that are not be kept?

    prefix   of the virtual environment
    package  the folder of `edge`
    """
    check = Check("compiled kernels")
    folder = cache_folder(prefix)
    if folder is None:
        kernels = list(package.glob("*/__pycache__/*.nbi"))
        where = package
    else:
        kernels = list(folder.glob("*/*.nbi"))
        where = folder
        if folder.exists() and not os.access(folder, os.W_OK):
            return check.warn(
                f"{folder} is not writable for this user",
                "nothing, if you are not root; else: chown -R wimose " + str(folder),
            )
    if kernels:
        return check.ok(f"{len(kernels)} in {where}")
    return check.warn(f"none in {where}: the next start takes up to a minute longer", "nothing: it happens once")


def cache_folder(prefix: Path) -> Path | None:
    """Where numba keeps what it compiled, for the service; None where that is beside the sources."""
    lines = [f"NUMBA_CACHE_DIR={os.environ['NUMBA_CACHE_DIR']}"] if "NUMBA_CACHE_DIR" in os.environ else []
    with suppress(OSError):  # there is none where it is not installed as a service
        lines += (prefix / ENVIRONMENT).read_text().splitlines()
    folders = [value for name, _, value in (line.partition("=") for line in lines) if name == "NUMBA_CACHE_DIR"]
    return Path(folders[0]) if folders else None


def profile(config: Config) -> Finding:
    """Load it as the service does: it belongs to one bundle."""
    check = Check("room profile")
    if config.profile is None:
        told = "" if config.geometry else "; nor is the model told where the radios are"
        return check.warn(
            f"{config.room} has none: places are in the receivers' own frame, and right only in the room that the "
            f"model was made for{told}",
            "nothing, until this room is calibrated; room_size_m, transmitter_m and antennas_m in the configuration "
            "help meanwhile",
        )
    try:
        load_profile(Path(config.profile), load_bundle(find_bundle(config.bundle)))
    except WimoseError as error:
        return check.fail(f"{config.room}: {error}", "the service does not start before this is mended")
    return check.ok(f"{config.room}: {config.profile}")
