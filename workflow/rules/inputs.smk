from functools import cache
from hashlib import sha256
from importlib.metadata import version

from irsrepro.build import paths as results
from irsrepro.config.expressions import claims_under
from irsrepro.config.paper import DEFAULT
from irsrepro.build.provenance import (
    digest,
    external_files,
    library_files,
    number_files,
)
from irsrepro.config.commands import digest_of, named_files
from irsrepro.figures.published import published_files
from irsrepro.build.paths import benchmark_of
from irsrepro.build.targets import PICTURE_ENDINGS
from irsrepro.config.readings import reading_names
from irsrepro.config.types import NAME
from irsrepro.build.places import (
    CHANNELS,
    CLAIMS,
    DATA,
    EXPLORED,
    FIGURE_DATA,
    ROUNDING,
    SOLUTION,
)


wildcard_constraints:
    fidelity=project.fidelity,
    engine=project.engine,
    paper="|".join(project.papers),
    reading=NAME,
    figure=NAME,
    chunk=r"\d+-\d+",


def source(path):
    """A file of the checkout, seen from the folder of the build, which may be another one."""
    return str(Path(os.path.relpath(checkout)) / path)


def paper(wildcards):
    return project.papers[wildcards.paper]


def ensemble_module(wildcards):
    return f"irsrepro.papers.{wildcards.paper}.ensemble"


def system_module(wildcards):
    return f"irsrepro.papers.{wildcards.paper}.system"


SCRIPTS = checkout / "workflow/scripts"


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
    """Solutions of every experiment of a paper: a report tells of all of them."""
    return [
        path
        for experiment in project.papers[key].experiments
        for path in results.solution_files(project, key, DEFAULT, experiment)
    ]


def identity(wildcards, *names, **more):
    """What a file is: written into its attributes, and a change of it regenerates the file."""
    facts = {name: wildcards[name] for name in names}
    return facts | {"fidelity": project.fidelity, "seed": project.seed} | more


def ensemble_chunk(wildcards):
    ensemble = paper(wildcards).experiments[wildcards.experiment]["ensemble"]
    return results.channel_file(
        project, wildcards.paper, wildcards.reading, ensemble, wildcards.chunk
    )


def rounding_of(wildcards, experiments):
    """What rounding changes in experiments, by the names of inputs; ends of the paths tell which."""
    return [
        path
        for experiment in experiments
        for path in results.rounding_files(
            project, wildcards.paper, wildcards.reading, experiment
        )
    ]


def solved_schemes(wildcards):
    """What a file of solutions comes from, scheme by scheme."""
    return scheme_sections(
        wildcards,
        wildcards.reading,
        results.solved_schemes(
            project,
            wildcards.paper,
            wildcards.reading,
            wildcards.experiment,
            wildcards.chunk,
        ),
    )


def is_first(wildcards):
    """Whether a chunk has the first realisations."""
    return int(wildcards.chunk.split("-")[0]) == 0


def urgency(wildcards):
    """First come jobs that between them run every kernel, of all papers in turn.

    Jobs that run at the same time then hardly ever compile the same ones.
    """
    experiments = paper(wildcards).telling_experiments
    if wildcards.experiment not in experiments or not is_first(wildcards):
        return 0
    return 100 - experiments.index(wildcards.experiment)


def channel_urgency(wildcards):
    """Channels of those jobs come before them, or else what is ready first is started first.

    Others wait until designs want them: every job that is ready costs Snakemake time at every turn.
    """
    source = paper(wildcards)
    urgent = {source.experiments[key]["ensemble"] for key in source.telling_experiments}
    return 200 if wildcards.ensemble in urgent and is_first(wildcards) else 0


def scheme_sections(wildcards, reading, schemes):
    """Module, parameters and code of schemes in an experiment."""
    source, system = paper(wildcards), system_module(wildcards)
    return {
        scheme: {
            **source.plan_of(reading, wildcards.experiment, scheme),
            "library": code_of(source, scheme, system, engine=wildcards.engine),
        }
        for scheme in schemes
    }


def code_of(source, scheme, *modules, engine="fast"):
    """Digest of what a scheme is made of; of a command the files that it names are a part."""
    if not source.is_external(scheme):
        return numbers("solve.py", source.module(scheme), *modules, engine=engine)
    files = named_files(project.root, source.schemes[scheme])
    ours = digest(external_files(source.key))
    theirs = digest_of(project.root, files)
    return f"{numbers('solve.py', *modules, engine=engine)} {ours} {theirs}"


def sweep(wildcards):
    experiment = paper(wildcards).experiments[wildcards.experiment]
    plan = experiment["sweep"]
    unit = paper(wildcards).parameters[plan["parameter"]]["unit"]
    return {"timed": experiment.get("timed", False), "unit": unit} | plan


PICTURE_KEYS = ("title", "caption", "x", "y", "top", "titles", "beneath", "added")


def figure_section(wildcards):
    """The part of a figure's configuration that its data depends on."""
    section = paper(wildcards).figures[wildcards.figure]
    return {key: value for key, value in section.items() if key not in PICTURE_KEYS}


def figure_plans(wildcards):
    """Schemes solved and metric of every experiment that a figure draws."""
    section = paper(wildcards).figures[wildcards.figure]
    plans = paper(wildcards).experiments
    return {
        name: {"schemes": plans[name]["schemes"], "metric": plans[name]["metric"]}
        for name in section.get("experiments", [])
    }


def data_inputs(sources):
    """Files by the names of inputs: Snakemake keeps some names for itself."""
    return {f"data_{name}": files for name, files in sources.items()}


def published_of_panels(wildcards):
    panels = paper(wildcards).panels(wildcards.figure)
    return published_files(wildcards.paper, panels, project.root)


def committed_multiverse(wildcards):
    """The committed verdicts of a paper under every reading, once there are any."""
    path = f"docs/gallery/multiverse/{wildcards.paper}.csv"
    return [source(path)] if (project.root / path).is_file() else []


def pictures(folder, shelf):
    """Files of a figure in a folder; a Snakemake report shows one, on a shelf of its paper."""
    name = f"{folder}/{{paper}}/{{figure}}"
    files = {end: f"{name}.{end}" for end in PICTURE_ENDINGS}
    files["png"] = report(
        files["png"],
        caption="../report/figure.rst",
        category="{paper}",
        subcategory=shelf,
        labels=figure_labels,
    )
    return list(files.values())


def figure_labels(wildcards):
    title = paper(wildcards).figures[wildcards.figure]["title"]
    return {"figure": wildcards.figure, "about": title}


def figures_of(key, folder="figures"):
    return [
        f"{folder}/{key}/{figure}.{end}"
        for figure in project.papers[key].figures
        for end in PICTURE_ENDINGS
    ]


def files_of(key):
    """Everything of a paper that a person opens."""
    return [*figures_of(key), f"reports/{key}.ipynb", f"reports/{key}.html"]


def pictures_of_claims():
    """The figures that claims are about, by paper and figure."""
    return {
        (key, claim["figure"]): f"figures/{key}/{claim['figure']}.png"
        for key, source in project.papers.items()
        for claim in source.claims.values()
        if claim["figure"] != "none"
    }


def alternatives_of(key):
    """Every reading of a paper but the default one, with what it is about."""
    paper = project.papers[key]
    abouts = {name: entry["about"] for name, entry in paper.alternatives.items()}
    return {
        name: abouts.get(name, f"what-if from the command line, {dict(values)}")
        for name, values in paper.readings.items()
        if name != DEFAULT
    }


def build_of(key):
    """What a notebook shows of a paper, as ``irsrepro.report.notebooks.load`` takes it."""
    ensembles = project.papers[key].ensembles
    chunks = {ensemble: project.chunks(key, ensemble) for ensemble in ensembles}
    build = {"fidelity": project.fidelity, "engine": project.engine, "chunks": chunks}
    return build | {"seed": project.seed}


def claims_of(reading, keys=project.papers):
    """Verdicts of papers under one of their readings."""
    return [results.claims_file(project, key, reading) for key in keys]


def scheme_modules(wildcards):
    """Every scheme of a paper: a report may run some of them on a few realisations."""
    source = paper(wildcards)
    return [
        source.module(scheme)
        for scheme in source.schemes
        if not source.is_external(scheme)
    ]


def explored_file(key, reading):
    return EXPLORED.format(paper=key, reading=reading)


@cache
def configuration(key):
    """Digest of the configuration of a paper."""
    return sha256(Path(source(f"config/{key}.yaml")).read_bytes()).hexdigest()[:16]


def explored_files(wildcards):
    """The verdicts of a paper under every reading of its multiverse."""
    source, settings = paper(wildcards), project.multiverse
    names = reading_names(source, settings["samples"], settings["every_value"])
    return [explored_file(source.key, name) for name in names]
