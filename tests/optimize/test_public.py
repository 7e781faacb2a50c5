"""What a user of the library imports: complete, light, explained, with examples that run."""

import ast
import doctest
import inspect
import subprocess
import sys

import numpy as np
import pytest

import irsrepro.optimize as public
from irsrepro.build.provenance import library_files
from irsrepro.config.modules import LIBRARY

ROOT = LIBRARY.parents[1]
FUNCTIONS = [name for name in public.__all__ if inspect.isfunction(getattr(public, name))]
YOURS = {
    "zhang2022.downlink": "maximise_rate",
    "zheng2021.uplink": "maximise_smallest_rate",
    "yu2020.least_power": "minimise_power",
    "he2020.pairs": "maximise_pair_rates",
}
# Whoever only computes has what `dependencies` of pyproject.toml names, and what that needs.
ABSENT = ("snakemake", "pydantic", "yaml", "grimp", "matplotlib", "IPython", "nbformat", "cvxpy")


def failures(test: doctest.DocTest) -> str:
    """What a run of examples prints about those that fail."""
    told: list[str] = []
    doctest.DocTestRunner(verbose=False).run(test, out=told.append)
    return "".join(told)


def test_the_stub_and_the_package_offer_the_same() -> None:
    tree = ast.parse((LIBRARY / "optimize" / "__init__.pyi").read_text())
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    stated = {alias.name: node.module for node in imports for alias in node.names}
    modules = {
        name: f"irsrepro.optimize.{module}" for name, module in vars(public)["_PLACES"].items()
    }
    assert stated == modules
    listed = next(node.value for node in tree.body if isinstance(node, ast.Assign))
    assert sorted(ast.literal_eval(listed)) == public.__all__ == sorted(modules)
    assert set(public.__all__) <= set(dir(public))


def test_what_is_not_offered_is_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        getattr(public, "nothing")  # noqa: B009


def test_a_name_costs_its_own_module_only() -> None:
    """The package loads nothing, and no job depends on more files because of what it offers."""
    program = (
        "import sys, irsrepro.optimize as public\n"
        "before = [name for name in sys.modules if name.startswith('irsrepro.optimize.')]\n"
        "assert not before and 'numpy' not in sys.modules, before\n"
        "public.solve_unit_disc\n"
        "print('irsrepro.optimize.sdp.solver' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr
    assert library_files("irsrepro.optimize") == library_files("irsrepro")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_examples_of_a_kernel_run(name: str) -> None:
    function = getattr(public, name)
    text = inspect.getdoc(function) or ""
    names = {"np": np} | {each: getattr(public, each) for each in public.__all__}
    parsed = doctest.DocTestParser().get_doctest(text, names, name, None, 0)
    assert ("Args:" in text and "realisation" in text) or name == "minimise"
    assert parsed.examples and not failures(parsed)


@pytest.mark.parametrize(("module", "function"), YOURS.items())
def test_examples_of_a_problem_run(module: str, function: str) -> None:
    found = getattr(__import__(f"irsrepro.papers.{module}", fromlist=[function]), function)
    text = inspect.getdoc(found) or ""
    parsed = doctest.DocTestParser().get_doctest(text, {function: found}, function, None, 0)
    assert len(parsed.examples) > 2 and not failures(parsed)


def test_the_page_on_your_channels_runs() -> None:
    text = (ROOT / "docs" / "your_channels.md").read_text(encoding="utf-8")
    parsed = doctest.DocTestParser().get_doctest(text, {}, "your_channels.md", None, 0)
    assert all(function in text for function in YOURS.values())
    assert len(parsed.examples) > 25 and not failures(parsed)


def test_the_page_on_draws_runs() -> None:
    text = (ROOT / "docs" / "draws_and_caches.md").read_text(encoding="utf-8")
    parsed = doctest.DocTestParser().get_doctest(text, {}, "draws_and_caches.md", None, 0)
    assert parsed.examples and not failures(parsed)


def test_the_reference_has_every_name() -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert [name for name in public.__all__ if name not in text and name != "RECEIVERS"] == []


def test_the_library_needs_no_workflow() -> None:
    """In an interpreter that has what a kernel needs and nothing else of ours."""
    imports = "".join(f"import irsrepro.papers.{module}\n" for module in YOURS)
    program = (
        "import sys\n"
        f"sys.modules.update(dict.fromkeys({ABSENT!r}))\n"
        "from irsrepro.optimize import *\n"
        f"{imports}"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("size", [0.0, -1.0, np.inf])
def test_powers_that_are_none_are_refused(size: float) -> None:
    from irsrepro.papers.zhang2022.downlink import maximise_rate
    from irsrepro.papers.zheng2021.uplink import maximise_smallest_rate

    one = np.ones((1, 1, 1))
    with pytest.raises(ValueError, match="positive"):
        maximise_rate(one, one, power=size, noise=1.0)
    with pytest.raises(ValueError, match="positive"):
        maximise_smallest_rate(one, one, one, one, one, power=1.0, noise=size)


def test_channels_that_do_not_fit_are_refused() -> None:
    from irsrepro.papers.he2020.pairs import maximise_pair_rates
    from irsrepro.papers.yu2020.least_power import minimise_power
    from irsrepro.papers.zhang2022.downlink import maximise_rate

    incoming, outgoing = np.ones((1, 4, 2)), np.ones((1, 3, 4))
    with pytest.raises(ValueError, match="direct"):
        maximise_rate(incoming, outgoing, np.ones((1, 3, 1)), power=1.0, noise=1.0)
    with pytest.raises(ValueError, match="direct"):
        minimise_power(incoming, outgoing, np.ones((1, 3, 1)), targets=1.0, noise=1.0)
    with pytest.raises(ValueError, match="incoming"):
        minimise_power(incoming[:, :1], outgoing, np.ones((1, 3, 2)), targets=1.0, noise=1.0)
    with pytest.raises(ValueError, match="equal"):
        maximise_pair_rates(np.ones((1, 3, 1)), outgoing, power_limit=1.0, noise=1.0)


def test_what_is_reached_is_what_the_variables_give() -> None:
    """Values again from channels and variables, by the sentence at the head of each module."""
    from irsrepro.papers.yu2020.least_power import minimise_power
    from irsrepro.papers.zhang2022.downlink import maximise_rate

    rng = np.random.default_rng(7)
    incoming, outgoing, direct = (
        rng.normal(size=shape) + 1j * rng.normal(size=shape)
        for shape in ((2, 6, 3), (2, 2, 6), (2, 2, 3))
    )
    found = maximise_rate(
        incoming, outgoing, direct, power=2.0, noise=0.5, weights=[1.0, 3.0], objective="min-rate"
    )
    for r in range(2):
        channel = direct[r] + outgoing[r] @ np.diag(found.reflection[r]) @ incoming[r]
        heard = np.abs(channel @ found.beams[r].T) ** 2
        own = heard.diagonal()
        rates = np.log2(1.0 + own / (heard.sum(axis=1) - own + 0.5))
        assert np.allclose(found.rates[r], rates) and np.allclose(
            found.value[r], min(rates * [1, 3])
        )
        assert np.isclose((np.abs(found.beams[r]) ** 2).sum(), 2.0)
    cheap = minimise_power(incoming, outgoing, direct, targets=[2.0, 5.0], noise=0.5)
    assert np.allclose(cheap.sinr, [[2.0, 5.0]] * 2)
    assert np.allclose(cheap.value, (np.abs(cheap.beams) ** 2).sum(axis=(1, 2)))
