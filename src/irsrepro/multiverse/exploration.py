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
from irsrepro.claims.looks import FIRST, looks_until, realisations_to_decide
from irsrepro.claims.verdicts import REPLICATED, UNDECIDED, ClaimResult
from irsrepro.config.checks import experiments_of
from irsrepro.config.expressions import claims_under, pairs_of
from irsrepro.config.paper import DEFAULT, Paper

ENGINE = "fast"
EVERY = "every_realisation"
HOPE = 4
"""A claim is not given the second half of its realisations if it seems to want so many times all.

No claim is given up before: intervals of early looks are wide by design.
"""


@dataclass
class Exploration:
    """The claims of a paper under a reading.

    Attributes:
        paper: with the reading among its own.
        reading: name of the reading.
        seed: root of every random stream.
        limit: realisations that a claim is given at most; fewer where the build of the paper has
            fewer of an ensemble, or of a scheme.
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
        found: dict[str, ClaimResult] = {}
        waiting = dict(self._claims)
        for size in looks_until(self.limit, self.limit):
            wanted = {each for name in waiting for each in self._pairs[name]}
            for experiment in dict.fromkeys(each for each, _ in sorted(wanted)):
                schemes = [name for each, name in sorted(wanted) if each == experiment]
                self._extend(experiment, schemes, size)
            tables = {name: self._table(name) for name in self._solved}
            for name, claim in waiting.items():
                used = {each: tables[each] for each, _ in self._pairs[name]}
                planned = self._planned(name)
                found[name] = evaluate(claim | {"id": name}, used, origins, planned=planned)
            waiting = {
                name: claim for name, claim in waiting.items() if self._goes_on(found[name], size)
            }
        return [found[name] for name in self._claims]

    def _goes_on(self, result: ClaimResult, size: int) -> bool:
        """Whether a claim is given more realisations than it has."""
        planned = self._planned(result.claim)
        if size >= planned:
            return False
        if result.verdict != UNDECIDED:
            return rests_on_no_spread(result)
        return 2 * size < planned or realisations_wanted(result) <= HOPE * planned

    @cached_property
    def _claims(self) -> dict[str, dict[str, Any]]:
        """Claims on anything but times."""
        timed = {name for name, plan in self.paper.experiments.items() if plan.get("timed")}
        return {
            name: claim
            for name, claim in claims_under(self.paper, self.reading).items()
            if not timed & {each for check in claim["checks"] for each in experiments_of(check)}
        }

    @cached_property
    def _pairs(self) -> dict[str, set[tuple[str, str]]]:
        """Experiments and schemes that a claim compares."""
        return pairs_of(self.paper, self._claims)

    def _planned(self, claim: str) -> int:
        """Return the realisations at the last look at a claim."""
        return min(self._most(*pair) for pair in self._pairs[claim])

    def _most(self, experiment: str, scheme: str | None = None) -> int:
        """Return how many realisations an experiment, or a scheme in it, is given at most."""
        plan = self.paper.experiments[experiment]
        most = min(self.limit, self.paper.sample_size(plan["ensemble"], "paper"))
        if scheme not in plan.get("first", {}):
            return most
        first = max(plan["first"][scheme], FIRST)
        return max(each for each in looks_until(most, most) if each <= first)

    def _extend(self, experiment: str, schemes: Sequence[str], size: int) -> None:
        """Solve the realisations that schemes lack of a number."""
        solved = self._solved.setdefault(experiment, {})
        most = self._most(experiment)
        ends = looks_until(most, most)
        for first, end in pairwise([0, *ends]):
            missing = [
                scheme
                for scheme in schemes
                if end <= min(_reached(size, ends), self._most(experiment, scheme))
                and sum(each.sizes["realisation"] for each in solved.get(scheme, ())) == first
            ]
            if missing:
                chunk = f"{first:05d}-{end - 1:05d}"
                for scheme, solution in self._solutions(experiment, missing, chunk).items():
                    solved.setdefault(scheme, []).append(solution)

    def _solutions(
        self, experiment: str, schemes: Sequence[str], chunk: str
    ) -> dict[str, xr.Dataset]:
        """Return what schemes reach on a chunk, from a file of this or the default reading."""
        paper, plan = self.paper, self.paper.experiments[experiment]
        ensemble = plan["ensemble"]
        sweep = {"unit": paper.parameters[plan["sweep"]["parameter"]]["unit"]} | plan["sweep"]
        about = {"paper": paper.key, "experiment": experiment, "seed": self.seed}
        drawn = paper.channel_parameters(self.reading, ensemble)
        draws = paper.draws_of(ensemble)
        runs = {scheme: paper.plan_of(self.reading, experiment, scheme) for scheme in schemes}
        hashes = {
            scheme: content_hash(
                about, ensemble, draws, drawn, sweep, scheme, run, self.code[scheme]
            )
            for scheme, run in runs.items()
        }
        own, shared = (
            EXPLORED_SOLUTION.format(
                paper=paper.key, reading=reading, experiment=experiment, chunk=chunk
            )
            for reading in (self.reading, DEFAULT)
        )
        kept = still_valid(own, hashes)
        found = still_valid(shared, hashes) | kept if own != shared else dict(kept)
        missing = [scheme for scheme in schemes if scheme not in found]
        if missing:
            identity = about | {"reading": self.reading, "engine": ENGINE}
            model = f"irsrepro.papers.{paper.key}.system"
            part = Chunk(identity, ensemble, self._drawn(ensemble, chunk), model, sweep)
            plans = {scheme: runs[scheme] | {"library": self.code[scheme]} for scheme in missing}
            for scheme, solution in part.solutions(plans, hashes):
                kept[scheme] = found[scheme] = compared_quantities(solution)
            write_groups(own, kept)
        return {scheme: found[scheme] for scheme in schemes}

    def _drawn(self, ensemble: str, chunk: str) -> xr.Dataset:
        """Return the channels of a chunk, those of the build of the paper."""
        if (ensemble, chunk) not in self._channels:
            paper = self.paper
            first, last = map(int, chunk.split("-"))
            stream = RandomStream(self.seed).child(paper.key, paper.draws_of(ensemble))
            draw = import_module(f"irsrepro.papers.{paper.key}.ensemble").draw
            section = paper.channel_parameters(self.reading, ensemble)
            made = draw_realisations(draw, section, stream, range(first, last + 1))
            self._channels[ensemble, chunk] = made.assign_attrs(
                paper=paper.key, ensemble=ensemble, seed=str(self.seed)
            )
        return self._channels[ensemble, chunk]

    def _table(self, experiment: str) -> xr.Dataset:
        """Return an experiment as claims read it."""
        solved = self._solved[experiment]
        joined = {name: join(chunks, f"{experiment}, {name}") for name, chunks in solved.items()}
        return compare(joined, self.paper.experiments[experiment]["metric"])


def _reached(size: int, ends: Sequence[int]) -> int:
    """Return the end of the last chunk that a number of realisations needs."""
    return next((end for end in ends if end >= size), ends[-1])


def rests_on_no_spread(result: ClaimResult) -> bool:
    """Whether a verdict is from realisations that were all alike, however few.

    A property that held in every one of them, or a contrast that did not vary: no interval tells
    how sure that is.
    """
    return any(
        (check.kind == EVERY and check.verdict == REPLICATED)
        or any(each.lower == each.upper for each in check.contrasts if check.kind != EVERY)
        for check in result.checks
        if check.verdict == result.verdict
    )


def realisations_wanted(result: ClaimResult) -> float:
    """Return how many realisations would decide a claim, if its estimates are the truth.

    One contrast that falls outside its range is enough to decide it, else all have to fall inside.
    """
    outside: list[float] = []
    inside: list[float] = []
    for check in result.checks:
        for each in check.contrasts:
            if each.verdict == UNDECIDED:
                low, high = each.required_low, each.required_high
                wanted = realisations_to_decide(
                    check.realisations, each.estimate, each.lower, each.upper, low, high
                )
                (inside if low <= each.estimate <= high else outside).append(wanted)
    return min(outside) if outside else max(inside, default=math.inf)
