"""Configuration: what it means, and the one line for everything that is wrong with it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT
from irsrepro.build.targets import check_targets
from irsrepro.config.loading import chunk_bounds, load_project
from irsrepro.config.paper import DEFAULT
from irsrepro.config.strict_yaml import read_yaml
from irsrepro.errors import ConfigurationError
from refusals import as_yaml, bare_checkout

Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with the configuration of two papers only."""
    return bare_checkout(tmp_path, "he2020", "zheng2021")


def edit(checkout: Path, name: str, change: Change) -> None:
    content = read_yaml(checkout, f"config/{name}")
    change(content)
    (checkout / "config" / name).write_text(as_yaml(content))


def setting(*keys: str, value: Any) -> Change:
    def change(content: dict[str, Any]) -> None:
        for key in keys[:-1]:
            content = content[key]
        content[keys[-1]] = value

    return change


def removing(*keys: str) -> Change:
    def change(content: dict[str, Any]) -> None:
        for key in keys[:-1]:
            content = content[key]
        del content[keys[-1]]

    return change


def plausible(name: str, entry: Any) -> Change:
    return setting("parameters", name, "plausible", value=entry)


CHECK = {"kind": "increases", "experiment": "snr", "schemes": ["joint"]}

BAD_FILES: list[tuple[str, Change, list[str]]] = [
    ("config.yaml", setting("fidelty", value="paper"), ["config/config.yaml: fidelty: 'paper': expected one of the keys seed, fidelity"]),
    ("config.yaml", setting("fidelity", value="full"), ["config/config.yaml: fidelity: 'full'", "paper, preview"]),
    ("config.yaml", setting("chunk", value=0), ["chunk: 0", "at least 1"]),
    ("config.yaml", removing("seed"), ["config/config.yaml: seed: missing"]),
    ("he2020.yaml", setting("parameters", "node_radius", "value", value=-50), ["config/he2020.yaml: parameters.node_radius.value: -50", "above 0", "(m)"]),
    ("he2020.yaml", setting("parameters", "node_radius", "unit", value="km"), ["parameters.node_radius.unit: 'km': expected m"]),
    ("he2020.yaml", setting("parameters", "node_radius", "origin", value="guessed"), ["parameters.node_radius.origin: 'guessed'", "calibrated"]),
    ("he2020.yaml", removing("parameters", "node_radius", "why"), ["parameters.node_radius.why: missing"]),
    ("he2020.yaml", plausible("drop", {"why": "x"}), ["parameters.drop.plausible: {'why': 'x'}: expected a mapping with one of values, between, fixed"]),
    ("he2020.yaml", plausible("drop", {"values": ["ring"], "fixed": "x"}), ["parameters.drop.plausible: ", "one of values, between, fixed"]),
    ("he2020.yaml", plausible("drop", "ring"), ["parameters.drop.plausible: 'ring': expected a mapping"]),
    ("he2020.yaml", plausible("drop", {"values": ["ring"]}), ["parameters.drop.plausible.why: missing"]),
    ("he2020.yaml", plausible("drop", {"fixed": "x", "why": "x"}), ["parameters.drop.plausible.why: 'x': expected one of the keys fixed"]),
    ("he2020.yaml", plausible("drop", {"values": [], "why": "x"}), ["parameters.drop.plausible.values: []: expected a list of different values"]),
    ("he2020.yaml", plausible("drop", {"values": ["ring", "ring"], "why": "x"}), ["parameters.drop.plausible.values: ", "a list of different values"]),
    ("he2020.yaml", plausible("drop", {"values": ["ring", "square"], "why": "x"}), ["parameters.drop.plausible.values.1: 'square'", "disc, ring"]),
    ("he2020.yaml", plausible("drop", {"values": ["disc"], "why": "x"}), ["parameters.drop.plausible.values.0: 'disc': expected another value than the parameter's own 'disc'"]),
    ("he2020.yaml", plausible("drop", {"between": [0, 1], "why": "x"}), ["parameters.drop.plausible.between: 0", "disc, ring"]),
    ("he2020.yaml", plausible("snr", {"between": [40, 30], "why": "x"}), ["parameters.snr.plausible.between: [40, 30]: expected [low, high]"]),
    ("he2020.yaml", plausible("snr", {"between": [30, 999], "why": "x"}), ["parameters.snr.plausible.between: 999", "at most 200"]),
    ("he2020.yaml", plausible("snr", {"between": [0, 30], "why": "x"}), ["parameters.snr.plausible.between: [0, 30]: expected a range that holds 35"]),
    ("he2020.yaml", plausible("snr", {"between": [0, 40], "scale": "log", "why": "x"}), ["parameters.snr.plausible.between: [0, 40]: expected ends above 0"]),
    ("he2020.yaml", plausible("snr", {"between": [0, 40], "scale": "cubic", "why": "x"}), ["parameters.snr.plausible.scale: 'cubic': expected one of linear, log"]),
    ("he2020.yaml", plausible("snr", {"between": [0, 40], "step": 10, "why": "x"}), ["parameters.snr.plausible.step: 10: expected one by which 35 can be reached from 0"]),
    ("he2020.yaml", plausible("snr", {"between": [0, 40], "step": 0, "why": "x"}), ["parameters.snr.plausible.step: 0", "above 0"]),
    ("he2020.yaml", plausible("pairs", {"between": [4, 8], "why": "x"}), ["parameters.pairs.plausible: between its ends without a step: 6.0: expected a whole number"]),
    ("he2020.yaml", plausible("pairs", {"between": [4, 8], "step": 0.5, "why": "x"}), ["parameters.pairs.plausible.step: one step above 4: 4.5: expected a whole number"]),
    ("he2020.yaml", removing("parameters", "node_radius"), ["parameters.node_radius: missing"]),
    ("he2020.yaml", setting("parameters", "radius", value={"value": 1, "unit": "m", "origin": "stated", "why": "x"}), ["parameters.radius", "src/irsrepro/papers/he2020/parameters.py", "pairs"]),
    ("he2020.yaml", setting("parameters", "drop", "value", value="square"), ["parameters.drop.value: 'square'", "disc, ring"]),
    ("he2020.yaml", setting("experiments", "snr", "ensemble", value="moon"), ["experiments.snr.ensemble: 'moon'", "fixed, region"]),
    ("he2020.yaml", setting("experiments", "snr", "schemes", value=["jont"]), ["experiments.snr.schemes: 'jont'", "joint, power, phase, random"]),
    ("he2020.yaml", setting("experiments", "snr", "sweep", "parameter", value="power"), ["experiments.snr.sweep.power: 0", "a parameter of src/irsrepro/papers/he2020/parameters.py, one of pairs"]),
    ("he2020.yaml", setting("experiments", "irs_count", "sweep", "values", value=[1, 9]), ["experiments.irs_count.sweep.values: 9", "irss = 8, as ensemble region draws"]),
    ("zheng2021.yaml", setting("schemes", "ao_zf", "set", value={"receiver": "mrc"}), ["schemes.ao_zf.set.receiver: 'mrc'", "zf, mmse"]),
    ("zheng2021.yaml", setting("figures", "fig08", "after", value={"ao": [1]}), ["figures.fig08.after: 'ao'", "ao_mmse"]),
    ("zheng2021.yaml", setting("alternatives", "kappa_0_db", "experiments", value={"x": {"users": 2}}), ["alternatives.kappa_0_db.experiments: 'x'", "split"]),
    ("he2020.yaml", setting("experiments", "irs_count", "sweep", "values", value=[0.5]), ["experiments.irs_count.sweep.irss: 0.5", "whole number"]),
    ("he2020.yaml", setting("ensembles", "region", "set", "surfaces", value=3), ["ensembles.region.set.surfaces"]),
    ("he2020.yaml", setting("figures", "fig04", "experiments", value=["snrs"]), ["figures.fig04.experiments: 'snrs'"]),
    ("he2020.yaml", setting("parameters", "tolerance", "used_by", value=["jont"]), ["parameters.tolerance.used_by: 'jont'", "joint, power"]),
    ("he2020.yaml", setting("parameters", "irs_region", "ensembles", value=["moon"]), ["parameters.irs_region.ensembles: 'moon'"]),
    ("he2020.yaml", setting("parameters", "snr", "value", value=float("nan")), ["parameters.snr.value: nan", "finite"]),
    ("he2020.yaml", setting("schemes", "joint", "module", value="nope"), ["schemes.joint: 'nope'", "src/irsrepro/papers/he2020/schemes", "design()"]),
    ("he2020.yaml", removing("figures", "fig03", "iterations"), ["figures.fig03.iterations: missing"]),
    ("he2020.yaml", removing("experiments", "snr", "sweep", "why"), ["experiments.snr.sweep.why: missing"]),
    ("he2020.yaml", setting("figures", "fig04", "kind", value="pie"), ["figures.fig04.kind: 'pie'", "layout, sheet, curves"]),
    ("he2020.yaml", removing("figures", "fig02", "ensemble"), ["figures.fig02.ensemble: missing"]),
    ("he2020.yaml", setting("alternatives", "ring", "set", "drop", value="sphere"), ["alternatives.ring.set.drop: 'sphere'", "disc, ring"]),
    ("he2020.yaml", setting("claims", "he-fig4-rise", "checks", value=[{**CHECK, "kind": "flies"}]), ["he-fig4-rise", "flies", "increases"]),
    ("he2020.yaml", setting("claims", "he-fig4-rise", "checks", value=[{**CHECK, "experiment": "x"}]), ["he-fig4-rise", "'x'", "convergence"]),
    ("he2020.yaml", setting("claims", "he-fig4-rise", "checks", value=[{**CHECK, "schemes": ["x"]}]), ["he-fig4-rise", "'x'", "joint"]),
    ("he2020.yaml", setting("claims", "he-fig4-rise", "rests_on", value=["x"]), ["claims.he-fig4-rise.rests_on: 'x'"]),
    ("he2020.yaml", setting("claims", "he-fig4-rise", "figure", value="fig9"), ["claims.he-fig4-rise.figure: 'fig9'", "fig04"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "change", "parts"), BAD_FILES, ids=lambda value: None)
def test_a_bad_file_ends_in_one_clear_line(
    checkout: Path, name: str, change: Change, parts: list[str]
) -> None:
    edit(checkout, name, change)
    with pytest.raises(ConfigurationError) as caught:
        load_project(checkout, {})
    line = str(caught.value)
    assert "\n" not in line
    assert all(part in line for part in parts), line


def test_what_is_plausible_changes_no_job(checkout: Path) -> None:
    def asked() -> list[Any]:
        paper = load_project(checkout, {}).papers["he2020"]
        solutions = [
            paper.solution_parameters(reading, experiment, scheme)
            for reading in paper.readings
            for experiment, plan in paper.experiments.items()
            for scheme in plan["schemes"]
        ]
        return [solutions, *(paper.channel_parameters(DEFAULT, name) for name in paper.ensembles)]

    before = asked()
    edit(checkout, "he2020.yaml", plausible("snr", {"between": [30, 40], "why": "x"}))
    edit(checkout, "he2020.yaml", plausible("drop", {"fixed": "x"}))
    assert asked() == before


BAD_COMMANDS: list[tuple[dict[str, Any], list[str]]] = [
    ({"fidelity": "papr"}, ["--config: fidelity: 'papr'", "paper, preview"]),
    ({"engine": "slow"}, ["--config: engine: 'slow'", "fast, reference"]),
    ({"realisation": 3}, ["--config: realisation: 3", "realisations"]),
    ({"realisations": "many"}, ["--config: realisations: 'many'", "whole number"]),
    ({"realisations": 0}, ["--config: realisations: 0"]),
    ({"realisations": True}, ["--config: realisations: True", "whole number"]),
    ({"variant": "x1"}, ["--config: variant: 'x1'", "{PARAMETER: VALUE}"]),
    ({"variant": "é1", "he2020": "{elements: 8}"}, ["--config: variant: 'é1'", "a name"]),
    ({"variant": "x1", "he2020": "{snr: .nan}"}, ["--config: he2020.snr: nan", "finite"]),
    ({"he2020": "{elements: 8}"}, ["--config: he2020", "variant=NAME"]),
    ({"he2020": "{elements: 8", "variant": "x"}, ["--config: he2020", "YAML"]),
    ({"he2020": "8", "variant": "x1"}, ["--config: he2020: 8", "mapping"]),
    ({"he2020": "0"}, ["--config: he2020: 0", "mapping"]),
    ({"he2020": "false"}, ["--config: he2020: False", "mapping"]),
    (
        {"he2020": "{elements: -8}", "variant": "x1"},
        ["--config: he2020.elements: -8", "at least 1"],
    ),
    ({"he2020": "{element: 8}", "variant": "x1"}, ["--config: he2020.element: 8", "elements"]),
    ({"he2020": "{drop: ring}", "variant": "ring"}, ["--config: variant: 'ring'"]),
    ({"variant": "no spaces"}, ["--config: variant: 'no spaces'"]),
]


@pytest.mark.parametrize(("overrides", "parts"), BAD_COMMANDS)
def test_a_bad_command_line_ends_in_one_clear_line(
    checkout: Path, overrides: dict[str, Any], parts: list[str]
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_project(checkout, overrides)
    line = str(caught.value)
    assert "\n" not in line
    assert all(part in line for part in parts), line


def test_a_broken_yaml_file_is_one_line(checkout: Path) -> None:
    (checkout / "config" / "he2020.yaml").write_text("title: [unclosed\n")
    with pytest.raises(
        ConfigurationError, match=r"config/he2020\.yaml: line 2: cannot be read as YAML"
    ) as e:
        load_project(checkout, {})
    assert "\n" not in str(e.value)


@pytest.mark.parametrize(
    ("target", "parts"),
    [
        ("figures/he2020/fig99.pdf", ["fig99.pdf", "fig02, fig03, fig04, fig05"]),
        ("figures/he2020/fig04.jpg", ["fig04.jpg", "pdf, svg, png"]),
        ("figures/he2021/fig04.pdf", ["he2021", "he2020"]),
        ("./figures/he2020/fig99.pdf", ["fig99.pdf", "fig02, fig03, fig04, fig05"]),
        ("figures/variants/moon/he2020/fig04.pdf", ["no reading moon", "ring", "variant=NAME"]),
        ("figures/variants", ["no reading", "ring", "variant=NAME"]),
        ("figures/variants/ring/all", ["no paper all", "he2020"]),
        ("reports/he2021.html", ["no report he2021", "he2020"]),
        ("reports/he2020.pdf", ["no such kind of file", "html, ipynb"]),
        ("scorecard/nope", ["no scorecard nope", "alternatives"]),
        ("multiverse/he2021", ["no multiverse he2021", "he2020"]),
        ("multiverse/he2020.pdf", ["no such kind of file", "html, csv, nc"]),
    ],
)
def test_a_figure_that_does_not_exist(checkout: Path, target: str, parts: list[str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_targets(load_project(checkout, {}), ["--cores", "2", target])
    assert all(part in str(caught.value) for part in parts)


def test_a_scheme_without_an_entry_is_the_module_of_its_name(checkout: Path) -> None:
    edit(checkout, "he2020.yaml", removing("schemes", "phase"))
    edit(checkout, "he2020.yaml", setting("parameters", "phase_step", "used_by", value=["joint"]))
    for name in ("tolerance", "max_iterations"):
        users = ["joint", "power"]
        edit(checkout, "he2020.yaml", setting("parameters", name, "used_by", value=users))
    paper = load_project(checkout, {}).papers["he2020"]
    assert list(paper.schemes) == ["joint", "power", "random", "phase"]
    assert paper.schemes["phase"] == {
        "title": "Phase Optimization",
        "about": "the reflection vector only, with every source at full power",
        "beyond_paper": True,
    }
    assert paper.module("phase") == "irsrepro.papers.he2020.schemes.phase"


@pytest.mark.parametrize("name", ["system", "alternation", "jont"])
def test_a_module_without_a_design_is_no_scheme(name: str, checkout: Path) -> None:
    edit(checkout, "he2020.yaml", setting("experiments", "snr", "schemes", value=["joint", name]))
    with pytest.raises(ConfigurationError, match=f"experiments.snr.schemes: '{name}'"):
        load_project(checkout, {})


def test_a_paper_is_not_named_like_something_else(checkout: Path) -> None:
    (checkout / "config/he2020.yaml").rename(checkout / "config/summary.yaml")
    with pytest.raises(
        ConfigurationError, match=r"config: summary\.yaml: 'summary': expected a name"
    ):
        load_project(checkout, {})


def test_every_figure_target_is_accepted(checkout: Path) -> None:
    project = load_project(checkout, {})
    figures = [f"figures/he2020/{name}" for name in project.papers["he2020"].figures]
    targets = [f"{name}.{end}" for name in figures for end in ("pdf", "csv")]
    variants = ["figures/variants/ring/he2020/fig04.svg", "figures/variants/ring/he2020/all"]
    check_targets(
        project,
        [
            *targets,
            *variants,
            "figures/all",
            "figures/index.html",
            "figures/he2020/all",
            "reports/he2020.html",
            "reports/summary.ipynb",
            "scorecard/all",
            "scorecard/alternatives.csv",
            "multiverse/all",
            "multiverse/index.html",
            "multiverse/he2020",
            "multiverse/he2020.nc",
            "results/paper/he2020/ring/fast/snr/00000-00099.nc",
        ],
    )


def test_command_line_strings_are_typed(checkout: Path) -> None:
    project = load_project(
        checkout, {"realisations": "12", "variant": "bigger", "he2020": "{elements: 8}"}
    )
    assert project.realisations == 12
    paper = project.papers["he2020"]
    assert paper.reading("bigger")["elements"] == 8
    assert paper.reading(DEFAULT)["elements"] == 4
    assert paper.changes("bigger", "fig04") == "elements = 8 (was 4)"
    assert paper.changes(DEFAULT, "fig04") == ""
    nested = load_project(checkout, {"variant": "bigger", "he2020": {"elements": "8"}})
    assert nested.papers["he2020"].reading("bigger")["elements"] == 8


@pytest.mark.parametrize(
    ("count", "chunk", "names"),
    [
        (100, 100, ["00000-00099"]),
        (200, 100, ["00000-00099", "00100-00199"]),
        (5, 2, ["00000-00001", "00002-00003", "00004-00004"]),
    ],
)
def test_chunks_extend_what_is_there(
    checkout: Path, count: int, chunk: int, names: list[str]
) -> None:
    project = load_project(checkout, {"realisations": count, "chunk": chunk})
    assert project.chunks("he2020", "fixed") == names


def test_chunks_grow_with_what_lies_before_them() -> None:
    """A million realisations make a few hundred files, and more of them keep all but the last."""
    bounds = chunk_bounds(1_000_000, 100)
    lengths = [end - first for first, end in bounds]
    assert lengths[:32] == [100] * 32 and lengths[32:48] == [200] * 16 and lengths[48] == 400
    assert len(bounds) < 200
    assert [first for first, _ in bounds] == [0, *(end for _, end in bounds[:-1])]
    assert bounds[-1][1] == 1_000_000
    for count in (1, 3200, 3201, 50_000):
        fewer = chunk_bounds(count, 100)
        assert fewer[:-1] == bounds[: len(fewer) - 1] and fewer[-1][1] == count


def test_channels_know_only_their_own_parameters(checkout: Path) -> None:
    paper = load_project(checkout, {}).papers["he2020"]
    drawn = paper.channel_parameters(DEFAULT, "region")
    assert drawn["irss"] == 8 and drawn["irs_placement"] == "region"
    assert "snr" not in drawn and "tolerance" not in drawn


def test_a_scheme_knows_its_own_parameters_and_no_other(checkout: Path) -> None:
    paper = load_project(checkout, {}).papers["he2020"]
    joint = paper.solution_parameters(DEFAULT, "convergence", "joint")
    assert joint["tolerance"] == 0 and joint["max_iterations"] == 1000
    assert "snr" not in joint, "the swept parameter comes from the sweep"
    assert "phase_step" not in paper.solution_parameters(DEFAULT, "snr", "power")


def test_a_reading_shares_the_data_that_it_does_not_change(checkout: Path) -> None:
    paper = load_project(checkout, {}).papers["he2020"]
    assert paper.channel_holder("ring", "fixed") == "ring"
    assert paper.channel_holder("snr_over_noise", "fixed") == DEFAULT
    assert paper.holder("sweep_step", "snr", "joint") == "sweep_step"
    assert paper.holder("sweep_step", "snr", "power") == DEFAULT
    assert paper.holder("tighter_stop", "convergence", "joint") == DEFAULT
    assert paper.holder("region_box", "irs_count", "joint") == "region_box"
    assert paper.holder("region_box", "snr", "joint") == DEFAULT
    assert paper.channel_holder("region_box", "fixed") == DEFAULT
    assert paper.changes("region_box", "fig04") == ""
    assert "irs_region" in paper.changes("region_box", "fig05")


def test_a_swept_parameter_is_no_change(checkout: Path) -> None:
    project = load_project(checkout, {"variant": "low", "he2020": "{snr: 10}"})
    assert project.papers["he2020"].changes("low", "fig04") == ""
    assert project.papers["he2020"].changes("low", "fig05") == "snr = 10 (was 35)"


@pytest.mark.parametrize("key", sorted(path.stem for path in (ROOT / "config").glob("*20??.yaml")))
def test_few_experiments_run_every_scheme_module(key: str) -> None:
    paper = load_project(ROOT, {}).papers[key]
    modules = [
        {paper.module(scheme) for scheme in paper.experiments[name]["schemes"]}
        for name in paper.telling_experiments
    ]
    every = {
        paper.module(scheme) for plan in paper.experiments.values() for scheme in plan["schemes"]
    }
    assert set().union(*modules) == every
    assert all(run - set().union(*modules[:place]) for place, run in enumerate(modules))
    assert len(modules) <= 4


def test_a_scheme_may_be_its_module_with_parameters_of_its_own(checkout: Path) -> None:
    paper = load_project(checkout, {}).papers["zheng2021"]
    schemes = ("ao_zf", "single_mmse")
    zf, single = (paper.solution_parameters(DEFAULT, "users", scheme) for scheme in schemes)
    assert paper.module("ao_zf") == paper.module("single_mmse")
    assert (zf["receiver"], zf["system"]) == ("zf", "double")
    assert (single["receiver"], single["system"]) == ("mmse", "single")


def test_a_reading_may_change_single_experiments(checkout: Path) -> None:
    paper = load_project(checkout, {}).papers["zheng2021"]
    for experiment, expected in (("power", 0), ("split", 0), ("kappa_10", 10)):
        values = paper.solution_parameters("kappa_0_db", experiment, "ao_single")
        assert values["far_rician_factor"] == expected
    assert paper.holder("kappa_10_db", "split", "ao_single") == DEFAULT
    assert paper.holder("kappa_10_db", "power", "ao_single") == "kappa_10_db"


def test_an_ensemble_may_have_its_own_number_of_realisations(checkout: Path) -> None:
    project = load_project(checkout, {"fidelity": "preview"})
    assert project.chunks("zheng2021", "rician") == ["00000-00019"]
    assert project.chunks("zheng2021", "multipath") == ["00000-00001"]
    more = load_project(checkout, {"realisations": 60})
    assert more.chunks("zheng2021", "multipath") == ["00000-00049", "00050-00059"]


def test_a_figure_names_its_curves(checkout: Path) -> None:
    paper = load_project(checkout, {}).papers["zheng2021"]
    names = [curve["name"] for curve in paper.curves("fig07")]
    assert names[:3] == ["kappa_low/ao_single", "kappa_low/single", "kappa_0/ao_single"]
    cut = [curve for curve in paper.curves("fig08") if "after" in curve]
    assert [(each["name"], each["after"]) for each in cut] == [
        ("ao_mmse after 1", 1),
        ("ao_zf after 1", 1),
    ]
    assert paper.curves("fig04") == []


def test_several_experiments_in_one_figure_need_titles(checkout: Path) -> None:
    edit(checkout, "zheng2021.yaml", removing("experiments", "kappa_0", "title"))
    with pytest.raises(
        ConfigurationError, match=r"figures\.fig07\.experiments: 'kappa_0': .* titles"
    ):
        load_project(checkout, {})


def test_a_lost_report_template_is_one_line(checkout: Path) -> None:
    (checkout / "notebooks" / "he2020.ipynb").unlink()
    with pytest.raises(
        ConfigurationError, match=r"expected its report template notebooks/he2020\.ipynb"
    ):
        load_project(checkout, {})
