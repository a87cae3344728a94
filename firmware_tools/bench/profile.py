"""Where the time and the memory go, for the parts that fall short of an aim: in runs of their own, which no figure is
taken from.
"""

import json
import re
import subprocess
import sys
from collections import Counter

from firmware_tools.bench.figures import Profile
from firmware_tools.bench.house import listen
from firmware_tools.bench.recordings import thinned, walk, wivelo_folder

SECONDS = 10.0  # of each live run
TIMED = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)")  # self, cumulative, module: python -X importtime
STEPS = {
    "Python": "import json, pathlib",
    "numpy": "import numpy",
    "numba": "import numba",
    "the TFLite engine": "from edge.inference import engine; engine._interpreter(None)",
    "paho-mqtt": "import paho.mqtt.client",
    "the service's own modules": "import edge.commands.run, edge.service.warm",
    "the model": "from edge.config import Config; from edge.service.model import Model; model = Model.load(Config())",
    "kernels, and packets through them": (
        "from edge.service.warm import as_heard, load_session, SESSION, warm_up\n"
        "warm_up(as_heard(load_session(SESSION).logs), model.engine)"
    ),
}
GROWTH = """
import sys
def resident(key):
    return next(int(line.split()[1]) * 1024 / 1e6 for line in open("/proc/self/status") if line.startswith(key))
scope, found, before = {}, {}, (0.0, 0.0)
for name, code in STEPS.items():
    exec(code, scope)
    now = resident("VmRSS"), resident("RssAnon")
    found[name], before = [now[0] - before[0], now[1] - before[1]], now
scope["json"].dump(found, sys.stdout)
"""


def live() -> list[Profile]:
    """Of the service in real time: its threads, its loop by function, its memory."""
    fast = walk(wivelo_folder())
    found = []
    for name, logs in (("150", thinned(fast)), ("1000", fast)):
        for watched in ("threads", "functions"):
            for profile in listen(logs, SECONDS, watched=watched).profiles:
                found.append(Profile(f"2 x {name} packets/s: {profile.what}", profile.unit, profile.shares))
    return [*found, *memory()]


def memory() -> list[Profile]:
    """Resident memory by what is loaded, one after another in one process."""
    done = subprocess.run([sys.executable, "-c", f"STEPS = {STEPS!r}\n{GROWTH}"], capture_output=True, check=True)
    growth: dict[str, tuple[float, float]] = json.loads(done.stdout)
    return [
        Profile("memory by what is loaded", "MB", {name: whole for name, (whole, _) in growth.items()}),
        Profile("of it, not files", "MB", {name: own for name, (_, own) in growth.items()}),
    ]


def start() -> list[Profile]:
    """Time of the imports by package."""
    return [
        _imports("imports of wimose --help", "import edge.cli"),
        _imports("imports of wimose run", "import edge.commands.run, edge.service.loop"),
    ]


def _imports(what: str, code: str) -> Profile:
    done = subprocess.run([sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True, check=True)
    packages: Counter[str] = Counter()
    for own_us, module in TIMED.findall(done.stderr):
        packages[module.partition(".")[0]] += int(own_us)
    largest = packages.most_common(12)
    others = sum(packages.values()) - sum(own_us for _, own_us in largest)
    return Profile(what, "ms", {name: own_us / 1e3 for name, own_us in [*largest, ("others", others)]})
