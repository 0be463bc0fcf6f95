"""``storehealth rules``: list, check and test rules, and write new ones."""

from __future__ import annotations

import re
from collections.abc import Sequence, Sized
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from storehealth.cli import EXIT_CODES, _options, streams
from storehealth.cli._example_page import ExampleReport, FailedExample, add_example_reports
from storehealth.cli._options import CommonOptions, Only, expand_records
from storehealth.cli._parsers import KnownLanguage, require_one_of
from storehealth.errors import ExitCode, UsageError
from storehealth.support.atomic_files import describe_os_error
from storehealth.support.message import Language, Message, Name, message

if TYPE_CHECKING:
    from storehealth.catalogue import Catalogue
    from storehealth.catalogue.rule import Rule
    from storehealth.commands.rule_tests import ExampleRun, RuleTestResult
    from storehealth.output.checkup.junit import JunitSuite


LIST_HELP = """List the rules: code, area, severity, limit, title.

Examples

  storehealth rules list
  storehealth rules list --area logistics --format json"""

CHECK_HELP = """Read all rules, layouts, views and platforms, and report every problem.

Examples

  storehealth rules check
  storehealth rules check --pack my-rules/ --lang es"""


TEST_HELP = """Run the examples in rule files: show what was expected, what came out, and which cases are missing.

Exits with 1 if an example fails, or a rule has no example that fires or none that stays silent.
Without names: the rules of the packs, or all rules if there is no --pack.

Examples

  storehealth rules test CS01 LG05
  storehealth rules test my-rules/rules/logistics/out-by-noon.yaml
  storehealth rules test --pack my-rules/ --junit rules.xml"""

NEW_HELP = """Write a complete rule file with working examples into a pack, as a starting point for your own rule.

CODE-ID is an unused code and a name, such as LG50-out-by-noon. The letters of the code choose the area and the rows:
CS, TM chats · LG, DQ orders · ST stock · AS after-sales cases.

Examples

  storehealth rules new LG50-out-by-noon --pack my-rules/
  storehealth rules new ZZ01-quick-answers --pack my-rules/ --area customer_service"""

Names = Annotated[
    list[str] | None, typer.Argument(metavar="[CODE|FILE]...", help="Codes or ids of rules, or paths of rule files.")
]
Junit = Annotated[Path | None, typer.Option("--junit", metavar="PATH", help="Also write the result as JUnit XML.")]
NewName = Annotated[
    str, typer.Argument(metavar="CODE-ID", help="Code and name of the new rule, such as LG50-out-by-noon.")
]
NewPack = Annotated[
    Path,
    typer.Option("--pack", metavar="DIR", help="The pack; created if missing. The file goes to DIR/rules/AREA/."),
]
NewArea = Annotated[
    str | None, typer.Option("--area", metavar="NAME", help="Area, if the letters of the code do not imply one.")
]
NewForce = Annotated[bool, typer.Option("--force", help="Overwrite an existing file, or replace a built-in rule.")]

AREAS = {
    "CS": "customer_service",
    "LG": "logistics",
    "ST": "stock",
    "AS": "aftersales",
    "TM": "team",
    "DQ": "data_quality",
}
STARTERS = {
    "customer_service": "chats", "team": "chats", "logistics": "orders", "data_quality": "orders", "stock": "stock",
    "aftersales": "cases",
}  # fmt: skip
STARTER_FOLDER = Path(__file__).parent.parent / "starters"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="List, check, test and write rules.", no_args_is_help=True, epilog=EXIT_CODES)
    group.command("list", help=LIST_HELP, epilog=EXIT_CODES)(expand_records(list_rules))
    group.command("check", help=CHECK_HELP, epilog=EXIT_CODES)(expand_records(check))
    group.command("test", help=TEST_HELP, epilog=EXIT_CODES)(expand_records(run_examples))
    group.command("new", help=NEW_HELP, epilog=EXIT_CODES)(expand_records(new_rule))
    app.add_typer(group, name="rules")


def list_rules(
    area: Annotated[str | None, typer.Option("--area", metavar="NAME", help="Only this area.")] = None,
    output_format: _options.Format = "text",
    *,
    common: Annotated[CommonOptions, Only("lang", "pack", "ascii_only", "no_color")],
) -> int:
    """Print one line, or one JSON object, per rule."""
    from storehealth.model import Area

    if area is not None:
        require_one_of(area, get_args(Area), "--area")
    rules = [rule for rule in common.load_catalogue().rules.values() if area in (None, rule.area)]
    if output_format == "json":
        streams.write_json([_to_entry(rule, streams.find_language()) for rule in rules])
        return 0

    from storehealth.i18n import Words
    from storehealth.output.terminal.rules import add_rules

    common.print_page(lambda page: add_rules(page, rules, Words(streams.find_language())))
    return 0


def _to_entry(rule: Rule, language: KnownLanguage) -> dict[str, object]:
    return {
        "code": rule.code,
        "id": rule.id,
        "area": rule.area,
        "severity": rule.severity,
        "scored": rule.scored,
        "title": rule.title.in_language(language),
        "limits": rule.limits.model_dump(mode="json") if rule.limits else None,
    }


def check(common: Annotated[CommonOptions, Only("lang", "pack")]) -> int:
    """Read the whole catalogue; every problem is printed on its own line, with exit code 2."""
    from storehealth.commands.doctor import check_catalogue

    catalogue = check_catalogue(common.packs, texts=True)
    kinds: dict[str, Sized] = {"rules": catalogue.rules, "layouts": catalogue.layouts, "views": catalogue.views}
    kinds |= {"platforms": catalogue.platforms}
    counts = tuple(message(f"counted.{kind}", n=len(records)) for kind, records in kinds.items())
    streams.write_line(message("rule.fit", counted=message("rule.counts", counts=counts)))
    return 0


def new_rule(
    name: NewName,
    pack: NewPack = Path("my-rules"),
    area: NewArea = None,
    force: NewForce = False,
    *,
    common: Annotated[CommonOptions, Only("lang")],  # noqa: ARG001 - read before the command runs
) -> int:
    """Write the file; an existing one is only overwritten with ``--force``."""
    code, rule_id = _split_name(name)

    from storehealth.catalogue import load_catalogue
    from storehealth.model import Area

    chosen = AREAS.get(code[:2]) if area is None else require_one_of(area, get_args(Area), "--area")
    if chosen is None:
        raise UsageError(
            message("usage.no_area", code=Name(code)),
            message("usage.give_area", names=tuple(map(Name, get_args(Area)))),
        )
    path = pack / "rules" / chosen / f"{rule_id}.yaml"
    _require_free(code, rule_id, None if force else path, load_catalogue([pack] if pack.is_dir() else ()))
    _write_rule(path, _fill_starter(code, rule_id, chosen))

    streams.write_line(message("trial.wrote", path=Name(path), code=Name(code)))
    streams.Verbosity().suggest(f"storehealth rules test {code} --pack {streams.quote_path(pack)}")
    return 0


def _split_name(name: str) -> tuple[str, str]:
    match = re.fullmatch(r"([A-Za-z]{2}\d{2})-([a-z][a-z0-9-]*)", name)
    if match is None:
        raise UsageError(message("usage.invalid_rule_name", name=Name(name)), message("usage.rule_name_form"))
    return match[1].upper(), match[2]


def _require_free(code: str, rule_id: str, path: Path | None, catalogue: Catalogue) -> None:
    """Refuse a code that another rule has, and, unless ``path`` is None, a name or path in use.

    Raises:
        UsageError: One of them is in use.
    """
    rule = catalogue.rules.get(code)
    if rule is not None and rule.id != rule_id:
        raise UsageError(
            message("usage.code_taken", code=Name(code), rule=Name(rule.id)),
            message("usage.next_code", code=Name(_find_free_code(code, catalogue))),
        )
    if path is None:
        return
    if path.exists():
        raise UsageError(message("usage.exists", path=Name(path)), message("usage.force_rule"))
    if any(other.id == rule_id for other in catalogue.rules.values()):
        raise UsageError(
            message("usage.rule_exists", rule=Name(rule_id)),
            message("usage.force_replace"),
        )


def _find_free_code(code: str, catalogue: Catalogue) -> str:
    names = (f"{code[:2]}{number:02}" for number in range(1, 100))
    return next((name for name in names if name > code and name not in catalogue.rules), f"{code[:2]}99")


def _fill_starter(code: str, rule_id: str, area: str) -> str:
    text = (STARTER_FOLDER / f"{STARTERS[area]}.yaml").read_text(encoding="utf-8")
    for placeholder, value in (("CODE", code), ("ID", rule_id), ("AREA", area)):
        text = re.sub(rf"\b{placeholder}\b", value, text)
    return text


def _write_rule(path: Path, text: str) -> None:
    from storehealth.support.atomic_files import write_atomically

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text.encode())
    except OSError as error:
        problem = message("usage.write_failed", path=Name(path), reason=describe_os_error(error))
        raise UsageError(problem, message("usage.give_writable_pack")) from None


def run_examples(
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
