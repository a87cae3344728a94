from edge.track.presence import OFF_S, ON_S, Presence


def said(presence: Presence, begin: float, seconds: float, present: bool) -> list[bool]:
    """What it says at 30 poses a second that all say `present`."""
    return [presence.update(begin + pose / 30, present) for pose in range(round(seconds * 30))]


def test_a_blip_is_nobody() -> None:
    presence = Presence()
    assert not any(said(presence, 0.0, 0.9 * ON_S, True))
    assert not any(said(presence, 1.0, 1.0, False))
    assert not any(said(presence, 2.0, 0.9 * ON_S, True)), "two blips do not add up"


def test_somebody_who_comes_and_goes() -> None:
    presence = Presence()
    coming = said(presence, 0.0, 5.0, True)
    assert coming.index(True) == round(ON_S * 30)
    assert all(coming[coming.index(True) :])
    going = said(presence, 5.0, OFF_S + 5.0, False)
    assert going.index(False) == round(OFF_S * 30)
    assert not any(going[going.index(False) :])


def test_somebody_who_sits_still_for_a_while_is_still_there() -> None:
    presence = Presence()
    said(presence, 0.0, 2.0, True)
    assert all(said(presence, 2.0, 0.9 * OFF_S, False))
    assert presence.update(2.0 + 0.9 * OFF_S, True)
    assert all(said(presence, 12.0, 0.9 * OFF_S, False)), "the patience begins anew"
