"""Schemes of other programs: what they are given, and what becomes of what they return."""

import json
import sys
import time
from functools import cache
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest
import xarray as xr

from conftest import ROOT, raw
from irsrepro.build.exports import draw
from irsrepro.build.external import Command, evaluate, rejections
from irsrepro.channels.streams import RandomStream
from irsrepro.config.commands import digest_of, named_files
from irsrepro.config.loading import Project, load_paper, load_project
from irsrepro.config.paper import DEFAULT
from irsrepro.errors import ConfigurationError, IrsreproError
from irsrepro.optimize.result import FAILURE
from refusals import bare_checkout

COUNT, POINTS = 3, [2, 4]
PLACES = "{channels} {parameters} {solution}"

# A program that imports nothing of ours: beams of equal power, phases zero. FAULT goes wrong.
PROGRAM = """
import json, os, sys, time
import netCDF4, numpy as np
channels, parameters, solution = sys.argv[1:]
asked = json.load(open(parameters))
sizes, at = asked["sizes"], asked["parameters"]["antennas"]
R, K, M, N = (sizes[name] for name in ("realisation", "beam", "antenna", "element"))
beams = np.zeros((R, K, M, 2))
beams[..., 0] = 1 / np.sqrt(K * M)
reflection = np.zeros((R, N, 2))
reflection[..., 0] = 1
names = {"beams": ("realisation", "beam", "antenna", "part"),
         "reflection": ("realisation", "element", "part")}
numbers, problem, kinds = None, asked["problem"], {"realisation": "i8"}
FAULT
with netCDF4.Dataset(solution, "w") as stored:
    stored.problem = problem
    for name, size in {**sizes, "part": 2}.items():
        stored.createDimension(name, R if name == "realisation" else size)
    if numbers is not None:
        stored.createVariable("realisation", kinds["realisation"], ("realisation",))[...] = numbers
    for name, values in {"beams": beams, "reflection": reflection}.items():
        if name in names:
            stored.createVariable(name, kinds.get(name, "f8"), names[name])[...] = values
"""


@cache
def project() -> Project:
    return load_project(ROOT, {"fidelity": "preview", "realisations": COUNT})


@cache
def channels(key: str, ensemble: str) -> xr.Dataset:
    return draw(project(), key, ensemble)


def written(root: Path, fault: str = "", name: str = "schemes/mine.py") -> Path:
    """Write the program into a checkout."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(PROGRAM.replace("FAULT", dedent(fault)))
    (root / "config").mkdir(exist_ok=True)
    return path


def solved(root: Path, command: str = "", points: list[int] = POINTS, **more: Any) -> xr.Dataset:
    """Run a command on a small problem of zhang2022."""
    told = command or f"{sys.executable} schemes/mine.py {PLACES}"
    design = Command("CONFIG: schemes.mine", told, more.pop("time_limit", 120.0), "antennas",
                     checkout=root, **more).design  # fmt: skip
    section = project().papers["zhang2022"].external_parameters(DEFAULT, "sum_antennas")
    sweep = {"parameter": "antennas", "values": points, "unit": "1"}
    stream = RandomStream(1).child("mine")
    return evaluate(channels("zhang2022", "open"), stream, section | {"elements": 8},
                    "irsrepro.papers.zhang2022.system", sweep, design)  # fmt: skip


def test_a_program_that_knows_nothing_of_us_is_evaluated(tmp_path: Path) -> None:
    """By hand: with equal beams the rate of a user is log2(1 + own / (others + noise))."""
    written(tmp_path)
    rate = solved(tmp_path)["sum_rate"].values
    drawn = channels("zhang2022", "open")
    for place, antennas in enumerate(POINTS):
        rows = sum(
            drawn[f"irs{i}_to_users"].values[:, :4, :8]
            @ drawn[f"bs_to_irs{i}"].values[:, :8, :antennas]
            for i in (1, 2)
        )
        heard = np.abs(rows.sum(axis=2)) ** 2 * 10**14 / (4 * antennas)
        expected = np.log2(1 + heard / (3 * heard + 1)).sum(axis=1)
        np.testing.assert_allclose(rate[place], expected, rtol=1e-9)


def test_what_a_program_is_given(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    written(tmp_path, f"""
        import shutil
        shutil.copy(channels, {str(kept)!r}), shutil.copy(parameters, {str(kept)!r})
        assert os.listdir() and set(os.listdir()) <= {{"channels.nc", "parameters.json", ".said"}}
    """)  # fmt: skip
    solved(tmp_path, points=[4])
    asked = json.loads((kept / "parameters.json").read_text())
    assert asked["parameters"]["antennas"] == 4 and asked["swept"] == "antennas"
    assert asked["units"]["transmit_power"] == "dBm"
    assert asked["sizes"] == {"realisation": COUNT, "beam": 4, "antenna": 4, "element": 16}
    assert asked["realisations"] == [0, 1, 2] and len(set(asked["seeds"])) == COUNT
    stored = raw(kept / "channels.nc", "irs1_to_users")
    np.testing.assert_array_equal(stored, channels("zhang2022", "open")["irs1_to_users"].values)
    content = (kept / "channels.nc").read_bytes()
    assert b"sha256" not in content and str(ROOT).encode() not in content


REJECTED = {
    "too much power": ("beams *= 2", "beams: the power is 4 times what is allowed"),
    "a modulus": ("reflection[-1] *= 1.5", "reflection: a modulus is off 1 by 0.5"),
    "NaN": ("beams[-1, 0, 0, 0] = np.nan", "beams: not a finite number"),
    "infinity": ("reflection[-1, 0, 0] = np.inf", "reflection: not a finite number"),
    "left out": (
        "R, numbers, beams, reflection = 2, [0, 1], beams[:2], reflection[:2]",
        "not in the solution",
    ),
    "unwritten": ("beams = np.ma.masked_invalid(beams); beams[-1] = np.ma.masked",
                  "beams: not a finite number"),
}  # fmt: skip


@pytest.mark.parametrize("name", REJECTED)
def test_a_realisation_that_is_no_design_has_failed(tmp_path: Path, name: str) -> None:
    fault, reason = REJECTED[name]
    written(tmp_path, fault)
    whole = name == "too much power"
    found = solved(tmp_path)
    lost = found["status"].values == FAILURE
    assert lost.tolist() == [[whole, whole, True]] * 2
    if not whole:
        np.testing.assert_array_equal(np.isnan(found["sum_rate"].values), lost)
    first = 0 if whole else 2
    assert rejections(found) == (
        f"{6 if whole else 2} of 6 designs failed, first antennas 2, realisation {first}: {reason}"
    )


def test_points_that_fail_whole_stand_beside_others(tmp_path: Path) -> None:
    written(tmp_path, "beams *= 2 if at == 2 else 1")
    found = solved(tmp_path)
    assert np.isnan(found["sum_rate"].values[0]).all()
    assert np.isfinite(found["sum_rate"].values[1]).all()


def test_realisations_may_come_in_any_order(tmp_path: Path) -> None:
    turn = "beams[0] *= 0.5"
    written(tmp_path, turn)
    straight = solved(tmp_path)["sum_rate"].values
    written(tmp_path, f"{turn}\nnumbers, beams = [2, 1, 0], beams[::-1]")
    np.testing.assert_array_equal(solved(tmp_path)["sum_rate"].values, straight)


REFUSED = {
    "nothing": ("sys.exit(0)", "it ended without an error, but wrote no file {solution}"),
    "crash": (
        "print('almost'); raise ValueError('x is singular')",
        "antennas 2: ended with exit code 1; last words: ",
    ),
    "signal": ("os.kill(os.getpid(), 11)", "ended with signal 11; last words: none"),
    "text": ("open(solution, 'w').write('1 2 3'); sys.exit()", "is no NetCDF file"),
    "missing": ("del names['beams']", "beams: missing; expected (realisation 3, beam 4, antenna 2"),
    "reversed": (
        "names['beams'], beams = names['beams'][::-1], beams.T",
        "(part 2, antenna 2, beam 4, realisation 3) as MATLAB and Octave do; MATLAB and Octave "
        "list dimensions in reverse",
    ),
    "transposed": (
        "names['beams'] = ('realisation', 'antenna', 'beam', 'part'); beams = beams.swapaxes(1, 2)",
        "beams: (realisation 3, antenna 2, beam 4, part 2); expected (realisation 3, beam 4",
    ),
    "shape": ("sizes['element'] = 5; reflection = reflection[:, :5]", "reflection: (realisation 3, "
              "element 5, part 2); expected (realisation 3, element 16, part 2)"),
    "count": ("R = 1; beams, reflection = beams[:1], reflection[:1]", "1 realisations; expected a "
              "dimension realisation of 3"),
    "numbers": ("numbers = [0, 1, 7]", "realisation: expected different numbers, each one of"),
    "doubled": ("numbers = [0, 1, 1]", "realisation: expected different numbers, each one of"),
    "words": ("numbers = np.array(['a', 'b', 'c'], object); kinds['realisation'] = str",
              "realisation: expected different numbers, each one of"),
    "letters": ("beams = np.full(beams.shape, 'a', object); kinds['beams'] = str",
                "beams: not numbers; expected (realisation 3, beam 4"),
    "another": ("problem = 'zhang2022 paired antennas=2 0'", "its attribute problem must be "
                "'zhang2022 open antennas=2 "),
    "unnamed": ("problem = ''", "nothing is there"),
    "its input": ("open(channels, 'ab').write(b'x')", "channels.nc changed while it ran"),
    "the configuration": ("open(CONFIG, 'w')", "config/new.yaml changed while it ran"),
    "its folder": ("open(CONFIG.replace('config', 'schemes'), 'w')", "schemes/new.yaml changed"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_program_that_goes_wrong_is_one_line(tmp_path: Path, name: str) -> None:
    fault, told = REFUSED[name]
    written(tmp_path, fault.replace("CONFIG", repr(str(tmp_path / "config/new.yaml"))))
    with pytest.raises(IrsreproError) as caught:
        solved(tmp_path)
    line = str(caught.value)
    assert line.startswith("CONFIG: schemes.mine: ") and told in line and line.isprintable()
    assert "ValueError: x is singular" in line or name != "crash"


def test_a_program_that_hangs_is_ended(tmp_path: Path) -> None:
    begin = time.monotonic()
    with pytest.raises(IrsreproError) as caught:
        solved(tmp_path, f"sh -c 'echo so far; sleep 300' {PLACES}", time_limit=1.0)
    told = "antennas 2: no end within its time_limit of 1 s; last words: so far"
    assert str(caught.value) == f"CONFIG: schemes.mine: {told}"
    assert time.monotonic() - begin < 100


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("no-such-program mine.py", "'no-such-program': no such file or directory; expected a"),
        ("schemes/mine.py", "'schemes/mine.py': permission denied; expected a program"),
    ],
)
def test_a_command_that_is_not_there_is_one_line(tmp_path: Path, command: str, told: str) -> None:
    written(tmp_path)
    with pytest.raises(IrsreproError, match=r"CONFIG: schemes\.mine: ") as caught:
        solved(tmp_path, f"{command} {PLACES}")
    assert told in str(caught.value)


def test_what_a_program_starts_ends_with_it(tmp_path: Path) -> None:
    mark = tmp_path / "alive"
    written(tmp_path, f"""
        import subprocess
        told = "import time; time.sleep(2); open({str(mark)!r}, 'w')"
        subprocess.Popen([sys.executable, "-c", told])
    """)  # fmt: skip
    solved(tmp_path, points=[2])
    time.sleep(2.5)
    assert not mark.exists()


def test_a_target_that_is_missed_is_a_failure_with_its_size(tmp_path: Path) -> None:
    """yu2020: a tenth of the power that meets the target misses it by ten decibels, or less."""
    told = f"{sys.executable} schemes/yu.py {PLACES}"
    program = PROGRAM.replace("beams", "beamformer").replace('"beam"', '"user"')
    for power in (1e12, 1e-12):
        path = tmp_path / "schemes/yu.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(program.replace('["antennas"]', '["sinr_target"]').replace("FAULT", f"""
beamformer[:] = 0
beamformer[:, 0, 0, 0] = {power}
"""))  # fmt: skip
        section = project().papers["yu2020"].external_parameters(DEFAULT, "target") | {"users": 1}
        sweep = {"parameter": "sinr_target", "values": [10.0], "unit": "dB"}
        design = Command("CONFIG", told, 120.0, "sinr_target", checkout=tmp_path).design
        found = evaluate(channels("yu2020", "sector"), RandomStream(1), section,
                         "irsrepro.papers.yu2020.system", sweep, design)  # fmt: skip
        if power > 1:
            assert rejections(found) == ""
            np.testing.assert_allclose(found["transmit_power"].values, power**2)
        else:
            assert "realisation 0: sinr: misses its target by " in rejections(found)
            assert " dB" in rejections(found) and "3 of 3" in rejections(found)


def test_a_change_of_a_file_that_the_command_names_counts(tmp_path: Path) -> None:
    first = written(tmp_path)
    part = written(tmp_path, name="schemes/parts/a.m")
    inside = f"matlab -batch \"run('{{checkout}}/schemes/mine.py'); {PLACES}\""
    assert named_files(tmp_path, {"command": inside}) == [first]
    entry = {"command": f"octave-cli schemes/mine.py {PLACES}", "files": ["schemes/parts/*.m"]}
    assert named_files(tmp_path, entry) == [first, part]
    seen = {digest_of(tmp_path, named_files(tmp_path, entry))}
    for path in (first, part):
        path.write_text(path.read_text() + "\n")
        seen.add(digest_of(tmp_path, named_files(tmp_path, entry)))
    assert len(seen) == 3


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bare_checkout(tmp_path_factory.mktemp("checkout"))


def loaded(root: Path, entry: str) -> Any:
    """Load zhang2022 with one more line of schemes."""
    path = root / "config/zhang2022.yaml"
    text = (ROOT / "config/zhang2022.yaml").read_text()
    path.write_text(text.replace("\nexperiments:\n", f"  mine: {entry}\n\nexperiments:\n", 1))
    return load_paper(root, "zhang2022")


def test_one_line_of_configuration_is_enough(checkout: Path) -> None:
    line = f'{{command: "octave-cli mine.m {PLACES}", experiments: [sum_antennas]}}'
    paper = loaded(checkout, line)
    listed = [name for name, plan in paper.experiments.items() if "mine" in plan["schemes"]]
    assert listed == ["sum_antennas"]
    entry = paper.schemes["mine"]
    assert (entry["title"], entry["beyond_paper"], entry["time_limit"]) == ("mine", True, 600.0)
    assert "mine" in [curve["scheme"] for curve in paper.curves("fig08")]
    plan = paper.plan_of(DEFAULT, "sum_antennas", "mine")
    assert plan["external"]["place"] == "config/zhang2022.yaml: schemes.mine"
    assert "outer_iterations" not in plan["section"] and "antennas" not in plan["section"]
    assert plan["section"] == paper.external_parameters(DEFAULT, "sum_antennas")


GOOD = f'command: "x {PLACES}"'
BAD_ENTRIES = {
    '{command: "octave-cli mine.m {channels} {solution}"}': "command: 'octave-cli mine.m {channels}"
    " {solution}': expected a command with {channels}, {parameters}, {solution} in it",
    f'{{command: "octave-cli \'mine.m {PLACES}"}}': "quotes closed",
    "{command: 3}": "command: 3: expected a command with",
    f"{{{GOOD}, module: aif}}": "module: 'aif': expected one of the keys",
    f"{{{GOOD}, experiments: [sum_antenna]}}": "experiments: 'sum_antenna': expected one of",
    f"{{{GOOD}, experiments: [seconds_sum_small]}}": "experiments: 'seconds_sum_small': expected "
    "an experiment that is not timed",
    f"{{{GOOD}, time_limit: 0}}": "time_limit: 0: expected a finite number above 0",
    f"{{{GOOD}, files: [/etc/passwd]}}": "files: ['/etc/passwd']: expected a list of files of the",
    f"{{{GOOD}, files: [schemes/*.m]}}": "files: 'schemes/*.m': expected a file of the checkout",
    "{title: t}": "about: missing",
}


@pytest.mark.parametrize("entry", BAD_ENTRIES)
def test_a_wrong_entry_is_one_line(checkout: Path, entry: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        loaded(checkout, entry)
    line = str(caught.value)
    assert line.startswith("config/zhang2022.yaml: schemes.mine") and BAD_ENTRIES[entry] in line


def test_the_python_example_imports_nothing_of_ours(tmp_path: Path) -> None:
    """And gives each user a channel of its own: no interference."""
    text = (ROOT / "schemes/zhang2022_zero_forcing.py").read_text()
    assert "irsrepro" not in text
    (tmp_path / "config").mkdir()
    (tmp_path / "zf.py").write_text(text)
    found = solved(tmp_path, f"{sys.executable} zf.py {PLACES}", points=[8])
    assert rejections(found) == ""
    drawn, x = channels("zhang2022", "open"), found["reflection"].values[0]
    rows = sum(
        (drawn[f"irs{i}_to_users"].values[:, :4, :8] * x[:, None, 8 * i - 8 : 8 * i])
        @ drawn[f"bs_to_irs{i}"].values[:, :8, :8]
        for i in (1, 2)
    )
    heard = np.abs(rows @ found["beams"].values[0].swapaxes(1, 2))
    own = np.einsum("rkk->rk", heard)
    assert (heard.sum(axis=2) < (1.0 + 1e-6) * own).all()
