"""How a report notebook is executed: from a template to a notebook and a page."""

# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import io
import json
import logging
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
import papermill
from jupyter_client.kernelspec import NoSuchKernel
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbconvert import HTMLExporter
from nbformat import NotebookNode

from irsrepro.build.job_server import forking
from irsrepro.errors import IrsreproError
from irsrepro.report.pages import TEMPLATES

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
CELL_FILE = re.compile(r"\S*/ipykernel_\d+/\d+\.py")  # where a kernel keeps the text of a cell


def execute(template: Path, parameters: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """Run a report template and convert it.

    Args:
        template: notebook with a cell tagged ``parameters``.
        parameters: values for it.

    Returns:
        The executed notebook, and a self-contained page with its code folded. Neither holds times,
        paths or the machine's name, so that equal data gives equal bytes.

    Raises:
        IrsreproError: a cell failed, or no kernel runs; one line tells which.
    """
    logging.getLogger("papermill").setLevel(logging.ERROR)
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    with tempfile.TemporaryDirectory() as folder:
        # Nothing of what a person has set for notebooks of their own, nor a need for a home.
        os.environ |= dict.fromkeys(
            ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_PATH", "JUPYTER_RUNTIME_DIR"), folder
        )
        _specify_kernel(Path(folder))
        try:
            notebook = papermill.execute_notebook(
                str(template),
                None,  # or else papermill writes the whole notebook before and after every cell
                parameters=dict(parameters),
                kernel_name=KERNEL["name"],
                language=KERNEL["language"],
                progress_bar=False,
                log_output=False,
                extra_arguments=["--log-level=CRITICAL"],
            )
        except papermill.PapermillExecutionError as error:
            reason = " ".join(f"{error.ename}: {error.evalue}".split())
            raise IrsreproError(f"{template}: cell {error.exec_count} failed: {reason}") from error
        except (CellTimeoutError, DeadKernelError, NoSuchKernel) as error:
            reason = " ".join(str(error).split())
            raise IrsreproError(f"{template}: its kernel failed: {reason}") from error
    _forget_the_run(notebook)
    text = io.StringIO()
    nbformat.write(notebook, text)
    return text.getvalue().encode(), _page(notebook, template.stem).encode()


def _specify_kernel(folder: Path) -> None:
    """Write how a kernel is started into a folder: in a job as a fork, which has its libraries."""
    script, place = folder / "kernel.py", folder / "kernels" / KERNEL["name"]
    script.write_text("from irsrepro.report.kernel import launch\n\nlaunch()\n")
    place.mkdir(parents=True)
    argv = [*forking(script), "-f", "{connection_file}"]
    (place / "kernel.json").write_text(json.dumps(KERNEL | {"argv": argv}))


def _forget_the_run(notebook: NotebookNode) -> None:
    """Remove what differs between equal runs: times, paths, random names, how output was cut."""
    notebook["metadata"] = {"kernelspec": dict(KERNEL)}
    for index, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{index}"
        cell["metadata"] = {}
        outputs: list[NotebookNode] = []
        for output in cell.get("outputs", []):
            if output["output_type"] == "stream":
                output["text"] = CELL_FILE.sub("cell", output["text"])
                if outputs and outputs[-1].get("name") == output["name"]:
                    outputs[-1]["text"] += output["text"]
                    continue
            outputs.append(output)
        if cell["cell_type"] == "code":
            cell["outputs"] = outputs


def _page(notebook: NotebookNode, name: str) -> str:
    exporter = HTMLExporter(
        template_name="basic",
        template_file="report.html.j2",
        extra_template_paths=[str(TEMPLATES)],
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    page, _ = exporter.from_notebook_node(
        notebook,
        resources={
            "metadata": {"name": f"irsrepro: {name}"},
            "charts": any("data-chart" in str(cell.get("outputs", "")) for cell in notebook.cells),
        },
    )
    return str(page)
