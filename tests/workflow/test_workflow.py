"""The whole workflow at tiny fidelity, with one paper, in a folder of its own."""

import csv
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from conftest import ROOT, Workflow, check_paper, copy_checkout, plotted, raw
from irsrepro.build.storage import read_groups, write_groups
from irsrepro.config.strict_yaml import read_yaml

TINY = ["--config", "fidelity=preview", "realisations=4", "chunk=2"]
FEWER = ["--config", "fidelity=preview", "realisations=2", "chunk=2"]
FIGURES = ["fig02", "fig03", "fig04", "fig04_modulus", "fig05", "fig05_one_surface"]
DATA = "results/preview/he2020/default"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """A checkout in which everything has been built once; tests must leave it as it is."""
    workflow = Workflow(copy_checkout(tmp_path_factory.mktemp("built"), "he2020"))
    workflow.build("figures/all", *TINY)
    return workflow


@pytest.fixture
def fresh(tmp_path: Path) -> Workflow:
    """A checkout in which nothing has been built."""
    return Workflow(copy_checkout(tmp_path, "he2020"))


@pytest.fixture
def again(built: Workflow) -> Iterator[Workflow]:
    """The built checkout, put back as it was after the test."""
    kept = {
        path: (path.read_bytes(), path.stat())
        for folder in ("config", "src", "workflow", "results", "figures", ".snakemake/metadata")
        for path in (built.root / folder).rglob("*")
        if path.is_file()
    }
    yield built
    for path, (content, stat) in kept.items():
        path.write_bytes(content)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_the_paper_is_whole(built: Workflow) -> None:
    check_paper(built, "he2020")


def test_report_scorecard_and_gallery_stand(built: Workflow) -> None:
    from irsrepro.config.loading import load_project

    claims = load_project(built.root, {}).papers["he2020"].claims
    for name in ("reports/he2020.html", "scorecard/scorecard.html", "figures/index.html"):
        text = (built.root / name).read_text()
        for claim in claims:
            assert claim in text, f"{name} lacks {claim}"
    with (built.root / "scorecard/scorecard.csv").open(newline="") as stream:
        assert [row["claim"] for row in csv.DictReader(stream)] == list(claims)
    assert json.loads((built.root / "reports/he2020.ipynb").read_text())["nbformat"] == 4
    script = (built.root / "figures/charts.js").read_text()
    assert (
        '<script defer="" src="../figures/charts.js">'
        in (built.root / "reports/he2020.html").read_text()
    )
    for figure in FIGURES:
        told = (built.root / f"figures/he2020/{figure}.js").read_text()
        assert told.startswith(f'irsreproChart("default/he2020/{figure}",') and script


def test_the_summary_counts_every_paper_there_is(built: Workflow) -> None:
    text = (built.root / "reports/summary.html").read_text()
    with (built.root / "scorecard/scorecard.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    of_paper = [row["verdict"] for row in rows if row["source"] == "paper"]
    replicated = of_paper.count("replicated")
    assert f"{replicated} of {len(of_paper)} sentences of 1 paper replicate" in text
    for link in re.findall(r'href="(?!http)([^"]*)"', text):
        page, _, place = link.partition("#")
        assert f'id="{place}"' in (built.root / "reports" / page).read_text() or not place
    open_or_not = sum(row["verdict"] != "replicated" for row in rows)
    assert text.count('href="he2020.html') == 1 + open_or_not
    manifest = json.loads((built.root / "figures/all").read_text())
    assert "reports/summary.html" in {entry["path"] for entry in manifest["files"]}


@pytest.mark.parametrize("name", ["he2020", "summary"])
def test_a_notebook_opened_where_it_lies_shows_the_last_build(
    built: Workflow, name: str, tmp_path: Path
) -> None:
    """With its own parameters, as in Jupyter, in the folder of the notebooks."""
    command = [sys.executable, "-m", "papermill", f"{name}.ipynb", str(tmp_path / "run.ipynb")]
    done = subprocess.run(
        [*command, "--no-progress-bar"],
        cwd=built.root / "notebooks",
        env=built.environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert not list((built.root / "src").rglob("*.nbi")), "kernels of the build are at hand"
    run = json.loads((tmp_path / "run.ipynb").read_text())["cells"]
    report = json.loads((built.root / f"reports/{name}.ipynb").read_text())["cells"]
    shown = [[each.get("data") for each in cell.get("outputs", [])] for cell in run]
    # The report has one cell more, with the parameters that the workflow gives it.
    assert (
        shown[1:] == [[each.get("data") for each in cell.get("outputs", [])] for cell in report][2:]
    )


def test_the_manifest_lists_every_file_with_its_hash(built: Workflow) -> None:
    manifest = json.loads((built.root / "figures/he2020/all").read_text())
    listed = {entry["path"]: entry for entry in manifest["files"]}
    for figure in FIGURES:
        entry = listed[f"figures/he2020/{figure}.pdf"]
        content = (built.root / entry["path"]).read_bytes()
        assert entry["sha256"] == hashlib.sha256(content).hexdigest()
    assert set(listed["figures/he2020/fig04.pdf"]["claims"]) == {"he-fig4-rise", "he-fig4-joint"}
    assert "numpy" in manifest["libraries"]


def test_snakemake_makes_its_own_report(built: Workflow, tmp_path: Path) -> None:
    """One picture per figure, under its paper, with the caption from the configuration."""
    path = tmp_path / "report.html"
    built.build("figures/all", *TINY, "--report", str(path))
    text = path.read_text()
    found = re.search(r"var categories = (.*);", text)
    assert found and json.loads(found[1]) == {
        "he2020": {
            "Figures": [f"figures/he2020/{figure}.png" for figure in FIGURES],
            "Report": ["reports/he2020.html"],
        },
        "Overview": {"Other": ["figures/index.html", "scorecard/scorecard.html"]},
    }
    source = read_yaml(built.root, "config/he2020.yaml")
    for figure in source["figures"].values():
        assert f"<strong>{figure['title']}</strong>" in text
        assert figure["caption"].split(". ")[0] in text


def test_a_second_build_does_nothing(built: Workflow) -> None:
    assert built.jobs("figures/all", *TINY) == []


def test_what_no_number_comes_from_can_be_edited_without_a_rerun(again: Workflow) -> None:
    library = again.root / "src" / "irsrepro"
    plumbing = [
        library / f"{name}.py"
        for name in ("build/provenance", "build/jobs", "errors", "lazy_import")
    ]
    for path in [*plumbing, *library.rglob("reference/*.py")]:
        path.write_text(path.read_text() + "# edited\n")
    assert again.jobs("figures/all", *TINY) == []
    kernel = library / "optimize" / "unit_disc" / "dense.py"
    kernel.write_text(kernel.read_text() + "# edited\n")
    assert "solve" in {rule for rule, _ in again.jobs("figures/all", *TINY)}


def test_a_plotted_number_follows_from_channels_and_solution(built: Workflow) -> None:
    """A dozen lines of NumPy recompute Fig. 4 from the stored variables."""
    rates = []
    for chunk in ("00000-00001", "00002-00003"):
        channels = built.root / DATA / f"channels/fixed/{chunk}.nc"
        solution = built.root / DATA / f"fast/snr/{chunk}.nc"
        h, g = raw(channels, "source_to_irs"), raw(channels, "irs_to_destination")
        x, p = raw(solution, "joint/reflection"), raw(solution, "joint/power")
        effective = np.einsum("rklm,rljm,arlm->arkj", h, g.conj(), x)
        received = p[..., None] * np.abs(effective) ** 2
        noise = 0.01 * np.einsum("rljm,arlm->arj", np.abs(g) ** 2, np.abs(x) ** 2) + 0.01
        signal = np.einsum("arkk->ark", received)
        sinr = signal / (received.sum(axis=2) - signal + noise)
        rates.append(0.5 * np.log2(1 + sinr).sum(axis=-1))
        assert np.all(p <= 10 ** (np.arange(0, 40, 5) / 10)[:, None, None] * (1 + 1e-12))
        assert np.all(np.abs(x) <= 1 + 1e-12)
    mean = np.concatenate(rates, axis=1).mean(axis=1)
    drawn = plotted(built.root / "figures/he2020/fig04.csv", "joint")
    np.testing.assert_allclose(drawn, mean, rtol=1e-9)


def test_more_realisations_compute_the_missing_ones_only(built: Workflow) -> None:
    more = ["--config", "fidelity=preview", "realisations=6", "chunk=2"]
    jobs = built.jobs("figures/all", *more)
    chunks = [path for rule, path in jobs if rule in ("channels", "solve")]
    assert len(chunks) == 2 + 5, "two ensembles, five experiments"
    assert all(path.endswith("00004-00005.nc") for path in chunks)


def test_a_caption_redraws_the_figure_and_solves_nothing(again: Workflow) -> None:
    path = again.root / "config/he2020.yaml"
    path.write_text(path.read_text().replace("Mean sum-rate with four", "Average rate with four"))
    rules = {rule for rule, _ in again.jobs("figures/he2020/fig04.pdf", *TINY)}
    assert rules == {"figure"}


def test_editing_a_scheme_reruns_that_scheme(again: Workflow) -> None:
    """Its jobs run; the other schemes of the same file are kept as they are."""
    path = again.root / "src/irsrepro/papers/he2020/schemes/power.py"
    path.write_text(path.read_text() + "\n# edited\n")
    kernels = {place.name for place in (again.root / ".numba").iterdir()}
    solution = again.root / DATA / "fast/snr/00000-00001.nc"
    solutions = read_groups(solution)
    for scheme in ("joint", "power"):
        solutions[scheme]["sum_rate"][:] = 0
    write_groups(solution, solutions)
    again.build(str(solution.relative_to(again.root)), *TINY)
    assert not raw(solution, "joint/sum_rate").any() and raw(solution, "power/sum_rate").all()
    assert {rule for rule, _ in again.jobs("figures/all", *TINY)} >= {"solve", "figure_data"}
    assert {place.name for place in (again.root / ".numba").iterdir()} == kernels, "none compiled"


def test_editing_a_kernel_reruns_its_schemes_and_draws_no_channels(again: Workflow) -> None:
    path = again.root / "src/irsrepro/optimize/unit_disc/dense.py"
    path.write_text(path.read_text() + "\n# edited\n")
    jobs = again.jobs("figures/he2020/fig04.pdf", *TINY)
    solved = [out for rule, out in jobs if rule == "solve"]
    assert solved and all("/fast/snr/" in out for out in solved)
    assert "channels" not in {rule for rule, _ in jobs}


def test_a_changed_stopping_rule_reruns_only_who_knows_it(again: Workflow) -> None:
    path = again.root / "config/he2020.yaml"
    path.write_text(path.read_text().replace("value: 1.0e-4", "value: 1.0e-3"))
    solved = [out for rule, out in again.jobs("figures/all", *TINY) if rule == "solve"]
    assert {out.split("/")[5] for out in solved} == {"snr", "irs_count", "modulus", "one_surface"}


def test_one_core_and_another_chunk_size_give_the_same_data(
    built: Workflow, fresh: Workflow
) -> None:
    target = "figures/he2020/fig04.csv"
    shutil.rmtree(fresh.root / ".numba")  # recompiled here, read from a cache in the other
    fresh.build(target, *TINY, cores=1)
    assert fresh.payloads() == {name: built.payloads()[name] for name in fresh.payloads()}, (
        "one core"
    )
    for end in ("csv", "js", "png", "svg", "pdf"):
        picture = Path(target).with_suffix(f".{end}")
        assert (fresh.root / picture).read_bytes() == (built.root / picture).read_bytes(), end

    fresh.build(target, "--config", "fidelity=preview", "realisations=4", "chunk=3")
    halves = ("00000-00001", "00002-00003")
    uneven = ("00000-00002", "00003-00003")
    for scheme in ("joint", "power", "phase", "random"):
        for name in ("power", "reflection", "sinr", "sum_rate"):
            first, second = (
                np.concatenate(
                    [
                        raw(fresh.root / DATA / "fast/snr" / f"{chunk}.nc", f"{scheme}/{name}")
                        for chunk in chunks
                    ],
                    axis=1,
                )
                for chunks in (halves, uneven)
            )
            np.testing.assert_array_equal(first, second, err_msg=f"{scheme} {name}")
    assert (fresh.root / target).read_bytes() == (built.root / target).read_bytes(), "chunk size"


def test_a_variant_stands_beside_the_original(again: Workflow) -> None:
    """Also: the reference engine rebuilds a figure, and agrees with the fast one."""
    target = "figures/variants/short/he2020/fig04.csv"
    # With fewer elements no scheme is that of the original, which the reference engine would solve.
    what_if = ["variant=short", "he2020={max_iterations: 2, elements: 6}"]
    before = again.payloads(f"{DATA}/**/*.nc")
    plain = (again.root / "figures/he2020/fig04.csv").read_bytes()
    numbers = []
    for engine in ("fast", "reference"):
        again.build(target, *FEWER, *what_if, f"engine={engine}")
        schemes = ("joint", "power", "phase", "random")
        numbers.append([plotted(again.root / target, scheme) for scheme in schemes])
    fast, reference = numbers
    np.testing.assert_allclose(fast, reference, rtol=3e-5)
    assert "reference" in (again.root / target).with_suffix(".svg").read_text()
    assert "max_iterations = 2 (was 10000)" in (again.root / target).with_suffix(".svg").read_text()
    assert {name: again.payloads()[name] for name in before} == before
    assert (again.root / "figures/he2020/fig04.csv").read_bytes() == plain


def test_a_truncated_file_in_the_cache_is_one_line(again: Workflow) -> None:
    channels = again.root / DATA / "channels/fixed/00000-00001.nc"
    solution = again.root / DATA / "fast/snr/00000-00001.nc"
    stat = channels.stat()
    channels.write_bytes(channels.read_bytes()[:5000])
    os.utime(channels, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    solution.unlink()
    for made_from_it in (f"{DATA}/fast/figures/fig04.nc", "figures/he2020/fig04.pdf"):
        (again.root / made_from_it).unlink()
    rest = {k: v for k, v in again.payloads().items() if "00000-00001" not in k}
    done = again.run("figures/he2020/fig04.pdf", *TINY)
    assert done.returncode != 0
    said = " ".join(done.stderr.split())
    line = f"{DATA}/channels/fixed/00000-00001.nc: not as it was written (truncated,"
    assert said.count(line) == 2, "where it happened, and at the end"
    assert "Traceback" not in done.stderr
    assert {k: v for k, v in again.payloads().items() if "00000-00001" not in k} == rest
    assert not solution.exists()


def test_published_points_redraw_their_figure_and_solve_nothing(again: Workflow) -> None:
    points = again.root / "published/he2020/fig04.csv"
    points.parent.mkdir(parents=True)
    plain = (again.root / "figures/he2020/fig04.csv").read_bytes()
    try:
        points.write_text("curve,x,y\njoint,10,4\n")
        jobs = again.jobs("figures/he2020/all", *TINY)
        assert [rule for rule, _ in jobs] == ["figure", "report", "figures_of_paper"]
        assert "figures/he2020/fig04.pdf" in jobs[0][1]
        ours = plotted(again.root / "figures/he2020/fig04.csv", "joint")[2]
        again.build("figures/he2020/fig04.csv", *TINY)
        table = (again.root / "figures/he2020/fig04.csv").read_text().split("\n\n")[1]
        (row,) = csv.DictReader(table.splitlines())
        assert float(row["ours_bit_per_s_per_Hz"]) == ours
        assert ">published<" in (again.root / "figures/he2020/fig04.svg").read_text()
        points.write_text("curve,x,y\njiont,10,4\n")
        said = again.run("--workflow-profile", "none", "-n", *TINY).stderr.splitlines()
        assert [line for line in said if line.strip()] == [
            "published/he2020/fig04.csv: line 2: curve: 'jiont': expected one of "
            "joint, power, phase, random"
        ]
    finally:
        points.unlink()
    again.build("figures/he2020/fig04.csv", *TINY)
    assert (again.root / "figures/he2020/fig04.csv").read_bytes() == plain


def test_list_cache_and_prune_print_their_table(again: Workflow) -> None:
    tiny = TINY[1:]
    line = next(
        line
        for line in again.command("list", *tiny).stdout.splitlines()
        if line.startswith("figures/he2020/fig04.pdf ")
    )
    assert "10.48550/arXiv.2002.05915" in line and "not built" not in line
    kept = again.payloads()
    stray = again.root / DATA / "fast/snr/00000-00003.nc"
    stray.write_bytes(b"1234567890")
    assert "chunks of another size" in again.command("cache", *tiny).stdout
    lock = again.root / ".snakemake/locks/0.output.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text("figures/elsewhere\n")
    refused = again.command("prune", *tiny)
    assert refused.returncode == 1 and stray.exists() and lock.exists()
    assert refused.stderr.startswith(".snakemake/locks: a run is under way in this checkout;")
    lock.unlink()
    assert "Freed " in again.command("prune", *tiny).stdout and not stray.exists()
    assert again.payloads() == kept
    assert "Nothing is out of reach" in again.command("prune", *tiny).stdout


def test_what_is_committed_of_a_build_is_verified(again: Workflow) -> None:
    """At preview fidelity: committed from here, verified, and another number found."""
    (again.root / "docs/gallery").mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "requirements.lock", again.root)
    plain = ["fidelity=preview", "chunk=2"]
    refused = again.command("showcase", *plain, "realisations=4")
    assert refused.returncode == 1 and "is not committed" in refused.stderr
    settings = again.root / "config/he2020.yaml"
    settings.write_text(
        re.sub("preview: {value: [0-9]+", "preview: {value: 4", settings.read_text())
    )
    done = again.command("showcase", *plain)
    assert done.returncode == 0, done.stderr
    assert "docs/gallery/preview/manifest.json" in done.stdout
    found = again.command("verify", *plain)
    assert found.returncode == 0 and "6 figures: 6 identical; 9 claims: 9 identical" in found.stdout
    table = again.root / "docs/gallery/preview/he2020/fig04.csv"
    table.write_text(table.read_text().replace("joint,35.0,1", "joint,35.0,9"))
    found = again.command("verify", *plain)
    assert found.returncode == 1 and re.search("he2020/fig04 +different", found.stdout)
    shutil.rmtree(again.root / "docs")


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["figures/he2020/fig99.pdf"], ["fig99.pdf", "fig02, fig03, fig04, fig05"]),
        (["figures/all", "--config", "fidelity=full"], ["fidelity", "'full'", "paper, preview"]),
        (["figures/all", "--config", "he2020={elements: -1}", "variant=x1"], ["elements", "-1"]),
    ],
)
def test_what_is_refused_is_refused_in_one_line(
    built: Workflow, arguments: list[str], parts: list[str]
) -> None:
    done = built.run("--workflow-profile", "none", *arguments)
    assert done.returncode != 0
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    assert len(said) == 1, said
    assert all(part in said[0] for part in parts), said
