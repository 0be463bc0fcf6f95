"""``storehealth layouts``: check layouts, and run the examples in their files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from storehealth.cli import EXIT_CODES, streams
from storehealth.cli._example_page import ExampleReport, FailedExample, add_example_reports
from storehealth.cli._options import CommonOptions, Only, expand_records
from storehealth.cli._parsers import require_one_of
from storehealth.errors import ExitCode
from storehealth.support.message import message

if TYPE_CHECKING:
    from storehealth.catalogue import Catalogue
    from storehealth.catalogue.layout import Layout

CHECK_HELP = """Read all layouts, and report every problem.

Examples

  storehealth layouts check
  storehealth layouts check --pack my-pack/ --lang es"""

TEST_HELP = """Run the examples in layout files: each must give the expected rows and be recognised as that layout.

Exits with 1 if an example fails or a layout has none. Without names: the layouts of the packs, or all layouts if there
is no --pack.

Examples

  storehealth layouts test jd_orders
  storehealth layouts test --pack my-pack/"""

Names = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME|FILE]...", help="Names of layouts, or paths of layout files.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Check and test layouts.", no_args_is_help=True, epilog=EXIT_CODES)
    group.command("check", help=CHECK_HELP, epilog=EXIT_CODES)(expand_records(check))
    group.command("test", help=TEST_HELP, epilog=EXIT_CODES)(expand_records(run_examples))
    app.add_typer(group, name="layouts")


def check(common: Annotated[CommonOptions, Only("lang", "pack")]) -> int:
    """Read the whole catalogue and bind the SQL of pack layouts; count the layouts."""
    from storehealth.intake.pack_sql import check_pack_sql

    catalogue = common.load_catalogue()
    check_pack_sql(catalogue)
    streams.write_line(message("rule.fit", counted=message("counted.layouts", n=len(catalogue.layouts))))
    return int(ExitCode.OK)


def run_examples(
    names: Names = None,
    *,
    common: Annotated[CommonOptions, Only("lang", "pack", "ascii_only", "no_color", "quiet")],
) -> int:
    """Run the examples of the chosen layouts; return exit code 1 if one fails or a layout has none."""
    catalogue = common.load_catalogue()
    reports = []
    with streams.Progress(common.verbosity, common.no_color) as progress:
        for layout in _choose_layouts(names or (), catalogue, common.packs):
            progress.tell(layout.name)
            reports.append(_test_layout(layout, catalogue))
    failed = sum(len(report.failures) + len(report.missing) for report in reports)
    counted = (
        message("counted.layouts", n=len(reports)),
        message("counted.examples", n=sum(r.examples for r in reports)),
    )
    summary = message(
        "layouts.some_fail" if failed else "layouts.all_pass", layouts=counted[0], examples=counted[1], failed=failed
    )
    shown = [report for report in reports if not (common.quiet and report.passed)]
    common.print_page(lambda page: add_example_reports(page, shown, summary, common.lang or "en"))
    return int(ExitCode.FINDINGS if failed else ExitCode.OK)


def _test_layout(layout: Layout, catalogue: Catalogue) -> ExampleReport:
    from storehealth.commands.rule_tests import run_layout_examples

    runs = list(run_layout_examples(layout, catalogue))
    failures = [FailedExample(run.place, "", run.problems) for run in runs if run.problems]
    return ExampleReport(layout.name, len(runs), failures, () if runs else (message("layouts.no_example"),))


def _choose_layouts(names: list[str] | tuple[str, ...], catalogue: Catalogue, packs: tuple[Path, ...]) -> list[Layout]:
    """The named layouts; without names those of the packs, or all.

    Raises:
        UsageError: A named layout does not exist; the nearest name is suggested.
    """
    stems = [Path(name).stem if Path(name).is_file() else name for name in names]
    if stems:
        known = sorted(catalogue.layouts)
        return [catalogue.layouts[require_one_of(stem, known, "layouts test")] for stem in dict.fromkeys(stems)]
    of_packs = [layout for layout in catalogue.layouts.values() if catalogue.is_from_pack("layouts", layout.name)]
    return of_packs if packs else list(catalogue.layouts.values())
