"""List the files of a build with their hashes, the verdicts of their claims, and versions."""

import hashlib
import json
from pathlib import Path

from irsrepro.arithmetic import machine_facts
from irsrepro.claims import to_table
from irsrepro.jobs import job
from irsrepro.provenance import code_version, library_versions
from irsrepro.storage import read_dataset, write_atomically

with job(snakemake.output[0], snakemake.log[0]):
    verdicts: dict[str, dict[str, str]] = {}
    for path in snakemake.input.claims:
        dataset = read_dataset(path)
        for row in to_table(dataset):
            picture = f"{dataset.attrs['document']}/{row['figure']}"
            verdicts.setdefault(picture, {})[row["claim"]] = row["verdict"]
    files = []
    for name in snakemake.input.files:
        digest = hashlib.sha256(Path(name).read_bytes()).hexdigest()
        about = "/".join(Path(name).with_suffix("").parts[-2:])
        files.append({"path": name, "sha256": digest, "claims": verdicts.get(about, {})})
    manifest = {
        "code_version": code_version(Path.cwd()),
        "libraries": library_versions(),
        "machine": machine_facts(),
        "files": files,
    }
    text = json.dumps(manifest, indent=1, sort_keys=True) + "\n"
    write_atomically(snakemake.output[0], text.encode())
