rule channels:
    input:
        library=lambda w: library("draw_channels.py", ensemble_module(w)),
    output:
        f"{DATA}/channels/{{ensemble}}/{{chunk}}.nc",
    log:
        f"logs/{DATA}/channels/{{ensemble}}/{{chunk}}.log",
    benchmark:
        f"{DATA}/benchmarks/channels/{{ensemble}}/{{chunk}}.tsv"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=1000,
    params:
        module=ensemble_module,
        section=lambda w: document(w).channel_parameters(w.reading, w.ensemble),
        identity=lambda w: identity(w, "document", "reading", "ensemble"),
    script:
        "../scripts/draw_channels.py"
