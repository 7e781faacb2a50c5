"""Copy the last full build to where it is committed, and write the pages made from it."""

from pathlib import Path

from irsrepro.configuration import load_project
from irsrepro.jobs import job
from irsrepro.listing import computing_times
from irsrepro.showcase import as_csv, load_exhibits, overview_picture, pages
from irsrepro.storage import write_atomically

with job(snakemake.output.page, snakemake.log[0]):
    root = Path.cwd()
    times = as_csv(computing_times(load_project(root, {}), root))
    write_atomically(snakemake.output.times, times.encode())
    copies = {snakemake.output[kind]: snakemake.input[kind] for kind in ("manifest", "claims")}
    copies |= dict(zip(snakemake.output.shown, snakemake.input.shown, strict=True))
    for copy, source in copies.items():
        write_atomically(copy, Path(source).read_bytes())
    exhibits = load_exhibits(root)
    covers = {
        each.key: Path(f"figures/{each.key}/{each.cover}.png").read_bytes() for each in exhibits
    }
    write_atomically(snakemake.output.picture, overview_picture(exhibits, covers))
    # The README is no output: Snakemake deletes those first, and most of it is written by hand.
    for path, text in pages(root).items():
        write_atomically(path, text.encode())
