"""What one check found, in plain words, with what to do about it."""

from typing import Literal

import msgspec

Verdict = Literal["ok", "warn", "fail"]


class Finding(msgspec.Struct, frozen=True):
    """One line of `wimose doctor`."""

    check: str
    verdict: Verdict  # warn: it works, worse than it could; fail: it does not
    found: str
    remedy: str = ""  # empty where all is well


class Check:
    """A check by its name, so that every outcome of it carries the same one."""

    def __init__(self, name: str) -> None:
        self._name = name

    def ok(self, found: str) -> Finding:
        return Finding(self._name, "ok", found)

    def warn(self, found: str, remedy: str) -> Finding:
        return Finding(self._name, "warn", found, remedy)

    def fail(self, found: str, remedy: str) -> Finding:
        return Finding(self._name, "fail", found, remedy)
