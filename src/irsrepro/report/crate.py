"""A build as an RO-Crate: its files with what they are, for an archive.

The crate holds what the manifests of a build list (figures, tables, reports), the configuration and
the workflow, each with its checksum and the paper it is about. Equal builds give equal metadata.
"""

from __future__ import annotations

import hashlib
import json
import mimetypes
from pathlib import Path
from typing import Any

import yaml
from rocrate.model import ContextEntity
from rocrate.rocrate import ROCrate

from irsrepro.config.loading import Project
from irsrepro.errors import StorageError

CONTEXT = ("CITATION.cff", "LICENSE", "README.md", "requirements.lock", "codemeta.json")
TYPES = {".nc": "application/netcdf", ".ipynb": "application/x-ipynb+json", ".cff": "text/yaml",
         ".yaml": "text/yaml", ".lock": "text/plain", ".md": "text/markdown"}  # fmt: skip


def write(root: Path, project: Project, folder: Path) -> list[str]:
    """Write a crate of the last build.

    Args:
        root: the checkout that was built in.
        project: its configuration.
        folder: where the crate goes; must not be there yet.

    Returns:
        Names of the files in it.

    Raises:
        StorageError: a paper is not built, a file is not as its manifest says, or the folder is
            there.
    """
    if folder.exists():
        raise StorageError(f"{folder}: is there already")
    citation = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    crate = ROCrate()
    crate.name = f"{citation['title']}: a {project.fidelity} build by the {project.engine} engine"
    crate.description = citation["abstract"]
    crate.license = f"https://spdx.org/licenses/{citation['license']}"
    crate.datePublished = f"{citation['date-released']:%Y-%m-%d}"  # the time now would differ
    facts = _facts(root / "Snakefile")
    crate.add_workflow(
        root / "Snakefile", "Snakefile", main=True, lang="snakemake", properties=facts
    )
    for name in CONTEXT:
        crate.add_file(root / name, name, properties=_facts(root / name))
    names = ["Snakefile", *CONTEXT]
    for key, paper in project.papers.items():
        article = crate.add(_article(crate, key, paper.source))
        config = f"config/{key}.yaml"
        crate.add_file(root / config, config, properties=_facts(root / config, article))
        for entry in _manifest(root, key)["files"]:
            path, verdicts = root / entry["path"], entry["claims"]
            facts = _facts(path, article)
            if facts["sha256"] != entry["sha256"]:
                raise StorageError(f"{path}: not as figures/{key}/all says; build again")
            if verdicts:
                summary = "; ".join(f"{claim}: {verdict}" for claim, verdict in verdicts.items())
                facts["description"] = summary
            crate.add_file(path, entry["path"], properties=facts)
            names.append(entry["path"])
        names.append(config)
    crate.write(folder)
    return sorted(names)


def _manifest(root: Path, key: str) -> dict[str, Any]:
    """Return the files of a paper's last build with their hashes and verdicts."""
    path = root / "figures" / key / "all"
    if not path.is_file():
        raise StorageError(f"figures/{key}/all: no such file; snakemake figures/{key}/all makes it")
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return manifest


def _article(crate: ROCrate, key: str, source: Any) -> ContextEntity:
    """Return a paper as an entity."""
    identifiers = source["identifiers"]
    if "DOI" in identifiers:
        place = f"https://doi.org/{identifiers['DOI']}"
    elif "arXiv" in identifiers:
        place = f"https://arxiv.org/abs/{identifiers['arXiv']}"
    else:
        place = f"#{key}"
    properties = {
        "@type": "ScholarlyArticle",
        "name": source["title"],
        "alternateName": key,
        "author": ", ".join(source["authors"]),
        "datePublished": str(source["year"]),
    }
    return ContextEntity(crate, place, properties=properties)


def _facts(path: Path, article: ContextEntity | None = None) -> dict[str, Any]:
    """Return size, checksum and type of a file, and the paper it is about."""
    if not path.is_file():
        raise StorageError(f"{path}: no such file")
    content = path.read_bytes()
    media_type = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0]
    facts: dict[str, Any] = {
        "contentSize": str(len(content)),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    if media_type:
        facts["encodingFormat"] = media_type
    if article is not None:
        facts["about"] = {"@id": article.id}
    return facts
