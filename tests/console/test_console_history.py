"""Earlier runs on the screen: a line or two at first, everything with details, and nothing where there are none."""

from __future__ import annotations

from datetime import date

import pytest
from rich.cells import cell_len
from tests.checkups import MARCH, checkup, row
from tests.console.test_console_picture import crowded
from tests.runs import advice, against, at, checkup_against, counted, driver, gap, late, past_run, present, runs

from storehealth.model import Checkup, EvidenceSummary, Finding, TrendEvent
from storehealth.output.terminal import SCREEN_LINES, DisplayOptions, render

FEAST = TrendEvent(first=date(2025, 3, 8), last=date(2025, 3, 9), name="Spring sale", kind="promotion")
MAKE_UP = TrendEvent(first=date(2025, 3, 22), last=date(2025, 3, 22), name="", kind="make_up_work_day")


def told(**changes: object) -> Checkup:
    """Late parcels went from 6 % to 1.5 %, and the cut-off at WH2 was advised; a run in between could not judge."""
    before = late(240, 4000, "2025-03-03", drivers=(driver(77, 400),))
    past = runs(
        past_run("2025-03-03", before, recommendations=(advice(check_on="2025-03-17"),)),
        past_run("2025-03-10", gap()),
        past_run("2025-03-17", late(236, 4000)),
        past_run("2025-03-24", late(230, 4000)),
        events=(FEAST, MAKE_UP),
    )
    now = present("2025-04-21", late(60, 4000, "2025-04-21"), counts=(counted(21, 410),))
    return checkup_against(past, now, **changes)


def waiting(**changes: object) -> Checkup:
    """The day to look at the advice again comes with this run."""
    before = late(240, 4000, drivers=(driver(77, 400),))
    past = runs(past_run("2025-03-17", before, recommendations=(advice(),)))
    return checkup_against(past, present("2025-03-31", late(60, 4000), counts=(counted(21, 410),)), **changes)


def shown(one: Checkup, **look: object) -> str:
    return render(one, DisplayOptions(**look))


def test_a_first_run_says_nothing_of_earlier_ones() -> None:
    text = shown(checkup(), details=True)
    assert "Since" not in text
    assert "Trend" not in text
    assert "within_noise" not in text


def test_the_first_screen_says_what_the_score_was_and_whether_that_is_a_change() -> None:
    text = " ".join(shown(told()).split())
    assert "Since 2025-03-24: score 37 → 82, better beyond noise (+44.9 points)" in text


def many(defects: int, judged: int, codes: int = 12) -> tuple[Finding, ...]:
    """The same figure for so many rules."""
    return tuple(late(defects, judged, code=f"LG{number:02}") for number in range(1, codes + 1))


def test_a_score_that_moved_though_no_figure_did_says_why() -> None:
    past, now = runs(past_run("2025-03-24", *many(60, 4000))), present("2025-03-31", *many(76, 4000))
    made = checkup_against(past, now)
    assert {finding.change for finding in made.findings} == {"within_noise"}
    assert made.previous is not None
    assert made.previous.score_change is not None
    text = " ".join(shown(made).split())
    assert ("together they did" in text) == (made.previous.score_change.change == "worse")
    assert "together they did" not in " ".join(shown(told()).split())


def test_a_figure_that_got_worse_beside_a_score_that_did_not_says_why() -> None:
    """One rule of twelve got worse; the score stays within noise."""
    before, after = many(60, 4000), (late(120, 4000, code="LG01"), *many(56, 4000)[1:])
    made = checkup_against(runs(past_run("2025-03-24", *before)), present("2025-03-31", *after))
    assert made.previous is not None
    assert made.previous.score_change is not None
    text = " ".join(shown(made).split())
    worse = [finding.code for finding in made.findings if finding.change == "worse"]
    assert worse == ["LG01"]
    assert ("not enough to move the score: LG01" in text) == (made.previous.score_change.change == "within_noise")


def test_a_finding_that_crossed_its_limit_by_little_says_both() -> None:
    past, now = runs(past_run("2025-03-24", late(180, 4000))), present("2025-03-31", late(206, 4000))
    made = checkup_against(past, now)
    assert (made.findings[0].change, made.findings[0].state) == ("within_noise", "new")
    text = " ".join(shown(made, details=True).split())
    assert "change within noise, but now beyond the limit" in text


def test_the_first_screen_tells_whether_advice_helped_by_misses_a_week() -> None:
    text = " ".join(shown(waiting()).split())
    assert "Did it help? Keep the cut-off (warehouse=WH2): 18 → 5 misses a week, better beyond noise; +" in text


def test_a_finding_says_in_words_how_it_stood() -> None:
    past = runs(past_run("2025-03-24", late(230, 4000)))
    text = " ".join(shown(checkup_against(past, present("2025-03-31", late(236, 4000)))).split())
    assert "was 5.8%, within noise like this since 2025-03-24" in text


def test_the_scores_so_far_stand_in_one_line_with_gaps_as_gaps() -> None:
    assert "Scores so far, before any cap: 35  —  36  37  … 82" in shown(told())


def test_two_runs_are_no_trend_yet() -> None:
    assert "so far" not in shown(waiting())


def test_details_mark_gaps_and_events_between_the_runs() -> None:
    lines = [line.strip() for line in shown(told(), details=True).splitlines()]
    trend = lines[lines.index("Trend (scores before any cap, by the current rules)") :]
    assert [line for line in trend[2:10] if line] == [
        "2025-03-03   35.4      35.4",
        "· promotion: Spring sale (2025-03-08 to 2025-03-09)",
        "2025-03-10      —         —",
        "2025-03-17     36        36",
        "· make-up work day (2025-03-22)",
        "2025-03-24   36.9      36.9",
        "… runs are missing here",
        "2025-04-21   81.8      81.8",
    ]


def test_details_say_what_the_difference_is_made_of() -> None:
    text = " ".join(shown(told(), details=True).split())
    assert "from the figures, 0 from rules judged in only one of the runs, 0 from changed rules (LG05 +" in text
    assert "Shipping: 36.9 → 81.8 (+44.9)" in text


def test_details_give_the_counts_behind_an_advice() -> None:
    text = " ".join(shown(waiting(), details=True).split())
    assert "advised on 2025-03-17; LG05 Parcels leave in time; 77 of 400 (19.2%) → 21 of 410 (5.1%)" in text
    assert "is not necessarily its effect" in text


def test_two_runs_of_one_day_are_told_apart_by_the_hour() -> None:
    past = runs(past_run("2025-03-31", late(60, 4000), as_of=at("2025-03-31", 8)))
    assert "Since 2025-03-31 08:00:" in shown(checkup_against(past, present("2025-03-31", late(61, 4000))))


def test_a_withheld_score_is_not_compared() -> None:
    past = runs(past_run("2025-03-24", gap()))
    text = " ".join(shown(checkup_against(past, present("2025-03-31", late(61, 4000)))).split())
    assert "score — → 81, one of the two runs has no score, so the scores cannot be compared" in text


def test_what_is_new_back_and_resolved_is_named() -> None:
    past = runs(
        past_run("2025-03-10", late(400, 4000, code="LG06"), late(1, 4000), late(400, 4000, code="LG07")),
        past_run("2025-03-24", late(1, 4000, code="LG06"), late(1, 4000), late(400, 4000, code="LG07")),
    )
    now = present("2025-03-31", late(400, 4000, code="LG06"), late(400, 4000), late(1, 4000, code="LG07"))
    text = " ".join(shown(checkup_against(past, now)).split())
    assert "; new: LG05; back again: LG06; resolved: LG07" in text


@pytest.mark.parametrize("language", ["en", "zh", "es"])
@pytest.mark.parametrize("width", [60, 80])
def test_history_keeps_to_the_width(language: str, width: int) -> None:
    for one in (told(language=language), waiting(language=language)):
        lines = shown(one, details=True, width=width).splitlines()
        assert max(map(cell_len, lines)) <= width


def test_no_sign_is_left_in_ascii() -> None:
    text = shown(told(sources=(), not_judged=(), exports_wanted=()), details=True, ascii_only=True)
    assert text.isascii()


def test_advice_answered_by_the_same_figures_is_told_together() -> None:
    both = (advice(), advice(id="pick-up", name="Add a pick-up"))
    past = runs(past_run("2025-03-17", late(240, 4000), recommendations=both))
    now = present("2025-03-31", late(60, 4000))
    assert len(against(past, now).followups) == 2
    text = " ".join(shown(checkup_against(past, now), details=True).split())
    assert "Keep the cut-off / Add a pick-up: 56 → 14 misses a week" in text


def test_rows_that_are_new_or_back_are_marked_and_others_are_not() -> None:
    rows = tuple(row(place, state=state) for place, state in enumerate(("new", "persisting", "reappeared", None)))
    found = late(60, 4000).model_copy(update={"evidence": EvidenceSummary(count=4, rows=rows)})
    text = shown(checkup(findings=(found,), recommendations=()), details=True)
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip().startswith("orders.csv:1")]
    assert [line.partition(" late")[2].split("  ")[0].partition(" carrier")[0] for line in lines] == [
        " new", "", " back again", "",
    ]  # fmt: skip


@pytest.mark.parametrize("language", ["en", "zh", "es"])
def test_a_crowded_store_with_a_past_still_fits_one_screen(language: str) -> None:
    """Findings give way, not what has changed."""
    for one in (told, waiting):
        text = shown(one(language=language, window=MARCH, as_of=at("2025-03-31"), **crowded()))
        assert len(text.splitlines()) <= SCREEN_LINES
        assert "LG01" in text
        assert "2025-03-" in text.partition("LG01")[0]
