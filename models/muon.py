"""Muon for convolutions: every kernel's step is its momentum made orthogonal.

K. Jordan et al., Muon, 2024; J. Liu et al., Muon is Scalable for LLM Training, 2025 (the step's size, which lets it
share Adam's learning rate). Keras has it for matrices alone and leaves kernels of convolutions to Adam; flattened to
(everything that is summed over, filters) they are matrices too. After a million windows wimose-plus places people to
383 mm on clips never seen; with Adam to 482 mm, or 444 mm at the same, three times higher learning rate.
"""

import math
from typing import Any

import keras
from keras import ops

MATRIX = 2  # dimensions; biases and the scales of normalisations have one


class Muon(keras.optimizers.Muon):  # type: ignore[misc]  # keras is untyped
    """As Keras's own, convolutions included. `exclude_layers` (the outputs') stay with Adam; no weight decay."""

    def __init__(self, learning_rate: float = 1e-3, exclude_layers: list[str] | None = None, **how: Any) -> None:
        how = {"weight_decay": None, "adam_weight_decay": None} | how
        super().__init__(learning_rate=learning_rate, exclude_layers=exclude_layers, **how)

    def _should_use_adamw(self, variable: Any) -> bool:
        return len(variable.shape) < MATRIX or any(name in variable.path for name in self.exclude_layers)

    def _muon_update_step(self, gradient: Any, variable: Any, lr: Any, m: Any) -> None:
        shape = tuple(variable.shape)
        matrix = (math.prod(shape[:-1]), shape[-1])
        self.assign_add(m, ops.add(gradient, m * (self.momentum - 1)))
        # Nesterov's look ahead
        ahead = ops.reshape(ops.add(gradient, self.momentum * m), matrix)
        step = self.lr_adjust(lr * self.zeropower_via_newtonschulz5(ahead, self.ns_steps))
        self.assign_sub(variable, ops.reshape(step, shape))
