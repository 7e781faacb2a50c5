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
    survey,
    tally_text,
)

BUILT = Path("multiverse")
FOLDER = Path("docs/gallery/multiverse")
ENDINGS = ("svg", "png")
NONE_YET = (
    "No multiverse has been committed yet; `irsrepro multiverse` does so after a build of it."
)


def surveys(root: Path, sources: Mapping[str, Mapping[str, Any]]) -> list[Survey]:
    """Return the committed multiverses of papers, those that there are.

    Args:
        root: the checkout.
        sources: configurations by citation key.
    """
    paths = {key: root / FOLDER / f"{key}.csv" for key in sources}
    return [
        survey(from_csv(path.read_text(encoding="utf-8")), sources[key])
        for key, path in paths.items()
        if path.is_file()
    ]


def pages(root: Path, found: Sequence[Survey]) -> dict[Path, str]:
    """Return the texts of the committed pages, none without a multiverse."""
    folder = root / FOLDER
    made = {folder / f"{each.key}.md": page_text(each) for each in found}
    return made | ({folder / "README.md": index_text(found)} if found else {})


def readme_text(found: Sequence[Survey]) -> str:
    """Return what the README of the checkout shows: papers, and every claim folded away."""
    if not found:
        return NONE_YET
    parts = [tally_text(found, f"{FOLDER.as_posix()}/")]
    for each in found:
        table = claims_text(each, f"{FOLDER.as_posix()}/{each.key}.md")
        parts.append(
            f"<details><summary>{each.key}: each claim under {len(each.multiverse.readings)} "
            f"readings</summary>\n\n{table}\n\n</details>"
        )
    return "\n\n".join(parts)


def shares(found: Sequence[Survey]) -> dict[str, dict[str, str]]:
    """Return by citation key and claim in how many readings it holds."""
    return {
        each.key: {claim: short(finding) for claim, finding in each.findings.items()}
        for each in found
    }


def copied(root: Path, sources: Mapping[str, Mapping[str, Any]]) -> list[Path]:
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
    made: dict[Path, bytes] = {}
    for key, source in sources.items():
        table = root / BUILT / f"{key}.csv"
        if not table.is_file():
            continue
        content = table.read_bytes()
        made[root / FOLDER / table.name] = content
        found = survey(from_csv(content.decode()), source).findings.values()
        for name in [f"{each.claim}.{end}" for each in found if each.flips for end in ENDINGS]:
            curve = root / BUILT / key / name
            if not curve.is_file():
                raise StorageError(f"{curve}: no such file; snakemake {BUILT}/{key} draws it")
            made[root / FOLDER / key / name] = curve.read_bytes()
        for old in (root / FOLDER / key).glob("*"):
            if old not in made:
                old.unlink()
    if not made:
        raise StorageError(f"{BUILT}: no multiverse is built; snakemake {BUILT}/KEY builds one")
    for path, content in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
    return list(made)
