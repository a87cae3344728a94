import pytest

from edge.service.doctor.machine import clock, disk, memory, processor
from tests.service.doctor.conftest import Fake


@pytest.mark.parametrize(
    ("cpuinfo", "verdict", "words"),
    [
        ("model name\t: x\nflags\t\t: fpu sse2 avx2 avx512_vnni\n", "ok", "VNNI)"),
        ("flags\t\t: fpu avx2 avx_vnni\n", "ok", "VNNI)"),
        ("flags\t\t: fpu avx2\n", "ok", "without VNNI"),
        ("flags\t\t: fpu sse2\n", "warn", "slowly"),
        ("Features\t: fp asimd asimddp\n", "ok", "asimddp)"),
        ("Features\t: fp asimd\n", "ok", "without asimddp"),
        ("Features\t: half thumb\n", "warn", "slowly"),
    ],
)
def test_processor(fake: Fake, cpuinfo: str, verdict: str, words: str) -> None:
    fake.write("proc/cpuinfo", cpuinfo)
    found = processor(fake.host)
    assert found.verdict == verdict
    assert words in found.found


def test_a_processor_that_says_nothing(fake: Fake) -> None:
    assert processor(fake.host).verdict == "warn"


@pytest.mark.parametrize(("said", "verdict"), [("yes\n", "ok"), ("no\n", "warn"), (None, "warn")])
def test_clock(fake: Fake, said: str | None, verdict: str) -> None:
    if said is not None:
        fake.says["timedatectl"] = said
    found = clock(fake.host)
    assert found.verdict == verdict
    assert bool(found.remedy) == (verdict != "ok")


@pytest.mark.parametrize(("mb", "verdict"), [(4000, "ok"), (400, "warn"), (100, "fail")])
def test_memory(fake: Fake, mb: int, verdict: str) -> None:
    fake.write("proc/meminfo", f"MemTotal:  8000000 kB\nMemFree: 1 kB\nMemAvailable: {mb * 1024} kB\n")
    found = memory(fake.host)
    assert found.verdict == verdict
    assert found.found == f"{mb} MB available"


def test_memory_that_is_not_told(fake: Fake) -> None:
    assert memory(fake.host).verdict == "warn"


@pytest.mark.parametrize(("mb", "verdict"), [(4000, "ok"), (100, "warn")])
def test_disk(fake: Fake, mb: int, verdict: str) -> None:
    fake.free = mb << 20
    found = disk(fake.host)
    assert found.verdict == verdict
    assert str(mb) in found.found
