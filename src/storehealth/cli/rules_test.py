"""``storehealth rules test``: run the examples of rules; show failed expectations and missing cases, also as JUnit XML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from xml.etree import ElementTree

import typer

from storehealth.cli import streams
from storehealth.cli._options import CommonOptions, Only
from storehealth.errors import ExitCode, UsageError
from storehealth.support.message import Name, message
from storehealth.support.os_errors import describe_os_error

if TYPE_CHECKING:
    from storehealth.catalogue import Catalogue
    from storehealth.catalogue.rule import Rule
    from storehealth.commands.rule_tests import ExampleCoverage, ExampleRun, RuleTestResult
    from storehealth.i18n.words import Words
    from storehealth.output.terminal import Page

HELP = """Run the examples in rule files: show what was expected, what came out, and which cases are missing.

Exits with 1 if an example fails, or a rule has no example that fires or none that stays silent.
Without names: the rules of the packs, or all rules if there is no --pack.

Examples

  storehealth rules test CS01 LG05
  storehealth rules test my-rules/rules/logistics/out-by-noon.yaml
  storehealth rules test --pack my-rules/ --junit rules.xml"""

Names = Annotated[
    list[str] | None, typer.Argument(metavar="[CODE|FILE]...", help="Codes or ids of rules, or paths of rule files.")
]
Junit = Annotated[Path | None, typer.Option("--junit", metavar="PATH", help="Also write the result as JUnit XML.")]
FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML does not allow."""


def run(
    names: Names = None,
    junit: Junit = None,
    *,
    common: Annotated[CommonOptions, Only("lang", "pack", "ascii_only", "no_color", "quiet")],
) -> int:
    """Run the examples of the chosen rules; return exit code 1 if one fails or a case is missing."""
    packs = _add_packs_of(names or (), common.packs)
    language = common.lang or "en"
    if junit is not None and not junit.resolve().parent.is_dir():
        raise UsageError(message("usage.folder_missing", path=Name(junit.parent)), message("usage.create_folder"))

    from storehealth.commands.check import check_catalogue
    from storehealth.i18n.words import Words

    words, catalogue = Words(language), check_catalogue(packs)
    results = []
    with streams.Progress(common.verbosity, common.no_color) as progress:
        for rule in _choose_rules(names or (), catalogue, packs):
            progress.tell(f"{rule.code} {rule.id}")
            results.append(_test_rule(rule, catalogue, words))
    shown = [result for result in results if not (common.quiet and result.passed)]
    common.print_page(lambda page: _add_results(page, shown, _summarise(results, words), words))
    if junit is not None:
        _write_junit(junit, results)
    return int(ExitCode.OK if all(result.passed for result in results) else ExitCode.FINDINGS)


def _write_junit(path: Path, results: Sequence[RuleTestResult]) -> None:
    from storehealth.support.atomic_files import write_atomically

    try:
        write_atomically(path, _to_junit(results))
    except OSError as error:
        problem = message("usage.write_failed", path=Name(path), reason=describe_os_error(error))
        raise UsageError(problem, message("usage.give_junit")) from None


def _add_packs_of(names: Sequence[str], packs: tuple[Path, ...]) -> tuple[Path, ...]:
    """The packs, and those that contain the rule files given by path."""
    roots = dict.fromkeys(path.resolve() for path in packs)
    for name in names:
        path = Path(name)
        if path.is_file():
            root = next((parent.parent for parent in path.resolve().parents if parent.name == "rules"), None)
            if root is None:
                raise UsageError(message("usage.not_in_rules", path=Name(name)), message("usage.move_to_rules"))
            roots[root] = None
    return tuple(roots)


def _choose_rules(names: Sequence[str], catalogue: Catalogue, packs: tuple[Path, ...]) -> list[Rule]:
    """The named rules; without names those of the packs, or all rules.

    Raises:
        UsageError: There is no rule of a name; the nearest ones are named.
    """
    from storehealth.cli.explain import find_rule

    by_path = {catalogue.paths[f"rules/{rule.id}"].resolve(): rule for rule in catalogue.rules.values()}
    if names:
        found = [
            by_path.get(Path(name).resolve()) if Path(name).is_file() else find_rule(name, catalogue) for name in names
        ]
        return list({rule.code: rule for rule in found if rule is not None}.values())
    own = [rule for path, rule in by_path.items() if any(path.is_relative_to(pack.resolve()) for pack in packs)]
    return sorted(own if packs else by_path.values(), key=lambda rule: rule.code)


def _test_rule(rule: Rule, catalogue: Catalogue, words: Words) -> RuleTestResult:
    from storehealth.commands.rule_tests import RuleTestResult, measure_coverage, run_examples

    trials = tuple(run_examples(rule, catalogue))
    coverage = measure_coverage(rule, trials)
    hints = [("trial.off_limit", coverage.on_limit), ("trial.off_past", coverage.past_limit)]
    return RuleTestResult(
        rule,
        trials,
        tuple(_name_missing_cases(rule, coverage, words)),
        tuple(words.say(key) for key, is_covered in hints if is_covered is False),
    )


def _name_missing_cases(rule: Rule, coverage: ExampleCoverage, words: Words) -> Iterator[str]:
    from storehealth.commands.rule_tests import is_informative

    if is_informative(rule):
        yield from [] if coverage.is_sufficient else [words.say("trial.not_shown")]
        return
    if not coverage.fires:
        yield words.say("trial.no_fire")
    if not coverage.silent:
        yield words.say("trial.no_silent")


def _add_results(page: Page, results: Sequence[RuleTestResult], summary: str, words: Words) -> None:
    for result in results:
        _add_result(page, result, words)
    page.add_blank()
    page.add(summary)


def _add_result(page: Page, result: RuleTestResult, words: Words) -> None:
    """Add one line for a rule; below it, failed examples as tables, missing cases and hints."""
    from storehealth.output.terminal.page import TextRun

    failed = [trial for trial in result.runs if not trial.passed]
    mark, style = ("✓", "green") if result.passed else ("✗", "bold red")
    outcome = words.say("trial.some" if failed else "trial.holds", n=len(result.runs), failed=len(failed))
    page.add(
        TextRun(f"{mark} ", style),
        TextRun(f"{result.rule.code}  {result.rule.id}", "bold", keep=True),
        f"  {outcome}",
        hang=4,
    )
    for trial in failed:
        page.add(TextRun(trial.place, "dim", keep=True), f"  {trial.example.name}", indent=4, hang=6)
        if trial.problem:
            page.add(words.error(trial.problem), indent=6)
        for line in _tabulate_differences(trial, words):
            page.add(TextRun(line, keep=True), indent=6)
    for text in result.missing_cases:
        page.add(TextRun("✗ ", "bold red"), text, indent=4, hang=6)
    for text in result.hints:
        page.add(TextRun(text, "dim"), indent=4, hang=6)


def _tabulate_differences(trial: ExampleRun, words: Words) -> list[str]:
    """A table of keys, expected values and actual values."""
    from storehealth.output.terminal.page import pad_text

    if not trial.unmet:
        return []
    rows = [tuple(words.say(f"trial.{key}") for key in ("key", "expected", "got"))]
    rows += [(miss.key, str(miss.expected), _describe_value(miss.actual, words)) for miss in trial.unmet]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    return ["  ".join((*map(pad_text, row[:2], widths), row[2])) for row in rows]


def _describe_value(value: object, words: Words) -> str:
    return words.say("trial.unknown") if value == "no such key" else str(value)


def _summarise(results: Sequence[RuleTestResult], words: Words) -> str:
    trials = [trial for result in results for trial in result.runs]
    failed, incomplete = (
        sum(not trial.passed for trial in trials),
        sum(bool(result.missing_cases) for result in results),
    )
    key = "trial.not_all" if failed or incomplete else "trial.all_hold"
    rules, examples = words.count("counted.rules", len(results)), words.count("counted.examples", len(trials))
    return words.say(key, rules=rules, examples=examples, failed=failed, lacking=incomplete)


def _to_junit(results: Sequence[RuleTestResult]) -> bytes:
    """JUnit XML: one suite per rule, with a case per example and one for the cases that every rule needs."""
    suites = [_to_suite(result) for result in results]
    root = ElementTree.Element("testsuites", name="storehealth rules")
    for key in ("tests", "failures", "errors"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in suites)))
    root.set("time", f"{sum(float(suite.get('time', '0')) for suite in suites):.3f}")
    root.extend(suites)
    ElementTree.indent(root)
    document: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _to_suite(result: RuleTestResult) -> ElementTree.Element:
    """The suite of a rule: its examples, and whether they cover it."""
    name = f"{result.rule.code} {result.rule.id}"
    seconds = sum(trial.seconds for trial in result.runs)
    failures = sum(bool(trial.unmet) for trial in result.runs) + bool(result.missing_cases)
    suite = ElementTree.Element(
        "testsuite",
        name=name,
        tests=str(len(result.runs) + 1),
        failures=str(failures),
        errors=str(sum(bool(trial.problem) for trial in result.runs)),
        time=f"{seconds:.3f}",
    )
    for trial in result.runs:
        title = f"example {trial.number}" + (f": {trial.example.name}" if trial.example.name else "")
        case = _add_case(suite, name, title, trial.seconds)
        if trial.problem:
            _add_problem(case, "error", trial.problem, f"{trial.place}\n{trial.problem}")
        elif trial.unmet:
            lines = [str(miss) for miss in trial.unmet]
            _add_problem(case, "failure", "; ".join(lines), "\n".join([trial.place, *lines]))
    coverage = _add_case(suite, name, "a case that fires and one that stays silent", 0.0)
    if result.missing_cases:
        _add_problem(coverage, "failure", "; ".join(result.missing_cases), "\n".join(result.missing_cases))
    return suite


def _add_case(suite: ElementTree.Element, rule: str, name: str, seconds: float) -> ElementTree.Element:
    attributes = {"classname": rule, "name": FORBIDDEN.sub("\ufffd", name), "time": f"{seconds:.3f}"}
    return ElementTree.SubElement(suite, "testcase", attributes)


def _add_problem(case: ElementTree.Element, kind: str, message: str, text: str) -> None:
    problem = ElementTree.SubElement(case, kind, {"message": FORBIDDEN.sub("\ufffd", message)})
    problem.text = FORBIDDEN.sub("\ufffd", text)
