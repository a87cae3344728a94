"""`python -m edge.service.forget`: clear what the broker keeps of this room. `install.sh --purge` runs it."""

import os
import sys
from pathlib import Path

from edge.address import read_password
from edge.config import load_config
from edge.errors import WimoseError
from edge.publish.clear import clear


def main() -> int:
    try:
        config = load_config(None)
        file = config.mqtt.password_file
        cleared = clear(config, read_password(Path(file) if file else None, os.environ))
    except WimoseError as error:
        print(f"wimose: {error}", file=sys.stderr)
        return error.exit_code
    print(f"{len(cleared)} topics of room {config.room} cleared")
    return 0


if __name__ == "__main__":
    sys.exit(main())
