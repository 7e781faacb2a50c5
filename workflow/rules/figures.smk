rule figure_data:
    input:
        unpack(
            lambda w: named(
                results.figure_sources(project, w.document, w.reading, w.figure)
            )
        ),
        rounding=lambda w: rounding_of(
            w, document(w).figures[w.figure].get("experiments", [])
        ),
    output:
        FIGURE_DATA,
    log:
        f"logs/{FIGURE_DATA}.log",
    conda:
        "../envs/irsrepro.yaml"
    params:
        library=library("figure_data.py"),
        section=figure_section,
        plans=figure_plans,
        curves=lambda w: document(w).curves(w.figure),
        parameters=lambda w: document(w).figure_parameters(w.reading, w.figure),
        identity=lambda w: identity(
            w,
            "document",
            "reading",
            "engine",
            "figure",
            changes=document(w).changes(w.reading, w.figure),
        ),
    script:
        "../scripts/figure_data.py"


rule figure:
    input:
        data=lambda w: results.panel_files(project, w.document, DEFAULT, w.figure),
        published=published_of_panels,
    output:
        pictures("figures", "Figures"),
    log:
        "logs/figures/{document}/{figure}.log",
    conda:
        "../envs/irsrepro.yaml"
    params:
        library=library("render_figure.py"),
        seed=project.seed,
        section=lambda w: document(w).figures[w.figure],
        panels=lambda w: [
            document(w).figures[name] for name in document(w).panels(w.figure)
        ],
        schemes=lambda w: document(w).schemes,
        experiments=lambda w: {
            name: plan.get("title", name)
            for name, plan in document(w).experiments.items()
        },
    script:
        "../scripts/render_figure.py"


use rule figure as figure_of_reading with:
    input:
        data=lambda w: results.panel_files(project, w.document, w.reading, w.figure),
        published=published_of_panels,
    output:
        pictures("figures/variants/{reading}", "Figures, reading {reading}"),
    log:
        "logs/figures/variants/{reading}/{document}/{figure}.log",


rule figures_of_document:
    input:
        files=lambda w: files_of(w.document),
        claims=lambda w: claims_of(DEFAULT, [w.document]),
    output:
        "figures/{document}/all",
    log:
        "logs/figures/{document}/all.log",
    conda:
        "../envs/irsrepro.yaml"
    params:
        library=library("list_files.py"),
        seed=project.seed,
    script:
        "../scripts/list_files.py"


rule figures_of_reading:
    input:
        files=lambda w: figures_of(w.document, f"figures/variants/{w.reading}"),
        claims=lambda w: claims_of(w.reading, [w.document]),
    output:
        "figures/variants/{reading}/{document}/all",
    log:
        "logs/figures/variants/{reading}/{document}/all.log",
    conda:
        "../envs/irsrepro.yaml"
    params:
        library=library("list_files.py"),
        seed=project.seed,
    script:
        "../scripts/list_files.py"
