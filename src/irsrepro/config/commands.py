"""Commands of external schemes: their words, what stands for files in them, what they depend on."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from irsrepro.config.problems import raise_config_error

PLACES = ("{channels}", "{parameters}", "{solution}")
CHECKOUT = "{checkout}"
COMMAND = f"a command with {', '.join(PLACES)} in it, quotes closed"
FILES = "a list of files of the checkout, relative to it"
TIME_LIMIT = 600.0
_PATH = re.compile(r"[\w./+-]+")


def words(command: str) -> list[str]:
    """Return the words of a command as a shell would, without any other meaning of a shell.

    Raises:
        ValueError: a quote is not closed.
    """
    return shlex.split(command)


def is_command(text: str) -> bool:
    """Whether a text is a command that says where all three files go."""
    try:
        command_words = words(text)
    except ValueError:
        return False
    return bool(command_words) and text.isprintable() and all(place in text for place in PLACES)


def is_inside(name: str) -> bool:
    """Whether a name is that of a file inside the checkout."""
    parts = PurePosixPath(name).parts
    return bool(parts) and name.isprintable() and parts[0] != "/" and ".." not in parts


def is_file_of(root: Path, name: str) -> bool:
    """Whether a name is that of a file that is there in the checkout."""
    return is_inside(name) and len(name) < 256 and (root / name).is_file()


def named_files(root: Path, entry: Mapping[str, Any]) -> list[Path]:
    """Return the files of the checkout that a command names, or that are listed beside it.

    Args:
        root: the checkout.
        entry: of the scheme, with ``command`` and perhaps ``files``.
    """
    paths = set()
    for word in words(entry["command"]):
        for name in (word, *_PATH.findall(word.replace(f"{CHECKOUT}/", " "))):
            if is_file_of(root, name):
                paths.add(root / name)
    for pattern in entry.get("files", []):
        paths.update(path for path in root.glob(pattern) if path.is_file())
    return sorted(paths)


def check_files(file: str, key: str, root: Path, entry: Mapping[str, Any]) -> None:
    """Refuse a pattern of files that matches none.

    Args:
        file: of the configuration, for errors.
        key: place of the scheme in it.
        root: the checkout.
        entry: of the scheme.

    Raises:
        ConfigurationError: one line for the first that does.
    """
    for pattern in entry.get("files", []):
        if not any(path.is_file() for path in root.glob(pattern)):
            raise_config_error(file, f"{key}.files", pattern, "a file of the checkout")


def digest_of(root: Path, files: Sequence[Path]) -> str:
    """Return a short hash of the names and contents of files of a checkout."""
    total = hashlib.sha256()
    for path in files:
        total.update(f"{path.relative_to(root).as_posix()}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:16]


def with_defaults(scheme: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry of an external scheme with what it need not say."""
    about = f"designed outside this package by: {entry['command']}"
    defaults = {"title": scheme, "about": about, "time_limit": TIME_LIMIT, "beyond_paper": True}
    return defaults | dict(entry)
