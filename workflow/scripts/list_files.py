"""List the files of a build with their hashes, the verdicts of their claims, and versions."""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from irsrepro.arithmetic import machine_facts
from irsrepro.build.jobs import job
from irsrepro.build.provenance import code_version, library_versions
from irsrepro.build.storage import write_atomically
from irsrepro.claims import read_verdicts

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.output[0], snakemake.log[0]):
    verdicts: dict[str, dict[str, str]] = {}
    for path in snakemake.input.claims:
        paper_verdicts = read_verdicts(path, seed=snakemake.params.seed)
        for result in paper_verdicts.claims:
            picture = f"{paper_verdicts.facts['paper']}/{result.figure}"
            verdicts.setdefault(picture, {})[result.claim] = result.verdict
    files = []
    for name in snakemake.input.files:
        digest = hashlib.sha256(Path(name).read_bytes()).hexdigest()
        about = "/".join(Path(name).with_suffix("").parts[-2:])
        files.append({"path": name, "sha256": digest, "claims": verdicts.get(about, {})})
    manifest = {
        "code_version": code_version(),
        "libraries": library_versions(),
        "machine": machine_facts(),
        "files": files,
    }
    text = json.dumps(manifest, indent=1, sort_keys=True) + "\n"
    write_atomically(snakemake.output[0], text.encode())
