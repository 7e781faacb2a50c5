"""Claims on data whose answer is known: every mean is exact, only the spread is random."""

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from irsrepro.build.storage import JSON, write_sealed
from irsrepro.claims import (
    CheckResult,
    ClaimResult,
    Verdicts,
    evaluate,
    read_verdicts,
    scorecard,
    write_verdicts,
)
from irsrepro.claims.contrasts import PLANS
from irsrepro.claims.curves import Curves, plans_of
from irsrepro.claims.verdicts import decide, in_words
from irsrepro.config.checks import resolve
from irsrepro.config.kinds import OF_REALISATIONS
from irsrepro.errors import ConfigurationError, StorageError
from irsrepro.resampling import bootstrap_weights

KINDS = {*PLANS, *OF_REALISATIONS}
YES, NO, OPEN = "replicated", "not replicated", "undecided"
POINTS = np.arange(1.0, 7.0)
UP = 10 + 2 * POINTS
MEANS = {
    "up": UP,
    "twin": UP,
    "above": UP + 1,
    "down": 30 - 2 * POINTS,
    "flat": np.full(6, 15.0),
    "bent": 20 - 10 / POINTS,
    "bowl": 10 + POINTS**2,
    "hill": np.array([10.0, 13, 16, 16.5, 13, 10]),
    "cliff": np.array([10.0, 30, 30, 30, 30, 30]),
}


def table(means: Mapping[str, Any] = MEANS, n: int = 60, seed: int = 0) -> xr.Dataset:
    """An experiment whose curves have exactly these means, and traces that halve their distance.

    Most of the spread is common to all schemes and points of a realisation.
    """
    rng = np.random.default_rng(seed)
    centre = np.array([np.broadcast_to(mean, POINTS.shape) for mean in means.values()])
    noise = 2 * rng.normal(size=n) + 0.05 * rng.normal(size=(*centre.shape, n))
    metric = centre[..., None] + noise - noise.mean(axis=-1, keepdims=True)
    remaining = 0.5 ** np.arange(21) * (1 + 0.1 * rng.normal(size=(*metric.shape, 1)))
    trace = metric[..., None] * (1 - remaining)
    attrs = {"long_name": "sum-rate", "units": "bit/s/Hz"}
    dims = ("scheme", "point", "realisation")
    return xr.Dataset(
        {
            "metric": (dims, metric, attrs),
            "trace": ((*dims, "iteration"), trace, attrs),
            "seconds": (dims, np.exp(metric / 10), {"long_name": "time", "units": "s"}),
        },
        coords={
            "scheme": list(means),
            "point": ("point", POINTS, {"long_name": "SNR", "units": "dB"}),
            "realisation": np.arange(n),
            "iteration": np.arange(21),
        },
    )


TABLE = table()


def run(check: Mapping[str, Any], data: xr.Dataset = TABLE, **others: xr.Dataset) -> CheckResult:
    claim = {"id": "a-claim", "checks": [{"experiment": "snr", **check}]}
    return evaluate(claim, {"snr": data, **others}).checks[0]


def kind(name: str, **arguments: Any) -> dict[str, Any]:
    return {"kind": name, **arguments}


CASES = [
    (kind("increases", schemes=["up", "above"]), YES),
    (kind("increases", schemes=["up", "down"]), NO),
    (kind("increases", schemes=["up", "flat"]), OPEN),
    (kind("increases", schemes=["up", "above"], along="scheme"), YES),
    (kind("increases", schemes=["above", "up"], along="scheme"), NO),
    (kind("increases", schemes=["up", "twin", "above"], along="scheme"), OPEN),
    (kind("decreases", scheme="down"), YES),
    (kind("decreases", scheme="hill"), NO),
    (kind("decreases", scheme="flat"), OPEN),
    (kind("gap_grows", scheme="up", over="flat"), YES),
    (kind("gap_grows", scheme="down", over="flat"), NO),
    (kind("gap_grows", scheme="above", over="up"), OPEN),
    (kind("gap_grows", scheme="above", over="up", relative=True), NO),
    (kind("gap_grows", scheme=["up", "above"], over=["twin", "twin"], along="scheme"), YES),
    (kind("gap_shrinks", scheme="up", over="flat"), NO),
    (kind("gap_shrinks", scheme="down", over="flat"), YES),
    (kind("gap_shrinks", scheme="above", over="up"), OPEN),
    (kind("gap_shrinks", scheme="above", over="up", relative=True), YES),
    (kind("dominates", scheme="above", over=["up", "twin"]), YES),
    (kind("dominates", scheme="above", over=["up", "flat"]), NO),
    (kind("dominates", scheme="above", over=["up"], by=1), OPEN),
    (kind("dominates", scheme="above", over="up", by=0.9), YES),
    (kind("dominates", scheme="above", over="up", by=0.03, relative=True), YES),
    (kind("dominates", scheme="above", over="up", by=0.06, relative=True), NO),
    (kind("dominates", scheme="up", over="above", better="lower"), YES),
    (kind("dominates", scheme="above", over="up", better="lower", by=0.01, relative=True), NO),
    (kind("dominates", scheme="up", over="up@1", points=[2, 3]), YES),
    (kind("dominates", scheme="up", over="flat", points=[3, 4, 5]), YES),
    (kind("dominates", scheme="up", over="flat", share_of_points=0.6), YES),
    (kind("dominates", scheme="up", over="flat", share_of_points=0.7), NO),
    (kind("dominates", scheme="up", over=["flat", "twin"], share_of_points=0.6), OPEN),
    (kind("dominates_distribution", scheme="above", over="up"), YES),
    (kind("dominates_distribution", scheme="up", over="above"), NO),
    (kind("dominates_distribution", scheme="up", over="twin"), OPEN),
    (kind("exceeds_point", scheme="up", point=1), YES),
    (kind("exceeds_point", scheme="down", point=1), NO),
    (kind("exceeds_point", scheme="flat", point=1), OPEN),
    (kind("exceeds_point", scheme="hill", point=[1, 6]), YES),
    (kind("exceeds_point", scheme="up", point=1, by=1, relative=True), NO),
    (kind("within", scheme="above", over="up", relative=0.1), YES),
    (kind("within", scheme="above", over="up", relative=0.02), NO),
    (kind("within", scheme="above", over="up", relative=1 / 12, points="first"), OPEN),
    (kind("value_between", scheme="flat", bounds=[14, 16]), YES),
    (kind("value_between", scheme="up", bounds=[14, 16]), NO),
    (kind("value_between", scheme="flat", bounds=[15, None]), OPEN),
    (kind("ratio_between", scheme="above", over="up", bounds=[1, 1.2]), YES),
    (kind("ratio_between", scheme="above", over="up", bounds=[None, 1]), NO),
    (kind("ratio_between", scheme="above", over="up", bounds=[1, 22 / 21 - 1e-3 / 21]), NO),
    (kind("ratio_between", scheme="twin", over="up", bounds=[1, None]), OPEN),
    (kind("ratio_between", scheme="up@6", over="up@1", baseline="hill@1", bounds=[5.5, 6.5]), YES),
    (kind("ratio_between", scheme="up", over="flat", quantity="seconds", bounds=[0.5, 2.5]), YES),
    (kind("slope_between", scheme="up", bounds=[1.9, 2.1]), YES),
    (kind("slope_between", scheme="up", bounds=[2.5, 3]), NO),
    (kind("slope_between", scheme="up", bounds=[2, None]), OPEN),
    (kind("slope_between", scheme="up", bounds=[3.9, 4.1], per="doubling", points=[2, 4]), YES),
    (kind("slope_between", scheme="up", bounds=[0.11, 0.13], relative=True), YES),
    (kind("slope_between", scheme="up", over=["down"], bounds=[3.9, 4.1]), YES),
    (kind("slope_between", scheme="up", over=["down", "twin"], bounds=[3.9, 4.1]), NO),
    (kind("saturates", scheme="cliff", slope=0.5), YES),
    (kind("saturates", scheme="up", slope=0.5), NO),
    (kind("saturates", scheme="down", slope=0.5), NO),
    (kind("saturates", scheme="up", slope=2), OPEN),
    (kind("saturates", scheme="up", slope=0.01, along="iteration"), YES),
    (kind("saturates", scheme="up", slope=0.01, along="iteration", last="all"), NO),
    (kind("keeps_rising", scheme="up", slope=1.5), YES),
    (kind("keeps_rising", scheme="cliff", slope=0.5), NO),
    (kind("keeps_rising", scheme="up", slope=2), OPEN),
    (kind("concave", scheme="hill", points=[2, 3, 4, 5]), YES),
    (kind("concave", scheme="bent", points=[1, 2, 4]), YES),
    (kind("concave", scheme="bowl"), NO),
    (kind("concave", scheme="up"), OPEN),
    (kind("peaks_within", scheme="hill", between="middle_third"), YES),
    (kind("peaks_within", scheme="hill", between=[1, 2]), NO),
    (kind("peaks_within", scheme="flat", between=[3, 4]), OPEN),
    (kind("peaks_within", scheme="hill", over="flat", between=[3, 4]), YES),
    (kind("peaks_within", scheme="hill", over="up", between=[4, 5]), NO),
    (kind("converges_by", scheme="up", iteration=[7, 10], within=0.01), YES),
    (kind("converges_by", scheme="up", iteration=[4, 10], within=0.01), NO),
    (kind("converges_by", scheme="up", iteration=[4, 10], within=0.01, of="gain"), NO),
    (kind("converges_by", scheme="up", iteration=9, within=0.1, of="gain"), YES),
    (kind("every_realisation", property="monotone", schemes=["up", "down"]), YES),
    (kind("every_realisation", property="monotone", scheme="up", direction="down"), NO),
    (kind("every_realisation", property="converges_by", scheme="up", iteration=8, within=0.1), YES),
    (kind("every_realisation", property="converges_by", scheme="up", iteration=2, within=0.1), NO),
    (kind("every_realisation", property="at_least", scheme="bowl", over="down", points=[6]), YES),
    (kind("every_realisation", property="at_least", scheme="above", over="bowl"), NO),
    (kind("every_realisation", property="at_least", scheme="down", over="bowl", better="lower",
          points=[6]), YES),
    (kind("every_realisation", property="within", scheme="up", over="above", relative=0.5), YES),
    (kind("every_realisation", property="within", scheme="up", over="down", relative=0.1), NO),
    (kind("every_realisation", property="between", scheme="up", bounds=[0, None]), YES),
    (kind("every_realisation", property="between", scheme="up", bounds=[None, 16]), NO),
    (kind("share", property="between", scheme="up", bounds=[0, None], share=[0.9, None]), YES),
    (kind("share", property="between", scheme="up", bounds=[0, None], share=[None, 0.9]), NO),
    (kind("share", property="between", scheme="flat@1", bounds=[None, 15], share=[0.5, 1]), OPEN),
]  # fmt: skip


@pytest.mark.parametrize(("check", "verdict"), CASES, ids=lambda case: str(case)[:90])
def test_verdict_on_a_known_answer(check: dict[str, Any], verdict: str) -> None:
    assert run(check).verdict == verdict


def test_every_kind_has_a_true_and_a_false_example_and_most_an_open_one() -> None:
    seen = {(check["kind"], verdict) for check, verdict in CASES}
    assert {name for name, verdict in seen if verdict == YES} == KINDS
    assert {name for name, verdict in seen if verdict == NO} == KINDS
    # The other two are open in tests of their own: at the exact bound, and without realisations.
    opened = {name for name, verdict in seen if verdict == OPEN}
    assert opened == KINDS - {"converges_by", "every_realisation"}


def test_convergence_at_the_exact_bound_is_open_and_iterations_are_told_apart() -> None:
    trace = TABLE["trace"].sel(scheme="up", point=1).mean("realisation").values
    bound = 1 - trace[5] / trace[-1]
    check = kind("converges_by", scheme="up@1", iteration=[5, 10], within=float(bound))
    result = run(check)
    assert [each.verdict for each in result.contrasts] == [OPEN, YES]
    assert [each.estimate for each in result.contrasts] == pytest.approx(
        [-bound, trace[10] / trace[-1] - 1]
    )
    assert "iteration 5" in result.contrasts[0].label
    assert "iteration 10" in result.contrasts[1].label


def test_contrasts_are_those_of_the_means_with_their_units() -> None:
    result = run(kind("dominates", scheme="above", over=["up", "flat"], points=[1, 6]))
    assert [each.estimate for each in result.contrasts] == pytest.approx([1, 1, -2, 8])
    assert result.contrasts[1].label == "above minus up at SNR = 6 dB"
    assert result.unit == "bit/s/Hz"
    assert result.tightest == result.contrasts[2]
    slope = run(kind("slope_between", scheme="up", bounds=[0, None], per="doubling", points=[1, 4]))
    assert slope.contrasts[0].estimate == pytest.approx(3)
    assert slope.unit == "bit/s/Hz per doubling"
    concave = run(kind("concave", scheme="bent", points=[1, 2, 5]))
    assert concave.contrasts[0].estimate == pytest.approx(5 - 1)
    growth = run(kind("gap_grows", scheme="bowl", over="up", points=[2, 4], relative=True))
    assert growth.contrasts[0].estimate == pytest.approx(26 / 18 - 14 / 14)
    peak = run(kind("peaks_within", scheme="hill", between=[3, 4]))
    assert [each.estimate for each in peak.contrasts] == pytest.approx([6.5, 3.5, 3.5, 6.5])
    best = run(kind("dominates", scheme="up", over=["flat", "twin@3"], share_of_points=0.3))
    assert best.contrasts[0].estimate == pytest.approx(20 - 16)  # second best of six points


def test_median_differs_from_mean_where_it_should() -> None:
    skewed = TABLE.copy(deep=True)
    skewed["metric"][0, :, :10] += 100
    check = kind("value_between", scheme="up", bounds=[0, 24])
    assert run(check, skewed).verdict == NO
    assert run({**check, "aggregate": "median"}, skewed).verdict == YES


def test_sentences_for_people() -> None:
    assert run(kind("dominates", scheme="above", over=["up", "twin"])).sentence.endswith(
        ", the tightest of 12 comparisons (95 % at any look, each alone, n = 60)"
    )
    assert "at any look, simultaneous" in run(kind("dominates", scheme="up", over="above")).sentence
    exact = xr.zeros_like(TABLE) + 1
    exact["metric"].attrs, exact["point"].attrs = TABLE["metric"].attrs, TABLE["point"].attrs
    exact["metric"][1] += 0.1
    check = kind("dominates", scheme="twin", over="up", relative=True, points="last")
    assert (
        run(check, exact).sentence
        == "twin exceeds up by 10 % at SNR = 6 dB (95 % at any look, n = 60)"
    )
    assert run({**check, "scheme": "up"}, exact).sentence == (
        "up minus up is 0 % at SNR = 6 dB; above 0 % is required (95 % at any look, n = 60)"
    )
    assert run(kind("every_realisation", property="monotone", scheme="up")).sentence == (
        "up never falls in 60 of 60 realisations "
        "(share 93.5 to 100 %, exact binomial, 95 % at any look)"
    )


def test_a_curve_holds_by_intervals_of_its_points_and_fails_by_joint_ones() -> None:
    point, curve = (
        run(kind("dominates", scheme="above", over="up", **points)).contrasts[0]
        for points in ({"points": "first"}, {})
    )
    assert (curve.lower, curve.upper) == (point.lower, point.upper) and curve.alone
    point, curve = (
        run(kind("dominates", scheme="up", over="above", **points)).contrasts[0]
        for points in ({"points": "first"}, {})
    )
    assert curve.lower < point.lower and curve.upper > point.upper and not curve.alone
    best = run(kind("dominates", scheme="above", over="up", share_of_points=0.5))
    peak = run(kind("peaks_within", scheme="hill", between=[3, 4]))
    assert not any(each.alone for each in (*best.contrasts, *peak.contrasts))
    assert "simultaneous" in peak.sentence
    one, two = (run(kind("share", property="monotone", schemes=schemes, share=[0.0, 0.5]))
                for schemes in (["up"], ["up", "flat"]))  # fmt: skip
    assert two.contrasts[0].lower < one.contrasts[0].lower


def test_failed_realisations_are_left_out_and_counted() -> None:
    failed = TABLE.copy(deep=True)
    failed["metric"].loc[{"scheme": "up", "point": 3, "realisation": range(5)}] = np.nan
    result = run(kind("dominates", scheme="above", over=["up", "twin"]), failed)
    assert (result.verdict, result.realisations, result.left_out) == (YES, 55, 5)
    assert result.sentence.endswith("n = 55, 5 left out)")
    both = failed["metric"].sel(point=3)
    expected = (both.sel(scheme="above") - both.sel(scheme="up")).mean()
    assert result.contrasts[2].estimate == pytest.approx(float(expected))
    assert result.contrasts[3].estimate == pytest.approx(1.0)  # other points keep all of them
    everywhere = failed.assign(metric=failed["metric"] * np.nan)
    assert run(kind("increases", scheme="up"), everywhere).verdict == OPEN
    assert run(kind("increases", scheme="up"), TABLE.isel(realisation=[0])).verdict == OPEN


def test_properties_count_violations_even_beside_failures() -> None:
    check = kind("every_realisation", property="monotone", scheme="up")
    data = TABLE.copy(deep=True)
    data["metric"].loc[{"scheme": "up", "point": 2, "realisation": [0, 1, 2]}] = np.nan
    result = run(check, data)
    assert (result.verdict, result.realisations, result.left_out) == (YES, 57, 3)
    data["trace"].loc[{"scheme": "up", "point": 4, "realisation": 1, "iteration": 9}] -= 0.1
    result = run(check, data)
    assert (result.verdict, result.realisations, result.left_out) == (NO, 58, 2)
    assert result.contrasts[0].estimate == pytest.approx(57 / 58)
    assert run({**check, "tolerance": 1e-2}, data).verdict == YES
    nothing = data.assign(metric=data["metric"] * np.nan)
    assert run(check, nothing).verdict == OPEN


def test_a_trace_that_stopped_early_keeps_its_last_value() -> None:
    stopped = TABLE.copy(deep=True)
    trace = stopped["trace"].values
    trace[0, :, :30, 8:] = np.nan
    check = resolve("x", {**kind("converges_by", scheme="up", iteration=9, within=1),
                          "experiment": "snr"}, plans_of({"snr": stopped}))  # fmt: skip
    held = Curves(check, check["schemes"], {"snr": stopped}).trace(check["schemes"][0])
    assert np.array_equal(held[:30, :, 20], trace[0, :, :30, 7].T)
    assert np.array_equal(held[30:], np.moveaxis(trace[0, :, 30:], 1, 0))
    trace[0, :, 0, 3] = np.nan  # a hole is a failure, padding is not
    assert run(kind("every_realisation", property="monotone", scheme="up"), stopped).left_out == 1


def test_curves_of_two_experiments_are_paired_by_realisation() -> None:
    other = TABLE.isel(point=[0, 2, 4], realisation=slice(10, 40)).copy(deep=True)
    other["metric"] += 0.01
    check = kind("dominates", scheme="other/up", over="up", points=[1, 3])
    result = run(check, other=other)
    assert (result.verdict, result.realisations) == (YES, 30)
    # The difference is the same in every realisation: exact, though the curves spread by 2.
    assert result.contrasts[0].upper - result.contrasts[0].lower < 1e-9
    shuffled = other.isel(realisation=slice(None, None, -1))
    assert run(check, other=shuffled).contrasts == result.contrasts


def test_a_claim_has_the_worst_verdict_of_its_checks() -> None:
    checks = [kind("increases", scheme=name, experiment="snr") for name in ("up", "flat", "down")]
    experiments = {"snr": TABLE}
    verdicts = [evaluate({"id": "x", "checks": checks[:end]}, experiments) for end in (1, 2, 3)]
    assert [each.verdict for each in verdicts] == [YES, OPEN, NO]
    assert verdicts[2].shown == verdicts[2].checks[2]
    assert evaluate({"id": "x", "check": checks[0]}, experiments).verdict == YES


def test_decisions_at_the_bound() -> None:
    assert decide(0.0, 0.0, 0.0, np.inf) == YES
    assert decide(0.0, 0.0, 0.0, np.inf, strict=True) == NO
    assert decide(0.0, 1.0, 0.0, np.inf, strict=True) == OPEN
    assert decide(-1.0, -0.1, 0.0, 1.0) == NO
    assert decide(np.nan, np.nan, 0.0, 1.0) == OPEN
    assert [in_words(0, np.inf, True), in_words(-np.inf, 2), in_words(1, 2)] == [
        "above 0", "at most 2", "1 to 2",
    ]  # fmt: skip


def result_of(claim: Mapping[str, Any], **origins: str) -> ClaimResult:
    checks = [kind("increases", scheme="up", experiment="snr")]
    return evaluate({"id": "a-claim", "checks": checks, **claim}, {"snr": TABLE}, origins)


def test_a_claim_that_rests_on_a_calibrated_parameter_is_by_construction() -> None:
    origins = {"noise": "calibrated", "power": "stated"}
    assert result_of({"rests_on": ["power", "noise"]}, **origins).by_construction
    assert not result_of({"rests_on": ["power"]}, **origins).by_construction
    assert not result_of({}, **origins).by_construction
    with pytest.raises(ConfigurationError) as error:
        result_of({"rests_on": ["height"]}, **origins)
    message = "a-claim: rests_on: 'height': expected one of noise, power"
    assert str(error.value) == message


def verdict_of(scheme: str) -> Verdicts:
    claim = {"id": "x", "check": {"experiment": "snr", **kind("increases", scheme=scheme)}}
    return Verdicts({"fidelity": "paper"}, [evaluate(claim, {"snr": TABLE})])


def test_the_scorecard_has_a_column_of_verdicts_per_reading() -> None:
    default = verdict_of("up")
    verdicts = {
        "a2020": {"default": default, "level": verdict_of("flat"), "reverse": verdict_of("down")},
        "b2021": {"default": default, "shifted": verdict_of("above")},
        "c2022": {"default": default},
    }
    rows = scorecard.rows(verdicts)
    table = list(csv.DictReader(io.StringIO(scorecard.as_csv(rows))))
    assert [row["robustness"] for row in table] == [
        "depends on: reverse; open under: level", "robust", "no alternatives",
    ]  # fmt: skip
    assert [row["depends_on"] for row in table] == ["reverse", "", ""]
    assert [row["open_under"] for row in table] == ["level", "", ""]
    assert [row["level"] for row in table] == [OPEN, "", ""]
    assert [row["shifted"] for row in table] == ["", YES, ""]


def test_the_plain_scorecard_tells_nothing_of_readings() -> None:
    rows = scorecard.rows({"a2020": {"default": verdict_of("up")}})
    assert scorecard.as_csv(rows).startswith("paper,claim,about,figure,text,source,")
    assert not {"robustness", "depends_on", "verdicts"} & set(rows[0])


def test_the_same_data_gives_the_same_result() -> None:
    check = kind("dominates", scheme="up", over=["flat", "down"])
    first = run(check)
    bootstrap_weights.cache_clear()
    assert run(check, table()) == first
    assert run(check, table(seed=1)) != first


def test_verdicts_survive_a_file(tmp_path: Path) -> None:
    results = [
        result_of({"id": "one", "text": "It rises: λ → ∞.", "about": "Fig. 4", "figure": "fig04"}),
        result_of({"id": "two", "rests_on": ["noise"], "checks": [
            kind("every_realisation", property="monotone", schemes=["up"], experiment="snr"),
            kind("saturates", schemes=["up", "down"], slope=1, experiment="snr")]},
            noise="calibrated"),
    ]  # fmt: skip
    path = tmp_path / "claims.json"
    write_verdicts(path, Verdicts({"paper": "a2020"}, results))
    read = read_verdicts(path, paper="a2020")
    assert read == Verdicts({"paper": "a2020"}, results)
    first, second = read.rows()
    assert (first["claim"], first["figure"], first["text"]) == ("one", "fig04", "It rises: λ → ∞.")
    assert (first["verdict"], first["n"], first["by_construction"]) == (YES, 60, False)
    assert (second["verdict"], second["by_construction"]) == (NO, True)
    # The row shows the check that decides: the slope of 2 that should be at most 1.
    assert second["sentence"] == results[1].checks[1].sentence
    assert second["lower"] <= second["estimate"] <= second["upper"]
    assert abs(second["estimate"]) == pytest.approx(2)
    assert second["unit"] == "bit/s/Hz per dB"
    write_verdicts(path, Verdicts({}, []))
    assert read_verdicts(path).rows() == []


@pytest.mark.parametrize("content", [b'{"facts": {}', b'{"claims": [{"claim": 1}]', b"\xff"])
def test_what_is_no_file_of_verdicts_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "claims.json"
    write_sealed(path, content, JSON)
    with pytest.raises(StorageError, match="no file of verdicts"):
        read_verdicts(path)


def test_a_changed_verdict_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "claims.json"
    write_verdicts(path, Verdicts({"paper": "a2020"}, verdict_of("up").claims))
    text = path.read_text()
    assert "sha256" in json.loads(text)
    for changed in ("", text[:-1], text.replace("up", "down", 1), text.replace("a2020", "b2020")):
        path.write_text(changed)
        with pytest.raises(StorageError, match="not as it was written"):
            read_verdicts(path)


def test_verdicts_of_another_paper_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "claims.json"
    write_verdicts(path, Verdicts({"paper": "a2020"}, []))
    with pytest.raises(StorageError, match="paper is 'a2020', not 'b2021'"):
        read_verdicts(path, paper="b2021")
    with pytest.raises(StorageError, match="no such file"):
        read_verdicts(tmp_path / "none.json")


def test_a_claim_tells_its_source_its_points_and_why_it_fails() -> None:
    cause = {"of": "lost number", "why": "the exponent"}
    told = {"source": "threshold ours", "cause": cause}
    holds = result_of(told)
    assert (holds.source, holds.cause, holds.points) == ("threshold ours", "", (5, 5))
    checks = [kind("increases", scheme="hill", experiment="snr")]
    fails = evaluate({"id": "x", "checks": checks, **told}, {"snr": TABLE})
    assert fails.cause == "lost number: the exponent" and fails.points == (3, 5)
