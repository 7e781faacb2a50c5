"""The vocabulary: what may be written, what is refused and how, and that it suffices."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from pydantic import TypeAdapter

from irsrepro.claims import evaluate
from irsrepro.claims.contrasts import PLANS as AVERAGED
from irsrepro.claims.properties import PROPERTY_TESTS
from irsrepro.config.checks import (
    experiments_of,
    resolve,
    single_checks,
)
from irsrepro.config.expressions import claims_under, value_of
from irsrepro.config.kinds import OF_REALISATIONS, AnyCheck, Check
from irsrepro.config.loading import load_project
from irsrepro.config.paper import DEFAULT
from irsrepro.errors import ConfigurationError

PLANS = {
    "snr": {"schemes": ["joint", "power"], "values": [0, 5, 10.5], "trace": True},
    "far": {"schemes": ["joint"], "values": [5, 10.5], "trace": False},
    "single": {"schemes": ["joint"], "values": [35], "trace": False},
}
PAPERS = load_project(Path(__file__).resolve().parents[2], {}).papers
CLAIMS = [(key, claim) for key, paper in PAPERS.items() for claim in paper.claims]


CHECK: TypeAdapter[AnyCheck] = TypeAdapter(Check)
KINDS = "one of " + ", ".join((
    "increases", "decreases", "gap_grows", "gap_shrinks", "dominates", "dominates_distribution",
    "exceeds_point", "within", "value_between", "ratio_between", "slope_between", "saturates",
    "keeps_rising", "concave", "peaks_within", "converges_by", "every_realisation", "share",
))  # fmt: skip
PROPERTIES = "one of monotone, converges_by, at_least, within, between"


def snr(kind: str, **arguments: Any) -> dict[str, Any]:
    return {"kind": kind, "experiment": "snr", **arguments}


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"experiment": "snr"}, "kind: missing"),
    (snr("rises"), f"kind: 'rises': expected {KINDS}"),
    (snr("increases"), "schemes: missing; expected one or several curves, under scheme or schemes"),
    (snr("increases", scheme="joint", schemes=["power"]),
     "schemes: ['power']: expected one or several curves, under scheme or schemes"),
    ({"kind": "increases", "schemes": "joint"}, "experiment: missing"),
    ({"kind": "increases", "experiment": "sn", "scheme": "joint"},
     "experiment: 'sn': expected one of snr, far, single"),
    (snr("increases", schemes=["joint", "jont"]),
     "schemes: 'jont': expected a scheme of snr, one of joint, power"),
    (snr("increases", schemes=[]), "schemes: []: expected the name of a curve, or a list of them"),
    (snr("increases", scheme="near/joint"),
     "scheme: 'near/joint': expected a curve of an experiment, one of snr, far, single"),
    (snr("within", scheme="joint@5", over="power@7", relative=0.1),
     "over: 'power@7': expected a point of snr, one of 0, 5, 10.5"),
    (snr("within", scheme="joint@first", over="power", relative=0.1),
     "scheme: 'joint@first': expected a point of snr, one of 0, 5, 10.5"),
    (snr("increases", scheme="joint", strictly=True),
     "strictly: True: expected one of the keys experiment, quantity, points, level, "
     "aggregate, schemes, scheme, kind, along"),
    (snr("dominates", scheme=["joint"], over="power"),
     "scheme: ['joint']: expected the name of a curve"),
    (snr("dominates", scheme="joint", over="power", by="1 dB"),
     "by: '1 dB': expected a finite number"),
    (snr("dominates", scheme="joint", over="power", by=float("nan")),
     "by: nan: expected a finite number"),
    (snr("dominates", scheme="joint", over="power", relative=1),
     "relative: 1: expected true or false"),
    (snr("dominates", scheme="joint", over="power", better="more"),
     "better: 'more': expected one of higher, lower"),
    (snr("dominates", scheme="joint", over="power", points=[]),
     "points: []: expected a list of points of the sweep, first, last or last_third"),
    (snr("dominates", scheme="joint", over="power", points=[0, 7]),
     "points: [0, 7]: expected points of snr, one of 0, 5, 10.5"),
    (snr("dominates", scheme="joint", over="far/joint"),
     "points: 0.0: expected points of far, one of 5, 10.5"),
    (snr("within", scheme="joint@5", over="power@5", relative=0.1, points=[5]),
     "points: [5]: expected no points, since every curve is held at one"),
    (snr("increases", scheme="joint", points="first"), "points: [0.0]: expected at least 2 points"),
    (snr("concave", scheme="joint", points=[0, 5]),
     "points: [0.0, 5.0]: expected at least 3 points"),
    (snr("exceeds_point", scheme="joint", point=7), "point: 7: expected one of 0, 5, 10.5"),
    (snr("ratio_between", scheme="joint", over="power", bounds=[2, 1]),
     "bounds: [2, 1]: expected [low, high], null for an open end"),
    (snr("value_between", scheme="joint", bounds=[None, None]),
     "bounds: [None, None]: expected [low, high], null for an open end"),
    (snr("peaks_within", scheme="joint", between=[0, 20]),
     "between: [0, 20]: expected some points inside and some outside"),
    (snr("peaks_within", scheme="joint", between=["users", 3]),
     "between: ['users', 3]: expected numbers, which a reading gives"),
    (snr("converges_by", scheme="joint", iteration=[1.5], within=0.1),
     "iteration: [1.5]: expected whole numbers of at least 0"),
    (snr("increases", scheme="joint", along="scheme"),
     "schemes: ['joint']: expected at least two curves, along scheme"),
    (snr("gap_grows", scheme=["joint", "power"], over="power", along="scheme"),
     "over: ['power']: expected one curve for each of joint, power, along scheme"),
    (snr("slope_between", scheme="joint", bounds=[0, 1], per="doubling"),
     "per: 'doubling': expected unit, with points of 0 or below"),
    (snr("every_realisation", scheme="joint"), "property: missing"),
    (snr("share", scheme="joint", property="nice"), f"property: 'nice': expected {PROPERTIES}"),
    (snr("every_realisation", property="monotone", scheme="far/joint"),
     "experiment: 'far': expected one with a trace, one of snr"),
    (snr("share", property="monotone", scheme="joint"),
     "share: missing; expected [low, high] with kind share, nothing without"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "message"), REFUSED, ids=lambda case: str(case)[:70])
def test_a_malformed_check_is_refused_in_one_line(check: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        resolve("he-fig4", check, PLANS)
    assert str(error.value) == f"he-fig4: {message}"


def test_what_only_the_data_can_tell_is_refused_too() -> None:
    plans = {"snr": {**PLANS["snr"], "iterations": 11, "quantities": ["metric"], "traces": ["t"]}}
    check = snr("converges_by", scheme="joint", iteration=10, within=0.1)
    resolve("x", check, plans)
    with pytest.raises(ConfigurationError, match=r"^x: iteration: 11: expected at most 10$"):
        resolve("x", {**check, "iteration": 11}, plans)
    seconds = r"^x: quantity: 'seconds': expected what snr has, one of t$"
    with pytest.raises(ConfigurationError, match=seconds):
        resolve("x", {**check, "quantity": "seconds"}, plans)


def test_points_are_all_or_those_asked_for() -> None:
    def points(**arguments: Any) -> Any:
        return resolve("x", snr("value_between", bounds=[0, 1], **arguments), PLANS)["points"]

    assert points(scheme="joint") == [0, 5, 10.5]
    assert points(scheme="joint", points="last_third") == points(scheme="joint", points="last")
    assert points(scheme="joint", points=[10.5, 0]) == [10.5, 0]
    assert points(schemes=["joint@5", "power@10.5"]) == [None]
    assert points(schemes=["single/joint@35", "far/joint"]) == [5, 10.5]


def test_a_check_may_list_experiments_and_becomes_one_of_each() -> None:
    listed = {"kind": "increases", "experiment": ["snr", "far"], "scheme": "joint"}
    single = single_checks([listed, snr("concave", scheme="joint")])
    assert [check["experiment"] for check in single] == ["snr", "far", "snr"]
    assert CHECK.validate_python(listed) and resolve("x", single[1], PLANS)["points"] == [5, 10.5]
    with pytest.raises(
        ConfigurationError, match=r"^x: experiment: \['snr', 'far'\]: expected one of"
    ):
        resolve("x", listed, PLANS)


def test_the_experiments_of_a_check_are_all_it_names() -> None:
    assert experiments_of(snr("increases", scheme="joint")) == ["snr"]
    check = snr("dominates", scheme="joint", over=["power", "far/joint@5", "single/joint@35"])
    assert experiments_of(check) == ["snr", "far", "single"]


def test_parsing_stays_free_of_array_libraries() -> None:
    heavy = "{'numpy', 'xarray', 'scipy'} & set(sys.modules)"
    script = f"import sys, irsrepro.config.loading; sys.exit(str({heavy}) if {heavy} else 0)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_all_kinds_and_properties_serve_a_claim_of_the_papers() -> None:
    checks = [
        check
        for paper in PAPERS.values()
        for claim in paper.claims.values()
        for check in claim["checks"]
    ]
    assert {check["kind"] for check in checks} == {*AVERAGED, *OF_REALISATIONS}
    assert {check["property"] for check in checks if "property" in check} == set(PROPERTY_TESTS)
    assert set(KINDS.split(" ", 2)[2].split(", ")) == {*AVERAGED, *OF_REALISATIONS}


def traced(check: dict[str, Any]) -> bool:
    return CHECK.validate_python(check).traced or check.get("along") == "iteration"


def experiment(plan: dict[str, Any], checks: list[dict[str, Any]]) -> xr.Dataset:
    """Numbers at random for every quantity that the checks name."""
    dims = ("scheme", "point", "realisation")
    values = plan["sweep"]["values"]
    shape = len(plan["schemes"]), len(values), 12
    rng = np.random.default_rng(0)
    variables: dict[str, Any] = {"metric": (dims, rng.uniform(1, 2, shape))}
    for check in checks:
        name = check.get("quantity", "trace" if traced(check) else "metric")
        if not traced(check):
            variables[name] = (dims, rng.uniform(1, 2, shape))
        elif plan.get("trace"):
            variables[name] = ((*dims, "iteration"), rng.uniform(1, 2, (*shape, 1001)))
    coordinates = {"scheme": plan["schemes"], "point": np.array(values, dtype=float)}
    return xr.Dataset(variables, coords=coordinates)


@pytest.mark.parametrize(("key", "claim"), CLAIMS, ids=[claim for _, claim in CLAIMS])
def test_every_claim_of_the_papers_can_be_decided(key: str, claim: str) -> None:
    paper = PAPERS[key]
    plans, checks = paper.experiments, claims_under(paper, DEFAULT)[claim]["checks"]
    names = {name for check in checks for name in experiments_of(check)}
    tables = {name: experiment(plans[name], checks) for name in names}
    result = evaluate({"id": claim, "checks": checks}, tables)
    assert len(result.checks) == len(checks)
    for outcome in result.checks:
        assert outcome.contrasts
        # Some estimate of every check is a number: the schemes, points and quantities were found.
        assert np.isfinite([each.estimate for each in outcome.contrasts]).all()
        assert "\n" not in outcome.sentence


PARAMETERS = {"near_paths": 4, "far_paths": 8, "users": [2, 4], "receiver": "zf", "flag": True}


@pytest.mark.parametrize(
    ("text", "value"),
    [(3, 3.0), ("near_paths", 4.0), ("-near_paths + 2 * far_paths", 12.0),
     ("min(near_paths, far_paths / 4)", 2.0), ("max(1, 0.5)", 1.0)],
)  # fmt: skip
def test_a_bound_may_follow_from_parameters(text: Any, value: float) -> None:
    assert value_of(text, PARAMETERS) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("users", "one number instead of users, one of near_paths, far_paths"),
        ("flag + 1", "instead of flag"),
        ("near_paths **", "a number, or an expression"),
        ("near_paths ** 2", "an expression of numbers"),
        ("__import__('os')", "an expression of numbers"),
        ("near_paths.real", "an expression of numbers"),
        ("1 / 0", "an expression of numbers"),
        ([1], "an expression of numbers"),
        (True, "an expression of numbers"),
    ],
)  # fmt: skip
def test_what_is_no_expression_is_one_line(text: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        value_of(text, PARAMETERS)
    assert "\n" not in str(caught.value)


def test_points_and_bounds_follow_the_reading() -> None:
    """Three near paths instead of four move the point from which users outnumber them."""
    paper = PAPERS["zheng2021"]
    for reading, paths in ((DEFAULT, 4), ("other_paths", 3)):
        claims = claims_under(paper, reading)
        small, large = (claims[f"zheng-fig10-{name}"]["checks"][0] for name in ("small", "large"))
        assert max(small["points"]) == paths and min(large["points"]) == paths + 1
        (double, single) = claims["zheng-fig9-rank"]["checks"]
        assert (double["bounds"], single["bounds"]) == ([8, 8], [paths, paths])


def test_a_check_without_points_says_nothing() -> None:
    """So many paths that no number of users exceeds them."""
    paper = load_project(
        Path(__file__).resolve().parents[2], {"variant": "rich", "zheng2021": "{near_paths: 30}"}
    ).papers["zheng2021"]
    claims = claims_under(paper, "rich")
    assert "zheng-fig10-mmse" not in claims and "zheng-fig10-small" in claims


def test_a_claim_says_nothing_where_what_it_compares_is_not_defined() -> None:
    """Beyond the rank zero forcing is told to have no rate."""
    paper = PAPERS["zheng2021"]
    silent = set(claims_under(paper, DEFAULT)) - set(claims_under(paper, "zf_invalid"))
    assert silent == {"zheng-fig10-mmse", "zheng-fig10-mmse-own"}
    assert set(claims_under(paper, "zf_literal")) == set(claims_under(paper, DEFAULT))


def test_an_unknown_limit_of_points_is_one_line() -> None:
    paper = PAPERS["zheng2021"]
    check = {"kind": "within", "experiment": "users", "points": {"over": 3}}
    claim = {"figure": "none", "checks": [check]}
    changed = replace(paper, source={**paper.source, "claims": {"a-claim": claim}})
    with pytest.raises(ConfigurationError, match="a-claim: points: 'over': expected one of above"):
        claims_under(changed, DEFAULT)
