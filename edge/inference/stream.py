"""One room's windows in a row: each costs what its new points cost, not its whole context.

A window of `wimose-plus` is the window before, moved on by a few columns of its network. The bundle's step model
computes the newest column alone from the newest points and from what it said of earlier ones, its state, and says bit
for bit what the window model says (`firmware_tools.step` makes it). Nobody tells a stream that a window follows upon
the last: it sees so by their counts, and what does not follow is left to the window model.
"""

import numpy as np

from edge.arrays import Array
from edge.errors import BundleMismatch
from edge.inference.network import Network

# Columns between two windows that are still looked for: at 30 columns/s five is 6 poses/s, and a host that skips some.
MOST_NEW = 5


class Stream:
    """The counts of the last window, and the step model's state behind it."""

    def __init__(self, step: Network, shape: tuple[int, ...], identity: str) -> None:
        """Raises BundleMismatch where the step model is not one for windows of that shape.

        shape     of a window: grid points, values
        identity  of the bundle, for messages
        """
        image, *past = (tuple(tensor["shape"]) for tensor in step.inputs)
        reach = sum(state[-2] for state in past)  # columns that the newest depends on, beside itself
        points = shape[0] - image[-2]
        following = [tuple(tensor["shape"]) for tensor in step.outputs[-len(past) :]]
        if not reach or points % reach or image[-1] != shape[-1] or following != past:
            raise BundleMismatch(f"{identity}: step.tflite is not for windows of {shape}; install the bundle again")
        self._step = step
        self._state = [np.zeros(state, np.int8) for state in past]
        self._columns = reach + 1
        self._points, self._stride = image[-2], points // reach
        self._last = np.zeros(shape, np.int8)
        self._begun = self._following = False  # there was a window; the state is the one behind it

    def __call__(self, counts: Array) -> list[Array] | None:
        """What the window model would say of a window (points, values) int8; None where it does not follow."""
        new = self._new_columns(counts) if self._begun else 0
        np.copyto(self._last, counts)
        self._begun = True
        if not new:
            self._following = False
            return None
        said = self._say(new if self._following else self._columns)
        self._following = True
        return said

    def anew(self, counts: Array) -> list[Array]:
        """The same for any window, column after column: no faster than the window model, and to be held against it."""
        np.copyto(self._last, counts)
        self._begun = self._following = True
        return self._say(self._columns)

    def _new_columns(self, counts: Array) -> int:
        """How many columns the last window has moved on to become this one; 0 where it has not become this one."""
        for new in range(1, MOST_NEW + 1):
            moved = new * self._stride
            if np.array_equal(counts[:-moved], self._last[moved:]):
                return new
        return 0

    def _say(self, new: int) -> list[Array]:
        """Step over the newest columns of the last window. As many as there are forget whatever was before."""
        for stop in range(len(self._last) - (new - 1) * self._stride, len(self._last) + 1, self._stride):
            outputs = self._step(self._last[stop - self._points : stop], *self._state)
            self._state = outputs[-len(self._state) :]
        return outputs[: -len(self._state)]
