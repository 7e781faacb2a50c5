from functools import cache

from irsrepro.build import paths as results
from irsrepro.config.expressions import claims_under
from irsrepro.config.loading import DEFAULT
from irsrepro.build.provenance import digest, library_files, number_files
from irsrepro.figures.published import published_files
from irsrepro.build.paths import benchmark_of
from irsrepro.build.targets import PICTURE_ENDINGS
from irsrepro.config.types import NAME
from irsrepro.build.places import (
    CHANNELS,
    CLAIMS,
    DATA,
    FIGURE_DATA,
    ROUNDING,
    SOLUTION,
)


wildcard_constraints:
    fidelity=project.fidelity,
    engine=project.engine,
    document="|".join(project.documents),
    reading=NAME,
    figure=NAME,
    chunk=r"\d+-\d+",


def source(path):
    """A file of the checkout, seen from the folder of the build, which may be another one."""
    return str(Path(os.path.relpath(workflow.basedir)) / path)


def document(wildcards):
    return project.documents[wildcards.document]


def ensemble_module(wildcards):
    return f"irsrepro.papers.{wildcards.document}.ensemble"


def system_module(wildcards):
    return f"irsrepro.papers.{wildcards.document}.system"


SCRIPTS = Path(workflow.basedir) / "workflow/scripts"


@cache
def library(script, *modules):
    """Digest of the library files that a script and modules which it imports by name depend on.

    A parameter, not inputs: what counts is what is in the files, and a plan does not have to look
    at the times of fifty files for every job.
    """
    return digest(library_files(SCRIPTS / script, *modules))


@cache
def numbers(script, *modules, engine="fast"):
    """Digest of the library files that numbers of channels, or of an engine, come from."""
    return digest(number_files(engine, SCRIPTS / script, *modules))


def solutions_of(key):
    """Solutions of every experiment of a document: a report tells of all of them."""
    return [
        path
        for experiment in project.documents[key].experiments
        for path in results.solution_files(project, key, DEFAULT, experiment)
    ]


def identity(wildcards, *names, **more):
    """What a file is: written into its attributes, and a change of it makes the file anew."""
    given = {name: wildcards[name] for name in names}
    return given | {"fidelity": project.fidelity, "seed": project.seed} | more


def ensemble_chunk(wildcards):
    ensemble = document(wildcards).experiments[wildcards.experiment]["ensemble"]
    return results.channel_file(
        project, wildcards.document, wildcards.reading, ensemble, wildcards.chunk
    )


def rounding_of(wildcards, experiments):
    """What rounding changes in experiments, by the names of inputs; ends of the paths tell which."""
    return [
        path
        for experiment in experiments
        for path in results.rounding_files(
            project, wildcards.document, wildcards.reading, experiment
        )
    ]


def schemes_solved(wildcards):
    """What a file of solutions comes from, scheme by scheme."""
    return scheme_sections(
        wildcards,
        wildcards.reading,
        results.schemes_solved(
            project,
            wildcards.document,
            wildcards.reading,
            wildcards.experiment,
            wildcards.chunk,
        ),
    )


def scheme_sections(wildcards, reading, schemes):
    """Module, parameters and code of schemes in an experiment."""
    source, system = document(wildcards), system_module(wildcards)
    modules = {scheme: source.module(scheme) for scheme in schemes}
    return {
        scheme: {
            "module": module,
            "section": source.solution_parameters(
                reading, wildcards.experiment, scheme
            ),
            "library": numbers("solve.py", module, system, engine=wildcards.engine),
        }
        for scheme, module in modules.items()
    }


def sweep(wildcards):
    experiment = document(wildcards).experiments[wildcards.experiment]
    plan = experiment["sweep"]
    unit = document(wildcards).parameters[plan["parameter"]]["unit"]
    return {"timed": experiment.get("timed", False), "unit": unit} | plan


PICTURE_KEYS = ("title", "caption", "x", "y", "top", "titles", "beneath", "added")


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


def named(sources):
    """Files by the names of inputs: Snakemake keeps some names for itself."""
    return {f"data_{name}": files for name, files in sources.items()}


def published_of_panels(wildcards):
    panels = document(wildcards).panels(wildcards.figure)
    return published_files(wildcards.document, panels, project.root)


def pictures(folder, shelf):
    """Files of a figure in a folder; a Snakemake report shows one, on a shelf of its paper."""
    name = f"{folder}/{{document}}/{{figure}}"
    files = {end: f"{name}.{end}" for end in PICTURE_ENDINGS}
    files["png"] = report(
        files["png"],
        caption="../report/figure.rst",
        category="{document}",
        subcategory=shelf,
        labels=figure_labels,
    )
    return list(files.values())


def figure_labels(wildcards):
    title = document(wildcards).figures[wildcards.figure]["title"]
    return {"figure": wildcards.figure, "about": title}


def figures_of(key, folder="figures"):
    return [
        f"{folder}/{key}/{figure}.{end}"
        for figure in project.documents[key].figures
        for end in PICTURE_ENDINGS
    ]


def files_of(key):
    """Everything of a document that a person opens."""
    return [*figures_of(key), f"reports/{key}.ipynb", f"reports/{key}.html"]


def pictures_of_claims():
    """The figures that claims are about, by document and figure."""
    return {
        (key, claim["figure"]): f"figures/{key}/{claim['figure']}.png"
        for key, source in project.documents.items()
        for claim in source.claims.values()
        if claim["figure"] != "none"
    }


def alternatives_of(key):
    """Every reading of a document but the default one, with what it is about."""
    document = project.documents[key]
    told = {name: entry["about"] for name, entry in document.alternatives.items()}
    return {
        name: told.get(name, f"what-if from the command line, {dict(values)}")
        for name, values in document.readings.items()
        if name != DEFAULT
    }


def build_of(key):
    """What a notebook shows of a document, as ``irsrepro.report.notebooks.load`` takes it."""
    ensembles = project.documents[key].ensembles
    chunks = {ensemble: project.chunks(key, ensemble) for ensemble in ensembles}
    build = {"fidelity": project.fidelity, "engine": project.engine, "chunks": chunks}
    return build | {"seed": project.seed}


def claims_of(reading, keys=project.documents):
    """Verdicts of documents under one of their readings."""
    return [results.claims_file(project, key, reading) for key in keys]


def scheme_modules(wildcards):
    """Every scheme of a document: a report may run some of them on a few realisations."""
    return [
        document(wildcards).module(scheme) for scheme in document(wildcards).schemes
    ]
