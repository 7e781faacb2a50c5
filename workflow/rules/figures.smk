rule figure_data:
    input:
        unpack(
            lambda w: data_inputs(
                results.figure_sources(project, w.paper, w.reading, w.figure)
            )
        ),
        rounding=lambda w: rounding_of(
            w, paper(w).figures[w.figure].get("experiments", [])
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
        curves=lambda w: paper(w).curves(w.figure),
        parameters=lambda w: paper(w).figure_parameters(w.reading, w.figure),
        identity=lambda w: identity(
            w,
            "paper",
            "reading",
            "engine",
            "figure",
            changes=paper(w).changes(w.reading, w.figure),
        ),
    script:
        "../scripts/figure_data.py"


rule figure:
    input:
        data=lambda w: results.panel_files(project, w.paper, DEFAULT, w.figure),
        published=published_of_panels,
    output:
        pictures("figures", "Figures"),
    log:
        "logs/figures/{paper}/{figure}.log",
    conda:
        "../envs/irsrepro.yaml"
    params:
        library=library("render_figure.py"),
        seed=project.seed,
        section=lambda w: paper(w).figures[w.figure],
        panels=lambda w: [paper(w).figures[name] for name in paper(w).panels(w.figure)],
        schemes=lambda w: paper(w).schemes,
        experiments=lambda w: {
            name: plan.get("title", name)
            for name, plan in paper(w).experiments.items()
        },
    script:
        "../scripts/render_figure.py"


use rule figure as figure_of_reading with:
    input:
        data=lambda w: results.panel_files(project, w.paper, w.reading, w.figure),
        published=published_of_panels,
    output:
        pictures("figures/variants/{reading}", "Figures, reading {reading}"),
    log:
        "logs/figures/variants/{reading}/{paper}/{figure}.log",


rule figures_of_paper:
    input:
        files=lambda w: files_of(w.paper),
        claims=lambda w: claims_of(DEFAULT, [w.paper]),
    output:
        "figures/{paper}/all",
    log:
        "logs/figures/{paper}/all.log",
    conda:
        "../envs/irsrepro.yaml"
    params:
        library=library("list_files.py"),
        seed=project.seed,
    script:
        "../scripts/list_files.py"


rule figures_of_reading:
    input:
        files=lambda w: figures_of(w.paper, f"figures/variants/{w.reading}"),
        claims=lambda w: claims_of(w.reading, [w.paper]),
    output:
        "figures/variants/{reading}/{paper}/all",
    log:
        "logs/figures/variants/{reading}/{paper}/all.log",
    conda:
        "../envs/irsrepro.yaml"
    params:
        library=library("list_files.py"),
        seed=project.seed,
    script:
        "../scripts/list_files.py"
