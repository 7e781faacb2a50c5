"""A picture in the formats of its files."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from fontTools.subset import Options
from matplotlib.figure import Figure

# A PDF says where each glyph stands. What a font knows of ligatures and kerning is of no use there,
# and to reduce that to the glyphs of a picture takes a third of the time of the file.
_LAYOUT_TABLES = ["GDEF", "GPOS", "GSUB", "MATH", "kern"]
Options._drop_tables_default = Options._drop_tables_default + _LAYOUT_TABLES


def encode(
    picture: Figure, metadata: Mapping[str, Mapping[str, Any]], dpi: float | None = None
) -> dict[str, bytes]:
    """Return the files of a picture by the ending of their names.

    The constrained layout settles over its runs, one for every format, and the first ones may cut
    a label. Files from before it came to rest are made again.

    Args:
        picture: what to draw.
        metadata: what a file says of itself, by ending, under the keys that each format has.
        dpi: pixels per inch; without it, those of the style.
    """
    files, places = {}, {}

    def make(ending: str) -> None:
        buffer = io.BytesIO()
        picture.savefig(buffer, format=ending, metadata=metadata[ending], dpi=dpi)
        files[ending] = buffer.getvalue()
        places[ending] = [axes.get_position().bounds for axes in picture.axes]

    for ending in metadata:
        make(ending)
    *others, last = metadata
    for ending in others:
        if not np.allclose(places[ending], places[last], atol=0.01):
            make(ending)
    return files
