"""Compare the last build with the committed one, print a table and write a page."""

from pathlib import Path

from irsrepro.configuration import load_project
from irsrepro.errors import IrsreproError
from irsrepro.jobs import job
from irsrepro.storage import write_atomically
from irsrepro.verification import as_page, as_text, verify

with job("verify", snakemake.log[0]):
    found = verify(load_project(Path.cwd(), snakemake.params.overrides))
    print(as_text(found))
    write_atomically("reports/verification.html", as_page(found).encode())
    if found.bad:
        raise IrsreproError(
            f"verify: {len(found.bad)} different or missing, see reports/verification.html"
        )
