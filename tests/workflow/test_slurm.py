"""Two figures through the Slurm profile on a cluster of this machine that loses jobs and a node."""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import slurm

from conftest import SNAKEMAKE, Workflow, copy_checkout

TARGETS = [
    f"results/preview/he2020/default/fast/figures/{figure}.nc" for figure in ("fig03", "fig04")
]
TINY = ["--config", "fidelity=preview", "realisations=3", "chunk=1"]
# The profile but for two things: six designs are to be several jobs, and their ends seen at once.
PIECE = 2
SHORT = [
    *("--group-components", f"designs={PIECE}", "--seconds-between-status-checks", "2"),
    *("--slurm-init-seconds-before-status-checks", "2"),
]
SECONDS = 300  # after which a build counts as hanging, on a machine that does much else


@dataclass(frozen=True)
class Build:
    """A build on a cluster.

    Attributes:
        status: exit status of Snakemake.
        said: all that it said.
        files: bytes of everything made.
        wanted: the same from a build on this machine alone.
        ended: jobs of the cluster that have ended.
        struck: number of the job that something was done to, by what was done.
    """

    status: int
    said: str
    files: dict[str, bytes]
    wanted: dict[str, bytes]
    ended: list[slurm.Ended]
    struck: dict[str, int]


def scripts(cluster: slurm.Cluster, job: int) -> list[psutil.Process]:
    """Processes of a job that run a script of a rule."""
    found = []
    for process in cluster.processes(job):
        with suppress(psutil.NoSuchProcess):
            if ".snakemake/scripts" in " ".join(process.cmdline()):
                found.append(process)
    return found


def cancel(cluster: slurm.Cluster, job: int, node: str) -> None:
    cluster.command("scancel", str(job))


def kill(cluster: slurm.Cluster, job: int, node: str) -> None:
    for process in scripts(cluster, job):
        with suppress(psutil.NoSuchProcess):
            process.kill()


def lose_node(cluster: slurm.Cluster, job: int, node: str) -> None:
    cluster.take_down(node)


FAULTS: dict[str, Callable[[slurm.Cluster, int, str], None]] = {
    "cancelled": cancel,
    "killed": kill,
    "node lost": lose_node,
}


def strike(cluster: slurm.Cluster, running: "subprocess.Popen[bytes]") -> dict[str, int]:
    """Do each fault to a job of its own, in the middle of a design, and wait for the end."""
    struck: dict[str, int] = {}
    end = time.monotonic() + SECONDS
    while running.poll() is None and time.monotonic() < end:
        time.sleep(0.2)
        if len(struck) == len(FAULTS):
            continue
        for job, node in cluster.running().items():
            if job not in struck.values() and scripts(cluster, job):
                kind = list(FAULTS)[len(struck)]
                FAULTS[kind](cluster, job, node)
                struck[kind] = job
                break
    return struck


@pytest.fixture(scope="module")
def cluster() -> Iterator[slurm.Cluster]:
    with ExitStack() as stack:
        try:
            started = stack.enter_context(slurm.cluster())
        except slurm.NoClusterError as error:
            pytest.skip(f"no cluster on this machine: {error}")
        yield started


def name_partition(profile: Path) -> None:
    """Do to the profile what its users do; accounts need accounting, which this cluster has not."""
    text, account = profile.read_text(), "slurm_account=ACCOUNT, "
    line = f"# default-resources: [{account}slurm_partition=PARTITION]\n"
    assert line in text
    named = line.removeprefix("# ").replace(account, "").replace("PARTITION", slurm.PARTITION)
    profile.write_text(text.replace(line, named))


@pytest.fixture(scope="module")
def built(cluster: slurm.Cluster, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """A build through the profile, to which every fault is done."""
    root = copy_checkout(tmp_path_factory.mktemp("slurm"), "he2020")
    name_partition(root / "profiles/slurm/config.yaml")
    workflow = Workflow(root, cluster.environment)
    workflow.build(*TARGETS, *TINY)
    wanted = workflow.payloads()
    shutil.rmtree(root / "results")
    with (root / "said").open("w+") as said:
        running = subprocess.Popen(
            [*SNAKEMAKE, "--workflow-profile", "profiles/slurm", *SHORT, *TINY, "--", *TARGETS],
            cwd=root,
            env=workflow.environment(),
            stdout=said,
            stderr=said,
        )
        try:
            struck = strike(cluster, running)
        finally:
            running.terminate()
            running.wait()
        said.seek(0)
        told = said.read()
    return Build(running.returncode, told, workflow.payloads(), wanted, cluster.ended(), struck)


def completed(built: Build) -> list[slurm.Ended]:
    """Jobs of the build that came to a good end."""
    return [job for job in built.ended if job.state == "COMPLETED" and job.name != "true"]


def test_every_fault_was_done_and_the_build_went_on(built: Build) -> None:
    assert list(built.struck) == list(FAULTS)
    assert built.status == 0, built.said[-4000:]


def test_the_bytes_are_those_of_a_build_on_one_machine(built: Build) -> None:
    assert len(built.wanted) > 10
    assert built.files == built.wanted


def test_a_job_that_was_cancelled_or_killed_is_tried_again_with_more_memory(built: Build) -> None:
    states = {job.number: job.state for job in built.ended}
    assert states[built.struck["cancelled"]] == "CANCELLED"
    assert states[built.struck["killed"]] == "FAILED"
    assert {job.megabytes for job in completed(built)} & {4000, 6000}


def test_a_job_whose_node_was_lost_runs_on_another(built: Build) -> None:
    number = built.struck["node lost"]
    (first, *_, last) = [job for job in built.ended if job.number == number]
    assert (first.state, last.state) == ("NODE_FAIL", "COMPLETED")
    assert first.node != last.node


def test_designs_run_on_nodes_in_pieces_of_several(built: Build) -> None:
    designs = [name for name in built.wanted if "/fast/" in name and "/figures/" not in name]
    assert len(completed(built)) == len(designs) // PIECE > 2
