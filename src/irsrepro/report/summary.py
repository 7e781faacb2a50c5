"""The summary notebook: all papers of a build side by side. What its cells call.

As in a report, a cell is one call, and every number comes from the data.
"""

# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from IPython.display import HTML

from irsrepro.config.loading import paper_keys
from irsrepro.report.notebooks import ORIGINS, SETTLED, Report, load, places
from irsrepro.report.pages import counts, number, others, part, tally, warnings_of


@dataclass(frozen=True)
class Summary:
    """The reports of several papers, in order."""

    reports: Sequence[Report]

    def heading(self) -> HTML:
        """Return how many claims of how many papers replicate, and what must not be overlooked."""
        rows = [row for report in self.reports for row in report.claims]
        builds = {(report.fidelity, report.engine): None for report in self.reports}
        alarms = dict.fromkeys(text for build in builds for text in warnings_of(*build))
        return HTML(
            part(
                "overview.html.j2",
                papers=len(self.reports),
                counts=counts(rows),
                others=others(rows),
                by_construction=sum(row["by_construction"] for row in rows),
                warnings=alarms,
            )
        )

    def tallies(self) -> HTML:
        """Return the papers with links to their reports, and how many claims have each verdict."""
        rows = [
            {
                "key": report.key,
                "title": report.source["title"],
                "cells": list(tally(report.claims).values()),
            }
            for report in self.reports
        ]
        return HTML(part("tallies.html.j2", heads=list(tally([])), rows=rows))

    def open_claims(self) -> HTML:
        """Return every claim that is not replicated or undecided, with the reason."""
        rows = [(report.key, row) for report in self.reports for row in report.open_claims()]
        return HTML(part("open_claims.html.j2", rows=rows))

    def claims(self) -> HTML:
        """Return every claim of every paper with its verdict."""
        groups = [(report.key, report.claims) for report in self.reports]
        return HTML(part("all_claims.html.j2", groups=groups))

    def costs(self) -> HTML:
        """Return what each paper took: experiments, designs, failures and time."""
        rows = []
        for report in self.reports:
            designs, failures = report.designs()
            experiments = len(report.source["experiments"])
            minutes = report.seconds() / 60
            rows.append([report.key, experiments, designs, failures, number(minutes)])
        heads = ["paper", "experiments", "designs", "without a value", "minutes on one core"]
        return Report.table(heads, rows)

    def origins(self) -> HTML:
        """Return where the values of each paper's parameters come from, as counts and shares."""
        rows = []
        for report in self.reports:
            numbers = {origin: len(names) for origin, names in report.origins().items()}
            total = sum(numbers.values())
            settled = sum(numbers[origin] for origin in SETTLED)
            shares = (
                f"{numbers[origin]} ({100 * numbers[origin] / total:.0f} %)" for origin in ORIGINS
            )
            rows.append([report.key, *shares, f"{100 * settled / total:.0f} % of {total}"])
        return Report.table(["paper", *ORIGINS, "settled by the paper"], rows)


def load_summary(builds: Mapping[str, Mapping[str, Any]] | None = None) -> Summary:
    """Read what the summary shows; called from ``notebooks/`` it looks one folder up.

    Args:
        builds: by citation key, what ``reporting.load`` takes besides; without any, all papers of
            the checkout as their figures are now.

    Raises:
        StorageError: a paper has not been built yet.
    """
    selection = builds or {key: {} for key in paper_keys(places()[1])}
    return Summary([load(key, **build) for key, build in selection.items()])
