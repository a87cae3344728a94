"""What is served is what others published, and nothing on the page asks anybody else."""

import hashlib
import json
import re
from typing import Any

import pytest
import yaml

from edge.skeleton import EDGES, JOINTS
from edge.view.server import STATIC

VENDOR = STATIC / "vendor"
PACKAGES = yaml.safe_load((VENDOR / "vendor.yaml").read_text())
OURS = sorted(path.name for path in STATIC.iterdir() if path.suffix in (".js", ".css", ".html", ".svg"))


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package["package"])
def test_the_files_are_as_their_authors_packed_them(package: dict[str, object]) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", str(package["version"]))
    files = package["files"]
    assert isinstance(files, dict)
    assert package["licence_file"] in files
    for name, of in files.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == of["sha256"], name


def test_every_file_is_listed() -> None:
    listed = {name for package in PACKAGES for name in package["files"]} | {"vendor.yaml"}
    assert {path.name for path in VENDOR.iterdir()} == listed


@pytest.mark.parametrize("name", OURS)
def test_no_address_but_our_own(name: str) -> None:
    """Modules by relative path, so that a dashboard finds them too; no address of anybody else."""
    lines = (STATIC / name).read_text().splitlines()
    text = "\n".join(line for line in lines if not line.startswith("//"))
    assert not re.findall(r"(?:https?:)?//[a-z0-9-]+\.[a-z]{2,}", text.replace("http://www.w3.org/2000/svg", ""))
    for module in re.findall(r'(?:from|import)\s+"([^"]+)"', text):
        assert module.startswith("./"), module
        assert (STATIC / module).is_file(), module


def test_the_page_has_no_script_and_no_style_within() -> None:
    """The policy that the server sends forbids both."""
    text = (STATIC / "index.html").read_text()
    assert re.findall(r"<script[^>]*>(.*?)</script>", text, re.S) == [""]
    assert "<style" not in text
    assert not re.search(r"\son\w+=", text)


def test_the_skeleton_is_that_of_the_models() -> None:
    text = (STATIC / "figure.js").read_text()
    joints = re.search(r"JOINTS = (\[.*?\]);", text, re.S)
    edges = re.search(r"EDGES = (\[.*?\]);", text, re.S)
    assert joints is not None
    assert edges is not None
    assert parsed(joints[1]) == list(JOINTS)
    assert parsed(edges[1]) == [list(edge) for edge in EDGES]


def parsed(literal: str) -> Any:
    return json.loads(re.sub(r",\s*\]", "]", literal))
