from functools import cache

from irsrepro.checks import experiments_of
from irsrepro.configuration import DEFAULT
from irsrepro.provenance import library_files
from irsrepro.targets import PICTURE_ENDINGS

DATA = "results/{fidelity}/{document}/{reading}"
SOLVED = f"{DATA}/{{engine}}"


wildcard_constraints:
    fidelity=project.fidelity,
    engine=project.engine,
    document="|".join(project.documents),
    reading="[A-Za-z0-9_]+",
    figure="[A-Za-z0-9_]+",
    chunk=r"\d+-\d+",


def document(wildcards):
    return project.documents[wildcards.document]


def ensemble_module(wildcards):
    return f"irsrepro.documents.{wildcards.document}.ensemble"


def system_module(wildcards):
    return f"irsrepro.documents.{wildcards.document}.system"


@cache
def library(script, *modules):
    """Library files that a script and the modules it imports by name depend on."""
    files = library_files(
        Path(workflow.basedir) / "workflow/scripts" / script, *modules
    )
    return [os.path.relpath(path) for path in files]


def data_path(key, reading, *parts):
    return os.path.join("results", project.fidelity, key, reading, *parts)


def channel_files(key, reading, ensemble):
    holder = project.documents[key].channel_holder(reading, ensemble)
    return [
        data_path(key, holder, "channels", ensemble, f"{chunk}.nc")
        for chunk in project.chunks(key, ensemble)
    ]


def solution_files(key, reading, experiment):
    """Solutions of an experiment: all chunks of its first scheme, then of the next."""
    holder = project.documents[key].holder
    plan = project.documents[key].experiments[experiment]
    return [
        data_path(
            key,
            holder(reading, experiment, scheme),
            project.engine,
            experiment,
            scheme,
            f"{chunk}.nc",
        )
        for scheme in plan["schemes"]
        for chunk in project.solution_chunks(key, experiment, scheme)
    ]


def solutions_of(key):
    """Solutions of every experiment of a document: a report tells of all of them."""
    return [
        path
        for experiment in project.documents[key].experiments
        for path in solution_files(key, DEFAULT, experiment)
    ]


def identity(wildcards, *names, **more):
    """What a file is: written into its attributes, and a change of it makes the file anew."""
    given = {name: wildcards[name] for name in names}
    return given | {"fidelity": project.fidelity, "seed": project.seed} | more


def ensemble_chunk(wildcards):
    ensemble = document(wildcards).experiments[wildcards.experiment]["ensemble"]
    holder = document(wildcards).channel_holder(wildcards.reading, ensemble)
    return data_path(
        wildcards.document, holder, "channels", ensemble, f"{wildcards.chunk}.nc"
    )


def sweep(wildcards):
    experiment = document(wildcards).experiments[wildcards.experiment]
    plan = experiment["sweep"]
    unit = document(wildcards).parameters[plan["parameter"]]["unit"]
    return {"timed": experiment.get("timed", False), "unit": unit} | plan


PICTURE_KEYS = ("title", "caption", "x", "y", "top", "titles")


def figure_section(wildcards):
    """The part of a figure's configuration that its data depends on."""
    section = document(wildcards).figures[wildcards.figure]
    return {key: value for key, value in section.items() if key not in PICTURE_KEYS}


def figure_plans(wildcards):
    """Schemes solved and metric of every experiment that a figure draws."""
    section = document(wildcards).figures[wildcards.figure]
    plans = document(wildcards).experiments
    return {
        name: {"schemes": plans[name]["schemes"], "metric": plans[name]["metric"]}
        for name in section.get("experiments", [])
    }


def data_of(name):
    """Input name of an experiment's or ensemble's files: Snakemake keeps some names for itself."""
    return f"data_{name}"


def figure_sources(wildcards):
    section = document(wildcards).figures[wildcards.figure]
    key, reading = wildcards.document, wildcards.reading
    if section["kind"] == "layout":
        ensemble = section["ensemble"]
        return {data_of(ensemble): channel_files(key, reading, ensemble)}
    return {
        data_of(name): solution_files(key, reading, name)
        for name in section["experiments"]
    }


def panel_data(wildcards, reading):
    """Data of a figure, or of the figures of a sheet."""
    return [
        data_path(wildcards.document, reading, project.engine, "figures", f"{panel}.nc")
        for panel in document(wildcards).panels(wildcards.figure)
    ]


def figures_of(key, folder="figures"):
    return [
        f"{folder}/{key}/{figure}.{end}"
        for figure in project.documents[key].figures
        for end in PICTURE_ENDINGS
    ]


def files_of(key):
    """Everything of a document that a person opens."""
    return [*figures_of(key), f"reports/{key}.ipynb", f"reports/{key}.html"]


def build_of(key):
    """What a notebook shows of a document, as ``irsrepro.reporting.load`` takes it."""
    ensembles = project.documents[key].ensembles
    chunks = {ensemble: project.chunks(key, ensemble) for ensemble in ensembles}
    return {"fidelity": project.fidelity, "engine": project.engine, "chunks": chunks}


def claim_sources(key, reading):
    claims = project.documents[key].claims.values()
    used = {
        name
        for claim in claims
        for check in claim["checks"]
        for name in experiments_of(check)
    }
    return {data_of(name): solution_files(key, reading, name) for name in sorted(used)}


def claims_of(reading, keys=project.documents):
    """Verdicts of documents under one of their readings."""
    return [data_path(key, reading, project.engine, "claims.nc") for key in keys]


def scheme_modules(wildcards):
    """Every scheme of a document: a report may run some of them on a few realisations."""
    return [
        document(wildcards).module(scheme) for scheme in document(wildcards).schemes
    ]
