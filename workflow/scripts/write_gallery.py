"""Show every figure with its claims on one page."""

from pathlib import Path

import yaml

from irsrepro.claims import to_table
from irsrepro.configuration import DEFAULT, Document
from irsrepro.jobs import job
from irsrepro.pages import Chapter, gallery
from irsrepro.storage import read_dataset, write_atomically

with job(snakemake.output[0], snakemake.log[0]):
    chapters = []
    for config, claims in zip(snakemake.input.configs, snakemake.input.claims, strict=True):
        key, source = Path(config).stem, yaml.safe_load(Path(config).read_text(encoding="utf-8"))
        pictures = {
            name: Path(f"figures/{key}/{name}.png").read_bytes() for name in source["figures"]
        }
        rows = to_table(read_dataset(claims, document=key))
        document = Document(key, source, readings={DEFAULT: {}}, adjustments={})
        chapters.append(Chapter(document, rows, pictures, snakemake.params.data[key]))
    text = gallery(chapters, snakemake.params.fidelity, snakemake.params.engine)
    write_atomically(snakemake.output[0], text.encode())
