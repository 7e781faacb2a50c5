"""What a picture says of itself: small print, warnings, and the facts in its file."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from irsrepro.figures.style import GREY, NOTICEABLE, RED, WORTH_TELLING, Schemes


def annotate(picture: Figure, panels: Sequence[xr.Dataset], schemes: Schemes) -> int:
    """Write the small print and the warnings; return the number of lines of the latter."""
    small_print = textwrap.fill(_small_print(panels, schemes), 86 * len(panels))
    picture.supxlabel(small_print, x=0.99, ha="right", color=GREY, fontsize=7)
    lines = [line for text in warnings(*panels) for line in textwrap.wrap(text, 50 * len(panels))]
    if lines:
        picture.suptitle("\n".join(lines), color=RED, fontsize=10, fontweight="bold")
    return len(lines)


def _small_print(panels: Sequence[xr.Dataset], schemes: Schemes) -> str:
    data = panels[0]
    parts = [f"{data.attrs['paper']}/{data.attrs['figure']}", _count(panels, "realisations")]
    if "value" in data:
        level = re.match(r"\d+(\.\d+)? ?%", data.attrs["interval"])
        parts.append(f"{level.group()} intervals" if level else "intervals")
        failures = data["failures"]
        if int(failures.sum()):
            attempts = failures + data["realisations"]
            for along in {"iteration", "level"} & {*map(str, failures.dims)}:
                failures, attempts = failures.max(along), attempts.max(along)
            has_undefined = "undefined" in data and data.attrs["kind"] == "curves"
            undefined = int(data["undefined"].sum()) if has_undefined else 0
            counts = {"undefined": undefined, "failed": int(failures.sum()) - undefined}
            of = int(attempts.sum())
            parts += [f"{n} of {of} solutions {how}" for how, n in counts.items() if n > 0]
        if "rounding" in data:
            share = (data["rounding"] / ((data["upper"] - data["lower"]) / 2.0)).values
            largest = float(np.max(share, where=np.isfinite(share), initial=0.0))
            if largest >= NOTICEABLE:
                parts.append(f"rounding moves points by up to {100 * largest:.0f} % of intervals")
    for name, words, least in (
        ("capped", "at the iteration limit", WORTH_TELLING),
        ("rounding_loss", "rounding loss", 0.0),
    ):
        if shares := _largest_shares(panels, name, schemes, least):
            entries = ", ".join(f"{title} {_percent(share)} %" for title, share in shares.items())
            parts.append(f"{words} up to: {entries}")
    return ", ".join(parts)


def _percent(share: float) -> str:
    """Return a share in per cent, whole from one on, with one digit that counts below."""
    return f"{100 * share:.0f}" if share >= WORTH_TELLING else f"{100 * share:.1g}"


def _largest_shares(
    panels: Sequence[xr.Dataset], name: str, schemes: Schemes, least: float
) -> dict[str, float]:
    """Return the largest share over points and panels by title of a scheme, from the least on."""
    largest: dict[str, float] = {}
    for data in (panel for panel in panels if name in panel):
        for scheme, share in zip(data["scheme"].values, data[name].values, strict=True):
            if share >= least:
                title = str(schemes[str(scheme)]["title"])
                largest[title] = max(largest.get(title, 0.0), float(share))
    return largest


def _count(panels: Sequence[xr.Dataset], of: str = "") -> str:
    """Return the number of realisations asked for, or its range where curves differ."""
    numbers = []
    for data in panels:
        if "value" in data:
            counts = (data["realisations"] + data["failures"]).values
            numbers += counts[counts > 0].tolist()
        else:
            numbers.append(data.sizes["realisation"])
    fewest, most = min(numbers, default=0), max(numbers, default=0)
    text = f"{most}" if fewest == most else f"{fewest} to {most}"
    return f"n = {text} {of}".strip()


def metadata(
    data: xr.Dataset, figure: Mapping[str, Any], schemes: Schemes
) -> dict[str, dict[str, Any]]:
    """Return what the file says of itself, under the keys that each format has."""
    attributes = data.attrs
    title = f"{attributes['paper']} {attributes['figure']}: {figure['title']}"
    maker = f"irsrepro {attributes.get('code_version', 'unknown')}"
    names = ("paper", "figure", "reading", "engine", "fidelity", "parameters_hash")
    facts = [f"{name}={attributes[name]}" for name in names]
    facts.append(f"code_version={attributes.get('code_version', 'unknown')}")
    about = "; ".join([*warnings(data), _small_print([data], schemes)])
    return {
        "pdf": {"Title": title, "Subject": about, "Keywords": ", ".join(facts), "Creator": maker,
                "CreationDate": None},
        "svg": {"Title": title, "Description": about, "Keywords": facts, "Creator": maker,
                "Date": None},
        "png": {"Title": title, "Description": about, "Comment": ", ".join(facts),
                "Software": maker},
    }  # fmt: skip


def warnings(*panels: xr.Dataset) -> list[str]:
    """Return what must not be overlooked about a figure; nothing for the figure itself."""
    messages = []
    attributes = panels[0].attrs
    if attributes["fidelity"] == "preview":
        messages.append(f"PREVIEW, {_count(panels)}")
    if attributes["engine"] != "fast":
        messages.append(f"{attributes['engine']} engine")
    if attributes["reading"] != "default":
        messages.append(f"reading {attributes['reading']}: {attributes['changes']}")
    return messages
