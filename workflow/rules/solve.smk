rule solve:
    input:
        channels=ensemble_chunk,
        library=lambda w: numbers(
            "solve.py",
            document(w).module(w.scheme),
            system_module(w),
            engine=w.engine,
        ),
    output:
        SOLUTION,
    log:
        f"logs/{SOLUTION}.log",
    benchmark:
        benchmark_of(SOLUTION)
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
    params:
        module=lambda w: document(w).module(w.scheme),
        system=system_module,
        ensemble=lambda w: document(w).experiments[w.experiment]["ensemble"],
        section=lambda w: document(w).solution_parameters(
            w.reading, w.experiment, w.scheme
        ),
        sweep=sweep,
        identity=lambda w: identity(
            w, "document", "reading", "engine", "experiment", "scheme"
        ),
    script:
        "../scripts/solve.py"


rule rounding:
    input:
        unpack(
            lambda w: named(
                results.sampled_solutions(project, w.document, w.experiment)
            )
        ),
        channels=lambda w: [
            results.channel_file(
                project,
                w.document,
                DEFAULT,
                document(w).experiments[w.experiment]["ensemble"],
                chunk,
            )
            for chunk in project.rounding_chunks(w.document, w.experiment)
        ],
        library=lambda w: numbers(
            "measure_rounding.py",
            *(each["module"] for each in scheme_sections(w).values()),
            system_module(w),
        ),
    output:
        ROUNDING,
    log:
        f"logs/{ROUNDING}.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
    params:
        schemes=scheme_sections,
        system=system_module,
        ensemble=lambda w: document(w).experiments[w.experiment]["ensemble"],
        metric=lambda w: document(w).experiments[w.experiment]["metric"],
        sweep=sweep,
        sample=project.rounding_sample[project.fidelity],
        identity=lambda w: identity(w, "document", "reading", "engine", "experiment"),
    script:
        "../scripts/measure_rounding.py"
