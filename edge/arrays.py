"""The one array type of the annotations. Shape, dtype and unit stand in each docstring, where mypy cannot read them."""

from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
