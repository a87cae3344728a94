"""What only the start needed, given back to the host once the service is warm.

numba needs LLVM to load its compiled kernels, reads 70 MB of the library's code and tables for it, and none of that
again until another kernel is loaded. Its pages are the file's, unchanged: dropped here, they would come back from the
file (the kernel's cache, as a rule) if somebody did touch them.
"""

import ctypes
import gc
import mmap
from collections.abc import Iterable, Iterator
from pathlib import Path

LIBRARY = "libllvmlite"
PRIVATE = "Anonymous:"  # what of a mapping in /proc/self/smaps is no longer the file's
WRITABLE = "w"  # in its permissions


def give_back() -> None:
    """Sweep what the start left, never look through the rest again, and return what is free."""
    gc.collect()
    gc.freeze()  # modules and kernels live as long as we: a collection between two poses has only what came since
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):  # glibc
        libc.malloc_trim(0)
    for start, end in unchanged(Path("/proc/self/smaps").read_text().splitlines(), LIBRARY):
        libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), mmap.MADV_DONTNEED)


def unchanged(smaps: Iterable[str], name: str) -> Iterator[tuple[int, int]]:
    """Mappings of a file (first and last address) that hold the file's own bytes and nothing else.

    smaps  lines of /proc/self/smaps: `7f0-7f9 r-xp 00365000 fe:00 1604 /usr/lib/libx.so`, then `Anonymous: 0 kB` and
           others like it, each on a line
    """
    start = end = 0
    looked_at = False
    for line in smaps:
        first, *rest = line.split()
        if first == PRIVATE and looked_at and rest[0] == "0":
            yield start, end
        elif "-" in first and not first.endswith(":"):
            start, end = (int(address, 16) for address in first.split("-"))
            looked_at = len(rest) > 4 and Path(rest[4]).name.startswith(name) and WRITABLE not in rest[0]
