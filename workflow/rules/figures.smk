PICTURE_KEYS = ("title", "caption", "x", "y")


def figure_section(wildcards):
    """The part of a figure's configuration that its data depends on."""
    section = document(wildcards).figures[wildcards.figure]
    return {key: value for key, value in section.items() if key not in PICTURE_KEYS}


def figure_plan(wildcards):
    section = document(wildcards).figures[wildcards.figure]
    return document(wildcards).experiments.get(section.get("experiment"), {})


def figure_sources(wildcards):
    section = document(wildcards).figures[wildcards.figure]
    if section["kind"] == "layout":
        return channel_files(wildcards.document, wildcards.reading, section["ensemble"])
    return solution_files(wildcards.document, wildcards.reading, section["experiment"])


rule figure_data:
    input:
        data=figure_sources,
        library=library("figure_data.py"),
    output:
        f"{SOLVED}/figures/{{figure}}.nc",
    log:
        f"logs/{SOLVED}/figures/{{figure}}.log",
    params:
        section=figure_section,
        schemes=lambda w: figure_plan(w).get("schemes"),
        metric=lambda w: figure_plan(w).get("metric"),
        parameters=lambda w: document(w).reading(w.reading),
        identity=lambda w: identity(
            w,
            "document",
            "reading",
            "engine",
            "figure",
            changes=document(w).changes(w.reading),
        ),
    script:
        "../scripts/figure_data.py"


rule figure:
    input:
        data=lambda w: data_path(
            w.document, DEFAULT, project.engine, "figures", f"{w.figure}.nc"
        ),
        library=library("render_figure.py"),
    output:
        multiext("figures/{document}/{figure}", *(f".{end}" for end in PICTURE_ENDINGS)),
    log:
        "logs/figures/{document}/{figure}.log",
    params:
        section=lambda w: document(w).figures[w.figure],
        schemes=lambda w: document(w).schemes,
    script:
        "../scripts/render_figure.py"


use rule figure as figure_of_reading with:
    input:
        data=lambda w: data_path(
            w.document, w.reading, project.engine, "figures", f"{w.figure}.nc"
        ),
        library=library("render_figure.py"),
    output:
        multiext(
            "figures/variants/{reading}/{document}/{figure}",
            *(f".{end}" for end in PICTURE_ENDINGS),
        ),
    log:
        "logs/figures/variants/{reading}/{document}/{figure}.log",


def figures_of(key, folder="figures"):
    return [
        f"{folder}/{key}/{figure}.{end}"
        for figure in project.documents[key].figures
        for end in PICTURE_ENDINGS
    ]


def files_of(key):
    """Everything of a document that a person opens."""
    return [*figures_of(key), f"reports/{key}.ipynb", f"reports/{key}.html"]


rule figures_of_document:
    input:
        files=lambda w: files_of(w.document),
        claims=lambda w: claims_of(DEFAULT, [w.document]),
        library=library("list_files.py"),
    output:
        "figures/{document}/all",
    log:
        "logs/figures/{document}/all.log",
    script:
        "../scripts/list_files.py"


rule figures_of_reading:
    input:
        files=lambda w: figures_of(w.document, f"figures/variants/{w.reading}"),
        claims=lambda w: claims_of(w.reading, [w.document]),
        library=library("list_files.py"),
    output:
        "figures/variants/{reading}/{document}/all",
    log:
        "logs/figures/variants/{reading}/{document}/all.log",
    script:
        "../scripts/list_files.py"
