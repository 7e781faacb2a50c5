"""The claims of a paper under one reading, on no more realisations than they need.

All claims are looked at first after a few realisations. As long as one is open and not hopelessly
so, the schemes that it compares run on as many again, up to a limit: see ``claims.looks``, whose
intervals are valid whenever and for whatever reason one stops. What was solved is kept, so that a
run that was cut short goes on, and that a reading finds what it shares with the default one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from itertools import pairwise
from typing import Any

import xarray as xr

from irsrepro.build.designs import Chunk
from irsrepro.build.experiments import compare, compared_quantities, join
from irsrepro.build.jobs import content_hash, still_valid
from irsrepro.build.places import EXPLORED_SOLUTION
from irsrepro.build.storage import write_groups
from irsrepro.channels.ensembles import draw_realisations
from irsrepro.channels.streams import RandomStream
from irsrepro.claims import evaluate
from irsrepro.claims.looks import FIRST, enough, looks_until, realisations_wanted
from irsrepro.claims.verdicts import REPLICATED, UNDECIDED, CheckResult, ClaimResult
from irsrepro.config.checks import experiments_of
from irsrepro.config.expressions import claims_under, pairs_of
from irsrepro.config.kinds import EVERY
from irsrepro.config.paper import DEFAULT, Paper

ENGINE = "fast"
HOPE = 8
"""A claim that seems to want so many times all its realisations is given up.

Not before a quarter of them, nor at the first look: intervals of early looks are wide by design,
so that what a claim seems to want is too much.
"""

PART = 32
"""Realisations that are solved, and kept, together at most."""

ALIKE = 64
"""A verdict from realisations that are all alike is looked at on so many of them.

On all where an ensemble has more realisations than others.
"""


@dataclass
class Exploration:
    """The claims of a paper under a reading.

    Attributes:
        paper: with the reading among its own.
        reading: name of the reading.
        seed: root of every random stream.
        limit: realisations that a claim is given at most; more or fewer where the build of the
            paper has more of an ensemble than of others, or fewer of it or of a scheme.
        code: digest of the code that numbers come from, by the name of a scheme.
    """

    paper: Paper
    reading: str
    seed: int
    limit: int
    code: Mapping[str, str]
    _solved: dict[str, dict[str, list[xr.Dataset]]] = field(default_factory=dict)
    _channels: dict[tuple[str, str], xr.Dataset] = field(default_factory=dict)

    def results(self) -> list[ClaimResult]:
        """Return the result of every claim that says anything under the reading.

        Left out are claims on computing times, which are of a machine and not of a reading.
        """
        origins = {name: entry["origin"] for name, entry in self.paper.parameters.items()}
        results: dict[str, ClaimResult] = {}
        lacking = {name: list(range(len(pairs))) for name, pairs in self._pairs.items()}
        most = max((max(self._planned(name)) for name in self._claims), default=self.limit)
        for size in looks_until(most, most):
            self._channels.clear()  # what a look adds is all that is drawn for it
            pairs = {pair for name, checks in lacking.items()
                     for check in checks for pair in self._pairs[name][check]}  # fmt: skip
            for experiment in dict.fromkeys(experiment for experiment, _ in sorted(pairs)):
                schemes = [name for key, name in sorted(pairs) if key == experiment]
                self._extend(experiment, schemes, size)
            tables = {name: self._table(name) for name in self._solved}
            for name in lacking:
                claim = self._claims[name] | {"id": name}
                compared = {experiment for pairs in self._pairs[name] for experiment, _ in pairs}
                inputs = {experiment: tables[experiment] for experiment in compared}
                planned = self._planned(name)
                results[name] = evaluate(claim, inputs, origins, planned=planned)
            lacking = {name: checks for name in lacking
                       if (checks := self._lacking(results[name], size))}  # fmt: skip
        return [results[name] for name in self._claims]

    def _lacking(self, result: ClaimResult, size: int) -> list[int]:
        """Return the checks of a claim that are given more realisations than they have."""
        planned = self._planned(result.claim)
        is_open = result.verdict == UNDECIDED
        may_be_given_up = is_open and size >= max(2 * FIRST, max(planned) / 4)
        if may_be_given_up and effort_wanted(result, planned, size) > HOPE:
            return []
        return [
            place
            for place, (check, most) in enumerate(zip(result.checks, planned, strict=True))
            if size < most
            and (is_open or check.verdict == result.verdict)
            and (
                check.verdict == UNDECIDED
                or (rests_on_no_spread(check) and (size < ALIKE or most > self.limit))
            )
        ]

    @cached_property
    def _claims(self) -> dict[str, dict[str, Any]]:
        """Claims on anything but times."""
        timed = {name for name, plan in self.paper.experiments.items() if plan.get("timed")}
        return {
            name: claim
            for name, claim in claims_under(self.paper, self.reading).items()
            if not timed & {key for check in claim["checks"] for key in experiments_of(check)}
        }

    @cached_property
    def _pairs(self) -> dict[str, list[set[tuple[str, str]]]]:
        """Experiments and schemes that each check of a claim compares."""
        return pairs_of(self.paper, self._claims)

    def _planned(self, claim: str) -> list[int]:
        """Return the realisations at the last look at each check of a claim."""
        return [min(self._most(*pair) for pair in pairs) for pairs in self._pairs[claim]]

    def _most(self, experiment: str, scheme: str | None = None) -> int:
        """Return how many realisations an experiment, or a scheme in it, is given at most.

        The limit, also where the build has fewer of most ensembles. Of one that is costly, no more
        than the build has of it; of one that has more than others, for claims on shares near one,
        as many times more, up to what the build has.
        """
        plan = self.paper.experiments[experiment]
        size = self.paper.sample_size(plan["ensemble"], "paper")
        usual = int(self.paper.realisations["paper"]["value"])
        most = self.limit
        if size < usual:
            most = min(most, size)
        if size > usual:
            most = min(most * size // usual, size)
        if scheme not in plan.get("first", {}):
            return most
        return min(most, max(int(plan["first"][scheme]), FIRST))

    def _extend(self, experiment: str, schemes: Sequence[str], size: int) -> None:
        """Solve the realisations that schemes lack of a number."""
        solved = self._solved.setdefault(experiment, {})
        most = self._most(experiment)
        ends = sorted({*looks_until(most, most), *range(PART, most, PART)})
        for first, end in pairwise([0, *ends]):
            missing: dict[int, list[str]] = {}  # by where their chunk ends
            for scheme in schemes:
                own_end = min(end, self._most(experiment, scheme))
                count = sum(part.sizes["realisation"] for part in solved.get(scheme, ()))
                if end <= _last_end(size, ends) and count == first < own_end:
                    missing.setdefault(own_end, []).append(scheme)
            for own_end, names in missing.items():
                chunk = f"{first:05d}-{own_end - 1:05d}"
                for scheme, solution in self._solutions(experiment, names, chunk).items():
                    solved.setdefault(scheme, []).append(solution)

    def _solutions(
        self, experiment: str, schemes: Sequence[str], chunk: str
    ) -> dict[str, xr.Dataset]:
        """Return what schemes reach on a chunk, from a file of this or the default reading."""
        paper, plan = self.paper, self.paper.experiments[experiment]
        ensemble = plan["ensemble"]
        sweep = {"unit": paper.parameters[plan["sweep"]["parameter"]]["unit"]} | plan["sweep"]
        about = {"paper": paper.key, "experiment": experiment, "seed": self.seed}
        channel_parameters = paper.channel_parameters(self.reading, ensemble)
        draws = paper.draws_of(ensemble)
        runs = {scheme: paper.plan_of(self.reading, experiment, scheme) for scheme in schemes}
        hashes = {
            scheme: content_hash(
                about, ensemble, draws, channel_parameters, sweep, scheme, run, self.code[scheme]
            )
            for scheme, run in runs.items()
        }
        own, shared = (
            EXPLORED_SOLUTION.format(
                paper=paper.key, reading=reading, experiment=experiment, chunk=chunk
            )
            for reading in (self.reading, DEFAULT)
        )
        own_solutions = still_valid(own, hashes)
        solutions = (
            still_valid(shared, hashes) | own_solutions if own != shared else dict(own_solutions)
        )
        missing = [scheme for scheme in schemes if scheme not in solutions]
        if missing:
            identity = about | {"reading": self.reading, "engine": ENGINE}
            model = f"irsrepro.papers.{paper.key}.system"
            part = Chunk(identity, ensemble, self._draw_channels(ensemble, chunk), model, sweep)
            plans = {scheme: runs[scheme] | {"library": self.code[scheme]} for scheme in missing}
            for scheme, solution in part.solutions(plans, hashes):
                own_solutions[scheme] = solutions[scheme] = compared_quantities(solution)
            write_groups(own, own_solutions)
        return {scheme: solutions[scheme] for scheme in schemes}

    def _draw_channels(self, ensemble: str, chunk: str) -> xr.Dataset:
        """Return the channels of a chunk, those of the build of the paper."""
        if (ensemble, chunk) not in self._channels:
            paper = self.paper
            first, last = map(int, chunk.split("-"))
            stream = RandomStream(self.seed).child(paper.key, paper.draws_of(ensemble))
            draw = import_module(f"irsrepro.papers.{paper.key}.ensemble").draw
            section = paper.channel_parameters(self.reading, ensemble)
            channels = draw_realisations(draw, section, stream, range(first, last + 1))
            self._channels[ensemble, chunk] = channels.assign_attrs(
                paper=paper.key, ensemble=ensemble, seed=str(self.seed)
            )
        return self._channels[ensemble, chunk]

    def _table(self, experiment: str) -> xr.Dataset:
        """Return an experiment as claims read it."""
        solved = self._solved[experiment]
        solutions = {name: join(chunks, f"{experiment}, {name}") for name, chunks in solved.items()}
        return compare(solutions, self.paper.experiments[experiment]["metric"])


def _last_end(size: int, ends: Sequence[int]) -> int:
    """Return the end of the last chunk that a number of realisations needs."""
    return next((end for end in ends if end >= size), ends[-1])


def rests_on_no_spread(check: CheckResult) -> bool:
    """Whether a verdict is from realisations that were all alike, however few.

    A property that held in every one of them, or a contrast that did not vary: no interval tells
    how sure that is.
    """
    if check.kind == EVERY:
        return check.verdict == REPLICATED
    return check.verdict != UNDECIDED and any(
        contrast.lower == contrast.upper for contrast in check.contrasts
    )


def effort_wanted(result: ClaimResult, planned: Sequence[int], size: int) -> float:
    """Return how many times as many realisations as planned would decide a claim.

    That is, if its estimates are the truth. A check that gets no further realisations cannot become
    one that holds any more.

    Args:
        result: of the claim.
        planned: realisations at the last look at each of its checks.
        size: realisations at this look.
    """
    outside: list[float] = []
    inside: list[float] = []
    for check, most in zip(result.checks, planned, strict=True):
        to_fail, to_hold = realisations_wanted(check.contrasts, check.realisations)
        if size < most:
            outside += [number / most for number in to_fail]
            inside += [number / most for number in to_hold]
        elif check.verdict == UNDECIDED:
            inside.append(math.inf)
    return enough(outside, inside)
