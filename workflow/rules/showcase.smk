SHOWN = [
    f"{key}/{figure}.{end}"
    for key, each in project.documents.items()
    for figure in each.figures
    for end in ("png", "csv")
]

FIGURES = [
    (key, name) for key, each in project.documents.items() for name in each.figures
]


rule showcase:
    input:
        manifest="figures/all",
        claims="scorecard/scorecard.csv",
        shown=[f"figures/{path}" for path in SHOWN],
        configs=[f"config/{key}.yaml" for key in project.documents],
        library=library("write_showcase.py"),
    output:
        page="docs/gallery/README.md",
        picture="docs/gallery/overview.png",
        manifest="docs/gallery/manifest.json",
        claims="docs/gallery/scorecard.csv",
        times="docs/gallery/times.csv",
        shown=[f"docs/gallery/{path}" for path in SHOWN],
    log:
        "logs/showcase.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/write_showcase.py"


rule showcase_alternatives:
    input:
        claims="scorecard/alternatives.csv",
        library=library("write_showcase_alternatives.py"),
    output:
        claims="docs/gallery/alternatives.csv",
        page="docs/gallery/alternatives.md",
    log:
        "logs/showcase_alternatives.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/write_showcase_alternatives.py"


rule showcase_preview:
    input:
        data=[
            path
            for key, figure in FIGURES
            for path in results.panel_files(project, key, DEFAULT, figure)
        ],
        claims=claims_of(DEFAULT),
        library=library("write_showcase_preview.py"),
    output:
        manifest="docs/gallery/preview/manifest.json",
        claims="docs/gallery/preview/scorecard.csv",
        tables=[f"docs/gallery/preview/{key}/{figure}.csv" for key, figure in FIGURES],
    log:
        "logs/showcase_preview.log",
    conda:
        "../../environment.yml"
    params:
        overrides=config,
    script:
        "../scripts/write_showcase_preview.py"


rule verify:
    input:
        data=[
            path
            for key, figure in FIGURES
            for path in results.panel_files(project, key, DEFAULT, figure)
        ],
        claims=claims_of(DEFAULT),
    log:
        "logs/verify.log",
    localrule: True
    conda:
        "../../environment.yml"
    params:
        overrides=config,
    script:
        "../scripts/verify.py"
