"""Which data a build needs, where they lie under ``results/``, and which files rest on which.

Rules take the patterns of ``build.places``, everything else asks for paths; all are relative to the
working folder.
"""

from __future__ import annotations

from irsrepro.build.places import CHANNELS, CLAIMS, FIGURE_DATA, ROUNDING, SOLUTION
from irsrepro.config.checks import experiments_of
from irsrepro.config.loading import Project
from irsrepro.config.paper import DEFAULT


def data_path(project: Project, pattern: str, paper: str, reading: str, **names: str) -> str:
    """Return a path after a pattern of ``build.places``, at the project's fidelity and engine."""
    return pattern.format(
        fidelity=project.fidelity,
        engine=project.engine,
        paper=paper,
        reading=reading,
        **names,
    )


def benchmark_of(data: str) -> str:
    """Return where Snakemake keeps the cost of a channel or solution file, or of a pattern."""
    parts = data.removesuffix(".nc").split("/")
    reading = parts.index("results") + 4
    return "/".join([*parts[:reading], "benchmarks", *parts[reading:]]) + ".tsv"


def channel_file(project: Project, key: str, reading: str, ensemble: str, chunk: str) -> str:
    """Return the file of one chunk of an ensemble, under the reading that holds it."""
    holder = project.papers[key].channel_holder(reading, ensemble)
    return data_path(project, CHANNELS, key, holder, ensemble=ensemble, chunk=chunk)


def channel_files(project: Project, key: str, reading: str, ensemble: str) -> list[str]:
    """Return all chunks of an ensemble."""
    return [
        channel_file(project, key, reading, ensemble, chunk)
        for chunk in project.chunks(key, ensemble)
    ]


def solved_schemes(
    project: Project, key: str, reading: str, experiment: str, chunk: str
) -> list[str]:
    """Return the schemes whose solutions a file holds, in order.

    Those that run on the chunk, without those that a reading shares with the default one.
    """
    paper = project.papers[key]
    return [
        scheme
        for scheme in paper.experiments[experiment]["schemes"]
        if paper.holder(reading, experiment, scheme) == reading
        and chunk in project.solution_chunks(key, experiment, scheme)
    ]


def solution_files(project: Project, key: str, reading: str, experiment: str) -> list[str]:
    """Return the solutions of an experiment: those of the reading, then those that it shares."""
    paper = project.papers[key]
    plan = paper.experiments[experiment]
    pairs = {
        (paper.holder(reading, experiment, scheme), chunk)
        for scheme in plan["schemes"]
        for chunk in project.solution_chunks(key, experiment, scheme)
    }
    return [
        data_path(project, SOLUTION, key, holder, experiment=experiment, chunk=chunk)
        for holder in dict.fromkeys((reading, DEFAULT))
        for chunk in project.chunks(key, plan["ensemble"])
        if (holder, chunk) in pairs
    ]


def rounding_files(project: Project, key: str, reading: str, experiment: str) -> list[str]:
    """Return the file that tells how rounding changes an experiment, if there is one."""
    if reading != DEFAULT or not project.rounding_chunks(key, experiment):
        return []
    return [data_path(project, ROUNDING, key, reading, experiment=experiment)]


def sampled_solutions(project: Project, key: str, experiment: str) -> list[str]:
    """Return the solutions that hold the sample for rounding, under the default reading."""
    return [
        data_path(project, SOLUTION, key, DEFAULT, experiment=experiment, chunk=chunk)
        for chunk in project.rounding_chunks(key, experiment)
    ]


def figure_sources(project: Project, key: str, reading: str, figure: str) -> dict[str, list[str]]:
    """Return the files that a figure's data is made from, by ensemble or experiment."""
    section = project.papers[key].figures[figure]
    if section["kind"] == "layout":
        ensemble = section["ensemble"]
        return {ensemble: channel_files(project, key, reading, ensemble)}
    return {name: solution_files(project, key, reading, name) for name in section["experiments"]}


def claim_sources(project: Project, key: str, reading: str) -> dict[str, list[str]]:
    """Return the solutions that the claims of a paper are checked on, by experiment."""
    claims = project.papers[key].claims.values()
    experiments = {
        name for claim in claims for check in claim["checks"] for name in experiments_of(check)
    }
    return {name: solution_files(project, key, reading, name) for name in sorted(experiments)}


def panel_files(project: Project, key: str, reading: str, figure: str) -> list[str]:
    """Return the data of a figure, or of the figures of a sheet."""
    return [
        data_path(project, FIGURE_DATA, key, reading, figure=panel)
        for panel in project.papers[key].panels(figure)
    ]


def claims_file(project: Project, key: str, reading: str) -> str:
    """Return the file of a paper's verdicts under a reading."""
    return data_path(project, CLAIMS, key, reading)


def computed_files(project: Project, key: str, reading: str, experiment: str) -> set[str]:
    """Return every file that is computed for an experiment: solutions and their channels."""
    plan = project.papers[key].experiments[experiment]
    chunks = {
        chunk
        for scheme in plan["schemes"]
        for chunk in project.solution_chunks(key, experiment, scheme)
    }
    channels = {channel_file(project, key, reading, plan["ensemble"], chunk) for chunk in chunks}
    return channels | set(solution_files(project, key, reading, experiment))


def data_files(project: Project, key: str, reading: str) -> set[str]:
    """Return every file of data that can be asked for of a paper under a reading."""
    paper = project.papers[key]
    return {
        *(
            path
            for ensemble in paper.ensembles
            for path in channel_files(project, key, reading, ensemble)
        ),
        *(
            path
            for experiment in paper.experiments
            for path in solution_files(project, key, reading, experiment)
        ),
        *(
            path
            for experiment in paper.experiments
            for path in rounding_files(project, key, reading, experiment)
        ),
        *(path for figure in paper.figures for path in panel_files(project, key, reading, figure)),
        claims_file(project, key, reading),
    }
