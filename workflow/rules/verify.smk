rule verify:
    input:
        data=[
            path
            for key, source in project.papers.items()
            for figure in source.figures
            for path in results.panel_files(project, key, DEFAULT, figure)
        ],
        claims=claims_of(DEFAULT),
    log:
        "logs/verify.log",
    localrule: True
    conda:
        "../envs/irsrepro.yaml"
    params:
        overrides=config,
    script:
        "../scripts/verify.py"
