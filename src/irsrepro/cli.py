"""The command ``irsrepro``: looking at what there is, comparing it, and committing it.

Figures, reports and verdicts are computed by ``snakemake``. These commands hold no lock and change
nothing of a build; ``export`` draws channels for programs, ``score`` evaluates what they return.

A command imports what it does when it runs: all of them together take two seconds.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from irsrepro.config.loading import Project, load_project
from irsrepro.errors import ConfigurationError, IrsreproError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command of the command line; return its exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    root = Path.cwd()
    try:
        options.settings = dict(_split(setting) for setting in [*options.settings, *options.config])
        return int(options.run(root, load_project(root, options.settings), options))
    except IrsreproError as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:  # whoever reads, `head` for example, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _list(root: Path, project: Project, _: argparse.Namespace) -> int:
    from irsrepro.report import listing

    print(listing.figures_table(project, root))
    return 0


def _cache(root: Path, project: Project, options: argparse.Namespace) -> int:
    from irsrepro.build.jobs import keep_compiled_kernels
    from irsrepro.report import cache

    kernels = keep_compiled_kernels(root)
    projects = [load_project(root, {}), project]
    files = cache.survey(root, projects, kernels, what_ifs=not options.what_ifs)
    print(cache.prune(root, files) if options.delete else cache.listing(files))
    return 0


def _verify(root: Path, project: Project, _: argparse.Namespace) -> int:
    from irsrepro.build.storage import write_atomically
    from irsrepro.report import verification

    result = verification.verify(project)
    page = root / "reports" / "verification.html"
    write_atomically(page, verification.as_page(result).encode())
    print(verification.as_text(result))
    print(f"page: {page.relative_to(root)}")
    return 1 if result.bad else 0


def _showcase(root: Path, project: Project, _: argparse.Namespace) -> int:
    from irsrepro.report import showcase

    for path in showcase.commit(root, project):
        print(path.relative_to(root))
    return 0


def _export(root: Path, project: Project, options: argparse.Namespace) -> int:
    from irsrepro.build import exports

    folder = Path(options.to or Path("export", options.paper, options.ensemble))
    for path in exports.export(project, options.paper, options.ensemble, root / folder):
        print(folder / path.relative_to(root / folder))
    return 0


def _score(_root: Path, project: Project, options: argparse.Namespace) -> int:
    from irsrepro.build.jobs import keep_compiled_kernels
    from irsrepro.report import leaderboard

    keep_compiled_kernels()
    paths = [Path(name) for name in options.solutions]
    print(
        leaderboard.as_text(*leaderboard.score(project, options.paper, options.experiment, paths))
    )
    return 0


def _multiverse(root: Path, _: Project, __: argparse.Namespace) -> int:
    from irsrepro.report import showcase

    for path in showcase.commit_multiverse(root):
        print(path.relative_to(root))
    return 0


def _crate(root: Path, project: Project, options: argparse.Namespace) -> int:
    from irsrepro.report import crate

    for name in crate.write(root, project, Path(options.to)):
        print(f"{options.to}/{name}")
    return 0


def _debug(root: Path, _: Project, options: argparse.Namespace) -> int:
    from irsrepro import debugging

    debugging.debug(root, options.target, options.settings)
    return 0


def _split(setting: str) -> tuple[str, str]:
    """Return name and value of ``NAME=VALUE``.

    Raises:
        ConfigurationError: there is no ``=``.
    """
    name, equals, value = setting.partition("=")
    if not equals:
        raise ConfigurationError(f"{setting}: NAME=VALUE is expected, as after --config")
    return name, value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="irsrepro", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, run, about in (
        ("list", _list, "every figure: target, title, paper, DOI, computing time"),
        ("cache", _cache, "what lies under results/, and what of it nothing reaches any more"),
        ("prune", _cache, "delete what nothing reaches any more"),
        ("verify", _verify, "compare the last build with the committed one"),
        ("debug", _debug, "run the script of a target in this process, for a debugger"),
        (
            "export",
            _export,
            "write an ensemble and the points of its experiments, for other programs",
        ),
        ("score", _score, "compare a solution from outside with every scheme of an experiment"),
        (
            "multiverse",
            _multiverse,
            "copy the multiverses built to docs/gallery, and write its pages",
        ),
        ("crate", _crate, "copy the last build, with what its files are, into an RO-Crate"),
        ("showcase", _showcase, "copy the last full build to docs/gallery, and write its pages"),
    ):
        command = commands.add_parser(name, help=about, description=about)
        if name == "debug":
            command.add_argument("target", metavar="TARGET", help="a file that a rule makes")
        if name in ("export", "score"):
            command.add_argument("paper", metavar="KEY", help="citation key of the paper")
        if name == "export":
            command.add_argument("ensemble", metavar="ENSEMBLE", help="one of its ensembles")
            command.add_argument("--to", metavar="FOLDER", help="instead of export/KEY/ENSEMBLE")
        if name == "crate":
            command.add_argument("--to", metavar="FOLDER", default="crate", help="default: crate")
        if name == "score":
            command.add_argument("experiment", metavar="EXPERIMENT", help="one of its experiments")
            text = "files of the solution, each of one point of the experiment"
            command.add_argument("solutions", nargs="+", metavar="solution.nc", help=text)
        else:
            command.add_argument(
                "settings", nargs="*", metavar="NAME=VALUE", help="as after --config"
            )
        command.add_argument(
            "--config",
            nargs="+",
            action="extend",
            default=[],
            metavar="NAME=VALUE",
            help="fidelity, realisations, a what-if: as after snakemake --config",
        )
        command.set_defaults(run=run, delete=name == "prune", what_ifs=False, settings=[])
        if name in ("cache", "prune"):
            command.add_argument(
                "--what-ifs", action="store_true", help="readings that no configuration knows, too"
            )
    return parser


if __name__ == "__main__":
    sys.exit(main())
