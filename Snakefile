"""irsrepro: every figure, report and verdict of the papers, from one command."""

import os
import sys
from pathlib import Path

from irsrepro.build.collection import collect_rarely
from irsrepro.build.targets import check_targets
from irsrepro.build.failures import report_failures_at_exit
from irsrepro.build.job_server import serve_jobs
from irsrepro.build.termination import end_when_terminated
from irsrepro.config.loading import load_project
from irsrepro.config.modules import LIBRARY
from irsrepro.errors import IrsreproError
from irsrepro.figures.published import check_published

collect_rarely()

# The folder of this file, also where another workflow imports it as a module.
checkout = Path(workflow.current_basedir.get_path_or_uri(secret_free=True))
if checkout.resolve() not in LIBRARY.parents:
    sys.exit(
        f"{LIBRARY}: the library of another checkout; install this one: pip install -e ."
    )

try:
    project = load_project(checkout, config)
    # Snakemake itself knows its targets only after parsing, and says in ten lines what is wrong.
    check_targets(project, sys.argv[1:])
    check_published(project)
except IrsreproError as error:
    sys.exit(str(error))

report_failures_at_exit()
end_when_terminated()


onstart:
    serve_jobs()
    # To start no more than 100 jobs a second, Snakemake goes through all that are ready every second,
    # once more for each job that has ended: the longer a build runs, the more of a core that takes.
    workflow.scheduler.job_rate_limiter = None


# On a cluster only designs are worth a job; all else takes seconds, where Snakemake itself runs.
localrules:
    channels,
    figure_data,
    figure,
    figure_of_reading,
    figures_of_paper,
    figures_of_reading,
    figures_all,
    claims,
    scorecard,
    scorecard_under_alternatives,
    scorecard_all,
    report,
    summary,
    charts,
    gallery,
    multiverse,
    multiverse_index,
    multiverse_all,


include: "workflow/rules/inputs.smk"
include: "workflow/rules/channels.smk"
include: "workflow/rules/solve.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/claims.smk"
include: "workflow/rules/reports.smk"
include: "workflow/rules/multiverse.smk"
include: "workflow/rules/verify.smk"


rule figures_all:
    default_target: True
    input:
        manifests=[f"figures/{key}/all" for key in project.papers],
        files=[path for key in project.papers for path in files_of(key)]
        + ["reports/summary.ipynb", "reports/summary.html", "figures/index.html"]
        + ["scorecard/scorecard.html", "scorecard/scorecard.csv"],
        claims=claims_of(DEFAULT),
    output:
        "figures/all",
    log:
        "logs/figures/all.log",
    conda:
        "workflow/envs/irsrepro.yaml"
    params:
        library=library("list_files.py"),
        seed=project.seed,
    script:
        "workflow/scripts/list_files.py"
