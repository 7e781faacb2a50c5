"""A picture in the formats of its files."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from fontTools import subset
from fontTools.ttLib import TTFont
from matplotlib.figure import Figure

# A PDF says where each glyph stands. What a font knows of ligatures and kerning is of no use there,
# and to read it and reduce it to the glyphs of a picture takes half the time of the file.
_LAYOUT_TABLES = ("GDEF", "GPOS", "GSUB", "MATH", "kern")
_REST = 1e-3  # of the picture: how far axes may still move
_MOST_RUNS = 5


def _load_glyphs(*arguments: Any, **options: Any) -> TTFont:
    """Load a font without the tables that a PDF has no use for."""
    font = _load_font(*arguments, **options)
    for table in _LAYOUT_TABLES:
        if table in font:
            del font[table]
    return font


_load_font, subset.load_font = subset.load_font, _load_glyphs  # what matplotlib calls


def encode(picture: Figure, metadata: Mapping[str, Mapping[str, Any]]) -> dict[str, bytes]:
    """Return the files of a picture by the ending of their names.

    Args:
        picture: what to draw, in a constrained layout.
        metadata: what a file says of itself, by ending, under the keys that each format has.
    """
    _settle(picture)
    files = {}
    for ending, facts in metadata.items():
        buffer = io.BytesIO()
        picture.savefig(buffer, format=ending, metadata=facts)
        files[ending] = buffer.getvalue()
    return files


def _settle(picture: Figure) -> None:
    """Lay a picture out, once for all formats; the first run of the layout may cut a label."""
    engine, before = picture.get_layout_engine(), None
    assert engine is not None
    for _ in range(_MOST_RUNS):
        engine.execute(picture)
        places = np.array([axes.get_position().bounds for axes in picture.axes])
        if before is not None and np.allclose(places, before, rtol=0.0, atol=_REST):
            break
        before = places
    picture.set_layout_engine(None)
