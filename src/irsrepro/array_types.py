"""Types of arrays, by what their entries are."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Complex: TypeAlias = NDArray[np.complex128]
Real: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
