"""How the results of examples look on the screen, whatever kind of file carries them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from storehealth.cli import streams
from storehealth.support.message import Language, Message

if TYPE_CHECKING:
    from storehealth.output.terminal import Page


class FailedExample(NamedTuple):
    """An example that failed: where it stands, its name, and what is wrong; ``rows`` is a table with a heading."""

    place: str
    name: str
    problems: Sequence[Message]
    rows: Sequence[tuple[str, ...]] = ()


class ExampleReport(NamedTuple):
    """The examples of one report. ``missing`` lists cases they lack; ``hints`` are not failures."""

    title: str
    examples: int
    failures: Sequence[FailedExample]
    missing: Sequence[Message] = ()
    hints: Sequence[Message] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.failures or self.missing)


def add_example_reports(page: Page, reports: Iterable[ExampleReport], summary: Message, language: Language) -> None:
    """Add one line for each file, below it what is wrong, and the summary at the end."""
    from storehealth.i18n import translate

    for report in reports:
        _add_report(page, report, language)
    page.add_blank()
    page.add(translate(summary, language))


def _add_report(page: Page, report: ExampleReport, language: Language) -> None:
    from storehealth.i18n import translate
    from storehealth.output.terminal.page import TextRun
    from storehealth.support.message import message

    mark, style = ("✓", "green") if report.passed else ("✗", "bold red")
    failed = len(report.failures)
    outcome = (
        message("trial.some", n=report.examples, failed=failed) if failed else message("trial.holds", n=report.examples)
    )
    page.add(
        TextRun(f"{mark} ", style),
        TextRun(report.title, "bold", keep=True),
        f"  {translate(outcome, language)}",
        hang=4,
    )
    for failure in report.failures:
        page.add(TextRun(failure.place, "dim", keep=True), f"  {failure.name}", indent=4, hang=6)
        for problem in failure.problems:
            page.add(streams.to_sentence(problem, language), indent=6)
        for line in _align(failure.rows):
            page.add(TextRun(line, keep=True), indent=6)
    for text in report.missing:
        page.add(TextRun("✗ ", "bold red"), translate(text, language), indent=4, hang=6)
    for text in report.hints:
        page.add(TextRun(translate(text, language), "dim"), indent=4, hang=6)


def _align(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Rows as lines, with all columns but the last padded to one width."""
    from storehealth.output.terminal.page import pad_text

    if not rows:
        return []
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    return ["  ".join((*map(pad_text, row[:-1], widths), row[-1])) for row in rows]
