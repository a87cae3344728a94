"""What else was tried for a room's last layer than what `calibration.adapt` does; measured beside it."""

from collections.abc import Callable

import numpy as np

from calibration import mixture, ridge
from calibration.adapt import trust_of
from calibration.labels import Labels
from calibration.ridge import Ridge
from calibration.samples import Samples
from edge.arrays import Array
from edge.inference.bundle import Bundle
from edge.inference.engine import Engine
from edge.inference.head import Head
from edge.pose import HEADING_OUT, ROOT_OUT

Tried = Callable[[Samples, Labels, Bundle, Engine], Head]

HUBER_M = 0.5  # beyond, a place counts less: half a step beside the spot
ROUNDS = 20


def affine(samples: Samples, labels: Labels, bundle: Bundle, engine: Engine) -> Head:
    """The shipped root under a robust affine map of the floor (Huber's weights, iterated)."""
    shipped, known = engine.last_layer(), labels.known
    said = samples.joints[known, 0, :2]
    inputs = np.column_stack((said, np.ones(len(said))))
    weight = np.ones(len(said))
    for _ in range(ROUNDS):
        root = np.sqrt(weight)[:, None]
        found = np.linalg.lstsq(root * inputs, root * labels.root[known], rcond=None)[0]
        off = np.linalg.norm(inputs @ found - labels.root[known], axis=1)
        weight = np.minimum(1.0, HUBER_M / np.maximum(off, 1e-6))
    floor = slice(ROOT_OUT.start, ROOT_OUT.start + 2)
    return _rooted(shipped, shipped.weights[:, floor] @ found[:2], shipped.bias[floor] @ found[:2] + found[2])


def network_alone(samples: Samples, labels: Labels, bundle: Bundle, engine: Engine) -> Head:
    """Fits to the network's features, without the swings."""
    return _mixed(samples, labels, bundle, engine, trust=trust_of(bundle, swings=0.0))


def swings_alone(samples: Samples, labels: Labels, bundle: Bundle, engine: Engine) -> Head:
    """Fits to the swings, without the network: held towards the middle of the walk."""
    return _mixed(samples, labels, bundle, engine, trust=trust_of(bundle, features=0.0), shares=(0.0,))


def towards_nothing(samples: Samples, labels: Labels, bundle: Bundle, engine: Engine) -> Head:
    """Fits held towards the middle of the walk, whatever the shipped weights are."""
    return _mixed(samples, labels, bundle, engine, shares=(0.0,))


def towards_shipped(samples: Samples, labels: Labels, bundle: Bundle, engine: Engine) -> Head:
    """Fits held towards the shipped weights: to what the shipped root leaves."""
    return _mixed(samples, labels, bundle, engine, shares=(1.0,))


def best_alone(samples: Samples, labels: Labels, bundle: Bundle, engine: Engine) -> Head:
    """The fit that is least off on segments left out, instead of the mean."""
    return _mixed(samples, labels, bundle, engine, weigh=_best)


def most_cautious(samples: Samples, labels: Labels, bundle: Bundle, engine: Engine) -> Head:
    """The fit nearest to the shipped root that is no more than one standard error worse than the best."""
    return _mixed(samples, labels, bundle, engine, weigh=_cautious)


def every_moment(samples: Samples, labels: Labels, bundle: Bundle, engine: Engine) -> Head:
    """Every moment counts alike, and with it the spots for the half of the time that somebody stands on them."""
    return _mixed(samples, labels, bundle, engine, counts=np.ones(int(labels.known.sum())))


def with_heading(samples: Samples, labels: Labels, bundle: Bundle, engine: Engine) -> Head:
    """The heading refitted as well, to the way that is walked."""
    head = towards_nothing(samples, labels, bundle, engine)
    known = labels.known
    walking = known & (labels.spot < 0)
    ahead = np.gradient(labels.root[:, :2], axis=0)[walking]
    length = np.linalg.norm(ahead, axis=1)
    (turned,) = ridge.fits(samples.features[walking][length > 0], (ahead / length[:, None])[length > 0], (1.0,))
    weights, bias = head.weights.copy(), head.bias.copy()
    weights[:, HEADING_OUT], bias[HEADING_OUT] = turned.weights, turned.bias
    return Head(weights, bias)


TRIED: dict[str, Tried] = {
    "120 s, robust affine of the shipped place": affine,
    "120 s, the network's features alone": network_alone,
    "120 s, swings alone": swings_alone,
    "120 s, towards the middle of the walk": towards_nothing,
    "120 s, towards the shipped weights": towards_shipped,
    "120 s, the best fit alone": best_alone,
    "120 s, the most cautious within one standard error": most_cautious,
    "120 s, every moment counts alike": every_moment,
    "120 s, heading as well": with_heading,
}


def _mixed(
    samples: Samples, labels: Labels, bundle: Bundle, engine: Engine, trust: Array | None = None,
    shares: tuple[float, ...] = mixture.SHARES, weigh: mixture.Weigh | None = None, counts: Array | None = None,
) -> Head:  # fmt: skip
    """As `adapt`, but for what is given."""
    shipped, known = engine.last_layer(), labels.known
    root, segment = labels.root[known], labels.segment[known]
    pairs = ridge.left_out(segment, samples.time_s[known], samples.context_s)
    counts = mixture.evenly(root[:, :2]) if counts is None else counts
    trust = trust_of(bundle) if trust is None else trust
    own = Ridge(shipped.weights[:, ROOT_OUT], shipped.bias[ROOT_OUT])
    fits = mixture.every_fit(samples.features[known], root, own, pairs, counts, trust, shares)
    found = mixture.mixed(fits, root, counts, segment, weigh).root
    return _rooted(shipped, found.weights, found.bias)


def _best(errors: Array, size: Array) -> Array:
    return np.asarray(np.arange(len(errors)) == np.argmin(errors @ size), np.float64)


def _cautious(errors: Array, size: Array) -> Array:
    """Fits stand in order: share by share the stronger ones later, the shipped root last."""
    loss, deviation = mixture.losses(errors, size)
    return np.asarray(np.arange(len(errors)) == np.flatnonzero(loss <= deviation)[-1], np.float64)


def _rooted(shipped: Head, weights: Array, bias: Array) -> Head:
    new = Head(shipped.weights.copy(), shipped.bias.copy())
    new.weights[:, ROOT_OUT], new.bias[ROOT_OUT] = weights, bias
    return new
