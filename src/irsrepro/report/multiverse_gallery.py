"""The committed multiverses: ``docs/gallery/multiverse``, a table, a page and curves per paper.

Pages are made from the committed tables and the configuration alone; ``irsrepro multiverse`` copies
a build there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from irsrepro.build.storage import write_atomically
from irsrepro.errors import StorageError
from irsrepro.multiverse.sentences import short
from irsrepro.multiverse.tables import from_csv
from irsrepro.report.multiverse import (
    Survey,
    claims_text,
    index_text,
    page_text,
    survey_multiverse,
    tally_text,
)

BUILT = Path("multiverse")
FOLDER = Path("docs/gallery/multiverse")
ENDINGS = ("svg", "png")
NONE_YET = (
    "No multiverse has been committed yet; `irsrepro multiverse` does so after a build of it."
)


def committed_surveys(root: Path, sources: Mapping[str, Mapping[str, Any]]) -> list[Survey]:
    """Return the committed multiverses of papers, those that there are.

    Args:
        root: the checkout.
        sources: configurations by citation key.
    """
    paths = {key: root / FOLDER / f"{key}.csv" for key in sources}
    return [
        survey_multiverse(from_csv(path.read_text(encoding="utf-8")), sources[key])
        for key, path in paths.items()
        if path.is_file()
    ]


def pages(root: Path, surveys: Sequence[Survey]) -> dict[Path, str]:
    """Return the texts of the committed pages, none without a multiverse."""
    folder = root / FOLDER
    texts = {folder / f"{survey.key}.md": page_text(survey) for survey in surveys}
    return texts | ({folder / "README.md": index_text(surveys)} if surveys else {})


def readme_text(surveys: Sequence[Survey]) -> str:
    """Return what the README of the checkout shows: papers, and every claim folded away."""
    if not surveys:
        return NONE_YET
    parts = [tally_text(surveys, f"{FOLDER.as_posix()}/")]
    for survey in surveys:
        table = claims_text(survey, f"{FOLDER.as_posix()}/{survey.key}.md")
        parts.append(
            f"<details><summary>{survey.key}: each claim under {len(survey.multiverse.readings)} "
            f"readings</summary>\n\n{table}\n\n</details>"
        )
    return "\n\n".join(parts)


def shares(surveys: Sequence[Survey]) -> dict[str, dict[str, str]]:
    """Return by citation key and claim in how many readings it holds."""
    return {
        survey.key: {claim: short(finding) for claim, finding in survey.findings.items()}
        for survey in surveys
    }


def copy_multiverses(root: Path, sources: Mapping[str, Mapping[str, Any]]) -> list[Path]:
    """Copy the tables of the multiverses that are built, and curves of claims decided both ways.

    Curves that are committed and no longer wanted are removed.

    Args:
        root: the checkout.
        sources: configurations by citation key.

    Returns:
        The files written.

    Raises:
        StorageError: none is built, or a curve is missing.
    """
    files: dict[Path, bytes] = {}
    for key, source in sources.items():
        table = root / BUILT / f"{key}.csv"
        if not table.is_file():
            continue
        content = table.read_bytes()
        files[root / FOLDER / table.name] = content
        findings = survey_multiverse(from_csv(content.decode()), source).findings.values()
        for name in [
            f"{finding.claim}.{end}" for finding in findings if finding.flips for end in ENDINGS
        ]:
            curve = root / BUILT / key / name
            if not curve.is_file():
                raise StorageError(f"{curve}: no such file; snakemake {BUILT}/{key} draws it")
            files[root / FOLDER / key / name] = curve.read_bytes()
        for old in (root / FOLDER / key).glob("*"):
            if old not in files:
                old.unlink()
    if not files:
        raise StorageError(f"{BUILT}: no multiverse is built; snakemake {BUILT}/KEY builds one")
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
    return list(files)
