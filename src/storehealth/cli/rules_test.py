"""``storehealth rules test``: run the examples of rules; show failed expectations and missing cases, also as JUnit XML."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from storehealth.cli import streams
from storehealth.cli._example_page import ExampleReport, FailedExample, add_example_reports
from storehealth.cli._options import CommonOptions, Only
from storehealth.errors import ExitCode, UsageError
from storehealth.support.atomic_files import describe_os_error
from storehealth.support.message import Language, Message, Name, message

if TYPE_CHECKING:
    from storehealth.catalogue import Catalogue
    from storehealth.catalogue.rule import Rule
    from storehealth.commands.rule_tests import ExampleRun, RuleTestResult
    from storehealth.output.checkup.junit import JunitSuite

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

    from storehealth.commands.doctor import check_catalogue
    from storehealth.commands.rule_tests import run_rule_examples

    catalogue = check_catalogue(packs)
    results = []
    with streams.Progress(common.verbosity, common.no_color) as progress:
        for rule in _choose_rules(names or (), catalogue, packs):
            progress.tell(f"{rule.code} {rule.id}")
            results.append(run_rule_examples(rule, catalogue))
    shown = [_to_report(result, language) for result in results if not (common.quiet and result.passed)]
    common.print_page(lambda page: add_example_reports(page, shown, _summarise(results), language))
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
        UsageError: A named rule does not exist; the nearest ones are named.
    """
    from storehealth.cli.explain import find_rule

    by_path = {catalogue.paths[f"rules/{rule.id}"].resolve(): rule for rule in catalogue.rules.values()}
    if names:
        matching = [
            by_path.get(Path(name).resolve()) if Path(name).is_file() else find_rule(name, catalogue) for name in names
        ]
        return list({rule.code: rule for rule in matching if rule is not None}.values())
    of_packs = [rule for path, rule in by_path.items() if any(path.is_relative_to(pack.resolve()) for pack in packs)]
    return sorted(of_packs if packs else by_path.values(), key=lambda rule: rule.code)


def _to_report(result: RuleTestResult, language: Language) -> ExampleReport:
    failures = [
        FailedExample(
            run.place, run.example.name, [run.problem] if run.problem else [], _tabulate_differences(run, language)
        )
        for run in result.runs
        if not run.passed
    ]
    title = f"{result.rule.code}  {result.rule.id}"
    return ExampleReport(title, len(result.runs), failures, result.missing_cases, result.hints)


def _tabulate_differences(run: ExampleRun, language: Language) -> list[tuple[str, ...]]:
    """A table of keys, expected values and actual values."""
    from storehealth.commands.rule_tests import NO_SUCH_KEY
    from storehealth.i18n import translate

    if not run.unmet:
        return []
    heading = tuple(
        translate(text, language) for text in (message("trial.key"), message("trial.expected"), message("trial.got"))
    )
    unknown = translate(message("trial.unknown"), language)
    rows = [
        (miss.key, str(miss.expected), unknown if miss.actual == NO_SUCH_KEY else str(miss.actual))
        for miss in run.unmet
    ]
    return [heading, *rows]


def _summarise(results: Sequence[RuleTestResult]) -> Message:
    runs = [run for result in results for run in result.runs]
    failed = sum(not run.passed for run in runs)
    incomplete = sum(bool(result.missing_cases) for result in results)
    rules, examples = message("counted.rules", n=len(results)), message("counted.examples", n=len(runs))
    if failed or incomplete:
        return message("trial.not_all", rules=rules, examples=examples, failed=failed, lacking=incomplete)
    return message("trial.all_hold", rules=rules, examples=examples)


def _to_junit(results: Sequence[RuleTestResult]) -> bytes:
    """JUnit XML: one suite per rule, with a case per example and one for the cases that every rule needs."""
    from storehealth.output.checkup.junit import write_suites

    return write_suites("storehealth rules", [_to_suite(result) for result in results])


def _to_suite(result: RuleTestResult) -> JunitSuite:
    """The suite of a rule: its examples, and whether they cover it."""
    from storehealth.output.checkup.junit import JunitCase, JunitProblem, JunitSuite

    name, cases = f"{result.rule.code} {result.rule.id}", []
    for trial in result.runs:
        title = f"example {trial.number}" + (f": {trial.example.name}" if trial.example.name else "")
        problems = []
        if trial.problem:
            text = str(trial.problem)
            problems.append(JunitProblem("error", text, "example", [trial.place, text]))
        elif trial.unmet:
            lines = [str(miss) for miss in trial.unmet]
            problems.append(JunitProblem("failure", "; ".join(lines), "example", [trial.place, *lines]))
        cases.append(JunitCase(name, title, problems, trial.seconds))
    missing = [str(case) for case in result.missing_cases]
    problems = [JunitProblem("failure", "; ".join(missing), "coverage", missing)] if missing else []
    return JunitSuite(name, [*cases, JunitCase(name, "a case that fires and one that stays silent", problems)])
