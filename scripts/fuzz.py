"""Damages files, settings and state at random, and checks that only what was damaged is lost.

``python scripts/fuzz.py [HARNESS …] [--tries N] [--seed N]`` prints a table of tries and survivors; ``--write`` puts it into
``docs/robustness.md``. ``make fuzz`` runs all for some minutes, the tests a short round. Every try runs in a process of its
own, within 60 seconds and 1.5 GB. What a try must keep:

- no exception but those that are meant for the user, no note that asks for a report, no signal;
- per file: rows = kept + duplicates + rejected, and no more rows than the file can have lines or cells;
- buyers' names and phones in no message;
- a second file that was not touched gives the same rows, all of them.

What did not survive is kept in ``tests/corpus`` and tried first from then on.
"""

from __future__ import annotations

import argparse
import atexit
import gzip
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

from storehealth.catalogue import Catalogue, load_catalogue
from storehealth.errors import ExitCode, StorehealthError
from storehealth.intake import read_exports

ROOT = Path(__file__).parents[1]
CORPUS = ROOT / "tests" / "corpus"
PAGE = ROOT / "docs" / "robustness.md"
BEGIN, END = "<!-- tries: begin -->", "<!-- tries: end -->"
SECONDS, BYTES = 60, 1_500_000_000
SECRETS = ("王小明", "13812345678", "wangxm@163.com")
ROWS = 12
HEADER = "order_id,status,created_at,paid_at,promised_ship_at,shipped_at,paid_amount,buyer_id,buyer_note"
CODES = {int(code) for code in ExitCode} - {int(ExitCode.INTERNAL)}


class Failure(Exception):  # noqa: N818 - a try that did not keep what it must
    """What went wrong, in a few words."""


class Outcome(NamedTuple):
    """One try: what went wrong (empty: nothing), and what it took."""

    problem: str
    seconds: float
    megabytes: float


# -- seeds -------------------------------------------------------------------------------------------------------


def list_rows() -> list[list[str]]:
    """The rows of a small export of orders."""
    return [
        f"O-{n:04},paid,2026-09-{n + 1:02} 08:00:00,2026-09-{n + 1:02} 09:00:00,2026-09-{n + 3:02} 09:00:00,"
        f"2026-09-{n + 2:02} 10:00:00,{n}.50,buyer{n},{SECRETS[n % 3]}".split(",")
        for n in range(ROWS)
    ]


def _write_text(rows: list[list[str]], delimiter: str = ",") -> str:
    return "".join(f"{delimiter.join(row)}\n" for row in [HEADER.split(","), *rows])


def _write_xlsx(rows: list[list[str]]) -> bytes:
    import xlsxwriter

    stream = BytesIO()
    with xlsxwriter.Workbook(stream) as book:
        sheet = book.add_worksheet("orders")
        for number, row in enumerate([HEADER.split(","), *rows]):
            sheet.write_row(number, 0, row)
    return stream.getvalue()


def _write_xls(rows: list[list[str]]) -> bytes:
    import xlwt

    book, stream = xlwt.Workbook(), BytesIO()
    sheet = book.add_sheet("orders")
    for number, row in enumerate([HEADER.split(","), *rows]):
        for column, cell in enumerate(row):
            sheet.write(number, column, cell)
    book.save(stream)
    return stream.getvalue()


def _write_zip(files: dict[str, bytes]) -> bytes:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


@cache
def build_seeds() -> dict[str, bytes]:
    """One whole file per format, by its name."""
    rows = list_rows()
    text = _write_text(rows)
    objects = [dict(zip(HEADER.split(","), row, strict=True)) for row in rows]
    cells = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in [HEADER.split(","), *rows])
    begin, end = (
        "/*****************以下为一通会话************************************/\n",
        "/*****************会话结束*****************/\n",
    )
    talk = "".join(f"{'ana' if n % 2 else 'amy'} 2026-09-01 10:00:{n:02}\nhello {n}\n" for n in range(ROWS))
    chats = "".join(f"{'ana' if n % 2 else 'amy'}(2026-09-01 10:00:{n:02}):  hello {n}\n" for n in range(ROWS))
    phone = "".join(f"[25/09/26, 9:{n:02}:00 AM] {'Ana' if n % 2 else 'Shop'}: hello {n}\n" for n in range(ROWS))
    return {
        "a.csv": text.encode(), "gbk.csv": text.encode("gb18030"), "wide.csv": text.encode("utf-16"),
        "tabs.tsv": _write_text(rows, "\t").encode(), "quoted.csv": "".join(
            ",".join(f'"{cell}"' for cell in row) + "\r\n" for row in [HEADER.split(","), *rows]).encode(),
        "a.xlsx": _write_xlsx(rows), "a.xls": _write_xls(rows), "page.xls": f"<html><table>{cells}</table></html>".encode(),
        "a.jsonl": "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in objects).encode(),
        "a.json": json.dumps({"code": 0, "data": {"list": objects}}, ensure_ascii=False).encode(),
        "jd.log": f"{begin}{talk}{end}".encode(), "wangwang.txt": f"{chats}{'=' * 40}\n".encode(), "_chat.txt": phone.encode(),
        "a.zip": _write_zip({"x/a.csv": text.encode(), "b.jsonl": b"{}"}), "a.csv.gz": gzip.compress(text.encode(), mtime=0),
    }  # fmt: skip


# -- damage ------------------------------------------------------------------------------------------------------

SPLINTERS = (b"\0", b'"', b",", b"\r", b"\n", b"\xff\xfe", b"\xed\xa0\xbd", b"\\ud83d", b"]" * 40, b"{" * 300, b"A" * 5000,
             b"\x1b[31m", b"=cmd|' /C calc'!A0", b"99999999999999999999", b"1E309", b"-", "，".encode(),
             "王小明".encode())  # fmt: skip


def damage(content: bytes, dice: random.Random) -> bytes:
    """Damage a file in one to four places: a bit, a splinter, a piece cut out, repeated, moved, or the end cut off."""
    data = bytearray(content)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(max(len(data), 1))
        piece = data[at : at + dice.choice((1, 3, 20, 400))]
        kind = dice.randrange(7)
        if kind == 0 and data:
            data[at] ^= 1 << dice.randrange(8)
        elif kind == 1:
            data[at:at] = dice.choice(SPLINTERS)
        elif kind == 2:
            del data[at : at + len(piece)]
        elif kind == 3:
            data[at:at] = piece * dice.choice((1, 2, 50))
        elif kind == 4:
            to = dice.randrange(max(len(data), 1))
            data[to : to + len(piece)] = piece
        elif kind == 5:
            del data[at:]
        elif data:
            data[at] = dice.randrange(256)
    return bytes(data)


def damage_inside(content: bytes, dice: random.Random) -> bytes:
    """Damage a part of a zip, and pack it again with right sums, so that the damage reaches the reader."""
    with zipfile.ZipFile(BytesIO(content)) as archive:
        parts = {info.filename: archive.read(info) for info in archive.infolist()}
    name = dice.choice(sorted(parts))
    return _write_zip(parts | {name: damage(parts[name], dice)})


# -- harnesses ---------------------------------------------------------------------------------------------------


@cache
def _catalogue() -> Catalogue:
    return load_catalogue()


def try_file(name: str, content: bytes, folder: Path) -> None:
    """Read a damaged file beside a whole one.

    Raises:
        Failure: More than the damage was lost, or something was said that must not be.
    """
    exports = folder / "exports"
    exports.mkdir(parents=True)
    (exports / name).write_bytes(content)
    (exports / "whole.csv").write_text(_write_text([[f"W{row[0]}", *row[1:]] for row in list_rows()]), encoding="utf-8")
    intake = read_exports(exports, _catalogue(), folder / "lake")
    for source in intake.sources:
        if source.rows != source.kept + source.duplicates + source.rejected:
            raise Failure(f"sums of {source.path}: {source.rows}")
        if source.note is not None and source.note.id == "intake.failed":
            raise Failure(str(source.note))
        if any(secret in str(source.note) for secret in SECRETS):
            raise Failure(f"a note names somebody: {source.note.id}")  # type: ignore[union-attr]
        if source.path == "whole.csv" and (source.rows, source.kept) != (ROWS, ROWS):
            raise Failure(f"the whole file has {source.rows} rows, {source.kept} kept")
        if source.path != "whole.csv" and source.rows > _count_most_rows(name, content):
            raise Failure(f"{source.path} has {source.rows} rows")
    _check_stored(intake)


def _count_most_rows(name: str, content: bytes) -> int:
    if name.endswith((".xlsx", ".xls", ".zip", ".gz", ".json")):
        return 2_000_000
    return content.count(b"\n") + content.count(b"\r") + 2


def _check_stored(intake: Any) -> None:
    """Count the rows that were stored, independently of what was said of them."""
    import duckdb

    for table in (*intake.tables, *intake.rejects):
        (count,) = duckdb.connect().execute("SELECT count(*) FROM read_parquet(?)", [str(table.parquet)]).fetchall()[0]
        if count != table.rows:
            raise Failure(f"{table.table} of {table.source} has {count} rows, not {table.rows}")


def harness_containers(dice: random.Random, folder: Path) -> None:
    """A damaged file of any format."""
    name = dice.choice(sorted(build_seeds()))
    seed = build_seeds()[name]
    inside = name.endswith((".xlsx", ".zip")) and dice.random() < 0.6
    content = (damage_inside if inside else damage)(seed, dice)
    if name.endswith(".gz") and dice.random() < 0.6:
        content = gzip.compress(damage(gzip.decompress(seed), dice), mtime=0)
    _keep(folder, name, content)
    try_file(name, content, folder)


def harness_cells(dice: random.Random, folder: Path) -> None:
    """Cells of any content in a whole table."""
    rows = list_rows()
    alphabet = "0123456789-/:. ,年月日TZ+$¥€%'\"\t\u200b\u3000\ufeff上午PMeE王小明１２"
    for _ in range(dice.randint(1, 20)):
        text = "".join(dice.choice(alphabet) for _ in range(dice.randint(0, 30)))
        rows[dice.randrange(ROWS)][dice.randrange(9)] = '"' + text.replace('"', '""') + '"'
    content = _write_text(rows).encode()
    _keep(folder, "cells.csv", content)
    try_file("cells.csv", content, folder)


def harness_headers(dice: random.Random, folder: Path) -> None:
    """Headers of all layouts, mixed: the recogniser decides, or says that it cannot."""
    known = [
        header
        for layout in _catalogue().layouts.values()
        for column in layout.columns.values()
        for header in column.headers
    ]
    header = [dice.choice(known).replace(",", " ").replace('"', "") for _ in range(dice.randint(1, 40))]
    rows = [[dice.choice(("1", "2026-09-01 10:00:00", "x", "")) for _ in header] for _ in range(dice.randint(0, 5))]
    content = "".join(",".join(row) + "\n" for row in [header, *rows]).encode()
    _keep(folder, "headers.csv", content)
    try_file("headers.csv", content, folder)


def harness_together(dice: random.Random, folder: Path) -> None:
    """Small files of one header, some of them damaged, which are read together: each gives what it gives by itself."""
    from storehealth.intake import small_files

    name = dice.choice(("a.csv", "gbk.csv", "tabs.tsv", "quoted.csv", "jd.log", "wangwang.txt", "a.jsonl"))
    (folder / "exports").mkdir(parents=True)
    for number in range(8):
        content = build_seeds()[name].replace(b"2026-09-01", b"2026-09-%02d" % (number + 1))
        if number in (2, 5):
            content = damage(content, dice)
            _keep(folder, f"{number}-{name}", content)
        (folder / "exports" / f"{number}-{name}").write_bytes(content)
    together = _list_stored(read_exports(folder / "exports", _catalogue(), folder / "lake"))
    small_files.FEWEST = 9
    alone = _list_stored(read_exports(folder / "exports", _catalogue(), folder / "other"))
    for path in alone:
        if together[path] != alone[path]:
            raise Failure(f"{path} read with others gives other rows")


def _list_stored(intake: Any) -> dict[str, list[Any]]:
    """By file, all that is known of it: counts, notes, and all stored rows."""
    import duckdb

    found: dict[str, list[Any]] = {source.path: [source] for source in intake.sources}
    for part in (*intake.tables, *intake.rejects):
        rows = duckdb.connect().execute("SELECT * FROM read_parquet(?) ORDER BY ALL", [str(part.parquet)]).fetchall()
        found[part.source] += [part.model_dump(exclude={"parquet"}), rows]
    return found


def _damage_text_file(source: Path, dice: random.Random, target: Path) -> None:
    content = damage(source.read_bytes(), dice)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    _keep(target.parent, target.name, content)


def harness_settings(dice: random.Random, folder: Path) -> None:
    """A damaged settings file."""
    from storehealth.settings import read_settings

    seed = folder / "seed.toml"
    seed.write_text('store = "s"\nplatform = "jd"\ntimezone = "Asia/Shanghai"\nhours = ["Mon-Fri 09:00-18:00"]\n'
                    '[staff]\namy = "agent"\n[limits.CS01]\npass = 0.9\nwatch = 0.8\n', encoding="utf-8")  # fmt: skip
    _damage_text_file(seed, dice, folder / "storehealth.toml")
    read_settings(folder / "storehealth.toml")


def harness_mutes(dice: random.Random, folder: Path) -> None:
    """A damaged list of mutes and exemptions."""
    from storehealth.catalogue.mutes import read_mutes

    seed = folder / "seed.yaml"
    seed.write_text("mute:\n  - {code: LG01, until: 2026-12-01, reason: known, by: ana}\n"
                    "exempt:\n  - {code: LG01, where: \"province = 'x'\", reason: flood}\n", encoding="utf-8")  # fmt: skip
    _damage_text_file(seed, dice, folder / "mutes.yaml")
    read_mutes(folder / "mutes.yaml", _catalogue().rules)


def harness_packs(dice: random.Random, folder: Path) -> None:
    """A damaged layout, rule, view or platform of a pack."""
    kind = dice.choice(("layouts", "rules", "platforms", "views"))
    root = ROOT / "rules" if kind == "rules" else ROOT / "src" / "storehealth" / kind
    source = dice.choice(sorted(path for path in root.rglob("*.*") if path.suffix in (".yaml", ".sql")))
    _damage_text_file(source, dice, folder / "pack" / kind / source.name)
    load_catalogue((folder / "pack",))


def harness_state(dice: random.Random, folder: Path) -> None:
    """A file of the state folder is damaged between two audits of the same files: the second gives the same figures."""
    from storehealth.cli import main

    exports, state = folder / "exports", folder / "state"
    shutil.copytree(_audited(), folder, dirs_exist_ok=True)
    files = sorted(path for path in state.rglob("*") if path.is_file() and path.stat().st_size)
    path = dice.choice(files)
    content = damage(path.read_bytes(), dice)
    _keep(folder, path.name, content)
    path.write_bytes(content)
    code, text = _run(main, ["audit", str(exports), "--state", str(state), "--format", "json"])
    if code not in CODES:
        raise Failure(f"{path.name}: exit {code}")
    if code in (0, 1, 3) and _read_figures(text) != _expected():
        raise Failure(f"{path.name}: other figures")
    code, _ = _run(main, ["history", "list", "--state", str(state)])
    if code not in CODES:
        raise Failure(f"{path.name}: history ends with {code}")


@cache
def _audited() -> Path:
    """A folder with exports and the state of one audit."""
    from storehealth.cli import main

    folder = Path(tempfile.mkdtemp(prefix="fuzz-audited-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    if os.fork() == 0:  # a database has threads, which the tries must not inherit
        (folder / "exports").mkdir()
        (folder / "exports" / "a.csv").write_text(_write_text(list_rows()), encoding="utf-8")
        _, text = _run(main, ["audit", str(folder / "exports"), "--state", str(folder / "state"), "--format", "json"])
        (folder / "expected.json").write_text(json.dumps(_read_figures(text)), encoding="utf-8")
        os._exit(0)
    os.wait()
    return folder


def _expected() -> Any:
    return json.loads((_audited() / "expected.json").read_text(encoding="utf-8"))


def _read_figures(text: str) -> Any:
    """What must not change: files, rows, findings and score."""
    found = json.loads(text)
    findings = [
        [finding[key] for key in ("code", "status", "judged", "defects", "value")] for finding in found["findings"]
    ]
    return [[[source[key] for key in ("path", "rows", "kept", "rejected")] for source in found["sources"]], findings]


def _run(main: Callable[[list[str]], int], arguments: list[str]) -> tuple[int, str]:
    """Run a command with stdout in a file; return its exit code and what it printed."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out:
        before = sys.stdout
        sys.stdout = out
        try:
            code = int(main(arguments) or 0)
        except SystemExit as stop:
            code = int(stop.code or 0)
        finally:
            sys.stdout = before
        out.seek(0)
        return code, out.read()


HARNESSES: dict[str, Callable[[random.Random, Path], None]] = {
    "containers": harness_containers, "cells": harness_cells, "headers": harness_headers, "settings": harness_settings,
    "mutes": harness_mutes, "packs": harness_packs, "state": harness_state, "together": harness_together,
}  # fmt: skip
TRIES = {"containers": 1000, "cells": 150, "headers": 150, "settings": 200, "mutes": 200, "packs": 200, "state": 100,
         "together": 150}  # fmt: skip

# -- running -----------------------------------------------------------------------------------------------------


def _keep(folder: Path, name: str, content: bytes) -> None:
    """Keep the input of a try where the parent finds it if the try fails."""
    (folder / "input").mkdir(exist_ok=True)
    (folder / "input" / name).write_bytes(content)


def run_try(attempt: Callable[[Path], None]) -> tuple[Outcome, dict[str, bytes]]:
    """Run one try in a process of its own; return its outcome and, if it failed, its input."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        _become_try(attempt, folder)
    _, status, usage = os.wait4(child, 0)
    seconds, megabytes = time.monotonic() - began, usage.ru_maxrss / 1024
    problem = (folder / "problem").read_text(encoding="utf-8") if (folder / "problem").exists() else ""
    if os.WIFSIGNALED(status):
        problem = f"signal {os.WTERMSIG(status)}"
    elif not problem and os.WEXITSTATUS(status):
        problem = f"exit {os.WEXITSTATUS(status)}"
    if not problem and megabytes > BYTES / 1e6:
        problem = f"{megabytes:.0f} MB"
    files = {path.name: path.read_bytes() for path in folder.glob("input/*")} if problem else {}
    shutil.rmtree(folder, ignore_errors=True)
    return Outcome(problem, seconds, megabytes), files


def _become_try(attempt: Callable[[Path], None], folder: Path) -> None:
    """Run a try to its end and leave; nothing of the parent's is cleaned up."""
    signal.alarm(SECONDS)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    code = 0
    try:
        with open(os.devnull, "w", encoding="utf-8") as nothing:  # noqa: PTH123 - a device
            sys.stderr = nothing
            with suppress(StorehealthError):
                attempt(folder)
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is what we look for
        code = 1
        (folder / "problem").write_text(f"{type(error).__name__}: {error}"[:300], encoding="utf-8", errors="replace")
    os._exit(code)


def list_corpus() -> Iterator[tuple[str, bytes]]:
    """Yield the files that have not survived once."""
    if CORPUS.is_dir():
        yield from (
            (path.name.partition("-")[2], path.read_bytes()) for path in sorted(CORPUS.iterdir()) if path.is_file()
        )


def prepare() -> None:
    """Import and build once what every try needs; nothing that starts a thread."""
    import duckdb  # noqa: F401 - so that no try has to

    import storehealth.intake.guess
    import storehealth.intake.read  # noqa: F401

    _catalogue()
    build_seeds()


def run_harness(name: str, tries: int, seed: int) -> tuple[list[Outcome], list[str]]:
    """Run a harness so many times; return the outcomes, and what did not survive."""
    outcomes, failed = list[Outcome](), list[str]()
    if name == "state":
        _audited()
    for number in range(tries):
        dice = random.Random(f"{name} {seed} {number}")  # noqa: S311 - no secret
        outcome, files = run_try(lambda folder, dice=dice: HARNESSES[name](dice, folder))  # type: ignore[misc]
        outcomes.append(outcome)
        if outcome.problem:
            failed.append(f"{name} {seed} {number}: {outcome.problem}")
            for file, content in files.items():
                _save_failed(f"{name}{seed}x{number}-{file}", content)
    return outcomes, failed


def _save_failed(name: str, content: bytes) -> None:
    folder = Path(os.environ.get("FUZZ_FAILED", tempfile.gettempdir())) / "fuzz-failed"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name.replace("/", "_")).write_bytes(content)


def main() -> int:
    """Run what was asked for, print and perhaps write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("harness", nargs="*", choices=[*HARNESSES, []])
    parser.add_argument("--tries", type=int, help="of each harness; default: some minutes in all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="write docs/robustness.md")
    options = parser.parse_args()
    prepare()
    lines = ["| harness | tries | survived | slowest | most memory |", "|---|---|---|---|---|"]
    every: list[str] = []
    for name in options.harness or HARNESSES:
        outcomes, failed = run_harness(name, options.tries or TRIES[name], options.seed)
        every += failed
        worst, largest = max(outcome.seconds for outcome in outcomes), max(outcome.megabytes for outcome in outcomes)
        about = (HARNESSES[name].__doc__ or "").strip().rstrip(".")
        lines.append(
            f"| {name}: {about} | {len(outcomes)} | {len(outcomes) - len(failed)} | {worst:.1f} s | {largest:.0f} MB |"
        )
        sys.stdout.write(f"{lines[-1]}\n" + "".join(f"  {line}\n" for line in failed))
        sys.stdout.flush()
    if options.write:
        page = PAGE.read_text(encoding="utf-8")
        table = "\n".join(lines)
        head, rest = page.partition(BEGIN)[0], page.partition(END)[2]
        PAGE.write_text(f"{head}{BEGIN}\n{table}\n\nSeed {options.seed}.\n{END}{rest}", encoding="utf-8")
    return bool(every)


if __name__ == "__main__":
    raise SystemExit(main())
