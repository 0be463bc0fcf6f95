"""A whole healthy store gives no rule cause to speak up; one fault planted in it makes each rule do so."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from storehealth.audit import AuditRequest, audit
from storehealth.catalogue import Catalogue, load_catalogue
from storehealth.commands import prepare
from storehealth.commands.rule_tests import is_informative
from storehealth.model import Checkup, Finding
from tests.few_rules import keep_rules
from tests.healthy import Tables, Written, healthy, settings, write
from tests.planted import Fault, list_faults

WITHOUT_ROWS = {
    "CS12": "no platform's time to answer by",
    "CS14": "all its chats are live",
    "ST05": "no day without stock",
}
"""Rules that a healthy store leaves nothing to judge on ``generic``."""


@cache
def book() -> Catalogue:
    return load_catalogue()


@cache
def faults() -> dict[str, Fault]:
    return list_faults(book())


def audit_tables(tables: Tables, written: Written, platform: str, folder: Path) -> Checkup:
    """Files in, checkup out. Files no fault touched are those of the healthy store, and are read once."""
    request = AuditRequest(
        state=written.folder.parent / "state", platform=platform, window="all", config=settings(folder)
    )
    return audit(write(tables, folder / "exports", written), request)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """The healthy store, written once."""
    tables = healthy()
    return Written(tables, write(tables, tmp_path_factory.mktemp("healthy") / "exports"))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory, written: Written) -> dict[str, Checkup]:
    """The healthy store's checkup, by platform; each is made once."""
    platforms = sorted({fault.platform for fault in faults().values()})
    return {name: audit_tables(written.tables, written, name, tmp_path_factory.mktemp(name)) for name in platforms}


def finding(checkup: Checkup, code: str) -> Finding:
    return next(found for found in checkup.findings if found.code == code)


def test_no_rule_complains_of_a_healthy_store(sound: dict[str, Checkup]) -> None:
    """Nothing fails, is watched, or is left open; all but the figures that are only shown are judged and pass."""
    statuses = {found.code: found.status for found in sound["generic"].findings}
    shown = {code for code, rule in book().rules.items() if is_informative(rule)}
    expected = {
        code: "not_applicable" if code in WITHOUT_ROWS else "informative" if code in shown else "pass"
        for code in statuses
    }
    assert statuses == expected
    assert statuses.keys() == book().rules.keys()


def test_a_healthy_store_has_full_marks(sound: dict[str, Checkup]) -> None:
    """All four areas are judged, and every row of every table is kept."""
    checkup = sound["generic"]
    assert (checkup.score.value, checkup.score.coverage, checkup.outcome.exit_code) == (100, 1, 0)
    assert {name for source in checkup.sources for name in source.tables} >= set(book().tables) - {"files", "rejects"}
    assert all(source.rows == source.kept > 0 for source in checkup.sources)
    assert not [one for one in checkup.recommendations if one.gain_points]


def test_what_the_platform_would_print_of_a_healthy_store_agrees(sound: dict[str, Checkup]) -> None:
    """The agents' report says that all were answered within 30 seconds; so do we, of the same chats and more at night."""
    (printed,) = finding(sound["generic"], "CS01").printed
    assert (printed.theirs, printed.ours, printed.verdict) == (1, 1, "agrees")


def test_every_rule_has_a_fault_planted_for_it() -> None:
    """A rule added later gets one as well."""
    missing = book().rules.keys() - faults().keys()
    assert not missing, f"write a fault under `planted:` into the files of {missing}"


@pytest.mark.parametrize("code", sorted(faults()))
def test_a_planted_fault_makes_its_rule_speak_up(
    code: str, sound: dict[str, Checkup], written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails or is watched, with rows to look at; a figure that is only shown gets worse.

    Only the rule itself is measured: of all others the healthy store's checkup tells enough.
    """
    monkeypatch.setattr(prepare, "load_catalogue", lambda *_: keep_rules(book(), {code}))
    fault = faults()[code]
    tables = {name: [dict(row) for row in rows] for name, rows in written.tables.items()}
    fault.plant(tables)
    before = finding(sound[fault.platform], code)
    found = finding(audit_tables(tables, written, fault.platform, tmp_path), code)
    assert before.status not in ("fail", "watch"), fault.words
    if is_informative(book().rules[code]):
        assert found.status == "informative"
        assert found.value is not None
        assert found.value > (before.value or 0), fault.words
    else:
        assert found.status in ("fail", "watch"), fault.words
        assert found.defects > before.defects
        assert found.evidence.count == found.defects
