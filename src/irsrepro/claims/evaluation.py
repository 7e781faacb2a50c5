"""From a claim to its result: contrasts or counts, intervals, verdicts, and a sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from irsrepro.claims.bounds import Bounds
from irsrepro.claims.contrasts import PLANS, Plan, Row
from irsrepro.claims.curves import Curves, are_changed, checks_of, plans_of
from irsrepro.claims.looks import enough, level_at, looks_until, realisations_wanted
from irsrepro.claims.properties import Trials, count
from irsrepro.claims.verdicts import (
    NOT_REPLICATED,
    REPLICATED,
    UNDECIDED,
    CheckResult,
    ClaimResult,
    Contrast,
    in_words,
    tightest,
    worst,
)
from irsrepro.config.checks import curves_of, resolve
from irsrepro.config.kinds import EVERY, OF_REALISATIONS
from irsrepro.config.problems import one_of, raise_config_error
from irsrepro.statistics import Interval, clopper_pearson, simultaneous_interval

MOST_NEEDED = 100_000


def evaluate(
    claim: Mapping[str, Any],
    experiments: Mapping[str, xr.Dataset],
    origins: Mapping[str, str] | None = None,
    roundings: Sequence[Mapping[str, xr.Dataset]] = (),
    planned: Sequence[int] | None = None,
) -> ClaimResult:
    """Check a claim.

    Args:
        claim: ``id`` and ``checks`` (a list, or ``check``), and if given ``about``, ``figure``,
            ``text``, ``source``, ``cause``, ``rests_on`` (names of parameters) and ``places`` of
            the checks in the configuration.
        experiments: collated experiments by name, see ``curves``.
        origins: origin of every parameter; a claim that rests on a ``calibrated`` one is marked.
        roundings: the experiments as other roundings might have left them, see
            ``sensitivity.roundings``: a claim that one of them turns is undecided.
        planned: how many realisations there may be at the last look at each check; without it,
            those available.

    Raises:
        ConfigurationError: one line naming the claim, the key, the value and what is expected.
    """
    name = str(claim["id"])
    checks = checks_of(claim)
    plans = plans_of(experiments)
    resolved = [resolve(name, check, plans) for check in checks]
    places = claim.get("places", range(len(checks)))
    sizes: Sequence[int | None] = planned or [None] * len(checks)
    # Any of these may make the claim fail by chance.
    number = max(1, sum(check["kind"] != EVERY for check in resolved))
    results = tuple(
        replace(_check(check, experiments, number, size), place=place)
        for check, size, place in zip(resolved, sizes, places, strict=True)
    )
    verdict = worst(result.verdict for result in results)
    other_verdicts = {
        _verdict_under(rounding, experiments, resolved, results, sizes, number, counting=place == 0)
        for place, rounding in enumerate(roundings)
    } - {verdict}
    rests_on = claim.get("rests_on", [])
    for parameter in rests_on:
        if parameter not in (origins or {}):
            raise_config_error(name, "rests_on", parameter, one_of(origins or {}))
    verdict = UNDECIDED if other_verdicts else verdict
    fields = {key: claim[key] for key in ("about", "figure", "text", "source") if key in claim}
    cause = ""
    if verdict != REPLICATED and "cause" in claim:
        cause = "{of}: {why}".format_map(claim["cause"])
    elif verdict == UNDECIDED and not other_verdicts:
        count = min(check.realisations for check in results if check.verdict == UNDECIDED)
        cause = f"sample: an interval from {count} realisations holds the bound"
    return ClaimResult(
        **{"about": "", "figure": "", "text": "", **fields},
        claim=name,
        verdict=verdict,
        checks=results,
        cause=cause,
        turned_by_rounding=bool(other_verdicts),
        by_construction=any((origins or {})[parameter] == "calibrated" for parameter in rests_on),
    )


def _verdict_under(
    rounding: Mapping[str, xr.Dataset],
    experiments: Mapping[str, xr.Dataset],
    checks: Sequence[Mapping[str, Any]],
    results: Sequence[CheckResult],
    sizes: Sequence[int | None],
    number: int,
    *,
    counting: bool,
) -> str:
    """Return the verdict of a claim under another rounding.

    What a realisation is counted by must be what the rounding makes of that very one, so checks
    that count and checks of averages are looked at under roundings of their own.
    """
    return worst(
        _check(check, rounding, number, size).verdict
        if (check["kind"] in OF_REALISATIONS) == counting
        and are_changed(check, curves_of(check), experiments, rounding)
        else result.verdict
        for check, size, result in zip(checks, sizes, results, strict=True)
    )


def _check(
    check: Mapping[str, Any],
    experiments: Mapping[str, xr.Dataset],
    number: int,
    planned: int | None,
) -> CheckResult:
    """Look at a check at every number of realisations up to those available, see ``looks``.

    It is one of a number of checks whose joint intervals hold together.
    """
    curves = curves_of(check)
    count = Curves(check, curves, experiments).realisations
    planned = max(planned or count, count)
    looked = _counted if check["kind"] in OF_REALISATIONS else _averaged
    bounds: Bounds | None = None
    sizes = looks_until(count, planned)
    for size in sizes:
        level = level_at(size, sizes, planned, check["level"])
        look = looked(check, Curves(check, curves, experiments, size), level, number)
        bounds = look.bounds if bounds is None else look.bounds.also(bounds)
    assert bounds is not None
    return look.result(bounds)


@dataclass(frozen=True)
class _Averages:
    """A check of averages at one look."""

    check: Mapping[str, Any]
    plan: Plan
    interval: Interval
    number: int

    @property
    def bounds(self) -> Bounds:
        """Estimates and intervals of the contrasts that are decided on."""
        found, plan = self.interval, self.plan
        estimate, together = found.estimate, np.stack([found.lower, found.upper])
        if plan.fold is not None:
            estimate, together = plan.fold(estimate), np.stack([plan.fold(e) for e in together])
        # What is folded into one number has the interval that the joint ones give, and the ends of
        # a distribution would be covered too seldom alone.
        has_own = plan.fold is None and plan.quantiles is None
        alone = np.stack([found.lower_alone, found.upper_alone]) if has_own else together
        return Bounds(estimate, alone, together)

    def result(self, bounds: Bounds) -> CheckResult:
        """Return what the check comes to with the intervals of all looks."""
        plan, found = self.plan, self.interval
        rows = plan.rows if plan.fold is None else plan.folded
        labels = [row.label for row in rows]
        contrasts = bounds.contrasts(labels, plan.low, plan.high, plan.strict)
        fewest = shown = int(found.realisations.argmin())
        if plan.fold is None:
            shown = tightest(contrasts)
        counts = int(found.realisations[shown]), int(found.left_out[shown])
        return CheckResult(
            kind=self.check["kind"],
            verdict=worst(contrast.verdict for contrast in contrasts),
            contrasts=contrasts,
            realisations=int(found.realisations[fewest]),
            left_out=int(found.left_out[fewest]),
            unit=f"{plan.unit} {plan.per}".strip(),
            sentence=_sentence(plan, rows, contrasts, self, counts),
        )


def _averaged(check: Mapping[str, Any], curves: Curves, level: float, number: int) -> _Averages:
    plan = PLANS[check["kind"]](check, curves)
    quantiles = plan.quantiles
    if quantiles is None and check["aggregate"] == "median":
        quantiles = [0.5] * len(plan.rows)
    samples = np.stack([np.stack(row.terms, axis=-1) for row in plan.rows], axis=1)
    joint_level = _joint(level, number)
    interval = simultaneous_interval(samples, plan.statistic, level, quantiles, joint_level)
    return _Averages(check, plan, interval, number)


@dataclass(frozen=True)
class _Counts:
    """A check of every realisation, or of the share of them, at one look."""

    check: Mapping[str, Any]
    trials: Sequence[Trials]
    level: float
    number: int

    @property
    def bounds(self) -> Bounds:
        """Shares and their intervals, those together by Bonferroni."""
        joint_level = _joint(self.level, self.number * len(self.trials))
        estimate, alone, together = zip(
            *(
                (
                    trial.successes / trial.trials if trial.trials else math.nan,
                    clopper_pearson(trial.successes, trial.trials, self.level),
                    clopper_pearson(trial.successes, trial.trials, joint_level),
                )
                for trial in self.trials
            ),
            strict=True,
        )
        return Bounds(np.array(estimate), np.transpose(alone), np.transpose(together))

    def result(self, bounds: Bounds) -> CheckResult:
        """Return what the check comes to with the intervals of all looks."""
        check, trials = self.check, self.trials
        every = check["kind"] == EVERY
        low, high = (1.0, 1.0) if every else check["share"]
        contrasts = bounds.contrasts([trial.subject for trial in trials], low, high)
        if every:
            # No interval of a share ever reaches one: what is claimed is what was seen.
            contrasts = tuple(
                replace(
                    contrast,
                    verdict=REPLICATED if trial.successes == trial.trials else NOT_REPLICATED,
                )
                if trial.trials
                else contrast
                for contrast, trial in zip(contrasts, trials, strict=True)
            )
        return CheckResult(
            kind=check["kind"],
            verdict=worst(contrast.verdict for contrast in contrasts),
            contrasts=contrasts,
            realisations=min(trial.trials for trial in trials),
            left_out=max(trial.left_out for trial in trials),
            unit="",
            sentence=_counted_sentence(check, trials, contrasts, self.number),
        )


def _joint(level: float, number: int) -> float:
    """Return the level that each of a number of intervals needs for all to hold, by Bonferroni."""
    return 1.0 - (1.0 - level) / number


def _counted(check: Mapping[str, Any], curves: Curves, level: float, number: int) -> _Counts:
    return _Counts(check, count(check, curves), level, number)


def _counted_sentence(
    check: Mapping[str, Any],
    trials: Sequence[Trials],
    contrasts: Sequence[Contrast],
    number: int,
) -> str:
    """Return one line for people about the worst count."""
    index = tightest(contrasts)
    trial, contrast = trials[index], contrasts[index]
    line = f"{trial.subject} in {trial.successes} of {trial.trials} realisations"
    notes = [
        f"share {100 * contrast.lower:.3g} to {100 * contrast.upper:.3g} %",
        f"exact binomial, {100 * check['level']:g} % at any look",
    ]
    if len(trials) > 1:
        line += f", the {_superlative(contrast)} of {len(trials)} comparisons"
    notes += _holding(contrast, number, len(trials))
    if trial.left_out:
        notes.append(f"{trial.left_out} left out")
    if check["kind"] == "share":
        required = in_words(100 * contrast.required_low, 100 * contrast.required_high)
        notes.append(f"{required} % required")
    return f"{line} ({', '.join(notes)})"


def _sentence(
    plan: Plan,
    rows: Sequence[Row],
    contrasts: Sequence[Contrast],
    look: _Averages,
    counts: tuple[int, int],
) -> str:
    """Return one line for people about the tightest contrast of a check."""
    index = tightest(contrasts)
    row, contrast = rows[index], contrasts[index]
    scale = 100 if plan.percent else 1
    unit = f" {'%' if plan.percent else plan.unit} {plan.per}".rstrip().replace("  ", " ")
    ends = [f"{scale * end:.3g}" for end in (contrast.lower, contrast.upper)]
    amount = (ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}") + unit
    if contrast.verdict == REPLICATED:
        line = f"{row.says} {amount}"
    elif math.isinf(contrast.lower):
        line = f"{row.subject} has no interval"
    else:
        line = f"{row.subject} is {amount}"
    line = f"{line} {row.place}".rstrip()
    if len(contrasts) > 1:
        line += f", the {_superlative(contrast)} of {len(contrasts)} comparisons"
    if contrast.verdict in (UNDECIDED, NOT_REPLICATED):
        line += f"; {in_words(scale * plan.low, scale * plan.high, plan.strict)}{unit} is required"
    if contrast.verdict == UNDECIDED:
        line += _still_needed(contrasts, counts[0])
    notes = [f"{100 * look.check['level']:g} % at any look"]
    notes += _holding(contrast, look.number, len(contrasts))
    notes.append(f"n = {counts[0]}")
    if counts[1]:
        notes.append(f"{counts[1]} left out")
    return f"{line} ({', '.join(notes)})"


def _still_needed(contrasts: Sequence[Contrast], size: int) -> str:
    """Return in words how many realisations might decide a check."""
    realisations = enough(*realisations_wanted(contrasts, size))
    if not math.isfinite(realisations) or realisations > MOST_NEEDED:
        return ", which no number of realisations in reach would decide"
    digits = max(0, len(str(int(realisations))) - 2)
    rounded = math.ceil(realisations / 10**digits) * 10**digits
    return f", which about {rounded} realisations would decide"


def _holding(contrast: Contrast, checks: int, contrasts: int) -> list[str]:
    """Say of the interval of one of several comparisons what it holds for."""
    if contrast.alone:
        return ["each alone"] if contrasts > 1 else []
    return ["simultaneous"] if checks * contrasts > 1 else []


def _superlative(contrast: Contrast) -> str:
    return "tightest" if contrast.verdict == REPLICATED else "worst"
