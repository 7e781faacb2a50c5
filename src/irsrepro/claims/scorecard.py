"""Results of claims as one dataset, and as rows of a table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import xarray as xr

from irsrepro.claims.verdicts import CheckResult, ClaimResult, Contrast
from irsrepro.storage import variable

_CLAIM = {
    "about": "figure or theorem of the paper",
    "figure": "name of the figure the claim stands beside",
    "text": "the claim in our wording",
    "verdict": "worst verdict of its checks",
}
_CHECK = {
    "kind": "kind of check",
    "verdict": "worst verdict of its contrasts",
    "unit": "unit of its contrasts, empty for a plain number",
    "sentence": "result for people",
}
_COUNTS = {
    "realisations": "realisations behind the contrast that has the fewest",
    "left_out": "realisations left out of it because a value failed",
}
_CONTRAST = {
    "estimate": "estimate of the contrast",
    "lower": "lower end of its simultaneous interval",
    "upper": "upper end of its simultaneous interval",
    "required_low": "lower end of the range that the claim requires",
    "required_high": "upper end of the range that the claim requires",
}


def to_dataset(results: Iterable[ClaimResult]) -> xr.Dataset:
    """Return the results of claims as one dataset.

    Args:
        results: one result per claim.

    Returns:
        Dimensions ``claim``, ``check`` and ``contrast``. Checks of all claims stand one after the
        other, and so do their contrasts; ``check_claim`` (check) and ``contrast_check`` (contrast)
        are the positions of the claim and the check they belong to. Contrasts are in the unit that
        ``check_unit`` names.
    """
    claims = list(results)
    checks = [(i, check) for i, claim in enumerate(claims) for check in claim.checks]
    contrasts = [(i, each) for i, (_, check) in enumerate(checks) for each in check.contrasts]
    made = {
        "claim": variable(("claim",), _text(each.claim for each in claims), "id of claim", "1"),
        "by_construction": variable(
            ("claim",),
            np.array([each.by_construction for each in claims], dtype=np.int8),
            "1 if the claim rests on a calibrated parameter, so that agreement is no evidence",
            "1",
        ),
        "turned_by_rounding": variable(
            ("claim",),
            np.array([each.turned_by_rounding for each in claims], dtype=np.int8),
            "1 if another rounding would give another verdict",
            "1",
        ),
        "check_claim": _positions("check", (i for i, _ in checks), "claim of the check"),
        "contrast_check": _positions("contrast", (i for i, _ in contrasts), "check of contrast"),
        "contrast_label": variable(
            ("contrast",), _text(each.label for _, each in contrasts), "what is estimated", "1"
        ),
        "contrast_verdict": variable(
            ("contrast",), _text(each.verdict for _, each in contrasts), "verdict", "1"
        ),
    }
    for name, about in _CLAIM.items():
        values = _text(getattr(each, name) for each in claims)
        made[name] = variable(("claim",), values, about, "1")
    for name, about in _CHECK.items():
        values = _text(getattr(each, name) for _, each in checks)
        made[f"check_{name}"] = variable(("check",), values, about, "1")
    for name, about in _COUNTS.items():
        made[f"check_{name}"] = _positions("check", (getattr(c, name) for _, c in checks), about)
    for name, about in _CONTRAST.items():
        numbers = np.array([getattr(each, name) for _, each in contrasts], dtype=float)
        made[f"contrast_{name}"] = variable(("contrast",), numbers, about, "see check_unit")
    return xr.Dataset(made)


def from_dataset(dataset: xr.Dataset) -> list[ClaimResult]:
    """Return the results that ``to_dataset`` put into a dataset."""
    columns = {str(name): values.values.tolist() for name, values in dataset.variables.items()}

    def members(kind: str, of: str, index: int) -> list[int]:
        return [i for i, owner in enumerate(columns[f"{kind}_{of}"]) if owner == index]

    def fields(names: Iterable[str], prefix: str, index: int) -> dict[str, Any]:
        return {name: columns[f"{prefix}{name}"][index] for name in names}

    def contrast(index: int) -> Contrast:
        return Contrast(**fields(["label", "verdict", *_CONTRAST], "contrast_", index))

    def check(index: int) -> CheckResult:
        contrasts = tuple(contrast(i) for i in members("contrast", "check", index))
        return CheckResult(contrasts=contrasts, **fields([*_CHECK, *_COUNTS], "check_", index))

    return [
        ClaimResult(
            checks=tuple(check(i) for i in members("check", "claim", index)),
            turned_by_rounding=bool(columns["turned_by_rounding"][index]),
            by_construction=bool(columns["by_construction"][index]),
            **fields(["claim", *_CLAIM], "", index),
        )
        for index in range(dataset.sizes["claim"])
    ]


def to_table(dataset: xr.Dataset) -> list[dict[str, Any]]:
    """Return one row per claim, for CSV and HTML.

    Args:
        dataset: as ``to_dataset`` returns it.

    Returns:
        ``claim``, ``about``, ``figure``, ``text``, ``verdict``, then of its tightest contrast
        ``estimate``, ``lower``, ``upper``, ``unit``, ``n``, ``left_out`` and ``sentence``, and
        ``by_construction``.
    """
    rows = []
    for result in from_dataset(dataset):
        shown = result.shown
        contrast = shown.tightest
        rows.append(
            {
                "claim": result.claim,
                "about": result.about,
                "figure": result.figure,
                "text": result.text,
                "verdict": result.verdict,
                "estimate": contrast.estimate,
                "lower": contrast.lower,
                "upper": contrast.upper,
                "unit": shown.unit,
                "n": shown.realisations,
                "left_out": shown.left_out,
                "sentence": result.sentence,
                "by_construction": result.by_construction,
            }
        )
    return rows


def _text(values: Iterable[str]) -> np.ndarray[Any, np.dtype[np.str_]]:
    return np.array(list(values), dtype=np.str_)


def _positions(dim: str, values: Iterable[int], about: str) -> Any:
    return variable((dim,), np.array(list(values), dtype=np.int64), about, "1")
