"""Notebooks run in kernels: how a template becomes a report, and the one that needs no build."""

# mypy: disable-error-code="no-untyped-call"

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from conftest import ROOT
from irsrepro.errors import IrsreproError
from irsrepro.report.execution import execute
from made_up import png

PNG = png(1, 1)
CELLS = [
    new_code_cell("limit = 1", metadata={"tags": ["parameters"]}),
    new_markdown_cell("Rate ½ log₂(1 + SINRₖ) and p<sub>k</sub> in $text$"),
    new_code_cell("import sys\nfor i in range(limit):\n    print(i, flush=True)\n"
                  "print('oops', file=sys.stderr)"),
    new_code_cell("import warnings\nwarnings.warn('careful', stacklevel=1)"),
    new_code_cell("from IPython.display import HTML, Image\n"
                  "HTML(f'<table><tr><td>{6 * 7}</td></tr></table>')"),
    new_code_cell(f"Image(bytes.fromhex('{PNG.hex()}'), alt='A dot')"),
]  # fmt: skip


def write_template(folder: Path, *cells: Any) -> Path:
    path = folder / "made2020.ipynb"
    nbformat.write(new_notebook(cells=list(cells)), path)
    return path


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Notebook and page of one run, after a second run in another folder gave the same bytes."""
    first, second = (
        execute(write_template(tmp_path_factory.mktemp("run"), *CELLS), {"limit": 3})
        for _ in range(2)
    )
    assert first == second
    return first[0].decode(), first[1].decode()


def test_a_report_is_the_same_every_time_and_tells_nothing_of_the_run(
    executed: tuple[str, str],
) -> None:
    notebook = nbformat.reads(executed[0], 4)
    nbformat.validate(notebook)
    assert set(notebook.metadata) == {"kernelspec"}
    assert all(cell.metadata == {} for cell in notebook.cells)
    for text in executed:
        assert not re.search(r"/tmp|ipykernel_\d|\d\d:\d\d:\d\d|20\d\d-\d\d-\d\d", text)


def test_a_report_is_run_with_its_parameters(executed: tuple[str, str]) -> None:
    outputs = nbformat.reads(executed[0], 4).cells[3].outputs
    streams = {output.name: output.text for output in outputs}
    assert streams == {"stdout": "0\n1\n2\n", "stderr": "oops\n"}
    assert "UserWarning: careful" in executed[1]


def test_the_page_fetches_nothing(executed: tuple[str, str]) -> None:
    page = executed[1]
    assert not re.search(r"<(script|link|iframe)\b|@import|url\(", page)
    assert re.findall(r'\bsrc="(?!data:)[^"]*"', page) == []
    assert "http" not in page


def test_the_page_shows_outputs_and_folds_code(executed: tuple[str, str]) -> None:
    page = executed[1]
    assert "<td>42</td>" in page and "data:image/png;base64," in page and 'alt="A dot"' in page
    assert "Rate ½ log₂(1 + SINRₖ)" in page and "p<sub>k</sub>" in page
    assert page.count('<details class="code">') == len(CELLS) - 1 + 1, "parameters add a cell"
    assert "limit = 3" in page and "In&nbsp;[" not in page
    assert 'name="viewport"' in page and "color-scheme: light dark" in page


def test_a_failing_cell_is_one_line(tmp_path: Path) -> None:
    template = write_template(tmp_path, CELLS[0], new_code_cell("raise KeyError('lost\\nkey')"))
    with pytest.raises(IrsreproError) as caught:
        execute(template, {})
    message = str(caught.value)
    assert "\n" not in message
    assert "made2020.ipynb: cell 2 failed: KeyError" in message and "lost" in message


def test_the_notebook_runs_where_it_lies_without_a_build(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "papermill", "first_look.ipynb", str(tmp_path / "run.ipynb")]
    done = subprocess.run(
        [*command, "--no-progress-bar"],
        cwd=ROOT / "notebooks",
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "run.ipynb").read_text().count('"image/png"') == 3
