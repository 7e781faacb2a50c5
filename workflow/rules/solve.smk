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
