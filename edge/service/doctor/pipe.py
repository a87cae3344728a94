"""The named pipe of a receiver with `source: log`: somebody has to make it, where the service can see it."""

import stat

from edge.service.doctor.finding import Check, Finding
from edge.service.doctor.host import Host

HIDDEN = ("/tmp/", "/var/tmp/", "/home/", "/root/", "/run/user/")  # of the unit: PrivateTmp=, ProtectHome=


def pipe(host: Host, path: str) -> Finding:
    check = Check("pipe")
    if path.startswith(HIDDEN):
        return check.fail(f"the service does not see {path}", "make it in /var/lib/wimose, and name it there")
    make = f"install -d -o wimose -g wimose {path.rpartition('/')[0]} && mkfifo {path} && chown wimose {path}"
    try:
        mode = host.path(path).stat().st_mode
    except OSError as error:
        return check.fail(f"{path}: {error.strerror}", f"make it: {make}")
    if not stat.S_ISFIFO(mode):
        return check.fail(f"{path} is not a named pipe", f"remove it and make one: {make}")
    return check.ok(path)
