"""What does not matter changes no figure: the order of rows, several files for one, repetition, spellings, whole weeks."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from storehealth.audit import AuditRequest, audit
from storehealth.model import Checkup

Row = dict[str, str]
Files = dict[str, list[Row]]
START = datetime.fromisoformat("2026-10-05T09:00:00")
SPELT = "%Y-%m-%d %H:%M:%S"
ABOUT_FILES = ("DQ02", "DQ03", "DQ04", "DQ05")
"""Rules that count files, of which there are more after a split."""


def make_store() -> Files:
    """Eighty orders of two items, some late, some not sent, some cancelled; their parcels and cases."""
    files: Files = {"orders": [], "parcels": [], "cases": []}
    for number in range(80):
        paid = START + timedelta(hours=5 * number, minutes=7)
        sent = None if number % 10 == 3 else paid + timedelta(hours=20 + 60 * (number % 6 == 1))
        cancelled = paid + timedelta(hours=9) if number % 20 == 3 else None
        status = "cancelled" if cancelled else "shipped" if sent else "paid"
        order = {
            "order_id": f"A{number:03d}", "status": status, "created_at": f"{paid - timedelta(minutes=3):{SPELT}}",
            "paid_at": f"{paid:{SPELT}}", "promised_ship_at": f"{paid + timedelta(hours=48):{SPELT}}",
            "cancelled_at": f"{cancelled:{SPELT}}" if cancelled else "", "paid_amount": f"{10 + number}.50",
            "shipped_at": f"{sent:{SPELT}}" if sent else "", "seller_note": "",
        }  # fmt: skip
        files["orders"].append(order)
        if sent:
            times = {
                "shipped_at": sent,
                "picked_up_at": sent + timedelta(hours=3),
                "delivered_at": sent + timedelta(days=2),
            }
            own = {
                "waybill_no": f"W{number:03d}",
                "order_id": order["order_id"],
                "carrier": "SF" if number % 2 else "JD",
            }
            files["parcels"].append(own | {name: f"{at:{SPELT}}" for name, at in times.items()})
        if number % 3 == 0:
            applied = paid + timedelta(days=3)
            ended = {
                "reviewed_at": applied + timedelta(hours=2 + 30 * (number % 9 == 0)),
                "closed_at": applied + timedelta(days=2),
            }
            own = {"case_id": f"C{number:03d}", "order_id": order["order_id"], "kind": "return", "status": "closed"}
            own |= {"applied_at": f"{applied:{SPELT}}"}
            files["cases"].append(own | {name: f"{at:{SPELT}}" for name, at in ended.items()})
    return files


def to_text(rows: list[Row]) -> str:
    """Write rows as CSV."""
    out = StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def judge(folder: Path, texts: dict[str, str]) -> Checkup:
    """The checkup of files of this text."""
    (folder / "exports").mkdir(parents=True)
    for name, text in texts.items():
        (folder / "exports" / f"{name}.csv").write_text(text, encoding="utf-8")
    return audit(folder / "exports", AuditRequest(state=folder / "state", fail_on="never", window="all"))


def list_figures(checkup: Checkup) -> dict[str, Any]:
    """Score, and status, counts and value of every rule but those that count files."""
    findings = {
        finding.code: (finding.status, finding.counts, finding.value)
        for finding in checkup.findings
        if finding.code not in ABOUT_FILES
    }
    return {"score": checkup.score.value, "figures": checkup.figures, **findings}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The figures of the store as it is."""
    texts = {name: to_text(rows) for name, rows in make_store().items()}
    figures = list_figures(judge(tmp_path_factory.mktemp("plain"), texts))
    judged = [
        code for code, found in figures.items() if isinstance(found, tuple) and found[0] in ("pass", "watch", "fail")
    ]
    assert {"LG05", "AS01"} <= set(judged)
    return figures


def make_chats() -> list[Row]:
    """Forty conversations: answered by two agents sooner or later, some by a bot first, some not at all."""
    rows = []
    for number in range(40):
        asked = START + timedelta(hours=7 * number, minutes=3)
        lines = [(0, "customer", f"buyer{number % 17}", "Is it in stock?")]
        lines += [(1, "bot", "robot", "One moment")] if number % 4 == 0 else []
        lines += [(5 + 9 * (number % 9), "agent", f"agent{number % 2}", f"Yes, {number}")] if number % 6 else []
        for place, (wait, role, sender, text) in enumerate(lines):
            sent = f"{asked + timedelta(seconds=wait):{SPELT}}"
            rows.append(
                {"conversation_id": f"T{number}", "message_id": f"T{number}-{place}", "sent_at": sent,
                 "sender_role": role, "sender_id": sender, "customer_id": f"buyer{number % 17}", "text": text}
            )  # fmt: skip
    return rows


def test_few_rows_are_counted_as_many_are(tmp_path, monkeypatch) -> None:
    """Rows that are fetched and counted, and rows that the database groups, give the same measurements."""
    texts = {name: to_text(rows) for name, rows in (make_store() | {"chat": make_chats()}).items()}
    fetched = judge(tmp_path / "few", texts)
    monkeypatch.setattr("storehealth.measure.FEW", -1)
    grouped = judge(tmp_path / "many", texts)
    assert {"CS01", "LG05", "TM02"} <= {row.code for row in fetched.measurements}
    assert fetched.measurements == grouped.measurements
    assert fetched.findings == grouped.findings


def test_few_rows_are_planned_in_short_to_the_same_figures(tmp_path, monkeypatch) -> None:
    """Small stores do without most of the optimizer."""
    texts = {name: to_text(rows) for name, rows in (make_store() | {"chat": make_chats()}).items()}
    short = judge(tmp_path / "short", texts)
    monkeypatch.setattr("storehealth.db.store.PLAIN_BELOW", 0)
    whole = judge(tmp_path / "whole", texts)
    assert short.measurements == whole.measurements
    assert short.findings == whole.findings


def test_more_rows_than_were_thought_are_grouped(tmp_path, monkeypatch) -> None:
    """The views are small, but a rule's SELECT may give more rows than they have."""
    texts = {name: to_text(rows) for name, rows in make_store().items()}
    expected = judge(tmp_path / "few", texts)
    monkeypatch.setattr("storehealth.measure.passes.FEW", 10)
    assert judge(tmp_path / "many", texts).measurements == expected.measurements


def reverse(files: Files) -> dict[str, str]:
    return {name: to_text(rows[::-1]) for name, rows in files.items()}


def shuffle(files: Files) -> dict[str, str]:
    """By the number of each row read backwards."""
    return {name: to_text(sorted(rows, key=lambda row: next(iter(row.values()))[::-1])) for name, rows in files.items()}


def split(files: Files) -> dict[str, str]:
    """Three files for each, whose rows overlap."""
    return {
        f"{name} {part}": to_text(rows[part * len(rows) // 4 : (part + 2) * len(rows) // 4])
        for name, rows in files.items()
        for part in range(3)
    }


def repeat(files: Files) -> dict[str, str]:
    """Each file a second time under another name, in another order."""
    return {name: to_text(rows) for name, rows in files.items()} | {
        f"a copy of {name}": to_text(rows[::-1]) for name, rows in files.items()
    }


def cut_blanks(files: Files) -> dict[str, str]:
    """Rows end with their last filled cell."""
    return {
        name: "".join(f"{line.rstrip(',')}\n" for line in to_text(rows).splitlines()) for name, rows in files.items()
    }


def pad_blanks(files: Files) -> dict[str, str]:
    """Blank cells stand behind each row."""
    return {name: "".join(f"{line},,\n" for line in to_text(rows).splitlines()) for name, rows in files.items()}


def respell(form: Callable[[datetime], str]) -> Callable[[Files], dict[str, str]]:
    """Write every time in another form."""

    def write(files: Files) -> dict[str, str]:
        return {name: to_text([dict(_respell(row, form)) for row in rows]) for name, rows in files.items()}

    return write


def _respell(row: Row, form: Callable[[datetime], str]) -> Iterator[tuple[str, str]]:
    for name, cell in row.items():
        yield name, form(datetime.strptime(cell, SPELT)) if name.endswith("_at") and cell else cell  # noqa: DTZ007


def say_not_yet(files: Files) -> dict[str, str]:
    """Words stand where a time is not known yet."""
    for row in files["orders"]:
        row["shipped_at"] = row["shipped_at"] or "未发货"
        row["cancelled_at"] = row["cancelled_at"] or "0000-00-00 00:00:00"
    return {name: to_text(rows) for name, rows in files.items()}


WAYS: dict[str, Callable[[Files], dict[str, str]]] = {
    "rows in reverse": reverse,
    "rows shuffled": shuffle,
    "three overlapping files for one": split,
    "each file twice": repeat,
    "blanks at the end left out": cut_blanks,
    "blanks at the end added": pad_blanks,
    "words for not yet": say_not_yet,
    "day first": respell(lambda at: f"{at:%d/%m/%Y %H:%M:%S}"),
    "month first, twelve hours": respell(lambda at: f"{at:%m/%d/%Y %I:%M:%S %p}"),
    "months in words": respell(
        lambda at: f"{at.day} de {'octubre' if at.month == 10 else 'noviembre'} de {at:%Y %H:%M:%S}"
    ),
    "epoch": respell(lambda at: f"{(at - datetime.fromisoformat('1970-01-01')).total_seconds():.0f}"),
    "ISO with offset": respell(lambda at: f"{at:%Y-%m-%dT%H:%M:%S}Z"),
    "下午": respell(
        lambda at: f"{at:%Y年%m月%d日} {'上午' if at.hour < 12 else '下午'}{at.hour % 12 or 12}:{at:%M:%S}"
    ),
    "four weeks later": respell(lambda at: f"{at + timedelta(weeks=4):{SPELT}}"),
    "nine weeks earlier": respell(lambda at: f"{at - timedelta(weeks=9):{SPELT}}"),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_does_not_matter_changes_no_figure(tmp_path: Path, plain: dict[str, Any], way: str) -> None:
    """Score, verdicts, counts and values are those of the plain files."""
    assert list_figures(judge(tmp_path, WAYS[way](make_store()))) == plain
