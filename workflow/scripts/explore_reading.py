"""Check the claims of a paper under one reading of its multiverse."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from irsrepro.build.jobs import facts, job, keep_compiled_kernels
from irsrepro.claims import Verdicts, write_verdicts
from irsrepro.config.loading import load_paper
from irsrepro.multiverse.exploration import Exploration
from irsrepro.multiverse.samples import reading_of

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.output[0], snakemake.log[0]):
    keep_compiled_kernels()
    params, wildcards = snakemake.params, snakemake.wildcards
    paper = load_paper(Path(params.root), wildcards.paper)
    reading = reading_of(paper, wildcards.reading, params.seed)
    variant = reading.of(paper)
    results = Exploration(
        variant, reading.name, params.seed, params.realisations, params.code
    ).results()
    identity = {"paper": paper.key, "reading": reading.name, "seed": params.seed}
    attributes = facts(identity, variant.reading(reading.name), params.library)
    attributes |= {"kind": reading.kind, "choices": json.dumps(reading.choices(paper))}
    write_verdicts(snakemake.output[0], Verdicts(attributes, results))
