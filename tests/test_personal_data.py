"""Nothing that is shown or written names a person: a store stuffed with known values, and every output searched for them."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from storehealth.audit import AuditRequest, audit
from storehealth.catalogue import load_catalogue
from storehealth.cli import main
from storehealth.commands.inspect import inspect_exports
from tests.few_rules import SOME, Chosen

NAMES = ("王小明", "Ana López", "李丽华", "Jörg Meierhofer", "诸葛孔明")
PHONES = ("13812345678", "138 1234 5678", "+34 600 123 456", "010-62345678", "18600001111")
MAILS = ("ana.lopez@example.com", "li_lihua@mail.example.cn")
ADDRESSES = ("北京市朝阳区建国路88号3栋2单元501室", "Calle Mayor, 12", "221 Baker Street")
TEXTS = ("这件大衣的扣子掉了我很生气", "please leave it with my neighbour", "机密的自由文本")
BUYERS = ("tb_wangxm_1987", "ana-lopez-77", "lihua2001", "jd_隐藏买家9", "谁也不认识的人")
PRIVATE = (*NAMES, *PHONES, *MAILS, *ADDRESSES, *TEXTS, *BUYERS)


def orders() -> Iterator[str]:
    """Late orders with every personal column a merchant's export has, and rows that cannot be read."""
    yield (
        "order_id,status,created_at,paid_at,promised_ship_at,shipped_at,cancelled_at,cancelled_by,cancel_reason,"
        "paid_amount,buyer_id,province,city,warehouse,buyer_note,seller_note,receiver,phone,address"
    )
    for number in range(60):
        name, phone, place = NAMES[number % 5], PHONES[number % 5], ADDRESSES[number % 3]
        shipped = "" if number % 3 else "2026-09-09 10:00:00"
        reason = f"联系电话 {PHONES[0]} 不要了" if number % 4 == 0 else f"{ADDRESSES[0]} 地址错误"
        yield (
            f"O-{number:04},paid,2026-09-01 08:{number:02}:00,2026-09-01 09:{number:02}:00,2026-09-03 09:00:00,{shipped},"
            f"{'2026-09-04 10:00:00' if number % 5 == 0 else ''},seller,{reason},99.00,{BUYERS[number % 5]},广东省,深圳市,"
            f'W1,{TEXTS[number % 3]},"收货人：{name} {phone}",{name},{phone},"{place}"'
        )
    yield f"O-1000,{NAMES[4]},2026-09-01 08:00:00,{PHONES[0]},{NAMES[0]},,,,,{MAILS[0]},{BUYERS[0]},,,,,,,,"
    yield f"O-1001,paid,{ADDRESSES[0]},2026-09-01 09:00:00,,,,,,{NAMES[1]},{BUYERS[1]},,,,,,,,"
    yield f"O-1004,paid,2026-09-01 08:00:00,{NAMES[2]} {PHONES[2]},{NAMES[3]} 7,{NAMES[4]}2026-09-01,,,,99,{BUYERS[1]},,,,,,,,"
    yield f"O-1002,{TEXTS[2]},2026-09-01 09:00:00,{NAMES[2]}"
    yield f'O-1003,"{NAMES[3]} {PHONES[4]} {MAILS[1]}'


def messages(ids: bool) -> Iterator[str]:
    """Slow answers; without conversation ids the sessions are named after the customer."""
    yield ("conversation_id," if ids else "") + "sent_at,sender_id,sender_role,customer_id,text"
    for number in range(40):
        buyer, day = BUYERS[number % 5], number % 28 + 1
        begin = f"C-{number}," if ids else ""
        said = f"{TEXTS[number % 3]} {PHONES[number % 5]} {MAILS[number % 2]}"
        yield f"{begin}2026-09-{day:02} 10:{number:02}:00,{buyer},customer,{buyer},{said}"
        yield f"{begin}2026-09-{day:02} 10:{number:02}:50,agent-amy,agent,{buyer},{ADDRESSES[number % 3].replace(',', ' ')}"
        yield f"{begin}2026-09-{day:02} 11:{number:02}:00,{BUYERS[4]},unknown,{buyer},{NAMES[number % 5]}"


def chat_log() -> Iterator[str]:
    """JD's own log, in which nobody's role is given, with lines that belong nowhere."""
    yield f"{NAMES[0]} {PHONES[0]}"
    for number in range(12):
        yield "/*****************以下为一通会话************************************/"
        yield f"{BUYERS[number % 5]} 2026-09-0{number % 9 + 1} 10:00:00"
        yield f"{TEXTS[0]} {ADDRESSES[0]}"
        yield f"agent-amy 2026-09-0{number % 9 + 1} 10:03:00"
        yield f"您好 {NAMES[number % 5]}"
        yield "/*****************会话结束*****************/"


def cases() -> Iterator[str]:
    yield "case_id,order_id,kind,reason,reason_detail,status,applied_at,reviewed_at,closed_at,refund_amount,review_result"
    for number in range(40):
        reason = f"质量问题 {PHONES[number % 5]} {MAILS[number % 2]}"
        yield (
            f"K-{number},O-{number:04},return,{reason},{TEXTS[number % 3]},closed,2026-09-05 10:00:00,2026-09-09 10:00:00,"
            f"2026-09-20 10:00:00,9.00,同意 {ADDRESSES[0]}"
        )


def reviews() -> Iterator[str]:
    yield "review_id,order_id,rated_at,stars,text"
    yield from (f"R-{number},O-{number:04},2026-09-20 10:00:00,1,{TEXTS[number % 3]}" for number in range(40))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of exports."""
    folder = tmp_path_factory.mktemp("shop") / "exports"
    folder.mkdir()
    for name, lines in {
        "orders.csv": orders(),
        "orders again.csv": orders(),
        "messages.csv": messages(True),
        "messages without ids.csv": messages(False),
        "cases.csv": cases(),
        "reviews.csv": reviews(),
    }.items():
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "chat.log").write_bytes("\n".join(chat_log()).encode("gb18030"))
    rows = [f"{name};{phone};{place};2026-09-01" for name, phone, place in zip(NAMES, PHONES, ADDRESSES, strict=False)]
    (folder / "no header.csv").write_text("\n".join(rows), encoding="utf-8")
    unknown = ["Vorgang;Angelegt am;Wert;Ansprechpartner;Anruf;Bemerkung;Konto"]
    unknown += [f"A-{n};01.09.2026 08:1{n};3{n},90;{NAMES[n]};{PHONES[n]};{TEXTS[n % 3]};{BUYERS[n]}" for n in range(5)]
    (folder / "unknown.csv").write_text("\n".join(unknown), encoding="utf-8")
    return folder


def found_in(text: str) -> list[str]:
    """The personal values that stand in a text, as they are or as JSON escapes them."""
    return [value for value in PRIVATE if value in text or json.dumps(value)[1:-1] in text]


Run = Callable[..., Any]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run the command line; gives all that was printed, and the exit code."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> tuple[str, int]:
        capfd.readouterr()
        code = main([str(argument) for argument in (*arguments, "--state", tmp_path / "state")])
        return "".join(capfd.readouterr()), code

    return call


def written(folder: Path) -> str:
    """All files below a folder but the state's, as one text."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and "state" not in path.parts)
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


@pytest.mark.parametrize("language", ["en", "zh", "es"])
def test_an_audit_names_nobody_on_the_screen_or_in_any_file(
    run: Run, store: Path, tmp_path: Path, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Screen, details, progress, JSON, Markdown, evidence and rejects; what rows hold is the same in every language."""
    monkeypatch.setattr(Chosen, "codes", () if language == "en" else SOME)
    files = ("-o", "json=a.json", "-o", "md=a.md", "-o", "evidence=evidence", "-o", "rejects=rejects.csv")
    shown, code = run("audit", store, "--details", "-v", "--lang", language, *files)
    assert code in (0, 1)
    assert found_in(shown) == []
    everything = written(tmp_path)
    assert found_in(everything) == []
    assert "buyer-" in everything, "the buyers were to be there under other names"
    assert "agent-amy" in everything, "staff are shown"
    assert len(list((tmp_path / "evidence").glob("*.csv"))) > 3
    assert len((tmp_path / "rejects.csv").read_text(encoding="utf-8").splitlines()) > 5


@pytest.mark.parametrize("arguments", [("--format", "json"), ("-v",), ("-o", "rejects=-"), ("-q",), ("--lang", "zh")])
def test_inspect_names_nobody(run: Run, store: Path, arguments: tuple[str, ...]) -> None:
    """Previews, rejects, and the headers of files that may have none."""
    shown, code = run("inspect", store, "--preview", "60", *arguments)
    assert code == 0
    assert found_in(shown) == []


def test_the_store_does_hold_them_all(store: Path, tmp_path: Path) -> None:
    """Else the tests above would find nothing whatever was shown."""
    request = AuditRequest(state=tmp_path / "state", unmask=True)
    shown = inspect_exports(store, request, preview=60).model_dump_json() + audit(store, request).model_dump_json()
    assert set(found_in(shown)) > {*BUYERS, PHONES[0], TEXTS[0], ADDRESSES[0]}


def test_a_drafted_layout_names_nobody(run: Run, store: Path, tmp_path: Path) -> None:
    """It is made to be handed on."""
    shown, code = run("inspect", store / "unknown.csv", "--write-layout", "drafted", "--pack", tmp_path / "pack")
    assert (found_in(shown), code) == ([], 0)
    assert found_in((tmp_path / "pack" / "layouts" / "drafted.yaml").read_text(encoding="utf-8")) == []


def test_what_is_kept_between_runs_is_the_owner_s_alone(run: Run, store: Path, tmp_path: Path) -> None:
    """The lake holds the exports' rows as they are. A loose umask changes nothing."""
    before = os.umask(0)
    try:
        run("audit", store)
    finally:
        os.umask(before)
    kept = [tmp_path / "state", *(tmp_path / "state").rglob("*")]
    assert len(kept) > 20
    assert [path for path in kept if stat.S_IMODE(path.stat().st_mode) & 0o077] == []


def test_what_is_remembered_of_an_audit_names_nobody(run: Run, store: Path, tmp_path: Path) -> None:
    """The checkup, the counts per slice and the fingerprints; shown and compared, they name nobody either."""
    for day in ("2026-09-20", "2026-09-28"):
        assert run("audit", store, "--as-of", day, "-s")[1] in (0, 1)
    with sqlite3.connect(tmp_path / "state" / "history.sqlite") as con:
        rows = con.execute("SELECT brief, checkup, measured, marks FROM runs").fetchall()
    packed = "\n".join(zlib.decompress(blob).decode() for row in rows for blob in row[:3])
    assert len(rows) == 2
    assert found_in(packed) == []
    assert "buyer-" in packed, "the buyers were to be there under other names"
    assert all(found_in(row[3].decode("latin-1")) == [] for row in rows)
    for command in (("show", "latest", "--details"), ("show", "latest", "--format", "json"), ("compare", "--details")):
        shown, code = run("history", *command)
        assert (found_in(shown), code) == ([], 0)


def test_a_lake_that_others_could_read_is_closed(run: Run, store: Path, tmp_path: Path) -> None:
    """Made by hand, or by an older version."""
    lake = tmp_path / "state" / "lake"
    lake.mkdir(parents=True)
    for folder in (lake.parent, lake):
        folder.chmod(0o755)
    run("inspect", store / "orders.csv")
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (lake.parent, lake)] == [0o700, 0o700]


STAFF = {"agent_id", "transferred_to", "event_agent_id", "handled_by", "reviewer_id", "handler_id"}
OF_THE_STORE = {
    "kind", "skill_group", "satisfaction", "reason", "review_result", "cancel_reason", "currency", "province", "warehouse",
    "channel", "carrier", "item_name", "location", "path", "container", "layout", "encoding", "note", "file", "column_name",
    "tables", "shop",
}  # fmt: skip
THINGS = {
    "conversation_id", "message_id", "order_id", "sku_id", "line_id", "seller_sku", "waybill_no", "case_id", "review_id",
    "entry_id", "statement_id", "internal_id",
}  # fmt: skip


def test_every_column_that_may_hold_a_person_is_marked() -> None:
    """Each id and text of every table is personal, staff, a thing, or the store's own words; a new one must choose."""
    unsure = {
        f"{table.name}.{name}"
        for table in load_catalogue().tables.values()
        for name, column in table.columns.items()
        if column.type in ("id", "text") and column.personal is None
        if name not in STAFF | OF_THE_STORE | THINGS and f"{table.name}.{name}" != "rejects.reason"
    }
    assert unsure == set()
    tables = load_catalogue().tables
    assert (
        tables["messages"].columns["text"].personal == tables["aftersales"].columns["reason_detail"].personal == "text"
    )
