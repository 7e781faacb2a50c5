"""The committed gallery as tables, for a look at the results before anything is built.

`Committed` reads what lies under ``docs/gallery``: which figures there are, the curves of each with
their intervals, the verdicts, and every claim under every reading. Tables are pandas frames; `plot`
draws one, so that curves of one's own can be put beside those of a paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from irsrepro.config.loading import load_paper, paper_keys
from irsrepro.config.paper import Paper
from irsrepro.errors import StorageError
from irsrepro.figures.style import COLOURS
from irsrepro.figures.tables import read_tables
from irsrepro.report.multiverse_gallery import FOLDER as READINGS
from irsrepro.report.notebooks import places
from irsrepro.report.verification import committed_folder

# Units end their names in a file, and are attrs here.
COLUMNS = ("x", "value", "lower", "upper", "seconds")


@dataclass(frozen=True)
class Committed:
    """What a checkout holds of results.

    Attributes:
        root: folder of the checkout.
        fidelity: ``paper``, or ``preview`` for the same on few realisations.
    """

    root: Path
    fidelity: str = "paper"

    @cached_property
    def papers(self) -> dict[str, Paper]:
        """The configurations, by citation key."""
        return {key: load_paper(self.root, key) for key in paper_keys(self.root)}

    def figures(self) -> pd.DataFrame:
        """Return kind and title of every figure with curves, by paper and figure."""
        rows = {
            (key, name): {"kind": section["kind"], "title": section["title"]}
            for key, paper in self.papers.items()
            for name, section in paper.figures.items()
            if "experiments" in section and self._table(key, name).is_file()
        }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["paper", "figure"])

    def curves(self, paper: str, figure: str) -> pd.DataFrame:
        """Return the curves of a figure, one row a point.

        Args:
            paper: citation key.
            figure: a name of `figures`.

        Returns:
            ``curve``, ``label`` (words for a legend), ``x``, ``value``, ``lower`` and ``upper``
            (95 % interval), ``realisations``, ``failures``, and ``seconds`` where the figure is
            drawn against time; in ``attrs`` the paper, the figure, its curves and the units by
            column.

        Raises:
            StorageError: there is no such figure with curves.
        """
        if (paper, figure) not in self.figures().index:
            raise StorageError(
                f"{self._table(paper, figure)}: expected a paper and a figure of "
                "Committed.figures(), for example he2020 fig04"
            )
        source = self.papers[paper]
        text = self._table(paper, figure).read_text(encoding="utf-8")
        heads, rows = read_tables(text)[0]
        frame = pd.DataFrame(rows, columns=heads)
        names = {name: name.split("_")[0] for name in frame if name.split("_")[0] in COLUMNS}
        units = {short: name.removeprefix(short).lstrip("_") for name, short in names.items()}
        numbers = list(names.values())
        frame = frame.rename(columns=names)[["curve", *numbers, "realisations", "failures"]]
        frame = frame.astype(dict.fromkeys(numbers, float))
        frame = frame.astype({"realisations": int, "failures": int})
        frame.insert(1, "label", [self._label(source, figure, name) for name in frame["curve"]])
        order = frame["curve"].unique().tolist()
        frame.attrs = {"paper": paper, "figure": figure, "units": units, "curves": order}
        return frame

    def verdicts(self, paper: str | None = None) -> pd.DataFrame:
        """Return the verdict on every claim with estimate, interval and number of realisations.

        Args:
            paper: citation key; all papers without it.
        """
        frame = pd.read_csv(committed_folder(self.root, self.fidelity) / "scorecard.csv")
        return frame if paper is None else frame[frame["paper"] == paper]

    def readings(self, paper: str) -> pd.DataFrame:
        """Return every claim under every reading of a paper.

        Raises:
            StorageError: the multiverse of this paper is not committed.
        """
        path = self.root / READINGS / f"{paper}.csv"
        if not path.is_file():
            raise StorageError(f"{path}: not committed; snakemake multiverse/{paper} builds it")
        return pd.read_csv(path)

    def plot(self, curves: pd.DataFrame, axes: Axes | None = None) -> Axes:
        """Draw the curves of a figure with their intervals.

        Args:
            curves: what `curves` returns, or part of it.
            axes: where to draw; a new picture without it.
        """
        axes = plt.subplots(figsize=(7, 4.5), layout="constrained")[1] if axes is None else axes
        section = self.papers[curves.attrs["paper"]].figures[curves.attrs["figure"]]
        for name, rows in curves.groupby("curve", sort=False):
            colour = COLOURS[curves.attrs["curves"].index(name) % len(COLOURS)]
            x = rows["seconds" if "seconds" in rows else "x"]
            axes.plot(x, rows["value"], color=colour, label=rows["label"].iloc[0])
            axes.fill_between(x, rows["lower"], rows["upper"], color=colour, alpha=0.2)
        axes.set(xlabel=section["x"]["label"], ylabel=section["y"]["label"], title=section["title"])
        axes.legend(fontsize="small")
        return axes

    def _table(self, paper: str, figure: str) -> Path:
        return committed_folder(self.root, self.fidelity) / paper / f"{figure}.csv"

    def _label(self, paper: Paper, figure: str, name: str) -> str:
        """Return the title of the scheme of a curve, and what tells it from its other curves."""
        section = paper.figures[figure]
        base, _, point = name.partition("@")
        curve = next(curve for curve in paper.curves(figure) if curve["name"] == base)
        experiment = paper.experiments[curve["experiment"]]
        titles = {curve["experiment"]: experiment.get("title"), **section.get("titles", {})}
        also = section.get("also", {}).get(curve["scheme"], {})
        parts = [also.get(curve.get("quantity"), paper.schemes[curve["scheme"]]["title"])]
        if base.startswith(f"{curve['experiment']}/"):
            parts.append(
                titles.get(curve["experiment"], experiment.get("title", curve["experiment"]))
            )
        if "after" in curve:
            parts.append(f"{curve['after']} iterations")
        if point:
            parts.append(f"{experiment['sweep']['parameter'].replace('_', ' ')} {point}")
        return ", ".join(parts)


def committed(fidelity: str = "paper") -> Committed:
    """Return the results that are committed with the checkout a notebook is opened in.

    Args:
        fidelity: ``paper`` or ``preview``.
    """
    return Committed(places()[1], fidelity)
