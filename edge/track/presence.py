"""Is somebody there? What single poses say, without the blips and with patience for who sits still."""

ON_S = 0.5  # one pose may mistake a door for a person
OFF_S = 10.0  # somebody who reads moves every few seconds; a lamp that goes out on them is worse than one that waits


class Presence:
    """Seconds come in with every pose; nothing here reads a clock."""

    def __init__(self) -> None:
        self._present = False
        self._other_since: float | None = None  # when poses began to say otherwise

    def update(self, time_s: float, present: bool) -> bool:
        if present == self._present:
            self._other_since = None
            return self._present
        if self._other_since is None:
            self._other_since = time_s
        if time_s - self._other_since >= (ON_S if present else OFF_S):
            self._present, self._other_since = present, None
        return self._present
