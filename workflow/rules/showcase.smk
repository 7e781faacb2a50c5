SHOWN = [
    f"{key}/{figure}.{end}"
    for key, each in project.documents.items()
    for figure in each.figures
    for end in ("png", "csv")
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
