"""``storehealth rules test``: the examples of rules, run; what does not hold, and which cases are lacking."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from storehealth.cli import _options, _streams
from storehealth.errors import Exit, UsageError

if TYPE_CHECKING:
    from storehealth.catalogue import Catalogue
    from storehealth.catalogue.rule import Rule
    from storehealth.console import Page
    from storehealth.trials import Covered, Tested, Trial
    from storehealth.wording import Words

HELP = """Run the examples that rules carry: what was expected, what came out, and which cases are lacking.

Exits with 1 where an example does not hold, or a rule lacks a case that fires or one that stays silent.
Without names: the rules of the packs given, else all.

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
    lang: _options.Language = None,
    pack: _options.Packs = None,
    ascii_only: _options.Ascii = False,
    no_color: _options.NoColor = False,
    quiet: _options.Quiet = False,
) -> int:
    """Run the examples of the rules asked for; exit code 1 where one does not hold or a case is lacking."""
    packs = _with_packs_of(names or (), _options.folders(pack))
    language = _options.language(lang) or "en"
    if junit is not None and not junit.resolve().parent.is_dir():
        raise UsageError(f"the folder {junit.parent} does not exist", "Make it first, or give another path.")

    from storehealth.checking import check_all
    from storehealth.console import Look, Page, printed
    from storehealth.wording import Words

    words, catalogue = Words(language), check_all(packs)
    screen = _streams.Screen(False, ascii_only, no_color, quiet)
    tested = []
    with _streams.Progress(_streams.voice(quiet, False, 0), no_color) as progress:
        for rule in _chosen(names or (), catalogue, packs, language):
            progress.tell(f"{rule.code} {rule.id}")
            tested.append(_tested(rule, catalogue, words))
    page = Page(_streams.width(), screen.ascii_only)
    for one in tested:
        if not (quiet and one.holds):
            _add(page, one, words)
    page.blank()
    page.add(_summary(tested, words))
    _streams.put(printed(page.lines, Look(colour=screen.colour)))
    if junit is not None:
        _write(junit, tested)
    return int(Exit.OK if all(one.holds for one in tested) else Exit.FINDINGS)


def _write(path: Path, tested: Sequence[Tested]) -> None:
    from storehealth.cli._junit import junit
    from storehealth.outputs import write_whole

    try:
        write_whole(path, junit(tested))
    except OSError as error:
        raise UsageError(f"{path} could not be written: {error.strerror}", "Give --junit another path.") from None


def _with_packs_of(names: Sequence[str], packs: tuple[Path, ...]) -> tuple[Path, ...]:
    """The packs, and those that rule files named by their path lie in."""
    found = dict.fromkeys(path.resolve() for path in packs)
    for name in names:
        path = Path(name)
        if path.is_file():
            root = next((one.parent for one in path.resolve().parents if one.name == "rules"), None)
            if root is None:
                raise UsageError(
                    f"{name} lies in no folder named rules", "Move it to PACK/rules/, and give --pack PACK."
                )
            found[root] = None
    return tuple(found)


def _chosen(
    names: Sequence[str], catalogue: Catalogue, packs: tuple[Path, ...], language: _options.KnownLanguage
) -> list[Rule]:
    """The rules named; without names those of the packs, else all.

    Raises:
        UsageError: A name is none of a rule; the nearest are named.
    """
    from storehealth.cli.explain import find

    by_path = {catalogue.paths[f"rules/{rule.id}"].resolve(): rule for rule in catalogue.rules.values()}
    if names:
        found = [
            by_path.get(Path(name).resolve()) if Path(name).is_file() else find(name, catalogue, language)
            for name in names
        ]
        return list({rule.code: rule for rule in found if rule is not None}.values())
    own = [rule for path, rule in by_path.items() if any(path.is_relative_to(pack.resolve()) for pack in packs)]
    return sorted(own if packs else by_path.values(), key=lambda rule: rule.code)


def _tested(rule: Rule, catalogue: Catalogue, words: Words) -> Tested:
    from storehealth.trials import Tested, covered, run_examples

    trials = tuple(run_examples(rule, catalogue))
    cases = covered(rule, trials)
    hints = [("trial.off_limit", cases.on_limit), ("trial.off_past", cases.past_limit)]
    return Tested(
        rule, trials, tuple(_lacks(rule, cases, words)), tuple(words.say(key) for key, there in hints if there is False)
    )


def _lacks(rule: Rule, cases: Covered, words: Words) -> Iterator[str]:
    from storehealth.trials import only_shown

    if only_shown(rule):
        yield from [] if cases.enough else [words.say("trial.not_shown")]
        return
    if not cases.fires:
        yield words.say("trial.no_fire")
    if not cases.silent:
        yield words.say("trial.no_silent")


def _add(page: Page, one: Tested, words: Words) -> None:
    """One line for a rule in order; below it what does not hold, as a table, and what is lacking."""
    from storehealth.console.page import Piece

    failed = [trial for trial in one.trials if not trial.holds]
    mark, style = ("✓", "green") if one.holds else ("✗", "bold red")
    said = words.say("trial.some" if failed else "trial.holds", n=len(one.trials), failed=len(failed))
    page.add(Piece(f"{mark} ", style), Piece(f"{one.rule.code}  {one.rule.id}", "bold", keep=True), f"  {said}", hang=4)
    for trial in failed:
        page.add(Piece(trial.place, "dim", keep=True), f"  {trial.example.name}", indent=4, hang=6)
        if trial.problem:
            page.add(words.error(trial.problem), indent=6)
        for line in _differences(trial, words):
            page.add(Piece(line, keep=True), indent=6)
    for text in one.lacks:
        page.add(Piece("✗ ", "bold red"), text, indent=4, hang=6)
    for text in one.hints:
        page.add(Piece(text, "dim"), indent=4, hang=6)


def _differences(trial: Trial, words: Words) -> list[str]:
    """A table: key, what was expected, what came out."""
    from storehealth.console.page import pad

    if not trial.misses:
        return []
    rows = [tuple(words.say(f"trial.{key}") for key in ("key", "expected", "got"))]
    rows += [(miss.key, str(miss.expected), _got(miss.got, words)) for miss in trial.misses]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    return ["  ".join((*map(pad, row[:2], widths), row[2])) for row in rows]


def _got(value: object, words: Words) -> str:
    return words.say("trial.unknown") if value == "no such key" else str(value)


def _summary(tested: Sequence[Tested], words: Words) -> str:
    trials = [trial for one in tested for trial in one.trials]
    failed, lacking = sum(not trial.holds for trial in trials), sum(bool(one.lacks) for one in tested)
    key = "trial.not_all" if failed or lacking else "trial.all_hold"
    rules, examples = words.count("counted.rules", len(tested)), words.count("counted.examples", len(trials))
    return words.say(key, rules=rules, examples=examples, failed=failed, lacking=lacking)
