"""The guided parts of a recording: hold on for so long, and the walk, prompt by prompt.

A receiver that is lost stops the walk, not the recording: when it is heard again, the prompt that was spoilt is done
again. The prompts that are kept are whole.
"""

import math
from collections.abc import Sequence

import msgspec

from calibration.guide import Guide, seen
from calibration.plan import name_of
from calibration.script import Spot
from calibration.take import Ended, Take
from calibration.walk import Prompt

GIVE_UP_S = 60.0  # a receiver that stays silent for longer does not come back by itself
BACK_S = 6  # to walk back to the spot
GET_READY_S = 8  # to walk to the first

ASKED = {
    "stand": "stand still on {to}",
    "arms-up": "stay on {to}, both arms up, facing the transmitter",
    "arms-wide": "stay on {to}, arms wide, facing the transmitter",
    "sit": "sit down on the chair on {to}, facing the transmitter",
    "walk": "walk from {from} to {to}, evenly, there as the bar fills",
}


class Lost(Exception):
    """Receivers that have gone silent, by name."""


def hold(take: Take, guide: Guide, seconds: float, what: str, down: bool = False) -> tuple[float, float]:
    """Record for so long; returns begin and end on the session's clock. Raises Lost and Ended.

    down  count down instead of filling a bar
    """
    if not guide.console.is_terminal:
        guide.say(f"{what} {seconds:.0f} s")  # the bar is not shown
    begun = take.listen()
    begun_s = take.session_s(begun)
    now = begun
    with guide.bar() as bar:
        task = bar.add_task(what, total=seconds, seen="")
        while now - begun < seconds:
            left = math.ceil(seconds - (now - begun))
            bar.update(task, completed=now - begun, description=f"{what}{' in' if down else ','} {left} s",
                       seen=seen(take.meters, now))  # fmt: skip
            now = take.listen()
            if silent := take.silent(now):
                raise Lost(" and ".join(silent))
    return begun_s, take.session_s(now)


def wait_again(take: Take, guide: Guide, lost: Lost) -> None:
    """Say that a receiver is lost and wait until both are heard. Raises Ended where it does not come back."""
    guide.bell()
    guide.warn(
        f"no packets from {lost}: the recording pauses",
        f"see that it is on and hears the transmitter; it goes on by itself. Ctrl-C ends here, after {GIVE_UP_S:.0f} s "
        "it ends by itself",
    )
    begun = take.clock()
    while silent := take.silent(now := take.listen()):
        if now - begun > GIVE_UP_S:
            raise Ended(f"no packets from {' and '.join(silent)} for {GIVE_UP_S:.0f} s")
    guide.say("both receivers are heard again")


def steadily(take: Take, guide: Guide, seconds: float, what: str) -> tuple[float, float]:
    """`hold`, begun again as often as a receiver is lost."""
    while True:
        try:
            return hold(take, guide, seconds, what)
        except Lost as lost:
            wait_again(take, guide, lost)


def perform(take: Take, guide: Guide, prompts: Sequence[Prompt], spots: Sequence[Spot], done: list[Prompt]) -> None:
    """Ask for one prompt after another. Raises Ended.

    done  filled with what was done, and when, on the session's clock; whole at any moment
    """
    ready = False
    while len(done) < len(prompts):
        prompt = prompts[len(done)]
        try:
            if not ready:
                hold(take, guide, BACK_S if done else GET_READY_S, f"go to {_name(prompt.start_m, spots)}:", down=True)
                ready = True
            guide.bell()
            number = f"{len(done) + 1}/{len(prompts)}"
            start_s, end_s = hold(take, guide, prompt.end_s - prompt.start_s, f"{number} {asked(prompt, spots)}")
        except Lost as lost:
            wait_again(take, guide, lost)
            ready = False
            continue
        done.append(msgspec.structs.replace(prompt, start_s=round(start_s, 3), end_s=round(end_s, 3)))


def asked(prompt: Prompt, spots: Sequence[Spot]) -> str:
    """A prompt in words."""
    return ASKED[prompt.pose].format_map({"from": _name(prompt.start_m, spots), "to": _name(prompt.end_m, spots)})


def _name(spot: Spot, spots: Sequence[Spot]) -> str:
    return name_of(list(spots).index(spot)) if spot in spots else f"({spot[0]:g}, {spot[1]:g})"
