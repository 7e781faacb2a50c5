from hashlib import sha256

from irsrepro.build.places import EXPLORED
from irsrepro.config.choices import reading_names


def explored_file(key, reading):
    return EXPLORED.format(paper=key, reading=reading)


@cache
def configuration(key):
    """Digest of the configuration of a paper."""
    return sha256(Path(source(f"config/{key}.yaml")).read_bytes()).hexdigest()[:16]


def explored_files(wildcards):
    """The verdicts of a paper under every reading of its multiverse."""
    source, asked = paper(wildcards), project.multiverse
    names = reading_names(source, asked["samples"], asked["every_value"])
    return [explored_file(source.key, name) for name in names]


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
