"""What else was tried for a room's last layer than what `calibration.adapt` does; measured beside it."""

from collections.abc import Callable

import numpy as np

from calibration import ridge
from calibration.labels import Labels
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
    """The ridge on the network's features, without the swings."""
    shipped, features = engine.last_layer(), bundle.description.features
    found = _chosen(samples.features[labels.known, :features], labels.root[labels.known], samples, labels)
    rest = np.zeros((len(shipped.weights) - features, 3))
    return _rooted(shipped, np.concatenate((found.weights, rest)), found.bias)


def swings_alone(samples: Samples, labels: Labels, bundle: Bundle, engine: Engine) -> Head:
    """The ridge on the swings, without the network."""
    shipped, features = engine.last_layer(), bundle.description.features
    found = _chosen(samples.features[labels.known, features:], labels.root[labels.known], samples, labels)
    return _rooted(shipped, np.concatenate((np.zeros((features, 3)), found.weights)), found.bias)


def towards_nothing(samples: Samples, labels: Labels, bundle: Bundle, engine: Engine) -> Head:
    """The ridge held towards the middle of the walk, whatever the shipped weights are."""
    found = _chosen(samples.features[labels.known], labels.root[labels.known], samples, labels)
    return _rooted(engine.last_layer(), found.weights, found.bias)


def towards_shipped(samples: Samples, labels: Labels, bundle: Bundle, engine: Engine) -> Head:
    """The ridge held towards the shipped weights: fitted to what the shipped root leaves."""
    shipped, known = engine.last_layer(), labels.known
    inputs = samples.features[known]
    left = labels.root[known] - shipped(inputs)[:, ROOT_OUT]
    found = _chosen(inputs, left, samples, labels)
    return _rooted(shipped, shipped.weights[:, ROOT_OUT] + found.weights, shipped.bias[ROOT_OUT] + found.bias)


def with_heading(samples: Samples, labels: Labels, bundle: Bundle, engine: Engine) -> Head:
    """The heading refitted as well, to the way that is walked."""
    shipped, known = engine.last_layer(), labels.known
    inputs = samples.features[known]
    found = _chosen(inputs, labels.root[known], samples, labels)
    head = _rooted(shipped, found.weights, found.bias)
    walking = known & (labels.spot < 0)
    ahead = np.gradient(labels.root[:, :2], axis=0)[walking]
    length = np.linalg.norm(ahead, axis=1)
    turned = ridge.fit(samples.features[walking][length > 0], (ahead / length[:, None])[length > 0], 1.0)
    weights, bias = head.weights.copy(), head.bias.copy()
    weights[:, HEADING_OUT], bias[HEADING_OUT] = turned.weights, turned.bias
    return Head(weights, bias)


TRIED: dict[str, Tried] = {
    "120 s, robust affine of the shipped place": affine,
    "120 s, the network's features alone": network_alone,
    "120 s, swings alone": swings_alone,
    "120 s, towards the middle of the walk": towards_nothing,
    "120 s, towards the shipped weights": towards_shipped,
    "120 s, heading as well": with_heading,
}


def _chosen(inputs: Array, targets: Array, samples: Samples, labels: Labels) -> ridge.Ridge:
    known = labels.known
    pairs = ridge.left_out(labels.segment[known], samples.time_s[known], samples.context_s)
    return ridge.fit(inputs, targets, ridge.choose(inputs, targets, pairs)[0])


def _rooted(shipped: Head, weights: Array, bias: Array) -> Head:
    new = Head(shipped.weights.copy(), shipped.bias.copy())
    new.weights[:, ROOT_OUT], new.bias[ROOT_OUT] = weights, bias
    return new
