"""Errors, grouped by how a caller reacts. Each message says what to do."""


class WimoseError(Exception):
    """Anything the command line reports in one line, without a traceback. Exit code 1."""

    exit_code = 1


class ConfigError(WimoseError):
    """The user mends a file, a flag or an address. Exit code 2."""

    exit_code = 2


class MissingDependency(WimoseError):
    """An extra is not installed. Exit code 3."""

    exit_code = 3


class RecordingError(WimoseError):
    """A recording cannot be used: no CSI records in it, or two that do not belong together."""


class BundleMismatch(WimoseError):
    """Two artefacts do not belong together: a wrong hash, image spec or shape."""
