"""The page of performance says what is committed, and every public kernel is measured."""

import bench_kernels
import performance_page
from conftest import ROOT
from cost_against_size import DESIGNS, fitted
from irsrepro import optimize
from schemes import project
from timing import read_results


def test_the_page_agrees_with_what_is_committed() -> None:
    written = (ROOT / "docs" / "performance.md").read_text()
    assert written == performance_page.page(), "run python benchmarks/performance_page.py"
    assert all(f"({name})" in written for name in plots())


def plots() -> list[str]:
    return [f"performance/{path.name}" for path in (ROOT / "docs" / "performance").glob("*.svg")]


def test_every_public_kernel_is_measured() -> None:
    offered = {name for name in optimize.__all__ if name[0].islower()}
    assert offered == {*bench_kernels.KERNELS, *bench_kernels.STATEMENTS}
    assert {*read_results("ratios")["kernels"]} == {*bench_kernels.KERNELS}


def test_designs_are_of_schemes_that_their_experiments_list() -> None:
    for design in DESIGNS:
        plan = project().papers[design.paper].experiments[design.experiment]
        assert {*design.schemes} <= {*plan["schemes"]}, design


def test_a_power_law_is_found_with_its_exponents() -> None:
    centre = {"elements": 4, "users": 2}
    sizes = [centre, *(centre | {"elements": n} for n in (2, 8, 16)), centre | {"users": 6}]
    points = [
        {"sizes": each, "minimum": 1e-3 * (each["elements"] / 4) ** 2 * each["users"] / 2}
        for each in sizes
    ]
    law = fitted(points, centre)
    assert law["seconds"] == 1e-3 and law["elements"] == [2.0, 2.0, 2.0]
    assert law["users"] == [1.0, 1.0, 1.0]
