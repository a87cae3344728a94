"""The dependency rules of the design, read from the import statements."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = {"edge", "models", "firmware_tools", "calibration"}
MAY_IMPORT = {
    "edge": {"edge"},
    "models": {"models", "edge"},
    "firmware_tools": {"firmware_tools", "calibration", "models", "edge"},  # it measures what calibration gains
    "calibration": {"calibration", "edge"},
}
# Data flows one way within edge: what each part may import, beside itself. A part that is not named here (the service,
# the commands) stands above them all: it may import any, and none of these may import it.
BASE = {"arrays", "errors", "skeleton", "__init__"}
EDGE_PARTS = {
    **{name: set() for name in BASE},
    "parse": BASE,
    "signal": BASE | {"parse"},
    "capture": BASE | {"config", "parse", "publish"},
    "recording": BASE | {"parse", "signal"},
    "geometry": BASE,
    "session": BASE | {"geometry", "parse", "signal"},
    "pose": BASE,
    "metrics": BASE,
    "inference": BASE | {"geometry", "signal", "pose"},
    "profile": BASE | {"geometry", "inference", "signal"},
    "address": BASE,
    "config": BASE | {"address", "geometry", "signal"},
    "publish": BASE | {"address", "config"},
    "estimate": BASE | {"inference", "publish", "signal"},
    "track": BASE | {"publish"},
    "progress": set(),
    "cli": BASE,
}
# Distributions whose module has another name.
MODULE_OF = {
    "paho-mqtt": "paho",
    "pyyaml": "yaml",
    "tflite-runtime": "tflite_runtime",
    "ai-edge-litert": "ai_edge_litert",
}


def files(folder: str) -> list[Path]:
    return sorted(path for path in (ROOT / folder).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """Every module a file imports, at its head or in a function; `from a import b` gives a.b."""
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def strings(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def edge_part(module: str) -> str:
    """edge.signal.path.Packets -> signal; what edge itself defines, such as its version -> __init__."""
    name = module.split(".")[1] if "." in module else "__init__"
    exists = (ROOT / "edge" / name).is_dir() or (ROOT / "edge" / f"{name}.py").is_file()
    return name if exists else "__init__"


def test_the_reader_sees_imports_anywhere(tmp_path: Path) -> None:
    """This file's own test: a rule that sees nothing holds always."""
    path = tmp_path / "module.py"
    path.write_text("import a.b\nfrom c import d, e as f\ndef g():\n    if 1:\n        from h.i import j\n")
    assert list(imports(path)) == ["a.b", "c.d", "c.e", "h.i.j"]
    assert edge_part("edge.signal.path.Packets") == "signal"
    assert edge_part("edge.recording") == "recording"
    assert edge_part("edge.__version__") == "__init__"
    assert edge_part("edge") == "__init__"
    assert len(files("edge")) > 30


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_folders_import_only_what_they_may(folder: str) -> None:
    for path in files(folder):
        ours = {module.split(".")[0] for module in imports(path)} & (OURS | {"tests"})
        assert ours <= MAY_IMPORT[folder], path


def test_models_takes_only_the_skeleton_the_pose_the_metrics_the_geometry_and_the_image_spec() -> None:
    allowed = {"edge.arrays", "edge.metrics", "edge.skeleton", "edge.pose", "edge.signal.imagespec", "edge.geometry"}
    for path in files("models"):
        assert {module.rpartition(".")[0] for module in imports(path) if module.startswith("edge.")} <= allowed, path


def test_only_the_command_line_names_the_other_folders() -> None:
    """By strings such as 'firmware_tools.commands:train', imported when their subcommand runs."""
    dotted = re.compile(rf"({'|'.join(OURS - {'edge'})})[.:]\w+(\.\w+)*(:\w+)?")
    naming = {path.name for path in files("edge") if any(map(dotted.fullmatch, strings(path)))}
    assert naming == {"cli.py"}


def test_within_edge_data_flows_one_way() -> None:
    for path in files("edge"):
        relative = path.relative_to(ROOT / "edge")
        part = relative.parts[0].removesuffix(".py")
        imported = {edge_part(module) for module in imports(path) if module.split(".")[0] == "edge"}
        if part in EDGE_PARTS:
            assert imported <= EDGE_PARTS[part] | {part}, path


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_no_two_modules_need_each_other(folder: str) -> None:
    names = {}
    for path in files(folder):
        parts = path.relative_to(ROOT).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    graph = {
        name: {known for module in imports(path) for known in (module, module.rpartition(".")[0]) if known in names}
        - {name, folder}
        for name, path in names.items()
    }
    TopologicalSorter(graph).prepare()  # raises CycleError, naming the modules


def test_edge_needs_only_its_run_time_dependencies() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    distributions = {re.split(r"[^\w-]", line)[0] for line in project["dependencies"]}
    allowed = {MODULE_OF.get(name, name) for name in distributions} | {"edge"}
    optional = {re.split(r"[^\w-]", line)[0] for line in project["optional-dependencies"]["demo"]}
    for path in files("edge"):
        foreign = {module.split(".")[0] for module in imports(path)} - sys.stdlib_module_names - allowed
        assert foreign <= optional, path
        if foreign:
            head = ast.Module(ast.parse(path.read_text()).body, [])
            at_import = {node.module for node in head.body if isinstance(node, ast.ImportFrom)}
            assert not {str(name).split(".")[0] for name in at_import} & optional, f"{path}: an extra, at import"


HELP = "import edge.cli as cli\ntry: cli.main(['--help'])\nexcept SystemExit: pass"


@pytest.mark.parametrize("code", ["import edge.cli", HELP])
def test_the_command_line_starts_light(code: str) -> None:
    """What takes long to load is loaded by the subcommand that uses it."""
    heavy = {"numpy", "numba", "scipy", "keras", "tensorflow", "msgspec", "rich", "paho"}
    loaded = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint('LOADED', *sys.modules)"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.rpartition("LOADED")[2].split()  # fmt: skip
    assert "edge.cli" in loaded
    assert not {module.split(".")[0] for module in loaded} & heavy
