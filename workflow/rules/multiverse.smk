rule explore:
    input:
        # What a reading shares with the default one is solved under that.
        lambda w: [] if w.reading == DEFAULT else explored_file(w.paper, DEFAULT),
    output:
        EXPLORED,
    log:
        f"logs/{EXPLORED}.log",
    benchmark:
        EXPLORED.replace("claims.json", "benchmark.tsv")
    conda:
        "../envs/irsrepro.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 3000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        root=source("."),
        configuration=lambda w: configuration(w.paper),
        library=library("explore_reading.py"),
        code=lambda w: {
            scheme: code_of(paper(w), scheme, system_module(w), ensemble_module(w))
            for scheme in paper(w).schemes
        },
        seed=project.seed,
        realisations=project.multiverse["realisations"],
    script:
        "../scripts/explore_reading.py"


rule multiverse:
    input:
        explored=explored_files,
    output:
        page=report(
            "multiverse/{paper}.html",
            caption="../report/multiverse.rst",
            category="{paper}",
            subcategory="Multiverse",
            labels={"figure": "", "about": "Every claim under every reading"},
        ),
        table="multiverse/{paper}.csv",
        data="multiverse/{paper}.nc",
        curves=directory("multiverse/{paper}"),
    log:
        "logs/multiverse/{paper}.log",
    conda:
        "../envs/irsrepro.yaml"
    params:
        root=source("."),
        configuration=lambda w: configuration(w.paper),
        library=library("write_multiverse.py"),
        seed=project.seed,
    script:
        "../scripts/write_multiverse.py"


rule multiverse_index:
    input:
        tables=[f"multiverse/{key}.csv" for key in project.papers],
    output:
        report(
            "multiverse/index.html",
            caption="../report/multiverse.rst",
            category="Overview",
            labels={"figure": "", "about": "Every claim under every reading"},
        ),
    log:
        "logs/multiverse/index.log",
    conda:
        "../envs/irsrepro.yaml"
    params:
        root=source("."),
        configuration=[configuration(key) for key in project.papers],
        library=library("write_multiverses.py"),
    script:
        "../scripts/write_multiverses.py"


rule multiverse_all:
    input:
        files=[f"multiverse/{key}.html" for key in project.papers]
        + ["multiverse/index.html"],
        claims=[explored_file(key, DEFAULT) for key in project.papers],
    output:
        "multiverse/all",
    log:
        "logs/multiverse/all.log",
    conda:
        "../envs/irsrepro.yaml"
    params:
        library=library("list_files.py"),
        seed=project.seed,
    script:
        "../scripts/list_files.py"
