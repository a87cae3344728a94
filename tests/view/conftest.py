"""A headless Chromium, and how to look at what it draws."""

import io
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest

from edge.arrays import Array
from edge.publish.message import Pose
from edge.skeleton import N_JOINTS
from edge.view.scene import Room, SceneReceiver
from tests.conftest import WAIT_S
from tests.publish.test_message import a_pose

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SOFTWARE_GL = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]  # no graphics card here
SIZE = {"width": 400, "height": 340}  # drawn by the processor: small

LAB = Room(
    room="lab",
    receivers=(SceneReceiver("receiver1", [(4.5, 0.5, 1.2)]), SceneReceiver("receiver2", [(0.5, 3.5, 1.2)])),
    size_m=(5.0, 4.0, 2.6),
    transmitter_m=(0.5, 0.5, 1.2),
    carrier_hz=5.825e9,
)

# Somebody who stands at the origin, arms a little away, metres; row by row as edge.skeleton.JOINTS.
STANDING = np.array(
    [[0, 0, .95], [.12, 0, .93], [.13, 0, .5], [.14, 0, .08], [-.12, 0, .93], [-.13, 0, .5], [-.14, 0, .08],
     [0, 0, 1.2], [0, 0, 1.45], [0, .08, 1.58], [0, 0, 1.7],
     [.19, 0, 1.42], [.3, 0, 1.15], [.33, .05, .9], [-.19, 0, 1.42], [-.3, 0, 1.15], [-.33, .05, .9]]
)  # fmt: skip


def walker(seq: int, source: str = "replay", present: bool = True) -> Pose:
    """Pose number `seq` of 30 a second, of somebody who circles in the lab."""
    assert STANDING.shape == (N_JOINTS, 3)
    angle = seq / 30
    joints = STANDING + np.array([2.5 + np.cos(angle), 2.0 + np.sin(angle), 0.0])
    return a_pose(joints, seq=seq, t=1e9 + seq / 30, source=source, present=present)


class Page:
    """A page in the browser; keeps what it complained about and what it asked for."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requested: list[str] = []
        page.on("console", lambda line: self.complaints.append(line.text) if line.type in ("error", "warning") else 0)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requested.append(request.url))

    def text(self, selector: str) -> str:
        return str(self.page.locator(selector).text_content(timeout=WAIT_S * 1e3))

    def wait_for(self, phase: str) -> None:
        """Until the panel is in a phase: present, nobody, none."""
        self.page.wait_for_selector(f'.panel[data-phase="{phase}"]', timeout=WAIT_S * 1e3)

    def picture(self) -> Array:
        """The canvas alone, without what is written over it: (H, W, 3) int16, 0 to 255."""
        from PIL import Image

        shown = self.page.locator(".head, .foot, .legend, .veil")
        shown.evaluate_all("(elements) => elements.forEach((element) => (element.style.visibility = 'hidden'))")
        shot = self.page.locator("canvas").screenshot(timeout=WAIT_S * 1e3)
        shown.evaluate_all("(elements) => elements.forEach((element) => (element.style.visibility = ''))")
        return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(np.int16)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < deadline
            self.page.wait_for_timeout(100)


def figure(picture: Array) -> Array:
    """Where the figure's left and right tints are: (H, W) bool."""
    red, green, blue = picture[..., 0], picture[..., 1], picture[..., 2]
    left = (green - red > 40) & (green >= blue - 8)
    right = (red - green > 35) & (red - blue > 45)
    return np.asarray(left | right)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One browser for a file's tests."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        sandbox = [] if os.geteuid() else ["--no-sandbox"]  # Chromium refuses to have one as root
        browser = driver.chromium.launch(executable_path=program, args=[*SOFTWARE_GL, *sandbox])
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Any) -> Iterator[Callable[..., Page]]:
    """Opens an empty page; its address is visited by the test."""
    with ExitStack() as stack:

        def start(**options: Any) -> Page:
            context = chromium.new_context(viewport=SIZE, **options)
            stack.callback(context.close)
            return Page(context.new_page())

        yield start
