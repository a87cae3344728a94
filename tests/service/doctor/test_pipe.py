import os

from edge.service.doctor.pipe import pipe
from tests.service.doctor.conftest import Fake

PATH = "/var/lib/wimose/receiver1.pipe"


def test_a_pipe(fake: Fake) -> None:
    (fake.root / "var/lib/wimose").mkdir(parents=True)
    os.mkfifo(fake.root / PATH.lstrip("/"))
    assert pipe(fake.host, PATH).verdict == "ok"


def test_none(fake: Fake) -> None:
    found = pipe(fake.host, PATH)
    assert found.verdict == "fail"
    assert f"mkfifo {PATH}" in found.remedy


def test_a_file_instead(fake: Fake) -> None:
    fake.write(PATH.lstrip("/"), "a recording")
    found = pipe(fake.host, PATH)
    assert found.verdict == "fail"
    assert "not a named pipe" in found.found


def test_one_that_the_unit_hides(fake: Fake) -> None:
    for path in ("/tmp/r.pipe", "/home/me/r.pipe"):
        found = pipe(fake.host, path)
        assert found.verdict == "fail"
        assert "does not see" in found.found
