"""The committed gallery: what a visitor sees of the last full build before running anything.

``docs/gallery`` holds the pictures and tables of that build, and pages made from these tables and
the configuration alone; ``python -m irsrepro.report.showcase`` writes the pages again.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from irsrepro.arithmetic import machine_facts
from irsrepro.build.paths import claims_file
from irsrepro.build.provenance import library_versions
from irsrepro.build.storage import write_atomically
from irsrepro.claims import read_verdicts, scorecard
from irsrepro.config.loading import Project, load_paper, paper_keys
from irsrepro.config.paper import DEFAULT
from irsrepro.errors import ConfigurationError, IrsreproError, StorageError
from irsrepro.report import multiverse_gallery, verification
from irsrepro.report.alternatives import robustness_page
from irsrepro.report.exhibits import Exhibit, Row, overview_picture, overview_table, page
from irsrepro.report.listing import computing_times

FOLDER = Path("docs/gallery")


def splice(text: str, name: str, content: str) -> str:
    """Return a text with what is between two marks replaced.

    Args:
        text: with lines ``<!-- NAME: made by irsrepro showcase -->`` and ``<!-- NAME: end -->``.
        name: of the marks.
        content: what is to be between them.

    Raises:
        IrsreproError: a mark is missing.
    """
    begin, end = f"<!-- {name}: made by irsrepro showcase -->", f"<!-- {name}: end -->"
    before, opening, rest = text.partition(begin)
    _, closing, after = rest.partition(end)
    if not (opening and closing):
        raise IrsreproError(f"README.md: expected the lines {begin} and {end}")
    return f"{before}{begin}\n{content}\n{end}{after}"


def read_table(path: Path) -> list[dict[str, str]]:
    """Read a CSV table, every value as text."""
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows, at least one, as a CSV table."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def exhibits_of(
    sources: Mapping[str, Mapping[str, Any]], claims: Sequence[Row], times: Sequence[Row]
) -> list[Exhibit]:
    """Put together the papers of the gallery from its tables.

    Args:
        sources: configurations by citation key.
        claims: rows of ``scorecard.csv``.
        times: rows of ``times.csv``: paper, figure (or ``all``) and seconds.
    """
    exhibits = []
    for key, source in sources.items():
        seconds = {row["figure"]: float(row["seconds"]) for row in times if row["paper"] == key}
        own = [row for row in claims if row["paper"] == key]
        exhibits.append(Exhibit(key, source, own, seconds, seconds.pop("all")))
    return exhibits


def load_exhibits(root: Path) -> list[Exhibit]:
    """Read the papers of a checkout's committed gallery."""
    tables = (read_table(root / FOLDER / name) for name in ("scorecard.csv", "times.csv"))
    return exhibits_of(_sources(root), *tables)


def pages(root: Path) -> dict[Path, str]:
    """Return the texts made from the committed tables: pages of the gallery and the README.

    Raises:
        ValueError: the README has lost its marks.
    """
    exhibits = load_exhibits(root)
    readme = (root / "README.md").read_text(encoding="utf-8")
    alternatives = root / FOLDER / "alternatives.csv"
    sources = {paper.key: paper.source for paper in exhibits}
    surveys = multiverse_gallery.committed_surveys(root, sources)
    shares = multiverse_gallery.shares(surveys)
    readme = splice(readme, "papers", overview_table(exhibits, f"{FOLDER}/"))
    readme = splice(readme, "multiverse", multiverse_gallery.readme_text(surveys))
    texts = {
        root / FOLDER / "README.md": page(exhibits, alternatives.is_file(), shares),
        root / "README.md": readme,
        **multiverse_gallery.pages(root, surveys),
    }
    if alternatives.is_file():
        abouts = {
            paper.key: {name: item["about"] for name, item in paper.source["alternatives"].items()}
            for paper in exhibits
        }
        text = robustness_page(read_table(alternatives), abouts)
        texts[alternatives.with_suffix(".md")] = text
    return texts


def _sources(root: Path) -> dict[str, Mapping[str, Any]]:
    return {key: load_paper(root, key).source for key in paper_keys(root)}


def commit_multiverse(root: Path) -> list[Path]:
    """Copy the multiverses built in a checkout to where they are committed, and write all pages.

    Raises:
        StorageError: none is built, or a curve is missing.
    """
    paths = multiverse_gallery.copy_multiverses(root, _sources(root))
    for path, text in pages(root).items():
        write_atomically(path, text.encode())
        paths.append(path)
    return paths


def commit(root: Path, project: Project) -> list[Path]:
    """Copy a full build to where it is committed, and write the pages made from it.

    At preview fidelity only the tables and verdicts, for newcomers to compare theirs with.

    Args:
        root: the checkout.
        project: its fidelity says which build.

    Returns:
        The files written.

    Raises:
        ConfigurationError: the build is none that is committed.
        StorageError: something has not been built.
    """
    if project.engine != "fast" or project.realisations is not None:
        raise ConfigurationError(
            f"engine={project.engine} realisations={project.realisations} is not committed; "
            "engine=fast and the papers' own realisations are"
        )
    folder = verification.committed_folder(root, project.fidelity)
    files: dict[Path, bytes] = {}
    for key, paper in project.papers.items():
        for figure in paper.figures:
            numbers = verification.built_table(project, key, figure)
            if numbers is None:
                raise StorageError(f"figures/{key}/{figure}: not built at this fidelity")
            files[folder / key / f"{figure}.csv"] = numbers.encode()
    claims = {
        key: {DEFAULT: read_verdicts(root / claims_file(project, key, DEFAULT), paper=key)}
        for key in project.papers
    }
    files[folder / "scorecard.csv"] = scorecard.as_csv(scorecard.rows(claims)).encode()
    facts = {"libraries": library_versions(), "machine": machine_facts()}
    if project.fidelity == "paper":
        files |= _pictures(root, folder, project)
        files[folder / "times.csv"] = as_csv(computing_times(project, root)).encode()
    hashes = {
        path.relative_to(folder).as_posix(): hashlib.sha256(content).hexdigest()
        for path, content in sorted(files.items())
        if path.name != "times.csv"
    }
    manifest = json.dumps(facts | {"files": hashes}, indent=1, sort_keys=True) + "\n"
    files[folder / verification.MANIFEST] = manifest.encode()
    for path, content in files.items():
        write_atomically(path, content)
    if project.fidelity == "paper":
        exhibits = load_exhibits(root)
        covers = {paper.key: files[folder / paper.key / f"{paper.cover}.png"] for paper in exhibits}
        picture = folder / "overview.png"
        write_atomically(picture, overview_picture(exhibits, covers))
        files[picture] = b""
        for path, text in pages(root).items():
            write_atomically(path, text.encode())
            files[path] = b""
    return list(files)


def _pictures(root: Path, folder: Path, project: Project) -> dict[Path, bytes]:
    """Return the pictures of a build at paper fidelity.

    Raises:
        StorageError: one is missing, or shows another build.
    """
    pictures = {}
    for key, paper in project.papers.items():
        for figure in paper.figures:
            source = root / "figures" / key / f"{figure}.png"
            content = source.read_bytes() if source.is_file() else b""
            if b"fidelity=paper" not in content or b"engine=fast" not in content:
                raise StorageError(f"{source}: not there, or not of fidelity=paper engine=fast")
            pictures[folder / key / f"{figure}.png"] = content
    return pictures


if __name__ == "__main__":
    for path, text in pages(Path()).items():
        write_atomically(path, text.encode())
