"""Muting hides findings and never changes the score; exemptions take rows out and say so; unused ones are reported."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples
from tests.few_rules import SOME

from storehealth.audit import AuditRequest, audit
from storehealth.catalogue import load_catalogue
from storehealth.catalogue.mutes import Mute, MutesFile, read_mutes
from storehealth.errors import CatalogueError
from storehealth.judge.verdict import MuteContext, apply_mutes
from storehealth.model import Checkup, Finding, Measurement, Segment, Tally
from storehealth.output.checkup.markdown import render_full as markdown
from storehealth.output.terminal import DisplayOptions, render
from storehealth.score import score_findings
from storehealth.score.exit_status import decide_exit

BOOK = load_catalogue()
RULES = SOME
STORE = Path(__file__).parents[1] / "stores" / "small" / "exports"
MARCH = "since: 2026-01-01, until: 2026-03-31"


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder whose lake every audit here reads."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def plain(state: Path) -> Checkup:
    """The store's checkup without any mute."""
    return run_audit(state, state, "")


def run_audit(folder: Path, state: Path, text: str, fail_on: str = "fail") -> Checkup:
    (folder / "mutes.yaml").write_text(text, encoding="utf-8")
    config = folder / "storehealth.toml"
    config.touch()
    request = AuditRequest(state=state, platform="generic", window="all", config=config, fail_on=fail_on, unmask=True)
    return audit(STORE, request)


def days(checkup: Checkup) -> str:
    """A since and until around the checkup's day."""
    assert checkup.as_of is not None
    day = checkup.as_of.date()
    return f"since: {day - timedelta(days=30)}, until: {day + timedelta(days=30)}"


def bare(checkup: Checkup) -> dict[str, Any]:
    """Everything but what muting may change, and the run."""
    reported = checkup.model_dump(exclude={"run", "outcome", "warnings"})
    return reported | {"findings": [{**one, "muted": None} for one in reported["findings"]]}


def failing(checkup: Checkup) -> list[Finding]:
    return [one for one in checkup.findings if one.status == "fail"]


def test_a_muted_finding_keeps_everything_but_its_place_on_the_screen(plain: Checkup, state: Path) -> None:
    """The JSON differs by the mark alone; exit code, lists and counts pass over it; --details and Markdown show it."""
    codes = [one.code for one in failing(plain)]
    assert plain.outcome.exit_code == 1
    lines = [f"  - {{code: {code}, reason: a flood, owner: Li Wei, {days(plain)}}}" for code in codes]
    muted = run_audit(state, state, "mutes:\n" + "\n".join(lines))
    assert bare(muted) == bare(plain)
    assert [one.code for one in muted.findings if one.muted and one.muted.owner == "Li Wei"] == codes
    assert (muted.outcome.exit_code, muted.outcome.reasons, muted.warnings) == (0, (), ())
    screen = render(muted, DisplayOptions())
    assert not any(f"FAIL   {code}" in screen for code in codes)
    assert f"{len(codes)} muted" in screen
    for whole in (render(muted, DisplayOptions(details=True, width=400)), markdown(muted).decode()):
        assert all(code in whole for code in codes)
        assert "by Li Wei: a flood" in whole


mutes = st.builds(
    lambda code, first, length: Mute(code=code, reason="r", owner="o", since=first, until=first + timedelta(length)),
    st.sampled_from(sorted(BOOK.rules)),
    st.dates(date(2026, 1, 1), date(2026, 6, 1)),
    st.integers(0, 90),
)


@examples(60)
@given(chosen=st.lists(mutes, max_size=30), fail_on=st.sampled_from(["fail", "watch", "score<50", "never"]))
def test_no_mute_moves_a_score(plain: Checkup, chosen: list[Mute], fail_on: str) -> None:
    """Whatever is muted: headline, areas, cap and verdicts stay; the exit code rests on what is left."""
    measured = [Measurement(code=one.code, window=one.window) for one in plain.findings]
    known = MuteContext(MutesFile(mutes=tuple(chosen)), BOOK, BOOK.platforms["generic"])
    marked, warnings = apply_mutes(plain.findings, measured, known, plain.as_of)
    assert score_findings(marked, BOOK.scoring) == (plain.score, plain.areas)
    assert tuple(one.model_copy(update={"muted": None}) for one in marked) == plain.findings
    in_force = {one.code for one in chosen if plain.as_of and one.since <= plain.as_of.date() <= one.until}
    troubles = {one.code for one in plain.findings if one.status in ("fail", "watch")}
    assert {one.code for one in marked if one.muted} == in_force & troubles
    hiding = [
        one for one in chosen if one.code in troubles and plain.as_of and one.since <= plain.as_of.date() <= one.until
    ]
    assert len(warnings) == len(chosen) - len(hiding)
    left = {one.code for one in marked if one.status == "fail" and not one.muted}
    reasons = decide_exit(marked, plain.score, plain.sources, fail_on, ()).reasons
    if fail_on == "fail":
        assert {str(reason).split()[0] for reason in reasons} == left
    if fail_on == "score<50":
        assert reasons == decide_exit(plain.findings, plain.score, plain.sources, fail_on, ()).reasons


def test_mutes_that_have_ended_not_begun_or_hide_nothing_are_reported(plain: Checkup, state: Path) -> None:
    """With code, owner and day; the finding counts."""
    code = failing(plain)[0].code
    healthy = next(one.code for one in plain.findings if one.status == "pass")
    text = f"""mutes:
  - {{code: {code}, reason: r, owner: Ana, since: 2020-01-01, until: 2020-02-01}}
  - {{code: {code}, reason: r, owner: Bea, since: 2099-01-01, until: 2099-02-01}}
  - {{code: {healthy}, reason: r, owner: Cid, {days(plain)}}}
exempt:
  - {{code: all, from: 2001-01-01, to: 2001-01-02, reason: a storm long ago}}
"""
    made = run_audit(state, state, text)
    assert bare(made) == bare(plain)
    assert made.outcome == plain.outcome
    for part, warning in zip(
        ("2020-02-01", "2099-01-01", "hides nothing", "a storm long ago"), map(str, made.warnings), strict=True
    ):
        assert part in warning
        assert warning in render(made, DisplayOptions(width=400))


@pytest.mark.parametrize(("rest", "hidden"), [((1, 900), True), ((120, 900), False), ((2, 3), True)])
def test_a_slice_is_muted_where_the_rest_passes(rest: tuple[int, int], hidden: bool, plain: Checkup) -> None:
    """Or where the rest is too little to be judged."""
    defects, judged = rest
    slices = [("amy", 80, 100), ("bo", defects, judged)]
    segments = tuple(
        Segment(segment={"agent_id": name}, tally=Tally(met=all_ - bad, late=bad)) for name, bad, all_ in slices
    )
    measured = Measurement(
        code="CS01", window={}, tally=Tally(met=20 + judged - defects, late=80 + defects), segments=segments
    )
    finding = next(one for one in plain.findings if one.code == "CS01").model_copy(update={"status": "fail"})
    one = Mute(
        code="CS01", segment={"agent_id": "amy"}, reason="r", owner="o", since=date(2026, 1, 1), until=date(2026, 2, 1)
    )
    known = MuteContext(MutesFile(mutes=(one,)), BOOK, BOOK.platforms["generic"])
    (marked,), warnings = apply_mutes([finding], [measured], known, datetime.fromisoformat("2026-01-15"))
    assert (marked.muted is not None, len(warnings)) == (hidden, int(not hidden))


def test_exempt_rows_leave_the_rate_and_are_counted_beside_it(plain: Checkup, state: Path) -> None:
    """No row is lost; evidence, slices and figures beside follow; the reason is printed with the count."""
    before = next(one for one in plain.findings if one.code == "LG05")
    text = "exempt:\n  - {code: LG05, where: carrier IS NOT NULL, reason: a snow storm}\n"
    made = run_audit(state, state, text)
    after = next(one for one in made.findings if one.code == "LG05")
    (taken,) = after.exempted
    assert str(taken.reason) == "a snow storm"
    assert taken.rows == before.judged + before.undecided + before.counts.not_judgeable - (
        after.judged + after.undecided + after.counts.not_judgeable
    )
    assert sum(dict(after.counts).values()) == sum(dict(before.counts).values())
    assert after.counts.exempt == before.counts.exempt + taken.rows
    assert after.evidence.count == after.defects
    others = [(one.code, one.value) for one in plain.findings if one.code != "LG05"]
    assert [(one.code, one.value) for one in made.findings if one.code != "LG05"] == others
    assert "exempt: a snow storm" in render(made, DisplayOptions(details=True, width=400))


def test_days_are_exempt_to_their_end_for_every_rule_that_has_rows_then(plain: Checkup, state: Path) -> None:
    """``to: DAY`` includes that whole day; rules on data quality keep their rows; every row of the rest stays."""
    shipping = next(one for one in plain.findings if one.code == "LG05")
    day = next(row.at for row in shipping.evidence.rows if row.at).date()
    made = run_audit(state, state, f"exempt:\n  - {{code: all, from: {day}, to: {day}, reason: platform outage}}\n")
    touched = [one for one in made.findings if one.exempted]
    assert touched
    assert all(one.area != "data_quality" for one in touched)
    for one in touched:
        assert not [row for row in one.evidence.rows if row.at and row.at.date() == day]
        (same,) = [other for other in plain.findings if other.code == one.code]
        assert sum(dict(one.counts).values()) == sum(dict(same.counts).values())


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("carier = 'x'", 'Referenced column "carier"'),
        ("true); COPY (SELECT 1) TO '/tmp/x'; SELECT (true", "write one condition"),
        ("(SELECT count(*) FROM read_text('/etc/hostname')) > 0", "It was applied to the rows of LG05"),
        ("carrier", "It was applied to the rows of LG05"),
    ],
)
def test_a_condition_that_does_not_fit_is_named_with_its_line(state: Path, where: str, message: str) -> None:
    """The message names mutes.yaml and the rule; it can reach nothing but the rows."""
    text = f'exempt:\n  - code: LG05\n    where: "{where}"\n    reason: r\n'
    with pytest.raises(CatalogueError, match=r"mutes\.yaml:2: exempt\.0") as caught:
        run_audit(state, state, text)
    assert message in caught.value.message


def test_all_mistakes_are_reported_at_once_with_line_and_nearest_name(tmp_path: Path) -> None:
    """Unknown codes, slices, keys, spans."""
    path = tmp_path / "mutes.yaml"
    path.write_text(
        f"""mutes:
  - {{code: LG5, reason: r, owner: o, {MARCH}}}
  - {{code: CS01, segment: {{agent: amy}}, reason: r, owner: o, {MARCH}}}
exempt:
  - {{code: al, from: 2026-01-01, reason: r}}
""",
        encoding="utf-8",
    )
    with pytest.raises(CatalogueError) as caught:
        read_mutes(path, BOOK.rules)
    assert [line.split(" ", 1)[0] for line in caught.value.message.splitlines()] == [
        "mutes.yaml:2:", "mutes.yaml:3:", "mutes.yaml:5:"
    ]  # fmt: skip
    assert "nearest is agent_id" in caught.value.message
    path.write_text(
        "mutes:\n  - {code: LG05, reson: r, owner: o, since: 2026-01-01, until: 2026-12-31}\nexempt:\n"
        "  - {code: LG05, reason: r}\n",
        encoding="utf-8",
    )
    with pytest.raises(CatalogueError, match=r"(?s)nearest is reason.*give where, or from and to"):
        read_mutes(path, BOOK.rules)
    path.write_text("mutes: [\n", encoding="utf-8")
    with pytest.raises(CatalogueError, match=r"mutes\.yaml:2: not valid YAML"):
        read_mutes(path, BOOK.rules)


def test_the_file_is_looked_for_beside_the_settings_or_here(
    tmp_path: Path, state: Path, plain: Checkup, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a settings file, the current folder's counts."""
    monkeypatch.chdir(tmp_path)
    code = failing(plain)[0].code
    Path("mutes.yaml").write_text(
        f"mutes:\n  - {{code: {code}, reason: r, owner: o, {days(plain)}}}\n", encoding="utf-8"
    )
    made = audit(STORE, AuditRequest(state=state, platform="generic", window="all"))
    assert [one.code for one in made.findings if one.muted] == [code]
