"""Pages of the documentation that are executed: their blocks, and the changes that these make."""

import re
from pathlib import Path

from conftest import ROOT

BLOCK = re.compile(
    r"^(?:`(?P<file>[^`\n]+)`\n\n)?```(?P<language>\w+)\n(?P<text>.*?)^```$", re.M | re.S
)


class Page:
    """A page: the files that it gives, the changes of files that are there, and what to type.

    Attributes:
        changes: names of files that are there, with the lines of every ``diff`` of them.
        new: text of every other block that follows the name of a file, by that name.
        commands: the lines of ``sh`` blocks.
    """

    def __init__(self, name: str) -> None:
        blocks = [match.groupdict() for match in BLOCK.finditer((ROOT / name).read_text())]
        named = [block for block in blocks if block["file"]]
        self.changes = [
            (block["file"], block["text"]) for block in named if block["language"] == "diff"
        ]
        self.new = {block["file"]: block["text"] for block in named if block["language"] != "diff"}
        self.commands = [
            line
            for block in blocks
            if block["language"] == "sh"
            for line in block["text"].splitlines()
        ]

    def follow(self, root: Path) -> None:
        """Write the new files into a checkout and change those that are there."""
        for name, text in self.new.items():
            path = root / name
            assert not path.exists(), f"{name} is there already"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        for name, text in self.changes:
            change(root / name, text)


def change(path: Path, difference: str) -> None:
    """Apply lines that are kept (space), removed (-) and added (+), which must fit in one place."""
    lines = [(line[:1], line[1:]) for line in difference.splitlines()]
    before = "\n".join(text for mark, text in lines if mark != "+") + "\n"
    after = "\n".join(text for mark, text in lines if mark != "-") + "\n"
    content = path.read_text()
    assert content.count(before) == 1, f"{path}: the change does not fit"
    path.write_text(content.replace(before, after))
