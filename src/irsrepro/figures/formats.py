"""A picture in the formats of its files."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure


def encode(
    picture: Figure, metadata: Mapping[str, Mapping[str, Any]], **options: Any
) -> dict[str, bytes]:
    """Return the files of a picture by the ending of their names.

    The constrained layout settles over its runs, one for every format, and the first one may cut
    a label. Where it has moved since, the first file is made again.

    Args:
        picture: what to draw.
        metadata: what a file says of itself, by ending, under the keys that each format has.
        options: of `Figure.savefig`.
    """

    def encoded(ending: str) -> bytes:
        buffer = io.BytesIO()
        picture.savefig(buffer, format=ending, metadata=metadata[ending], **options)
        return buffer.getvalue()

    files, places = {}, []
    for ending in metadata:
        files[ending] = encoded(ending)
        places.append([axes.get_position().bounds for axes in picture.axes])
    if not np.allclose(places[0], places[-1], atol=0.01):
        first = next(iter(files))
        files[first] = encoded(first)
    return files
