"""The data of a build, as a report reads it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xarray as xr

from irsrepro.build.experiments import read_experiment, read_solutions
from irsrepro.build.paths import benchmark_of
from irsrepro.build.storage import read_dataset
from irsrepro.config.loading import chunks_of_scheme
from irsrepro.errors import StorageError
from irsrepro.figures.published import FOLDER
from irsrepro.report.listing import total_seconds


@dataclass(frozen=True)
class Build:
    """The results of a build of a paper.

    Attributes:
        key: citation key.
        source: its configuration.
        claims: rows of its claims, see ``Verdicts.rows``.
        figures_dir: folder of its pictures.
        results_dir: folder of its data under the default reading.
        engine: the engine whose results are shown.
        fidelity: ``paper`` or ``preview``.
        citation: how the package is cited, the content of ``CITATION.cff``.
        chunks: names FIRST-LAST of the files that make up each ensemble of the build; without
            any, those that are there.
        published_dir: folder of points that a reader took off the printed figures.
        multiverse_file: the committed table of every claim under every reading.
        expected: what every file of the build must say of itself beyond its place.
    """

    key: str
    source: Mapping[str, Any]
    claims: Sequence[Mapping[str, Any]]
    figures_dir: Path
    results_dir: Path
    engine: str
    fidelity: str = "paper"
    citation: Mapping[str, Any] = field(default_factory=dict)
    chunks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    published_dir: Path = Path(FOLDER)
    multiverse_file: Path = Path()
    expected: Mapping[str, object] = field(default_factory=dict)
    _experiments: dict[str, xr.Dataset] = field(default_factory=dict, init=False, repr=False)
    _without_traces: dict[str, xr.Dataset] = field(default_factory=dict, init=False, repr=False)

    def experiment(self, name: str) -> xr.Dataset:
        """Return the solutions of an experiment's schemes side by side, read once for all cells."""
        if name not in self._experiments:
            self._experiments[name] = self._read(name, None)
        return self._experiments[name].copy()

    def without_traces(self, name: str) -> xr.Dataset:
        """Return an experiment for tables, which need no traces: these are large."""
        for known in (self._experiments, self._without_traces):
            if name in known:
                return known[name]
        return self._without_traces.setdefault(name, self._read(name, ()))

    def solution(self, experiment: str, scheme: str) -> xr.Dataset:
        """Return everything that one scheme returned in an experiment."""
        paths = self._solution_files(experiment)
        return read_solutions(paths, [scheme], **self.expected)[scheme]

    def channels(self, ensemble: str) -> xr.Dataset:
        """Return the first chunk of an ensemble."""
        first, *_ = self._files(self.results_dir / "channels" / ensemble, ensemble)
        return read_dataset(first, **self.expected)

    def seconds(self) -> float:
        """Return how long the jobs that designed took together in s, NaN if that was not kept.

        On the machine and in the run that made them, starting up included, as Snakemake has it.
        """
        total = total_seconds(
            Path(benchmark_of(path))
            for name in self.source["experiments"]
            for path in self._solution_files(name)
        )
        return float("nan") if total is None else total

    def designs(self) -> tuple[int, int]:
        """Return how many designs were made, over experiments, schemes and points, and failed."""
        counts = [(designs, failed) for _, _, designs, failed in self._designs()]
        return sum(designs for designs, _ in counts), sum(failed for _, failed in counts)

    def title(self, scheme: object) -> str:
        """Return a scheme as the legends name it."""
        return str(self.source["schemes"][str(scheme)]["title"])

    def _designs(self) -> Iterable[tuple[str, str, int, int]]:
        """Yield experiment, scheme, how many designs it made over points, and how many failed."""
        for name in self.source["experiments"]:
            table = self.without_traces(name)
            for scheme in table["scheme"].values:
                scheme_table = table.sel(scheme=scheme)
                metric = scheme_table["metric"].isel(realisation=scheme_table["asked"].values)
                yield name, str(scheme), metric.size, int(metric.isnull().sum())

    def _read(self, name: str, traces: Collection[str] | None) -> xr.Dataset:
        """Read an experiment with some or all of its traces."""
        plan, paths = self.source["experiments"][name], self._solution_files(name)
        return read_experiment(paths, plan["schemes"], plan["metric"], traces, **self.expected)

    def figure_data(self, name: str) -> xr.Dataset:
        """Return the data of a figure, empty for one that has none, as a sheet."""
        path = self.results_dir / self.engine / "figures" / f"{name}.nc"
        return read_dataset(path, **self.expected) if path.is_file() else xr.Dataset()

    def _solution_files(self, experiment: str) -> list[str]:
        """Return the files of an experiment's solutions, in order of their realisations."""
        plan = self.source["experiments"][experiment]
        paths = self._files(self.results_dir / self.engine / experiment, plan["ensemble"])
        chunks = [path.stem for path in paths]
        names = {
            name for scheme in plan["schemes"] for name in chunks_of_scheme(chunks, plan, scheme)
        }
        return [str(path) for path in paths if path.stem in names]

    def _files(self, folder: Path, ensemble: str) -> list[Path]:
        """Return the chunks of an ensemble in a folder, in order.

        Builds of other sizes may have left chunks that overlap with these. Where it is not known
        which ones belong to the build, the longest that follow one another are taken.
        """
        if self.chunks:
            return [folder / f"{chunk}.nc" for chunk in self.chunks[ensemble]]
        last = {path: int(path.stem.partition("-")[2]) for path in folder.glob("*-*.nc")}
        paths: list[Path] = []
        following = 0
        while starting := [path for path in last if int(path.stem.partition("-")[0]) == following]:
            paths.append(max(starting, key=last.__getitem__))
            following = last[paths[-1]] + 1
        if not paths:
            raise StorageError(f"{folder}: no data; snakemake figures/{self.key}/all computes it")
        return paths
