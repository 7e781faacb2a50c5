"""Cost of every experiment as its paper plans it: CPU seconds and bytes of one realisation.

    python benchmarks/cost_of_plans.py [PAPER ...]

runs every scheme of every experiment over its whole sweep, on one realisation and, where that is
quick, on more; channels are drawn before and compilation is left out. It writes
``benchmarks/results/cost_of_plans.json``. Experiments about seconds are left out.
"""

from __future__ import annotations

import irsrepro  # noqa: F401  before NumPy, whose BLAS then has one thread

# isort: split
import argparse

from schemes import ensemble_bytes, prepared, project
from timing import cpu_seconds, record, rounded

NAME = "cost_of_plans"
ENOUGH, MOST = 2.0, 32
"""CPU seconds that are enough to go by, and realisations at most."""
SKIPPED = {("yu2020", "printed"): "a cone program of minutes for every point"}


def measure(key: str, experiment: str, scheme: str) -> dict[str, float]:
    """Return CPU seconds and bytes of a realisation, and of how many they are the mean."""
    call = prepared(key, experiment, scheme, 1)
    solution, count = call(), 1  # compiles
    seconds = cpu_seconds(call)
    if seconds < ENOUGH:
        count = min(MOST, max(2, int(ENOUGH / seconds)))
        several = prepared(key, experiment, scheme, count)
        several()  # another number may need other kernels, which this compiles
        seconds = cpu_seconds(several)
    of_it = sum(each.nbytes for each in solution.data_vars.values() if "realisation" in each.dims)
    return {"seconds": rounded(seconds / count), "bytes": of_it, "realisations": count}


def main() -> None:
    """Measure the papers asked for, keep the others."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("papers", nargs="*", help="citation keys; all by default")
    asked = parser.parse_args().papers
    for key, paper in project().papers.items():
        if asked and key not in asked:
            continue
        for name in paper.ensembles:
            record(NAME, key, f"channels {name}", ensemble_bytes(key, name))
        for name, plan in paper.experiments.items():
            if not (plan.get("timed") or (key, name) in SKIPPED):
                found = {scheme: measure(key, name, scheme) for scheme in plan["schemes"]}
                record(NAME, key, name, found)
                print(key, name, found, flush=True)


if __name__ == "__main__":
    main()
