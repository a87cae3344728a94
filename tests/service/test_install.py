"""`install.sh` for the service, as far as it can be looked at without changing a machine.

What it does to one is proven by `systemd.sh` beside this file.
"""

import os
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = ("install.sh", "tests/service/systemd.sh", "tests/service/boot.sh")


@pytest.fixture
def bash() -> str:
    program = shutil.which("bash")
    assert program is not None
    return program


def install(*arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    return subprocess.run(
        [ROOT / "install.sh", *arguments], env=environ, capture_output=True, text=True, timeout=60, cwd="/"
    )


def needs_python(done: subprocess.CompletedProcess[str]) -> None:
    if done.returncode == 3:
        pytest.skip(f"no Python that a service could use: {done.stderr}")


def test_dry_run_prints_the_steps_in_their_order() -> None:
    done = install("--dry-run")
    needs_python(done)
    assert done.returncode == 0, done.stderr
    steps = done.stdout.splitlines()
    assert "nothing is changed" in done.stderr
    order = (
        "-m venv /opt/wimose/releases/", "-m pip ", "/etc/wimose/config.example.yaml", "-m edge.service.warm",
        "/bin/wimose doctor", "/etc/systemd/system/wimose.service", "mv -T /opt/wimose/current.new /opt/wimose/current",
        "systemctl daemon-reload", "systemctl --quiet enable wimose.service", "systemctl restart wimose.service",
    )  # fmt: skip
    at = [next(n for n, step in enumerate(steps) if part in step) for part in order]
    assert at == sorted(at)


@pytest.mark.parametrize(
    ("role", "source", "target"),
    [
        ("--service", "/systemd/wimose.service", "wimose.service"),
        ("--mqtt-only", "/systemd/wimose-mqtt.service", "wimose.service"),
        ("--relay", "/systemd/wimose-relay.service", "wimose-relay.service"),
    ],
)
def test_the_unit_of_each_part_in_the_house(role: str, source: str, target: str) -> None:
    done = install("--dry-run", role)
    needs_python(done)
    (step,) = [step for step in done.stdout.splitlines() if "/systemd/" in step and step.startswith("install ")]
    *_, copied, to = step.split()
    assert copied.endswith(source)
    assert to == f"/etc/systemd/system/{target}"
    assert ("edge.service.warm" in done.stdout) == (role != "--relay")


def test_dry_run_changes_nothing() -> None:
    paths = [Path(path) for path in ("/opt/wimose", "/etc/wimose", "/etc/systemd/system/wimose.service")]
    before = [path.exists() for path in paths]
    for arguments in ((), ("--uninstall",), ("--purge",)):
        install("--dry-run", *arguments)
    assert [path.exists() for path in paths] == before


def test_offline_takes_packages_from_the_folder_alone(tmp_path: Path) -> None:
    done = install("--dry-run", "--offline", str(tmp_path))
    needs_python(done)
    (pip,) = [step for step in done.stdout.splitlines() if "-m pip" in step]
    assert f"--no-index --find-links {tmp_path}" in pip


@pytest.mark.parametrize("action", ["--uninstall", "--purge"])
def test_removing_keeps_what_is_somebodys(action: str) -> None:
    done = install("--dry-run", action)
    assert done.returncode == 0, done.stderr
    removed = {word for step in done.stdout.splitlines() if step.startswith("rm ") for word in step.split()}
    assert "/opt/wimose" in removed
    assert ("/etc/wimose" in removed, "/var/lib/wimose" in removed) == ((action == "--purge",) * 2)


@pytest.mark.parametrize(
    ("arguments", "what_to_do"),
    [
        (["--offline"], "folder of the wheels"),
        (["--offline", "/no/such/folder"], "folder of the wheels"),
        (["--relay", "--mqtt-only"], "give one of them"),
        (["--purge", "--relay"], "goes alone"),
        (["--fly"], "usage: ./install.sh"),
        (["fly"], "usage: ./install.sh"),
    ],
)
def test_a_mistake_is_a_usage_error(arguments: list[str], what_to_do: str) -> None:
    done = install(*arguments)
    assert done.returncode == 2
    assert what_to_do in done.stderr


def test_help_shows_examples() -> None:
    done = install("--help")
    assert done.returncode == 0
    assert "sudo ./install.sh" in done.stdout.partition("examples:")[2]
    assert install("--relay", "--help").stdout == done.stdout


def test_a_release_is_named_after_its_sources(tmp_path: Path, bash: str) -> None:
    """The same sources are the same release; one byte more is another."""
    folder = tmp_path / "checkout"
    for name in ("edge", "models", "firmware_tools", "calibration"):
        (folder / name / "__pycache__").mkdir(parents=True)
        (folder / name / "__init__.py").write_text('__version__ = "1.2.3"\n')
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        (folder / name).touch()

    def release(python: str = "3.11") -> str:
        script = f"source {ROOT}/edge/service/install.sh && cd {folder} && release_name {python}"
        return subprocess.run([bash, "-euo", "pipefail", "-c", script], capture_output=True, text=True).stdout.strip()

    first = release()
    assert first.startswith("1.2.3-")
    (folder / "edge" / "__pycache__" / "a.nbi").write_text("not a source")
    assert release() == first
    assert release("3.12") != first
    (folder / "models" / "bundle.yaml").write_text("x")
    assert release() != first


def test_a_release_holds_every_file_that_is_read_at_run_time() -> None:
    """pip takes Python files by itself, all others only where pyproject.toml names them."""
    data = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    for package, folder in (("edge", ROOT / "edge"), ("models", ROOT / "models" / "bundles")):
        named = {path for pattern in data[package] for path in (ROOT / package).glob(pattern)}
        for path in folder.rglob("*"):
            hidden = "__pycache__" in path.parts or path.name.startswith(".")
            if path.is_file() and not hidden and path.suffix not in (".py", ".sh"):
                assert path in named, path


@pytest.mark.parametrize("script", SCRIPTS)
def test_shellcheck_finds_nothing(script: str) -> None:
    program = shutil.which("shellcheck")
    if program is None:
        pytest.skip("shellcheck is not installed")
    done = subprocess.run([program, "-x", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
