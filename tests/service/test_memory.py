"""What is given back is the library's own bytes, and everything still works without them."""

import subprocess
import sys

from edge.service.memory import LIBRARY, unchanged

SMAPS = """\
7f5b23000000-7f5b23365000 r--p 00000000 fe:00 16041340                   /opt/wimose/lib/libllvmlite.so
Size:               3476 kB
Anonymous:             0 kB
AnonHugePages:         0 kB
VmFlags: rd mr mw me
7f5b23365000-7f5b28394000 r-xp 00365000 fe:00 16041340                   /opt/wimose/lib/libllvmlite.so
Anonymous:             0 kB
7f5b2c677000-7f5b2c83c000 r--p 09677000 fe:00 16041340                   /opt/wimose/lib/libllvmlite.so
Anonymous:          1812 kB
7f5b2c83c000-7f5b2c9c3000 rw-p 0983c000 fe:00 16041340                   /opt/wimose/lib/libllvmlite.so
Anonymous:             0 kB
7f5b2ca00000-7f5b2cb00000 r-xp 00000000 fe:00 16041350                   /opt/wimose/lib/libother.so
Anonymous:             0 kB
7f5b2cb00000-7f5b2cc00000 rw-p 00000000 00:00 0
Anonymous:             0 kB
"""

PROGRAM = """
import numpy as np
from edge.arrays import Array
from edge.parse.clock import follow
from edge.service.memory import LIBRARY, give_back

def resident():
    kilobytes, here = 0, False
    for line in open("/proc/self/smaps"):
        if "-" in line.split()[0] and not line.split()[0].endswith(":"):
            here = LIBRARY in line
        elif here and line.startswith("Rss:"):
            kilobytes += int(line.split()[1])
    return kilobytes

low = np.arange(5)
follow(low, 0)
before = resident()
give_back()
print(before, resident())
# By a kernel that was loaded, and by one that must be compiled yet.
import numba
assert follow(low, 0)[0].tolist() == low.tolist()
assert numba.njit(lambda x: x + 1)(2) == 3
"""


def test_only_mappings_with_nothing_of_our_own_are_let_go() -> None:
    assert list(unchanged(SMAPS.splitlines(), LIBRARY)) == [
        (0x7F5B23000000, 0x7F5B23365000),
        (0x7F5B23365000, 0x7F5B28394000),
    ]


def test_a_process_that_gave_back_goes_on() -> None:
    out = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True).stdout
    before, after = (int(word) for word in out.split())
    assert before > 20_000
    assert after < before / 4
