"""Packs and mutes that call views by their names of 0.1 still work, and are told so."""

from __future__ import annotations

from pathlib import Path

import pytest

from storehealth.catalogue import FOLDERS, load_catalogue
from storehealth.catalogue.mutes import read_mutes
from storehealth.catalogue.view import OLD_NAMES, OldName, replace_old_names
from storehealth.db import StoreSettings, open_store_from_rows
from storehealth.i18n import translate
from storehealth.judge.verdict import MuteContext, apply_mutes
from storehealth.measure import find_rule_problems

SQL = {
    "SELECT chat.role FROM chat WHERE chat.role = 'agent'": (
        "SELECT chat.role FROM chat_messages AS chat WHERE chat.role = 'agent'", ("chat",)),
    "SELECT * FROM Chat c JOIN talks AS t USING (x)": (
        "SELECT * FROM chat_messages c JOIN session_totals AS t USING (x)", ("chat", "talks")),
    "SELECT * FROM orders o, talks, chat x": (
        "SELECT * FROM orders o, session_totals AS talks, chat_messages x", ("chat", "talks")),
    'FROM "links" WHERE is_joined': ("FROM session_matches AS links WHERE is_joined", ("links",)),
    "x IN (SELECT s FROM booked)": ("x IN (SELECT s FROM workbook_sessions AS booked)", ("booked",)),
    "WITH chat AS (SELECT 1) SELECT * FROM chat JOIN threads ON a": (
        "WITH chat AS (SELECT 1) SELECT * FROM chat JOIN conversation_sessions AS threads ON a", ("threads",)),
    "SELECT 'FROM chat' -- from talks\n": ("SELECT 'FROM chat' -- from talks\n", ()),
    "SELECT links, booked FROM mine": ("SELECT links, booked FROM mine", ()),
    "SELECT * FROM chat_messages": ("SELECT * FROM chat_messages", ()),
    "SELECT * FROM chat.mine": ("SELECT * FROM chat.mine", ()),
}  # fmt: skip


@pytest.mark.parametrize("sql", SQL)
def test_sql_reads_views_by_their_present_names(sql: str) -> None:
    """Aliases stay, and so do texts, comments, columns and what a query names itself."""
    renamed, found = replace_old_names(sql)
    assert (renamed, tuple(sorted(found))) == SQL[sql]


def pack(folder: Path) -> Path:
    """A pack of 0.1: a built-in view replaced, a view that reads one, and a rule over another."""
    (folder / "views").mkdir(parents=True)
    (folder / "rules").mkdir()
    replaced = (
        (FOLDERS["views"] / "workbook_sessions.sql")
        .read_text("utf-8")
        .replace("view: workbook_sessions", "view: booked")
    )
    (folder / "views" / "booked.sql").write_text(replaced, encoding="utf-8")
    (folder / "views" / "mine.sql").write_text(
        "-- view: mine\n-- about: rows\n-- group: chat\n-- needs: messages\n-- after: talks\n"
        "SELECT session_id AS entity, started_at AS at, NULL::TIMESTAMP AS until, source_file, source_row FROM talks\n",
        encoding="utf-8",
    )
    rule = (FOLDERS["rules"] / "data_quality" / "workbook-match.yaml").read_text("utf-8")
    (folder / "rules" / "workbook-match.yaml").write_text(
        rule.replace("over: session_matches", "over: links"), encoding="utf-8"
    )
    return folder


def test_a_pack_of_the_version_before_is_read_with_a_warning(tmp_path: Path) -> None:
    """Its view takes the place of the renamed one, its SQL binds, and each old name is reported once."""
    catalogue = load_catalogue([pack(tmp_path)])
    assert not OLD_NAMES.keys() & catalogue.views.keys()
    assert catalogue.is_from_pack("views", "workbook_sessions")
    assert catalogue.views["mine"].after == ("session_totals",)
    assert catalogue.rules["DQ08"].measure.over == "session_matches"
    assert set(catalogue.old_names) == {
        OldName("booked.sql", "booked", "workbook_sessions"),
        OldName("mine.sql", "talks", "session_totals"),
        OldName("workbook-match.yaml", "links", "session_matches"),
    }
    generic = catalogue.platforms["generic"]
    wanted = ["mine", "session_matches", "workbook_sessions"]
    with open_store_from_rows({}, catalogue, StoreSettings("store", generic, generic.facts), wanted) as store:
        assert find_rule_problems(store, [catalogue.rules["DQ08"]], {}, catalogue) == []


def test_built_in_files_have_no_old_names() -> None:
    """So no audit without packs is warned."""
    assert load_catalogue().old_names == ()


@pytest.mark.parametrize(
    ("language", "expected"), [("en", "now called"), ("zh", "现已更名为"), ("es", "ahora se llama")]
)
def test_an_exemption_that_reads_a_view_by_its_old_name_is_reported(
    tmp_path: Path, language: str, expected: str
) -> None:
    """With the line it stands in; its SQL has the present name."""
    catalogue = load_catalogue()
    path = tmp_path / "mutes.yaml"
    path.write_text(
        "exempt:\n  - {code: CS04, where: session_id IN (SELECT session_id FROM booked), reason: a storm}\n", "utf-8"
    )
    mutes = read_mutes(path, catalogue.rules)
    assert mutes.exempt[0].where == "session_id IN (SELECT session_id FROM workbook_sessions AS booked)"
    known = MuteContext(mutes, catalogue, catalogue.platforms["generic"])
    _, warnings = apply_mutes((), (), known, None)
    lines = [translate(warning, language) for warning in warnings]
    (warning,) = [line for line in lines if "workbook_sessions" in line]
    assert expected in warning
    assert warning.startswith("mutes.yaml:2: exempt.0")


def test_old_words_for_a_bot_policy_are_understood(tmp_path: Path) -> None:
    """A platform of a pack of 0.1 keeps its meaning, and is reported."""
    (tmp_path / "platforms").mkdir()
    own = (FOLDERS["platforms"] / "etsy.yaml").read_text("utf-8").replace("value: ignored", "value: ignore")
    (tmp_path / "platforms" / "etsy.yaml").write_text(own, encoding="utf-8")
    catalogue = load_catalogue([tmp_path])
    assert catalogue.platforms["etsy"].facts["bot_policy"].value == "ignored"
    assert catalogue.old_names == (OldName("etsy.yaml", "ignore", "ignored"),)
