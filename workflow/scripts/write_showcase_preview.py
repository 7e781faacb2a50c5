"""Commit the tables and verdicts of a preview build, for newcomers to compare theirs with."""

import json
from pathlib import Path

from irsrepro.arithmetic import machine_facts
from irsrepro.claims.readings import as_csv, rows
from irsrepro.configuration import DEFAULT, load_project
from irsrepro.jobs import job
from irsrepro.provenance import library_versions
from irsrepro.storage import read_dataset, write_atomically
from irsrepro.verification import built_table

with job(snakemake.output.claims, snakemake.log[0]):
    project = load_project(Path.cwd(), snakemake.params.overrides)
    for path in map(Path, snakemake.output.tables):
        text = built_table(project, path.parent.name, path.stem)
        write_atomically(path, (text or "").encode())
    claims = {
        key: {DEFAULT: read_dataset(path, document=key)}
        for key, path in zip(project.documents, snakemake.input.claims, strict=True)
    }
    write_atomically(snakemake.output.claims, as_csv(rows(claims)).encode())
    facts = {"libraries": library_versions(), "machine": machine_facts()}
    text = json.dumps(facts, indent=1, sort_keys=True) + "\n"
    write_atomically(snakemake.output.manifest, text.encode())
