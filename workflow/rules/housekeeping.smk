# Tables for people; nothing is made, so each of these always runs.
HOUSEKEEPING = {"list", "cache", "prune", "prune_variants"}


onstart:
    # A run without outputs holds no lock, yet at its end Snakemake takes away every lock of the
    # checkout, also that of a build that is under way.
    targets = set(workflow.dag_settings.targets)
    if targets and targets <= HOUSEKEEPING:
        workflow.persistence.unlock = lambda: None


rule list:
    log:
        "logs/list.log",
    localrule: True
    conda:
        "../../environment.yml"
    params:
        overrides=config,
    script:
        "../scripts/list_figures.py"


rule cache:
    log:
        "logs/cache.log",
    localrule: True
    conda:
        "../../environment.yml"
    params:
        overrides=config,
        delete=False,
        what_ifs=True,
    script:
        "../scripts/survey_cache.py"


use rule cache as prune with:
    log:
        "logs/prune.log",
    params:
        overrides=config,
        delete=True,
        what_ifs=True,


use rule cache as prune_variants with:
    log:
        "logs/prune_variants.log",
    params:
        overrides=config,
        delete=True,
        what_ifs=False,
