"""One screen says what a manager needs, in any width and language, and nothing in it is more than text."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from rich.cells import cell_len
from tests.checkups import (
    NASTY,
    NOT_JUDGED,
    SOURCES,
    TODO,
    WANTED,
    checkup,
    finding,
    handling_finding,
    reply_finding,
    row,
    shown_finding,
    trend,
)

from storehealth.i18n import Words
from storehealth.model import AreaScore, EvidenceSummary, LimitSource, Score, Source, TableEnd, Window
from storehealth.output.terminal import SCREEN_LINES, DisplayOptions, render
from storehealth.output.terminal.page import draw_bar, draw_sparkline
from storehealth.support.message import Name, message

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("language", ["en", "zh", "es"])
@pytest.mark.parametrize("details", [False, True])
def test_the_screen_is_the_accepted_one(language: str, details: bool, request: pytest.FixtureRequest) -> None:
    """`pytest tests/console --rebaseline` accepts the present one."""
    path = GOLDEN / f"{language}{'_details' if details else ''}.txt"
    shown = render(checkup(language=language), DisplayOptions(details=details))
    if request.config.getoption("--rebaseline"):
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("language", ["en", "zh", "es"])
def test_lines_keep_to_the_width(width: int, language: str) -> None:
    command = message("advice.command_counted", command=Name("scorecard"), n=4)
    todo = [action.model_copy(update={"basis": "slices", "command": command}) for action in TODO]
    shown = render(checkup(language=language, recommendations=todo), DisplayOptions(width=width))
    assert max(cell_len(line) for line in shown.splitlines()) <= width


def crowded() -> dict[str, object]:
    codes = [f"LG{number:02d}" for number in range(1, 31)]
    return {
        "findings": tuple(finding(code) for code in codes),
        "recommendations": TODO * 6,
        "sources": SOURCES + tuple(Source(path=f"scan {number}.pdf", note="not a table") for number in range(30)),
        "not_judged": tuple(
            one.model_copy(update={"code": f"XX{number:02d}", "reason": f"reason {number}", "how_to_export": ()})
            for number, one in enumerate(NOT_JUDGED * 9)
        ),
        "exports_wanted": tuple(WANTED[0].model_copy(update={"codes": (f"WA{number:02d}",)}) for number in range(8)),
    }


@pytest.mark.parametrize("language", ["en", "zh", "es"])
def test_a_crowded_checkup_still_fits_and_says_how_much_is_left_out(language: str) -> None:
    shown = render(checkup(language=language, **crowded()), DisplayOptions())
    assert len(shown.splitlines()) <= SCREEN_LINES
    assert shown.count("--details") == 3
    assert all(f"WA{number:02d}" in shown for number in range(8))


def test_unused_files_are_named_together_where_the_reason_is_the_same() -> None:
    """Five by name, and how many more; those of other reasons that find no room by name too."""
    alike = tuple(Source(path=f"scan-{number}.pdf", note="not a table") for number in range(7))
    others = tuple(Source(path=f"odd-{number}.csv", note=f"reason {number}") for number in range(60))
    shown = " ".join(render(checkup(sources=(*SOURCES[:1], *alike)), DisplayOptions()).split())
    assert (
        "scan-0.pdf, scan-1.pdf, scan-2.pdf, scan-3.pdf, scan-4.pdf and 2 more (see --details) were not used" in shown
    )
    shown = " ".join(render(checkup(sources=(*SOURCES[:1], *others)), DisplayOptions()).split())
    left = next(number for number in range(60) if f"odd-{number}.csv was not used: reason {number}" not in shown)
    assert f"… {60 - left} more: odd-{left}.csv, odd-{left + 1}.csv, " in shown
    assert f"odd-{left + 4}.csv …; see --details" in shown


def test_the_screen_says_how_to_see_rejected_rows_where_there_are_any() -> None:
    """Not where there are none."""
    said = "rows rejected: see `storehealth inspect`, or -o rejects=rejects.csv"
    assert f"17 {said}" in render(checkup(), DisplayOptions())
    whole = tuple(one.model_copy(update={"rejected": 0}) for one in SOURCES)
    assert said not in render(checkup(sources=whole), DisplayOptions())


def test_details_leave_nothing_out() -> None:
    shown = render(checkup(**crowded()), DisplayOptions(details=True))
    assert all(f"LG{number:02d}" in shown for number in range(1, 31))
    assert all(f"scan {number}.pdf" in shown for number in range(30))
    assert "more, see --details" not in shown


def test_it_opens_with_the_headline() -> None:
    assert render(checkup(), DisplayOptions(width=200)).splitlines()[0] == str(checkup().headline)


def test_a_missing_score_is_a_dash_and_never_zero() -> None:
    nothing = Score(value=None, uncapped=None, low=None, high=None, grade=None, coverage=0.2)
    shown = render(checkup(score=nothing), DisplayOptions())
    assert "Score — withheld  3 of 4 areas; 20% of what these files allow" in shown


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "1 of 4 areas; 100% of what these files allow"),
        ("zh", "涵盖 4 个板块中的 1 个；现有文件可判的内容已判 100%"),
        ("es", "1 de 4 áreas; el 100 % de lo que permiten estos archivos"),
    ],
)
def test_a_score_of_one_area_does_not_claim_all_of_the_weight(language: str, said: str) -> None:
    alone = tuple(
        one if one.id == "customer_service" else one.model_copy(update={"score": None}) for one in checkup().areas
    )
    whole = checkup().score.model_copy(update={"coverage": 1.0})
    shown = render(checkup(language=language, areas=alone, score=whole), DisplayOptions(width=300)).replace(
        "\u00a0", " "
    )
    assert said in shown


def test_a_missing_value_is_a_dash_and_never_zero() -> None:
    empty = finding(value=None, interval=(None, None), target=None, limit=None, judged=0, defects=0, undecided=0)
    shown = render(checkup(findings=(empty,)), DisplayOptions(width=120))
    assert "LG05  Orders reach the carrier by the promised time\n         —  see orders.csv:10" in shown


@pytest.mark.parametrize("sure", ["third-party", "unverified", "assumed"])
def test_a_limit_nobody_confirmed_is_marked_in_area_and_finding(sure: str) -> None:
    made = checkup(findings=(finding(limit_source=LimitSource(source="x", verified=sure)),))
    shown = render(made, DisplayOptions(width=100))
    assert shown.count("limit ≥96%") == shown.replace("\n", " ").count(f"limit ≥96% ({sure}") == 2
    area, rest = render(made, DisplayOptions()).split("Customer service", 1)
    assert re.search(rf"≥96% \(({sure}|unverified)\)\n", area)
    assert f"limit ≥96% ({sure}" in rest


@pytest.mark.parametrize("language", ["en", "zh", "es"])
def test_headline_areas_and_two_actions_fit_a_screen_of_24_lines(language: str) -> None:
    """Each area has one line, also where it loses points and its limit comes from somebody else."""
    source = LimitSource(source="x", verified="third-party")
    areas = [area.model_copy(update={"loses": 12.0}) for area in checkup().areas if area.score is not None]
    findings = [part.model_copy(update={"limit_source": source}) for part in checkup().findings] + [
        finding("LG06")
    ] * 20
    made = checkup(language=language, areas=areas, findings=findings, recommendations=TODO * 6)
    lines = render(made, DisplayOptions()).splitlines()
    assert len(lines) <= SCREEN_LINES
    first = next(place for place, line in enumerate(lines) if "░" in line)
    assert all("░" in line for line in lines[first : first + len(areas)])
    assert [line[2] for line in lines[:23] if re.match("  [12] ", line)] == ["1", "2"]


@pytest.mark.parametrize("sure", ["official", "code"])
def test_a_confirmed_limit_has_no_mark(sure: str) -> None:
    shown = render(checkup(findings=(finding(limit_source=LimitSource(source="x", verified=sure)),)), DisplayOptions())
    assert "limit ≥96%\n" in shown
    assert "limit ≥96% (" not in shown


def test_a_finding_without_a_limit_source_is_shown() -> None:
    shown = render(
        checkup(findings=(finding(limit_source=None, target=None, limit=None),)), DisplayOptions(details=True)
    )
    assert "✗ FAIL   LG05" in shown


@pytest.mark.parametrize(
    ("language", "said"), [("en", "90 of 1,808 (5%)"), ("zh", "1,808 中 90（5%）"), ("es", "90 de 1 808 (5 %)")]
)
def test_a_figure_beside_reads_as_its_name_does(language: str, said: str) -> None:
    shown = render(checkup(language=language), DisplayOptions(details=True, width=200)).replace("\u00a0", " ")
    assert f"late by the day{Words(language).say('unit.colon')}{said}" in shown
    assert "late_by_day" not in shown


LAGGING = Window(first=date(2025, 2, 24), last=date(2025, 3, 25))


def test_the_days_of_a_finding_are_told_where_they_are_not_the_page_s() -> None:
    shown = render(
        checkup(findings=(reply_finding(window=LAGGING), finding())), DisplayOptions(width=200, findings_only=True)
    )
    failing, watched = shown.split("! WATCH")
    assert "2025-02-24 to 2025-03-25" in watched
    assert "2025-03-01 to 2025-03-31" not in failing


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "en",
            "customer service figures leave out the newest 6 days, as the platform does: 2025-02-24 to 2025-03-25",
        ),
        ("zh", "客服指标按平台口径不含最近 6 天：2025-02-24 至 2025-03-25"),
        (
            "es",
            "las cifras de atención dejan fuera los 6 días más recientes, como cuenta la plataforma: 2025-02-24 a 2025-03-25",
        ),
    ],
)
def test_the_head_says_which_figures_leave_out_the_newest_days(language: str, said: str) -> None:
    shown = render(
        checkup(language=language, findings=(reply_finding(window=LAGGING), finding())), DisplayOptions(width=400)
    )
    assert shown.count(said) == 1


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "data end: chat messages 30 h earlier"),
        ("zh", "各表数据止于：聊天消息早 30 小时"),
        ("es", "fin de los datos: mensajes de chat, 30 h antes"),
    ],
)
def test_only_a_table_that_ends_more_than_a_day_early_is_worth_a_word(language: str, said: str) -> None:
    ends = {name: TableEnd(last=checkup().as_of, age_hours=hours) for name, hours in (("messages", 30), ("orders", 24))}
    shown = render(checkup(language=language, table_ends=ends), DisplayOptions(width=400)).replace("\u00a0", " ")
    assert said in shown.split("\n\n")[1]
    assert "orders" not in shown.split("\n\n")[1]


def test_a_share_without_limits_misses_nothing_and_counts_what_its_value_says() -> None:
    only_shown = finding(status="informative", target=None, limit=None, limit_source=None, scored=False, value=0.152,
                         judged=474, defects=402)  # fmt: skip
    shown = render(checkup(findings=(only_shown,)), DisplayOptions(details=True, width=200))
    assert "72 of 474" in shown
    assert "missed" not in shown.split("Where it happens")[0]


@pytest.mark.parametrize("limits", [{"target": None, "limit": None}, {}])
def test_a_mean_is_over_no_limit(limits: dict[str, None]) -> None:
    mean = handling_finding(status="informative", **limits)
    shown = render(checkup(findings=(mean,)), DisplayOptions(details=True, width=200))
    assert "n=212" in shown
    assert "over the limit" not in shown


@pytest.mark.parametrize(
    ("language", "said", "empty"),
    [
        ("en", "wait=34 d 1 h", "cover_days=—"),
        ("zh", "等待=34 天 1 小时", "可售天数=—"),
        ("es", "espera=34 d 1 h", "días de cobertura=—"),
    ],
)
def test_durations_of_evidence_are_told_as_people_say_them(language: str, said: str, empty: str) -> None:
    details = {"wait_seconds": 2_941_913, "own_hours": 26.5, "cover_days": None, "amount": 1234.5}
    found = finding(evidence=EvidenceSummary(count=1, rows=(row(1, details=details),)))
    shown = render(checkup(language=language, findings=(found,)), DisplayOptions(details=True, width=200)).replace(
        "\u00a0", " "
    )
    assert said in shown
    assert "seconds" not in shown
    assert empty in shown


@pytest.mark.parametrize("coverage", [0.0, 0.4])
def test_an_area_without_a_score_is_not_called_failing(coverage: float) -> None:
    """What fails there has no weight, or too little of the area could be judged."""
    areas = (AreaScore(id="logistics", score=None, coverage=coverage),)
    shown = render(checkup(areas=areas, findings=(finding(scored=coverage > 0),)), DisplayOptions(width=120))
    line = next(text for text in shown.splitlines() if text.startswith("  Shipping"))
    assert "✗" not in line
    assert ("40% could be judged, too little for a score" in line) is (coverage > 0)


def test_state_is_told_by_sign_and_word_besides_colour() -> None:
    shown = render(checkup(), DisplayOptions())
    assert all(text in shown for text in ("✗ FAIL", "! WATCH", "✗ fail", "! watch", "✓ pass"))
    assert "\x1b" not in shown
    assert "\x1b[1;31m✗ FAIL" in render(checkup(), DisplayOptions(colour=True))


def test_ascii_needs_no_sign_outside_ascii() -> None:
    plain = checkup(not_judged=(), exports_wanted=(), sources=(SOURCES[0],))
    assert render(plain, DisplayOptions(ascii_only=True)).isascii()
    assert render(plain, DisplayOptions(ascii_only=True, details=True)).isascii()


def test_no_box_is_drawn() -> None:
    shown = render(checkup(), DisplayOptions(details=True))
    assert not any("\u2500" <= sign <= "\u257f" for sign in shown)


def test_findings_only_are_the_failing_and_the_watched() -> None:
    shown = render(checkup(), DisplayOptions(findings_only=True))
    assert [line[:7].strip() for line in shown.splitlines() if not line.startswith(" ")] == ["✗ FAIL", "! WATCH"]


def test_a_healthy_store_is_told_so() -> None:
    assert "Nothing fails and nothing needs watching." in render(
        checkup(findings=(handling_finding(),)), DisplayOptions()
    )


@pytest.mark.parametrize("language", ["en", "zh", "es"])
def test_a_withheld_score_is_never_followed_by_the_all_clear(language: str) -> None:
    nothing = Score(value=None, uncapped=None, low=None, high=None, grade=None, coverage=0.5)
    shown = render(checkup(language=language, score=nothing, findings=(handling_finding(),)), DisplayOptions(width=200))
    assert Words(language).say("screen.nothing_failing") not in shown


def test_where_nothing_was_judged_nothing_is_called_fine() -> None:
    open_one = handling_finding(status="inconclusive", note="no rows in this period")
    assert "Nothing fails" not in render(checkup(findings=(open_one, shown_finding())), DisplayOptions())


def test_failing_comes_before_watched_and_scored_before_shown() -> None:
    mixed = (reply_finding(), finding("LG06", scored=False), finding("LG05", severity="low"))
    shown = render(checkup(findings=mixed), DisplayOptions(findings_only=True))
    assert shown.index("LG05") < shown.index("LG06") < shown.index("CS01")


@pytest.mark.parametrize("details", [False, True])
@pytest.mark.parametrize("colour", [False, True])
def test_text_of_strangers_is_only_text(details: bool, colour: bool) -> None:
    rows = EvidenceSummary(count=1, rows=(row(1, file=NASTY, entity=NASTY, details={"said": NASTY}),))
    nasty = checkup(
        store=NASTY,
        headline=NASTY,
        findings=(finding(title=NASTY, note=NASTY, evidence=rows),),
        sources=(Source(path=NASTY, note=NASTY),),
    )
    shown = render(nasty, DisplayOptions(details=details, colour=colour, width=200))
    assert "[bold red]x[/]" in shown
    assert not any(sign in shown for sign in ("\x1b]", "\x07", "\u202e", "\x1b[31mb"))
    assert colour or "\x1b" not in shown


@pytest.mark.parametrize(("low", "shown"), [(44.8, False), (39.2, True)])
def test_a_range_that_rounds_to_the_score_alone_is_not_shown(low: float, shown: bool) -> None:
    """It was shown as "range 45–45"."""
    total = Score(value=45.0, uncapped=45.0, low=low, high=45.3, grade="F", coverage=1.0)
    assert (f"range {low:.0f}–" in render(checkup(score=total), DisplayOptions(width=120))) is shown


@pytest.mark.parametrize(
    ("score", "bar"), [(0, "░░░░░"), (9, "▌░░░░"), (49, "██▌░░"), (50, "██▌░░"), (100, "█████"), (None, "     ")]
)
def test_a_bar_is_as_long_as_the_score(score: float | None, bar: str) -> None:
    assert draw_bar(score) == bar


def test_a_sparkline_has_a_block_for_each_run() -> None:
    assert draw_sparkline([0, 50, None, 100, 12.5]) == "▁▅ █▂"
    assert "▅▅▅▆  " in render(checkup(trend=trend()), DisplayOptions())
    assert "▅" not in render(checkup(trend=trend()), DisplayOptions(ascii_only=True))


def test_places_of_rows_are_links_in_colour_only(tmp_path: Path) -> None:
    shown = render(checkup(), DisplayOptions(colour=True, exports=tmp_path))
    assert f"{(tmp_path / 'orders.csv').as_uri()}\x1b\\" in shown
    assert "\x1b" not in render(checkup(), DisplayOptions(exports=tmp_path))
    nasty = EvidenceSummary(count=1, rows=(row(1, file=NASTY),))
    hostile = render(
        checkup(findings=(finding(evidence=nasty),)), DisplayOptions(colour=True, exports=tmp_path, details=True)
    )
    assert "\x1b]0;" not in hostile
    assert "\u202e" not in hostile


def test_headline_and_first_actions_fit_on_a_small_terminal() -> None:
    """Of the sample's size: the first 24 lines hold headline, score, areas and the first action."""
    lines = render(checkup(trend=trend()), DisplayOptions(width=80)).splitlines()[:24]
    text = "\n".join(lines)
    assert "Shipping loses most" in text
    assert "Score 59" in text
    assert "Keep the cut-off" in text


@pytest.mark.parametrize("language", ["en", "zh", "es"])
def test_areas_keep_to_their_line_in_ascii_too(language: str) -> None:
    """``>=`` is wider than ``≥``: what fits is measured as it will be shown."""
    source = LimitSource(source="x", verified="assumed")
    areas = [area.model_copy(update={"loses": 12.0}) for area in checkup().areas if area.score is not None]
    findings = [part.model_copy(update={"limit_source": source}) for part in checkup().findings]
    for width in range(80, 100):
        made = checkup(language=language, areas=areas, findings=findings)
        lines = render(made, DisplayOptions(width=width, ascii_only=True)).splitlines()
        first = next(place for place, line in enumerate(lines) if line.startswith("  ") and "##" in line)
        assert [line for line in lines[first : first + len(areas)] if "##" not in line] == [], width


@pytest.mark.parametrize(
    ("value", "status", "shown"), [(0.942, "pass", True), (0.96, "pass", False), (0.942, "watch", False)]
)
def test_a_pass_below_its_target_says_why(value: float, status: str, shown: bool) -> None:
    """On its area's line and in the details."""
    short = finding(status=status, value=value, target=0.95, limit=0.9, scored=True)
    for options in (DisplayOptions(width=200), DisplayOptions(width=200, details=True)):
        screen = render(checkup(findings=(short,)), options)
        assert ("the gap may be chance" in screen) == shown
