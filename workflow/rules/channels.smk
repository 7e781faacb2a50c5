rule channels:
    output:
        CHANNELS,
    log:
        f"logs/{CHANNELS}.log",
    benchmark:
        benchmark_of(CHANNELS)
    priority: channel_urgency
    conda:
        "../envs/irsrepro.yaml"
    resources:
        mem_mb=1000,
    params:
        library=lambda w: numbers("draw_channels.py", ensemble_module(w)),
        module=ensemble_module,
        draws=lambda w: paper(w).draws_of(w.ensemble),
        section=lambda w: paper(w).channel_parameters(w.reading, w.ensemble),
        identity=lambda w: identity(w, "paper", "reading", "ensemble"),
    script:
        "../scripts/draw_channels.py"
