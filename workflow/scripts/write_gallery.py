"""Show every figure with its claims on one page."""

from pathlib import Path
from typing import TYPE_CHECKING

from irsrepro.build.jobs import job
from irsrepro.build.storage import write_atomically
from irsrepro.claims import read_verdicts
from irsrepro.config.loading import load_paper
from irsrepro.report.pages import Chapter, gallery

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.output[0], snakemake.log[0]):
    chapters = []
    for config, claims in zip(snakemake.input.configs, snakemake.input.claims, strict=True):
        key = Path(config).stem
        paper = load_paper(Path(config).parent.parent, key)
        pictures = {name: Path(f"figures/{key}/{name}.png").read_bytes() for name in paper.figures}
        rows = read_verdicts(claims, seed=snakemake.params.seed).rows()
        chapters.append(Chapter(paper, rows, pictures, snakemake.params.data[key]))
    text = gallery(chapters, snakemake.params.fidelity, snakemake.params.engine)
    write_atomically(snakemake.output[0], text.encode())
