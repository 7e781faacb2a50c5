"""Readings of a multiverse, and claims explored on no more realisations than they need."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import ROOT
from irsrepro.build import designs
from irsrepro.build.experiments import compare, join
from irsrepro.claims import evaluate
from irsrepro.claims.looks import looks_until
from irsrepro.claims.verdicts import CheckResult, ClaimResult, Contrast, decide, worst
from irsrepro.config.expressions import claims_under
from irsrepro.config.loading import load_paper
from irsrepro.config.paper import DEFAULT, Paper
from irsrepro.config.readings import named_readings, plausible_values, reading_names
from irsrepro.errors import ConfigurationError
from irsrepro.multiverse.exploration import Exploration, effort_wanted, rests_on_no_spread
from irsrepro.multiverse.samples import reading_of, samples

SEED = 5


@pytest.fixture(scope="module")
def he2020() -> Paper:
    return load_paper(ROOT, "he2020")


def with_plausible(paper: Paper, **plausible: Any) -> Paper:
    """Return a paper with other plausible values, and with no others."""
    parameters = {
        name: {key: value for key, value in entry.items() if key != "plausible"}
        | ({"plausible": plausible[name]} if name in plausible else {})
        for name, entry in paper.parameters.items()
    }
    return replace(paper, source={**paper.source, "parameters": parameters})


PLAUSIBLE: dict[str, dict[str, Any]] = {
    "starts": {"values": ["two"], "why": "either"},
    "max_iterations": {"between": [10, 90], "step": 40, "why": "steps"},
    "tolerance": {"between": [1e-6, 1e-2], "scale": "log", "why": "decades"},
    "snr": {"between": [20.0, 40.0], "why": "plain"},
}


def test_one_choice_is_changed_at_a_time(he2020: Paper) -> None:
    """Every plausible value and both ends of a range, but no alternative twice."""
    paper = with_plausible(he2020, **PLAUSIBLE)
    found = {each.name: each for each in named_readings(paper)}
    assert [each.kind for each in found.values()].count("default") == 1
    assert set(he2020.alternatives) < set(found)
    others = {name: dict(each.values) for name, each in found.items() if each.kind == "plausible"}
    # "two_starts" is an alternative already
    assert others == {
        "max_iterations_1": {"max_iterations": 10},
        "max_iterations_2": {"max_iterations": 90},
        "snr_1": {"snr": 20.0},
        "snr_2": {"snr": 40.0},
        "tolerance_1": {"tolerance": 1e-6},
        "tolerance_2": {"tolerance": 1e-2},
    }
    names = reading_names(paper, 3, every_value=True)
    assert names == [*found, "sample_000", "sample_001", "sample_002"]
    assert set(found) - set(reading_names(paper, 3, every_value=False)) == set(others)


def test_points_are_plausible_spread_and_go_on_from_fewer(he2020: Paper) -> None:
    paper = with_plausible(he2020, **PLAUSIBLE)
    points = [each.values for each in samples(paper, 64, SEED)]
    assert points[:16] == [each.values for each in samples(paper, 16, SEED)]
    assert points[:16] != [each.values for each in samples(paper, 16, SEED + 1)]
    assert reading_of(paper, "sample_017", SEED).values == points[17]
    starts = [each["starts"] for each in points]
    assert sorted(set(starts)) == ["one", "two"] and 20 <= starts.count("two") <= 44
    assert {each["max_iterations"] for each in points} == {10, 50, 90}
    tolerances = np.array([each["tolerance"] for each in points])
    assert ((tolerances >= 1e-6) & (tolerances <= 1e-2)).all()
    assert (np.histogram(np.log10(tolerances), 4, (-6, -2))[0] >= 8).all()
    assert all(20 <= each["snr"] <= 40 for each in points)


def test_points_that_do_not_fit_are_passed_over(he2020: Paper) -> None:
    """More surfaces than a reading draws are no reading; where none fits, that is told."""
    paper = with_plausible(he2020, max_iterations=PLAUSIBLE["max_iterations"])
    assert len(list(samples(paper, 4, SEED))) == 4
    swept = {**paper.experiments["irs_count"]["sweep"], "values": [1, 99]}
    experiments = paper.experiments | {
        "irs_count": {**paper.experiments["irs_count"], "sweep": swept}
    }
    never = replace(paper, source={**paper.source, "experiments": experiments})
    with pytest.raises(ConfigurationError, match="0 of 65 points fit together"):
        list(samples(never, 4, SEED))


def test_without_a_choice_there_are_no_points(he2020: Paper) -> None:
    paper = with_plausible(he2020)
    assert not plausible_values(paper) and not list(samples(paper, 4, SEED))
    assert reading_names(paper, 4, every_value=True) == [DEFAULT, *he2020.alternatives]


@pytest.fixture
def paper(he2020: Paper) -> Paper:
    """Two claims on three points: one that is decided at once, one that no number decides."""
    snr = he2020.experiments["snr"]
    short = {**snr, "sweep": {**snr["sweep"], "values": [0, 15, 35]}}
    plain = {"about": "", "figure": "fig04", "text": "", "source": "ours"}
    rise = {"kind": "increases", "experiment": "snr", "schemes": ["power"]}
    same = {"kind": "ratio_between", "experiment": "snr", "scheme": "phase", "over": "random",
            "bounds": [1.0, 1.0]}  # fmt: skip
    claims = {"rise": {**plain, "checks": [rise]}, "same": {**plain, "checks": [same]}}
    source = {**he2020.source, "claims": claims, "experiments": {"snr": short}}
    return replace(he2020, source=source)


def explore(paper: Paper, reading: str = DEFAULT, limit: int = 32) -> Exploration:
    return Exploration(paper, reading, SEED, limit, dict.fromkeys(paper.schemes, "code"))


def test_only_open_claims_get_more_realisations(
    paper: Paper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    here = explore(paper, limit=16)
    rise, same = here.results()
    assert rise.verdict == "replicated" and rise.checks[0].realisations == 8
    assert same.checks[0].realisations in (8, 16)
    solved = here._solved["snr"]
    assert sum(each.sizes["realisation"] for each in solved["power"]) == 8
    # What comes out is what the claims give on all realisations at once.
    joined = {name: join(chunks, name) for name, chunks in solved.items() if name != "power"}
    claim = claims_under(paper, DEFAULT)["same"] | {"id": "same"}
    again = evaluate(claim, {"snr": compare(joined, "sum_rate")}, planned=[16])
    assert again.checks == same.checks


def test_a_costly_scheme_gets_all_the_realisations_of_the_build(
    paper: Paper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where their number is no look of the others."""
    monkeypatch.chdir(tmp_path)
    costly = {"snr": {**paper.experiments["snr"], "first": {"phase": 13}}}
    here = explore(replace(paper, source={**paper.source, "experiments": costly}))
    for size in (8, 16, 32):
        here._extend("snr", ["phase", "random"], size)
    numbers = {
        name: [part["realisation"].values.tolist() for part in parts]
        for name, parts in here._solved["snr"].items()
    }
    assert numbers["phase"] == [list(range(8)), list(range(8, 13))]
    assert numbers["random"] == [list(range(8)), list(range(8, 16)), list(range(16, 32))]
    assert here._planned("same") == [13]


def test_the_limit_is_of_ensembles_with_the_usual_number_of_realisations(
    paper: Paper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ensemble = paper.experiments["snr"]["ensemble"]
    numbers = {"paper": {"value": 250}, "preview": {"value": 2}}
    many = {**paper.ensembles, ensemble: {**paper.ensembles[ensemble], "realisations": numbers}}
    here = explore(replace(paper, source={**paper.source, "ensembles": many}), limit=8)
    assert paper.realisations["paper"]["value"] == 100
    assert here._planned("same") == [20]
    for limit in (8, 128):
        assert explore(paper, limit=limit)._planned("same") == [limit]
    (same,) = [result for result in here.results() if result.claim == "same"]
    assert same.checks[0].realisations in (8, 16, 20)


def test_what_was_solved_is_not_solved_again(
    paper: Paper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second run and a reading that changes nothing for the schemes need no design."""
    monkeypatch.chdir(tmp_path)
    before = explore(paper, limit=16).results()
    called: list[Any] = []

    def none_more(calls: Any) -> Any:
        called.extend(calls)
        return iter(())

    with monkeypatch.context() as patch:
        patch.setattr(designs, "solve_each", none_more)
        assert explore(paper, limit=16).results() == before
        same = replace(paper, readings={**paper.readings, "same": {"starts": "two"}})
        assert explore(same, "same", limit=16).results() == before
        assert not called
        with pytest.raises(ValueError, match="shorter"):
            other = replace(paper, readings={**paper.readings, "ring": {"drop": "ring"}})
            explore(other, "ring", limit=8).results()
    (tmp_path / "results/multiverse/he2020/default/snr/00000-00007.nc").write_bytes(b"broken")
    assert explore(paper, limit=16).results() == before
    assert looks_until(16, 16) == [8, 16]


def test_what_did_not_vary_is_looked_at_further() -> None:
    """A property of all so far, or a difference without spread, but not one with an interval."""

    def result(kind: str, verdict: str, *contrasts: Contrast) -> CheckResult:
        return CheckResult(kind, verdict, contrasts, 8, 0, "", "")

    every = contrast(1.0, 0.6, 1.0)
    assert rests_on_no_spread(result("every_realisation", "replicated", every))
    assert not rests_on_no_spread(result("every_realisation", "not replicated", every))
    assert rests_on_no_spread(result("dominates", "not replicated", contrast(0.0, 0.0, 0.0)))
    assert not rests_on_no_spread(result("dominates", "replicated", contrast(1.0, 0.5, 1.5)))


def contrast(estimate: float, lower: float, upper: float) -> Contrast:
    """Return a contrast that is required to be at least zero."""
    verdict = decide(lower, upper, 0.0, math.inf)
    return Contrast("", estimate, lower, upper, 0.0, math.inf, verdict, alone=True)


@pytest.mark.parametrize(
    ("contrasts", "wanted"),
    [
        ([contrast(1.0, -1.0, 3.0)], 4),  # twice as wide as it may be
        ([contrast(1.0, -1.0, 3.0), contrast(1.0, -3.0, 5.0), contrast(1.0, 0.5, 1.5)], 16),
        ([contrast(1.0, -3.0, 5.0), contrast(-1.0, -2.0, 1.0)], 4),  # one outside decides
        ([contrast(0.0, -1.0, 1.0)], math.inf),
        ([contrast(1.0, 0.5, 1.5)], math.inf),  # nothing is open
    ],
)
def test_how_many_times_the_planned_realisations_an_open_claim_wants(
    contrasts: list[Contrast], wanted: float
) -> None:
    verdict = worst(each.verdict for each in contrasts)
    check = CheckResult("dominates", verdict, tuple(contrasts), 8, 0, "", "")
    result = ClaimResult("", "", "", "", verdict, (check,))
    assert effort_wanted(result, [16], 8) == pytest.approx(wanted / 2)
    assert effort_wanted(result, [32], 8) == pytest.approx(wanted / 4)


def test_only_open_checks_of_a_claim_get_more_realisations(paper: Paper) -> None:
    """And where one has fallen, none does."""
    here = explore(paper, limit=128)
    pairs = {"same": [{("snr", "power"), ("snr", "random")}, {("snr", "phase"), ("snr", "random")}]}
    here.__dict__["_pairs"] = pairs
    held, open_, fallen = (
        CheckResult("dominates", each.verdict, (each,), 8, 0, "", "")
        for each in (contrast(1.0, 0.5, 1.5), contrast(1.0, -1.0, 3.0), contrast(-1.0, -2.0, -0.5))
    )

    def lacking(*checks: CheckResult, size: int = 8) -> list[int]:
        verdict = worst(check.verdict for check in checks)
        return here._lacking(ClaimResult("same", "", "", "", verdict, checks), size)

    assert lacking(held, open_) == [1]
    assert lacking(open_, open_) == [0, 1]
    assert lacking(fallen, open_) == lacking(held, held) == lacking(held, open_, size=128) == []
    alike = replace(held, kind="every_realisation")
    assert lacking(alike, alike, size=32) == [0, 1]
    assert lacking(alike, alike, size=64) == [] and lacking(alike, open_, size=64) == [1]
    hopeless = replace(open_, contrasts=(contrast(0.01, -1.0, 1.0),))
    assert lacking(held, hopeless, size=16) == [1] and lacking(held, hopeless, size=32) == []
