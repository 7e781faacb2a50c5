"""How a paper and this package are cited."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def plain(source: Mapping[str, Any]) -> str:
    """Return a paper as a sentence.

    Args:
        source: its configuration.
    """
    places = [f"{kind} {name}" for kind, name in source["identifiers"].items()]
    return (
        f"{', '.join(source['authors'])}, “{source['title']}”, {source['venue']}, "
        f"{source['year']}, {', '.join(places)}."
    )


def software(citation: Mapping[str, Any]) -> str:
    """Return the package as a sentence.

    Args:
        citation: content of ``CITATION.cff``.
    """
    authors = ", ".join(author["name"] for author in citation["authors"])
    released = citation["date-released"]
    return (
        f"{authors}, “{citation['title']}”, version {citation['version']}, {released:%Y}, "
        f"licence {citation['license']}."
    )


def bibtex(key: str, source: Mapping[str, Any], citation: Mapping[str, Any]) -> str:
    """Return a paper and the package as BibTeX entries.

    Args:
        key: citation key of the paper.
        source: its configuration.
        citation: content of ``CITATION.cff``.
    """
    identifiers = source["identifiers"]
    paper = {
        "author": " and ".join(source["authors"]),
        "title": f"{{{source['title']}}}",
        "howpublished": source["venue"],
        "year": str(source["year"]),
        "eprint": identifiers.get("arXiv", ""),
        "archiveprefix": "arXiv" if "arXiv" in identifiers else "",
        "doi": identifiers.get("DOI", ""),
    }
    package = {
        "author": " and ".join(f"{{{author['name']}}}" for author in citation["authors"]),
        "title": f"{{{citation['title']}}}",
        "version": str(citation["version"]),
        "year": f"{citation['date-released']:%Y}",
    }
    return "\n".join(
        f"@{kind}{{{name},\n"
        + "".join(f"  {field} = {{{value}}},\n" for field, value in fields.items() if value)
        + "}"
        for kind, name, fields in (("misc", key, paper), ("software", citation["title"], package))
    )


def codemeta(citation: Mapping[str, Any], project: Mapping[str, Any]) -> dict[str, Any]:
    """Return the package as CodeMeta 3.0 describes software, for catalogues and archives.

    Args:
        citation: content of ``CITATION.cff``.
        project: the table ``project`` of ``pyproject.toml``.
    """
    requirements = [*project["dependencies"], *project["optional-dependencies"]["workflow"]]
    return {
        "@context": "https://w3id.org/codemeta/3.0",
        "@type": "SoftwareSourceCode",
        "name": citation["title"],
        "description": citation["abstract"],
        "version": str(citation["version"]),
        "datePublished": f"{citation['date-released']:%Y-%m-%d}",
        "license": f"https://spdx.org/licenses/{citation['license']}",
        "keywords": list(citation["keywords"]),
        "author": [
            {"@type": "Organization", "name": author["name"]} for author in citation["authors"]
        ],
        "programmingLanguage": ["Python", "Snakemake"],
        "runtimePlatform": f"Python {project['requires-python']}",
        "softwareRequirements": requirements,
        "referencePublication": [
            {
                "@type": "ScholarlyArticle",
                "@id": f"https://doi.org/{reference['doi']}",
                "name": reference["title"],
                "datePublished": str(reference["year"]),
                "author": [
                    {
                        "@type": "Person",
                        "givenName": author["given-names"],
                        "familyName": author["family-names"],
                    }
                    for author in reference["authors"]
                ],
            }
            for reference in citation["references"]
        ],
    }
