"""The computer itself: processor, clock, memory, disk."""

from edge.service.doctor.finding import Check, Finding
from edge.service.doctor.host import Host

MB = 1 << 20
SCARCE_MEMORY = 512 * MB  # the service takes 210 MB, and 360 MB while it compiles
NO_MEMORY = 256 * MB
SCARCE_DISK = 512 * MB  # a release takes about as much as this, and two are kept
STATE = "/var/lib"


def processor(host: Host) -> Finding:
    """Vector instructions that int8 networks use."""
    check = Check("processor")
    flags: set[str] = set()
    for line in (host.read("/proc/cpuinfo") or "").splitlines():
        name, _, values = line.partition(":")
        if name.strip() in ("flags", "Features"):
            flags = set(values.split())
            break
    if not flags:
        return check.warn(
            "/proc/cpuinfo does not say what it can", "nothing, if poses come in time (see the telemetry)"
        )
    if "asimd" in flags:
        return check.ok("ARM, " + ("with int8 dot products (asimddp)" if "asimddp" in flags else "without asimddp"))
    if flags & {"avx512_vnni", "avx_vnni"}:
        return check.ok("x86 with int8 dot products (VNNI)")
    if "avx2" in flags:
        return check.ok("x86 with AVX2, without VNNI")
    return check.warn(
        "neither AVX2 nor ARM's asimd: the model runs slowly",
        "look at latency_p99_ms in the telemetry; where it exceeds the time between poses, lower poses_per_s",
    )


def clock(host: Host) -> Finding:
    """A pose says when it was; a hub that compares that with its own clock wants it right."""
    check = Check("clock")
    said = host.output(["timedatectl", "show", "--property=NTPSynchronized", "--value"])
    if said is None:
        return check.warn("timedatectl does not answer, so nobody knows whether the clock is right", "see `date`")
    if said.strip() == "yes":
        return check.ok("synchronised")
    return check.warn("not synchronised with a time server", "timedatectl set-ntp true, or install chrony")


def memory(host: Host) -> Finding:
    check = Check("memory")
    for line in (host.read("/proc/meminfo") or "").splitlines():
        if line.startswith("MemAvailable:"):
            available = int(line.split()[1]) * 1024
            found = f"{available // MB} MB available"
            if available < NO_MEMORY:
                return check.fail(found, "stop something else on this host, or give it more memory")
            if available < SCARCE_MEMORY:
                return check.warn(found, "512 MB leave room for a peak; stop something else on this host")
            return check.ok(found)
    return check.warn("/proc/meminfo does not say how much there is", "see `free`")


def disk(host: Host) -> Finding:
    check = Check("disk")
    free = host.free(host.path(STATE))
    found = f"{free // MB} MB free for {STATE}"
    if free < SCARCE_DISK:
        return check.warn(found, "the next release will not fit: remove what is not needed (apt-get clean, journalctl "
                                 "--vacuum-size=100M)")  # fmt: skip
    return check.ok(found)
