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


def system_module(wildcards):
    return f"irsrepro.documents.{wildcards.document}.system"


def library(script, *modules):
    """Library files that a script and the modules it imports by name depend on."""
    files = library_files(
        Path(workflow.basedir) / "workflow/scripts" / script, *modules
    )
    return [os.path.relpath(path) for path in files]


def data_path(key, reading, *parts):
    return "/".join(["results", project.fidelity, key, reading, *parts])


def channel_files(key, reading, ensemble):
    holder = project.documents[key].channel_holder(reading, ensemble)
    return [
        data_path(key, holder, "channels", ensemble, f"{chunk}.nc")
        for chunk in project.chunks(key)
    ]


def solution_files(key, reading, experiment):
    """Solutions of an experiment: all chunks of its first scheme, then of the next."""
    holder = project.documents[key].holder
    return [
        data_path(
            key,
            holder(reading, experiment, scheme),
            project.engine,
            experiment,
            scheme,
            f"{chunk}.nc",
        )
        for scheme in project.documents[key].experiments[experiment]["schemes"]
        for chunk in project.chunks(key)
    ]


def identity(wildcards, *names, **more):
    """What a file is: written into its attributes, and a change of it makes the file anew."""
    given = {name: wildcards[name] for name in names}
    return given | {"fidelity": project.fidelity, "seed": project.seed} | more
