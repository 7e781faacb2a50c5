"""Running a workflow script in this process, for a debugger.

``irsrepro debug TARGET`` hands a script the object that Snakemake would, and stops where a
``breakpoint()`` is. In an editor: run the module ``irsrepro.cli`` with these arguments.
"""

from __future__ import annotations

import os
import runpy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from irsrepro.errors import ConfigurationError


def script_of(root: Path, target: str, overrides: Mapping[str, Any]) -> tuple[Path, Any]:
    """Return the script that makes a target, and the object ``snakemake`` that it is given.

    Args:
        root: the checkout; must be the working directory.
        target: a file that a rule makes, relative to it.
        overrides: as after ``--config``.

    Raises:
        ConfigurationError: no rule with a script makes the target.
    """
    from snakemake.api import SnakemakeApi
    from snakemake.iocontainers import Snakemake
    from snakemake.settings.types import ConfigSettings, DAGSettings, ResourceSettings

    with _one_line_errors(target), SnakemakeApi() as api:
        workflow = api.workflow(
            resource_settings=ResourceSettings(cores=1),
            config_settings=ConfigSettings(config=dict(overrides)),
            snakefile=root / "Snakefile",
        )
        workflow.dag(dag_settings=DAGSettings(targets={target}))
        planned = workflow._workflow
        planned._prepare_dag(
            forceall=False, ignore_incomplete=True, lock_warn_only=True, nolock=True
        )
        planned._build_dag()
        jobs = [job for job in planned.dag.jobs if target in map(str, job.output)]
    if not jobs or jobs[0].rule.script is None:
        raise ConfigurationError(f"{target}: no rule with a script makes it")
    (job,) = jobs
    script = Path(job.rule.basedir.get_path_or_uri(secret_free=True), job.rule.script).resolve()
    snakemake = Snakemake(
        job.input, job.output, job.params, job.wildcards, job.threads, job.resources, job.log,
        planned.config, job.rule.name, None, str(script.parent),
    )  # fmt: skip
    return script, snakemake


@contextmanager
def _one_line_errors(target: str) -> Iterator[None]:
    from snakemake.exceptions import RuleException, WorkflowError

    try:
        yield
    except (RuleException, WorkflowError) as error:
        message = " ".join(str(error).split())
        raise ConfigurationError(f"{target}: cannot be planned: {message}") from error


def debug(root: Path, target: str, overrides: Mapping[str, Any]) -> None:
    """Run the script of a target here; its inputs must be there.

    Raises:
        ConfigurationError: see ``script_of``, or an input is missing.
    """
    script, snakemake = script_of(root, target, overrides)
    missing = [path for path in map(str, snakemake.input) if not (root / path).exists()]
    if missing:
        raise ConfigurationError(f"{missing[0]}: not there yet; snakemake {target} makes it first")
    os.chdir(root)
    runpy.run_path(str(script), init_globals={"snakemake": snakemake})
