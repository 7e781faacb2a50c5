"""Where data lie under ``results/``: one pattern per kind of file, and what a path tells."""

import re
from functools import cache
from pathlib import Path

DATA = "results/{fidelity}/{paper}/{reading}"
ENGINE_DATA = f"{DATA}/{{engine}}"
CHANNELS = f"{DATA}/channels/{{ensemble}}/{{chunk}}.nc"
SOLUTION = f"{ENGINE_DATA}/{{experiment}}/{{chunk}}.nc"
ROUNDING = f"{ENGINE_DATA}/{{experiment}}/rounding.nc"
FIGURE_DATA = f"{ENGINE_DATA}/figures/{{figure}}.nc"
CLAIMS = f"{ENGINE_DATA}/claims.json"
EXPLORED = "results/multiverse/{paper}/{reading}/claims.json"
EXPLORED_SOLUTION = "results/multiverse/{paper}/{reading}/{experiment}/{chunk}.nc"
PATTERNS = (
    EXPLORED, EXPLORED_SOLUTION, CHANNELS, ROUNDING, FIGURE_DATA, SOLUTION, CLAIMS
)  # fmt: skip


def fields_of_path(path: Path | str) -> dict[str, str]:
    """Return what the path of a data file says of it, by the names in its pattern.

    Nothing for a path that follows no pattern. ``chunk`` is FIRST-LAST, of its realisations.
    """
    return next((dict(m.groupdict()) for p in _patterns() if (m := p.search(str(path)))), {})


@cache
def _patterns() -> list[re.Pattern[str]]:
    """Return the patterns as regular expressions for the end of a path."""
    names = {"chunk": r"\d+-\d+"}
    return [
        re.compile(
            "(?:^|/)"
            + re.sub(
                r"\\{(\w+)\\}",
                lambda match: f"(?P<{match[1]}>{names.get(match[1], '[^/]+')})",
                re.escape(pattern),
            )
            + "$"
        )
        for pattern in PATTERNS
    ]
