rule solve:
    input:
        channels=ensemble_chunk,
    output:
        # solutions that still hold are kept: only schemes that changed run again
        update(SOLUTION),
    log:
        f"logs/{SOLUTION}.log",
    benchmark:
        benchmark_of(SOLUTION)
    priority: urgency
    conda:
        "../envs/irsrepro.yaml"
    resources:
        # of 209 in a full build the largest took 1300 MB, the longest 95 s
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    params:
        schemes=solved_schemes,
        system=system_module,
        ensemble=lambda w: paper(w).experiments[w.experiment]["ensemble"],
        sweep=sweep,
        identity=lambda w: identity(w, "paper", "reading", "engine", "experiment"),
    script:
        "../scripts/solve.py"


rule rounding:
    input:
        solutions=lambda w: results.sampled_solutions(project, w.paper, w.experiment),
        channels=lambda w: [
            results.channel_file(
                project,
                w.paper,
                DEFAULT,
                paper(w).experiments[w.experiment]["ensemble"],
                chunk,
            )
            for chunk in project.rounding_chunks(w.paper, w.experiment)
        ],
    output:
        ROUNDING,
    log:
        f"logs/{ROUNDING}.log",
    conda:
        "../envs/irsrepro.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    params:
        library=lambda w: numbers("measure_rounding.py", system_module(w))
        + library("measure_rounding.py"),
        schemes=lambda w: scheme_sections(
            w, DEFAULT, paper(w).experiments[w.experiment]["schemes"]
        ),
        system=system_module,
        ensemble=lambda w: paper(w).experiments[w.experiment]["ensemble"],
        metric=lambda w: paper(w).experiments[w.experiment]["metric"],
        sweep=sweep,
        sample=project.rounding_sample[project.fidelity],
        identity=lambda w: identity(w, "paper", "reading", "engine", "experiment"),
    script:
        "../scripts/measure_rounding.py"
