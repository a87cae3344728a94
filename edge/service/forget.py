"""`python -m edge.service.forget`: clear what the broker keeps of this host's rooms. `install.sh --purge` runs it."""

import os
import sys
from pathlib import Path

from edge.address import read_password
from edge.config import load_rooms
from edge.errors import WimoseError
from edge.publish.clear import clear


def main() -> int:
    try:
        rooms = load_rooms(None)
        file = rooms[0].mqtt.password_file
        password = read_password(Path(file) if file else None, os.environ)
        for config in rooms:
            print(f"{len(clear(config, password))} topics of room {config.room} cleared")
    except WimoseError as error:
        print(f"wimose: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
