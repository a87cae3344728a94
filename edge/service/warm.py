"""`python -m edge.service.warm`: compile the signal path for this processor, before the service is started with it.

The installer runs it as the service's user, with the service's NUMBA_CACHE_DIR: the service then finds every kernel.
"""

import sys
from pathlib import Path

from edge.config import Config, load_rooms
from edge.errors import WimoseError
from edge.inference.bundle import find_bundle, load_bundle
from edge.inference.engine import Engine
from edge.recording import as_heard
from edge.replay import warm_up
from edge.session import load_session

SESSION = Path(__file__).parents[1] / "demo" / "session"  # simulated; any packets of two receivers would do


def warm(config: Config) -> tuple[int, int]:
    """Run the beginning of a session through the path. Returns the numbers of kernels that were compiled and found."""
    session = load_session(SESSION)
    bundle = load_bundle(find_bundle(config.bundle))
    warm_up(as_heard(session.logs), Engine(bundle, config.engine))
    compiled = found = 0
    for module in [module for name, module in sys.modules.items() if name.startswith("edge.")]:
        for value in vars(module).values():
            # A kernel that several modules import is counted where it is defined.
            if getattr(value, "__module__", None) == module.__name__ and hasattr(value, "stats"):
                compiled += sum(value.stats.cache_misses.values())
                found += sum(value.stats.cache_hits.values())
    return compiled, found


def main() -> int:
    try:
        compiled, found = warm(load_rooms(None)[0])  # all rooms share the model
    except WimoseError as error:
        print(f"wimose: {error}", file=sys.stderr)
        return error.exit_code
    print(f"{compiled} kernels compiled, {found} were there")
    return 0


if __name__ == "__main__":
    sys.exit(main())
