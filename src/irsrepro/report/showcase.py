"""The committed gallery: what a visitor sees of the last full build before running anything.

``docs/gallery`` holds the pictures and tables of that build, and pages made from these tables and
the configuration alone; ``python -m irsrepro.report.showcase`` writes the pages again.
"""

# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from matplotlib.figure import Figure
from matplotlib.image import imread

from irsrepro.arithmetic import machine_facts
from irsrepro.build.paths import claims_file
from irsrepro.build.provenance import library_versions
from irsrepro.build.storage import write_atomically
from irsrepro.claims import read_verdicts, scorecard
from irsrepro.claims.verdicts import REPLICATED
from irsrepro.config.loading import Project, load_paper, paper_keys
from irsrepro.config.paper import DEFAULT
from irsrepro.errors import ConfigurationError, StorageError
from irsrepro.figures.style import VERDICTS as COLOURS
from irsrepro.report import multiverse_gallery, verification
from irsrepro.report.alternatives import robustness_page
from irsrepro.report.listing import computing_times, duration
from irsrepro.report.pages import BADGES, OWN, address, counts, with_total

Row = Mapping[str, str]
FOLDER = Path("docs/gallery")
COLUMNS = 3  # of the overview picture
VOCABULARY = (
    "After a claim stands in brackets where it is from (a sentence of the paper if nothing is "
    "said), and in italics the comparison that decided it, of all that the claim makes: its "
    "interval holds for all of them at once (*simultaneous*) and however often one has looked (see "
    "[verdicts](../numbers.md#verdicts)). *Cause* says why a claim does not replicate: **paper**, "
    "we think that the sentence is wrong or inexact; **lost number**, it depends on a value that "
    "the text has lost; **sample**, too few realisations; **budget**, a bound or a rounding that "
    "is not computed more tightly. *Rounding alone turns it*: another rounding of the last digits "
    "would change the verdict."
)


@dataclass(frozen=True)
class Exhibit:
    """One paper of the committed gallery.

    Attributes:
        key: citation key.
        source: its configuration.
        claims: its rows of the scorecard, every value as text.
        times: seconds of computation behind every figure; figures share some of it.
        time: seconds of computation behind all of them.
    """

    key: str
    source: Mapping[str, Any]
    claims: Sequence[Row]
    times: Mapping[str, float]
    time: float

    @property
    def cover(self) -> str:
        """The figure of a single frame of curves that most claims are about."""
        figures = [row["figure"] for row in self.claims]
        framed_figures = [
            name
            for name, figure in self.source["figures"].items()
            if figure["kind"] not in ("layout", "sheet")
        ]
        return str(max(framed_figures, key=figures.count))


def page(
    exhibits: Sequence[Exhibit],
    alternatives: bool = False,
    shares: Mapping[str, Mapping[str, str]] | None = None,
) -> str:
    """Return the gallery as Markdown: every figure with its caption, claims and computing time.

    Args:
        exhibits: the papers in order.
        alternatives: whether there is a page about alternative readings to link to.
        shares: in how many readings of its multiverse a claim holds, by citation key and claim.
    """
    parts = [
        "# Gallery",
        "Every figure of the last full build, with the claims about it and their verdicts "
        f"({', '.join(f'{badge} {verdict}' for verdict, badge in BADGES.items())}). Made by "
        "`irsrepro showcase`; do not edit. The numbers behind the verdicts are in "
        "[scorecard.csv](scorecard.csv), those behind a figure in the table beside it, computing "
        "times in [times.csv](times.csv), hashes and versions in [manifest.json](manifest.json).",
        VOCABULARY,
        "Which verdicts depend on how a paper is read: [alternatives.md](alternatives.md)."
        if alternatives
        else "",
        "How claims fare under many readings of what the papers leave open: "
        "[multiverse](multiverse/README.md)."
        if shares
        else "",
        "![one figure of every paper](overview.png)",
        overview_table(exhibits, ""),
    ]
    for exhibit in exhibits:
        key, source = exhibit.key, exhibit.source
        own = (shares or {}).get(key, {})
        parts += [f"## {key}", f"**{source['title']}.** {reference(source)} {source['summary']}"]
        for name, figure in source["figures"].items():
            parts += [
                f'<a id="{key}-{name}"></a>\n\n### {key}, {name}: {figure["title"]}',
                f"![{figure['title']}]({key}/{name}.png)",
                f"{figure['caption'].strip()} [Table]({key}/{name}.csv). "
                f"Computed in {duration(exhibit.times[name])}.",
                _claims([row for row in exhibit.claims if row["figure"] == name], own),
            ]
        rows = [row for row in exhibit.claims if row["figure"] not in source["figures"]]
        parts += ["### Claims about no figure", _claims(rows, own)] if rows else []
    return "\n\n".join(part for part in parts if part) + "\n"


def overview_table(exhibits: Sequence[Exhibit], folder: str) -> str:
    """Return the papers with their figures, verdicts and computing times as a Markdown table.

    Args:
        exhibits: the papers in order.
        folder: where the gallery lies as seen from the text, with a slash at its end, or nothing.
    """
    place = f"{folder}README.md" if folder else ""
    tallies = with_total({exhibit.key: exhibit.claims for exhibit in exhibits})
    cells = {key: " | ".join(map(str, tally.values())) for key, tally in tallies.items()}
    heads = list(tallies["all"])
    lines = [
        f"| paper | figures | {' | '.join(heads)} | computing time, one core |",
        f"|---|---|{'---|' * len(heads)}---|",
    ]
    for exhibit in exhibits:
        figures = ", ".join(
            f"[{name}]({place}#{exhibit.key}-{name})" for name in exhibit.source["figures"]
        )
        lines.append(
            f"| **[{exhibit.key}]({place}#{exhibit.key})** {exhibit.source['title']}. "
            f"{reference(exhibit.source)} | {figures} | "
            f"{cells[exhibit.key]} | {duration(exhibit.time)} |"
        )
    total = duration(sum(exhibit.time for exhibit in exhibits))
    lines.append(f"| all | | {cells['all']} | {total} |")
    rows = [row for exhibit in exhibits for row in exhibit.claims if row["source"] == OWN]
    calibrated = sum(map(_is_no_evidence, rows))
    if calibrated:
        lines.append(
            f"\n{calibrated} of the {counts(rows)[REPLICATED]} sentences that replicate rest on a "
            "value that we calibrated so that a trend stated in the paper shows: their agreement "
            "is no evidence for the paper. The gallery marks them."
        )
    return "\n".join(lines)


def reference(source: Mapping[str, Any]) -> str:
    """Return authors, year and identifiers of a paper with their links."""
    names = ", ".join(author.split()[-1] for author in source["authors"])
    links = [
        f"[{kind}:{name}]({address(kind, name)})" if address(kind, name) else f"{kind}:{name}"
        for kind, name in source["identifiers"].items()
    ]
    return f"{names} {source['year']}, {', '.join(links)}."


def _claims(rows: Sequence[Row], shares: Mapping[str, str]) -> str:
    return "\n".join(
        f"* {BADGES[row['verdict']]} **{row['claim']}** ({row['about']}, {row['verdict']}"
        + (f", {row['source']}" if row["source"] != "paper" else "")
        + (", rests on a calibrated value" if _is_no_evidence(row) else "")
        + f"): {row['text']} *{row['sentence']}*"
        + (f" Cause: {row['cause']}." if row["cause"] else "")
        + (
            f" [Every reading](multiverse/{row['paper']}.md): {shares[row['claim']]}."
            if row["claim"] in shares
            else ""
        )
        for row in rows
    )


def _is_no_evidence(row: Row) -> bool:
    """Whether a claim holds with the help of a value chosen so that a stated trend shows."""
    return row["by_construction"] == "1" and row["verdict"] == REPLICATED


def splice(text: str, name: str, content: str) -> str:
    """Return a text with what is between two marks replaced.

    Args:
        text: with lines ``<!-- NAME: made by irsrepro showcase -->`` and ``<!-- NAME: end -->``.
        name: of the marks.
        content: what is to be between them.

    Raises:
        ValueError: a mark is missing.
    """
    begin, end = f"<!-- {name}: made by irsrepro showcase -->", f"<!-- {name}: end -->"
    before, opening, rest = text.partition(begin)
    _, closing, after = rest.partition(end)
    if not (opening and closing):
        raise ValueError(f"the marks {begin} and {end} are not there")
    return f"{before}{begin}\n{content}\n{end}{after}"


def overview_picture(exhibits: Sequence[Exhibit], pictures: Mapping[str, bytes]) -> bytes:
    """Return one PNG with the cover figure of every paper and a bar of verdicts for each.

    Args:
        exhibits: the papers in order.
        pictures: PNG of the cover figure by citation key.
    """
    rows = -(-(len(exhibits) + 1) // COLUMNS)
    sheet = Figure(figsize=(4.2 * COLUMNS, 3.5 * rows), layout="constrained", dpi=110)
    panels = sheet.subplots(rows, COLUMNS, squeeze=False).ravel()
    for panel in panels:
        panel.axis("off")
    for panel, exhibit in zip(panels, exhibits, strict=False):
        panel.imshow(imread(io.BytesIO(pictures[exhibit.key])), interpolation="antialiased")
        panel.set_title(f"{exhibit.key}, {exhibit.cover}", fontsize=11)
    bars = panels[len(exhibits)]
    bars.axis("on")
    left = [0] * len(exhibits)
    names = [exhibit.key for exhibit in exhibits]
    for verdict, colour in COLOURS.items():
        widths = [counts(exhibit.claims)[verdict] for exhibit in exhibits]
        segments = bars.barh(names, widths, left=left, color=colour, label=verdict)
        bars.bar_label(
            segments, [str(width) if width else "" for width in widths], label_type="center",
            color="white", fontsize=10, fontweight="bold",
        )  # fmt: skip
        left = [a + b for a, b in zip(left, widths, strict=True)]
    bars.invert_yaxis()
    bars.set_title("the papers' own sentences, by verdict", fontsize=11)
    bars.tick_params(length=0)
    bars.set_xticks([])
    bars.spines[:].set_visible(False)
    bars.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=3, frameon=False, fontsize=10)
    buffer = io.BytesIO()
    sheet.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


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
    sources = {
        key: yaml.safe_load((root / "config" / f"{key}.yaml").read_text(encoding="utf-8"))
        for key in paper_keys(root)
    }
    tables = (read_table(root / FOLDER / name) for name in ("scorecard.csv", "times.csv"))
    return exhibits_of(sources, *tables)


def pages(root: Path) -> dict[Path, str]:
    """Return the texts made from the committed tables: pages of the gallery and the README.

    Raises:
        ValueError: the README has lost its marks.
    """
    exhibits = load_exhibits(root)
    readme = (root / "README.md").read_text(encoding="utf-8")
    alternatives = root / FOLDER / "alternatives.csv"
    surveys = multiverse_gallery.committed_surveys(root, _sources(root))
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
