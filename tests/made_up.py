"""Made-up papers for pages: pictures, claims and configuration, with whatever tries a page."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from typing import Any

import numpy as np
import PIL.Image
import xarray as xr

from irsrepro.build.storage import variable
from irsrepro.config.paper import DEFAULT, Paper
from irsrepro.report.pages import Chapter

EVIL = "<script>alert('x')</script> & \"quotes\""
LONG = "internationalisation_of_" + "reflectarrays" * 8
ABOUT = {"ring": f"users on a ring, {EVIL}", "nearer": f"users nearer, {LONG}"}


def png(width: int = 40, height: int = 30, colour: str = "orange") -> bytes:
    """Return a picture of one colour."""
    buffer = io.BytesIO()
    PIL.Image.new("RGB", (width, height), colour).save(buffer, format="png")
    return buffer.getvalue()


def claim(name: str, figure: str, verdict: str, **more: Any) -> dict[str, Any]:
    """Return the row of a claim."""
    return {
        "claim": name,
        "about": "Fig. 1",
        "figure": figure,
        "text": f"{name} is said",
        "verdict": verdict,
        "estimate": 0.25,
        "lower": -0.125,
        "upper": math.inf,
        "unit": "bit/s/Hz",
        "n": 100,
        "sentence": f"{name} was found",
        "source": "paper",
        "cause": "",
        "holds": 1,
        "comparisons": 2,
        "by_construction": False,
    } | more


CLAIMS = [
    claim("a-rise", "fig01", "replicated", estimate=10.0),
    claim("a-fall", "fig01", "not replicated", text=EVIL, estimate=-2.5),
    claim("a-late", "fig02", "undecided", estimate=math.nan, sentence=LONG),
    claim("a-open", "fig02", "replicated", estimate=math.inf, unit=LONG),
    claim("a-theorem", "none", "undecided", by_construction=True, estimate=9.5),
]

SOURCE: dict[str, Any] = {
    "title": EVIL,
    "authors": ["A. Author", "B. Author"],
    "venue": "Venue",
    "year": 2020,
    "identifiers": {"arXiv": "2001.00001", "DOI": "10.1/abc", "ISBN": "123"},
    "summary": f"What it is about, {LONG}.",
    "parameters": {
        "power": {"value": 30, "unit": "dBm", "origin": "stated", "why": "in the text"},
        "drop": {"value": "disc", "unit": "name", "origin": "assumed", "why": EVIL},
        "users": {"value": 4, "unit": "1", "origin": "derived", "why": "twice two"},
        "rounds": {"value": 9, "unit": "1", "origin": "recalled", "why": LONG},
    },
    "ensembles": {
        "near": {"about": "users near by", "set": {"users": 2}},
        "far": {"about": "users far away", "set": {}},
    },
    "schemes": {
        "own": {"title": "Own scheme", "about": "ours"},
        "few": {"title": "Few rounds", "about": "ours", "set": {"rounds": 2}},
    },
    "experiments": {
        "rise": {
            "about": "rate against power",
            "ensemble": "near",
            "metric": "rate",
            "schemes": ["own", "few"],
            "set": {"rounds": 50},
            "sweep": {
                "parameter": "power",
                "values": list(range(60)),
                "origin": "recalled",
                "why": f"the axis, {EVIL}",
            },
        },
        "fall": {
            "about": "the same far away",
            "ensemble": "far",
            "metric": "rate",
            "schemes": ["own"],
            "set": {},
            "sweep": {
                "parameter": "power",
                "values": list(range(60)),
                "origin": "recalled",
                "why": "the axis",
            },
        },
    },
    "figures": {
        "fig01": {
            "title": "First",
            "caption": f"Caption {EVIL}",
            "kind": "curves",
            "experiments": ["rise", "fall"],
        },
        "fig02": {"title": LONG, "caption": "Another", "kind": "layout", "ensemble": "near"},
        "fig03": {
            "title": "Sheet",
            "caption": "Both",
            "kind": "sheet",
            "figures": ["fig01", "fig02"],
        },
    },
    "errata": ["(1) is wrong", EVIL],
}
PICTURES = {"fig01": png(), "fig02": png(90, 30, "green"), "fig03": png(2000, 500, "blue")}


def chapter(key: str = "made2020", **changes: Any) -> Chapter:
    """Return a made-up paper, perhaps with other claims or pictures."""
    paper = Paper(key, SOURCE, readings={DEFAULT: {}}, adjustments={})
    return replace(Chapter(paper, CLAIMS, PICTURES, f"results/paper/{key}/default"), **changes)


def rows(*keys: str, compared: bool = False) -> list[dict[str, Any]]:
    """Return the rows of a scorecard, perhaps compared under alternative readings."""
    more = {
        "robustness": "depends on: ring",
        "depends_on": "ring",
        "verdicts": {"ring": "undecided", "nearer": "replicated"},
    }
    return [row | {"paper": key} | (more if compared else {}) for key in keys for row in CLAIMS]


def thumbnails(*keys: str) -> dict[tuple[str, str], bytes]:
    """Return the pictures of a scorecard by paper and figure."""
    return {(key, figure): picture for key in keys for figure, picture in PICTURES.items()}


def drawn(key: str = "made2020", reading: str = DEFAULT, shift: float = 0.0) -> xr.Dataset:
    """Return figure data of two curves over three points; one interval is not known."""
    names, x = np.array(["own", "few"]), np.array([1.0, 10.0, 100.0])
    value = np.array([[1.0, 2.0, 4.0], [0.5, 1.5, 3.5]]) + shift
    lower, upper = value - 0.25, value + 0.25
    lower[1, 0] = upper[1, 0] = np.nan
    dims = ("curve", "point")
    return xr.Dataset(
        {
            "value": variable(dims, value, "mean rate", "bit/s/Hz"),
            "lower": variable(dims, lower, "lower end", "bit/s/Hz"),
            "upper": variable(dims, upper, "upper end", "bit/s/Hz"),
            "realisations": variable(dims, np.full((2, 3), 99), "realisations", "1"),
            "failures": variable(dims, np.eye(2, 3, dtype=int), "failures", "1"),
        },
        coords={
            "curve": variable(("curve",), names, "curve", "1"),
            "scheme": variable(("curve",), names, "scheme", "1"),
            "experiment": variable(("curve",), np.array(["rise", "rise"]), "experiment", "1"),
            "after": variable(("curve",), np.array([-1, -1]), "iterations", "1"),
            "point": variable(("point",), x, "power", "W"),
        },
        attrs={
            "kind": "curves",
            "paper": key,
            "figure": "fig01",
            "reading": reading,
            "fidelity": "paper",
            "engine": "fast",
            "changes": "" if reading == DEFAULT else "users on a ring",
        },
    )
