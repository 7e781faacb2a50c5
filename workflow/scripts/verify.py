"""Compare the last build with the committed one: ``irsrepro verify`` on a build made up to date."""

from pathlib import Path
from typing import TYPE_CHECKING

from irsrepro.build.jobs import job
from irsrepro.build.storage import write_atomically
from irsrepro.config.loading import load_project
from irsrepro.errors import IrsreproError
from irsrepro.report.verification import as_page, as_text, verify

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job("verify", snakemake.log[0]):
    verification = verify(load_project(Path.cwd(), snakemake.params.overrides))
    print(as_text(verification))
    write_atomically("reports/verification.html", as_page(verification).encode())
    if verification.bad:
        raise IrsreproError(
            f"verify: {len(verification.bad)} different or missing, see reports/verification.html"
        )
