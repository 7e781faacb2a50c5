rule charts:
    output:
        "figures/charts.js",
    log:
        "logs/figures/charts.log",
    conda:
        "../envs/irsrepro.yaml"
    params:
        library=library("write_charts.py"),
        bokeh=version("bokeh"),
    script:
        "../scripts/write_charts.py"


rule report:
    input:
        charts="figures/charts.js",
        template=source("notebooks/{paper}.ipynb"),
        figures=lambda w: figures_of(w.paper),
        claims=lambda w: results.claims_file(project, w.paper, DEFAULT),
        published=lambda w: published_files(w.paper, paper(w).figures, project.root),
        multiverse=committed_multiverse,
        solutions=lambda w: solutions_of(w.paper),
        config=source("config/{paper}.yaml"),
        citation=source("CITATION.cff"),
    output:
        "reports/{paper}.ipynb",
        report(
            "reports/{paper}.html",
            caption="../report/report.rst",
            category="{paper}",
            subcategory="Report",
            labels={"figure": "", "about": "Report notebook"},
        ),
    log:
        "logs/reports/{paper}.log",
    conda:
        "../envs/irsrepro.yaml"
    params:
        library=lambda w: library("write_report.py", *scheme_modules(w)),
        parameters=lambda w: {"paper": w.paper, "build": build_of(w.paper)},
    script:
        "../scripts/write_report.py"


rule summary:
    input:
        template=source("notebooks/summary.ipynb"),
        claims=claims_of(DEFAULT),
        solutions=[path for key in project.papers for path in solutions_of(key)],
        configs=[source(f"config/{key}.yaml") for key in project.papers],
        citation=source("CITATION.cff"),
    output:
        multiext("reports/summary", ".ipynb", ".html"),
    log:
        "logs/reports/summary.log",
    conda:
        "../envs/irsrepro.yaml"
    params:
        library=library("write_report.py", "irsrepro.report.summary"),
        parameters={"builds": {key: build_of(key) for key in project.papers}},
    script:
        "../scripts/write_report.py"


rule gallery:
    input:
        charts="figures/charts.js",
        figures=[path for key in project.papers for path in figures_of(key)],
        claims=claims_of(DEFAULT),
        configs=[source(f"config/{key}.yaml") for key in project.papers],
    output:
        report(
            "figures/index.html",
            caption="../report/gallery.rst",
            category="Overview",
            labels={"figure": "", "about": "Gallery of all figures"},
        ),
    log:
        "logs/figures/index.log",
    conda:
        "../envs/irsrepro.yaml"
    params:
        library=library("write_gallery.py"),
        seed=project.seed,
        data={
            key: results.data_path(project, DATA, key, DEFAULT)
            for key in project.papers
        },
        fidelity=project.fidelity,
        engine=project.engine,
    script:
        "../scripts/write_gallery.py"
