"""Damages a file of any format, runs a whole command over it, and checks what it says: a quarter are audits, else inspect.

``python scripts/fuzz_commands.py [--tries N] [--seed N] [--first N] [--jobs N] --results FILE`` adds one JSON line per try to
FILE; ``--write`` puts the sums of all lines into ``docs/robustness.md``. Every command runs in a process of its own, forked
from one that has everything loaded, and is killed after 60 seconds. What a command must keep:

- exit code 0, 1 or 3, one JSON document on stdout, no traceback, nothing that a terminal obeys, at most 1.5 GB;
- per file: rows = kept + duplicates + rejected, no note that asks for a report, nobody's name or phone in a note;
- the whole file beside it: all of its rows, and no other;
- the rows of the damaged file lie between the bounds that a reader with nothing in common with storehealth's finds
  (splitting, ``json``, ``zipfile``, ``gzip``, openpyxl, xlrd, regular expressions), where it can tell them.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from io import BytesIO, StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from scripts import fuzz

BEGIN, END = "<!-- commands: begin -->", "<!-- commands: end -->"
CODES = (0, 1, 3)
"""What a run over damaged files may end with; the command line itself is right."""
AUDITED = 4
"""One file in so many is audited; the others are inspected, which reads them in the same way and judges nothing."""
UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
COLUMNS = fuzz.HEADER.split(",")
WIDTH = len(COLUMNS)
ENCODINGS = {"gbk.csv": "gb18030", "wide.csv": "utf-16"}


class Bounds(NamedTuple):
    """The least and the most rows that a file can have, by an independent count."""

    least: int
    most: int


# -- damage ------------------------------------------------------------------------------------------------------


def damage_lines(content: bytes, dice: random.Random) -> bytes:
    """Cut out, repeat, exchange or cut short whole lines below the first, so that the rows can still be counted."""
    end = b"\r\n" if b"\r\n" in content else b"\n"
    head, *lines = content.removesuffix(end).split(end)
    for _ in range(dice.randint(1, 4)):
        if not lines:
            break
        kind, at = dice.randrange(5), dice.randrange(len(lines))
        if kind == 0:
            del lines[at]
        elif kind == 1:
            lines[at:at] = [lines[at]] * dice.choice((1, 2, 500))
        elif kind == 2:
            other = dice.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        elif kind == 3:
            lines[at] = lines[at][: dice.randrange(len(lines[at]) + 1)]
        else:
            lines[at] = lines[at].replace(b"2026", dice.choice((b"2O26", b"", b"26", b"\xff026", b"9999999")))
    return end.join([head, *lines]) + end


def damage_in_place(content: bytes, dice: random.Random) -> bytes:
    """Overwrite one to four places below the header sector, so that the file keeps its length."""
    data = bytearray(content)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(512, len(data))
        piece = dice.choice((bytes([dice.randrange(256)]), b"\0\0", b"\xff" * 4, data[at - 20 : at], b"A" * 30))
        data[at : at + len(piece)] = piece[: len(data) - at]
    return bytes(data)


def spoil(name: str, seed: bytes, dice: random.Random) -> bytes:
    """Damage a file in one of the ways that its format allows."""
    is_plain = name.endswith((".csv", ".tsv", ".jsonl", ".log", ".txt")) and name != "wide.csv"
    if is_plain and dice.random() < 0.5:
        return damage_lines(seed, dice)
    if name.endswith(".gz") and dice.random() < 0.7:
        inner = dice.choice((damage_lines, fuzz.damage))(gzip.decompress(seed), dice)
        return gzip.compress(inner, mtime=0)
    if name == "a.zip" and dice.random() < 0.3:
        with zipfile.ZipFile(BytesIO(seed)) as archive:
            parts = {info.filename: archive.read(info) for info in archive.infolist()}
        return fuzz._write_zip(parts | {"x/a.csv": damage_lines(parts["x/a.csv"], dice)})
    if name == "a.xls" and dice.random() < 0.6:  # its sectors keep their places, else nothing but its refusal is tried
        return damage_in_place(seed, dice)
    inside = name.endswith((".xlsx", ".zip")) and dice.random() < 0.6
    return (fuzz.damage_inside if inside else fuzz.damage)(seed, dice)


# -- independent counts ------------------------------------------------------------------------------------------


def count_rows(name: str, content: bytes) -> Bounds | None:
    """Bound the rows of a damaged file by means of its own; None where the damage leaves none."""
    with contextlib.suppress(Exception):  # whatever another reader stumbles over, it cannot tell
        if name.endswith(".gz"):
            return _count_lines(gzip.decompress(content))
        if name == "a.zip":
            return _count_zip(content)
        if name in ("a.csv", "tabs.tsv", "gbk.csv", "wide.csv"):
            text = content if name != "wide.csv" else content.decode("utf-16").encode()
            return _count_lines(text, b"\t" if name == "tabs.tsv" else b",")
        return COUNTERS[name](content)
    return None


def _count_lines(content: bytes, delimiter: bytes = b",") -> Bounds | None:
    header, *lines = content.split(b"\n")
    if header != delimiter.join(column.encode() for column in COLUMNS) or set(b'"\r\0') & set(content):
        return None
    if any(len(line) > 4000 for line in lines):
        return None
    filled = [line for line in lines if line.strip(b" " + delimiter)]
    whole = [line for line in filled if line.count(delimiter) == WIDTH - 1 and line.startswith(b"O-")]
    return Bounds(len(whole), len(filled))


def _count_quoted(content: bytes) -> Bounds | None:
    line = re.compile(rb'("[^"\n\r]*",){8}"[^"\n\r]*"\r\n')
    lines = content.splitlines(keepends=True)
    if lines[0].strip().replace(b'"', b"") != fuzz.HEADER.encode() or not all(map(line.fullmatch, lines)):
        return None
    return Bounds(sum(part.startswith(b'"O-') for part in lines), len(lines) - 1)


def _count_objects(content: bytes) -> Bounds | None:
    if b"\r" in content or b"\0" in content:
        return None
    lines = [line for line in content.decode("utf-8", "replace").split("\n") if line.strip()]
    return Bounds(sum(map(_is_record, lines)), len(lines))


def _is_record(line: str) -> bool:
    try:
        record = json.loads(line)
    except ValueError:
        return False
    return (
        isinstance(record, dict) and list(record) == COLUMNS and all(isinstance(cell, str) for cell in record.values())
    )


def _count_list(content: bytes) -> Bounds | None:
    records = json.loads(content.decode())["data"]["list"]
    whole = sum(isinstance(record, dict) and set(record) >= set(COLUMNS) for record in records)
    return Bounds(whole, len(records))


def _count_cells(content: bytes) -> Bounds | None:
    if not re.fullmatch(rb"<html><table>(<tr>(<td>[^<&\0]*</td>)*</tr>)*</table></html>", content):
        return None
    header, *rows = re.findall(rb"<tr>(.*?)</tr>", content, re.DOTALL)
    if re.findall(rb"<td>(.*?)</td>", header) != [column.encode() for column in COLUMNS]:
        return None
    whole = [row for row in rows if row.count(b"<td>") == WIDTH and row.startswith(b"<td>O-")]
    return Bounds(len(whole), len(rows))


def _count_sheet(content: bytes) -> Bounds | None:
    import openpyxl

    book = openpyxl.load_workbook(BytesIO(content), read_only=True)
    if len(book.worksheets) != 1:
        return None
    header, *rows = book.worksheets[0].iter_rows(values_only=True)
    if list(header[:WIDTH]) != COLUMNS or any(header[WIDTH:]):
        return None
    filled = [row for row in rows if any(cell not in (None, "") for cell in row)]
    return Bounds(sum(str(row[0]).startswith("O-") and None not in row[:WIDTH] for row in filled), len(filled))


def _count_old_sheet(content: bytes) -> Bounds | None:
    import xlrd

    book = xlrd.open_workbook(file_contents=content, logfile=StringIO())
    if book.nsheets != 1:
        return None
    header, *rows = (
        [str(cell) for cell in book.sheet_by_index(0).row_values(row)] for row in range(book.sheet_by_index(0).nrows)
    )
    if header[:WIDTH] != COLUMNS or any(header[WIDTH:]):
        return None
    filled = [row for row in rows if any(row)]
    return Bounds(sum(row[0].startswith("O-") and all(row[:WIDTH]) for row in filled), len(filled))


def _count_zip(content: bytes) -> Bounds | None:
    with zipfile.ZipFile(BytesIO(content)) as archive:
        if archive.namelist() != ["x/a.csv", "b.jsonl"] or archive.read("b.jsonl") != b"{}":
            return None
        return _count_lines(archive.read("x/a.csv"))


def _count_talk(content: bytes, begin: str, message: str) -> Bounds | None:
    """Bound the messages of a chat log: lines that are whole, and all lines."""
    seed_lines = content.decode("utf-8").split("\n")
    if "\r" in content.decode() or "\0" in content.decode() or not re.fullmatch(begin, seed_lines[0]):
        return None
    whole = sum(bool(re.fullmatch(message, line)) for line in seed_lines)
    marks = re.compile(rf"{begin}|/?[*=]+(会话结束\*+/)?") if begin != message else re.compile("=+")
    texts = sum(
        bool(re.fullmatch(r"hello \d+", line) and re.fullmatch(message, before))  # a text without a head may be a row
        for before, line in pairwise(seed_lines)
    )
    return Bounds(whole, sum(bool(line and not marks.fullmatch(line)) for line in seed_lines) - texts)


def _count_jd(content: bytes) -> Bounds | None:
    if content.count("以下为一通会话".encode()) != 1 or content.count("会话结束".encode()) != 1:
        return None
    return _count_talk(content, r"/\*+以下为一通会话\*+/", r"(ana|amy) 2026-09-01 10:00:\d\d")


def _count_wangwang(content: bytes) -> Bounds | None:
    message = r"(ana|amy)\(2026-09-01 10:00:\d\d\):  hello \d+"
    return _count_talk(content, message, message)


def _count_whatsapp(content: bytes) -> Bounds | None:
    message = r"\[25/09/26, 9:\d\d:00 AM\] (Ana|Shop): hello \d+"
    return _count_talk(content, message, message)


COUNTERS: dict[str, Callable[[bytes], Bounds | None]] = {
    "quoted.csv": _count_quoted, "a.jsonl": _count_objects, "a.json": _count_list, "page.xls": _count_cells,
    "a.xlsx": _count_sheet, "a.xls": _count_old_sheet, "jd.log": _count_jd, "wangwang.txt": _count_wangwang,
    "_chat.txt": _count_whatsapp,
}  # fmt: skip


# -- one try -----------------------------------------------------------------------------------------------------


def run_command(command: str, folder: Path, name: str, content: bytes) -> dict[str, Any]:
    """Run a command over a damaged file and a whole one in a forked process; return what it took and what went wrong."""
    exports = folder / "exports"
    exports.mkdir()
    (exports / name).write_bytes(content)
    (exports / "whole.csv").write_text(fuzz._write_text([[f"W{row[0]}", *row[1:]] for row in fuzz.list_rows()]))
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        _become_command(command, folder)
    _, status, usage = os.wait4(child, 0)
    result = {
        "file": name,
        "command": command,
        "seconds": round(time.monotonic() - began, 2),
        "cpu": round(usage.ru_utime + usage.ru_stime, 2),
        "megabytes": round(usage.ru_maxrss / 1024),
    }
    try:
        return result | _judge(folder, name, content, status, result["megabytes"])
    except fuzz.Failure as failure:
        return result | {"problem": str(failure), "count": "-"}


def _become_command(command: str, folder: Path) -> None:
    """Run the command with its streams in files, and leave."""
    signal.alarm(fuzz.SECONDS)
    code = 70
    try:
        for number, stream in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(folder / stream, os.O_WRONLY | os.O_CREAT), number)
        sys.stdout, sys.stderr = open(1, "w", encoding="utf-8"), open(2, "w", encoding="utf-8")  # noqa: SIM115
        from storehealth.cli import main

        words = [command, str(folder / "exports"), "--state", str(folder / "state"), "--format", "json"]
        code = int(main(words) or 0)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _judge(folder: Path, name: str, content: bytes, status: int, megabytes: int) -> dict[str, Any]:
    """Check all that a command must keep.

    Raises:
        Failure: It did not keep something.
    """
    errors = (folder / "stderr").read_text(encoding="utf-8")
    if os.WIFSIGNALED(status):
        raise fuzz.Failure(f"signal {os.WTERMSIG(status)}")
    code = os.WEXITSTATUS(status)
    if code not in CODES or "Traceback" in errors or UNSAFE.search(errors):
        raise fuzz.Failure(f"exit {code}: {errors[-300:]!r}")
    if megabytes > fuzz.BYTES / 1e6:
        raise fuzz.Failure(f"{megabytes} MB")
    sources = json.loads((folder / "stdout").read_text(encoding="utf-8"))["sources"]
    for source in sources:
        _check_source(source)
    whole = [source for source in sources if source["path"] == "whole.csv"]
    if [(source["rows"], source["kept"]) for source in whole] != [(fuzz.ROWS, fuzz.ROWS)]:
        raise fuzz.Failure(f"the whole file: {whole}")
    return {"problem": "", "code": code, "count": _compare([s for s in sources if s not in whole], name, content)}


def _check_source(source: dict[str, Any]) -> None:
    if source["rows"] != source["kept"] + source["duplicates"] + source["rejected"]:
        raise fuzz.Failure(f"sums of {source['path']}: {source}")
    note = source["note"] or {"id": "", "text": ""}
    if note["id"] == "intake.failed" or any(secret in str(note) for secret in fuzz.SECRETS):
        raise fuzz.Failure(f"note of {source['path']}: {note}")


def _compare(sources: list[dict[str, Any]], name: str, content: bytes) -> str:
    """Compare the rows of the damaged file with the independent count: exact, within bounds, refused, or not told."""
    rows, bounds = sum(source["rows"] for source in sources), count_rows(name, content)
    if all(source["layout"] is None for source in sources):
        if bounds and bounds.least and _is_text(name, content):
            notes = [source["note"] for source in sources]
            if all(note["id"] == "rows.none_read" for note in notes):
                return "refused"  # its only row has a time or an id that is none
            raise fuzz.Failure(f"{bounds.least} whole rows refused: {notes}")
        return "refused"
    if bounds is None:
        return "untold"
    if not bounds.least <= rows <= bounds.most:
        raise fuzz.Failure(f"{rows} rows, counted {bounds.least} to {bounds.most}")
    return "exact" if bounds.least == bounds.most else "within"


def _is_text(name: str, content: bytes) -> bool:
    """Whether a file is text of its encoding without a wrong byte, of which a short file may be refused for one."""
    try:
        content.decode(ENCODINGS.get(name, "utf-8"))
    except UnicodeDecodeError:
        return False
    return name.endswith((".csv", ".tsv", ".jsonl"))


def run_tries(numbers: Iterator[int], seed: int, results: Path) -> None:
    """Run tries one after the other, and add a line for each to the results."""
    seeds = fuzz.build_seeds()
    for number in numbers:
        dice = random.Random(f"commands {seed} {number}")  # noqa: S311 - no secret
        name = sorted(seeds)[number % len(seeds)]
        content = spoil(name, seeds[name], dice)
        folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
        command = "inspect" if number // len(seeds) % AUDITED else "audit"
        result = {"seed": seed, "try": number} | run_command(command, folder, name, content)
        shutil.rmtree(folder, ignore_errors=True)
        if result["problem"]:
            fuzz._save_failed(f"commands{seed}x{number}-{name}", content)
        with results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(result, ensure_ascii=False) + "\n")


# -- the table ---------------------------------------------------------------------------------------------------


def write_table(results: Path) -> str:
    """Sum up all tries by the name of the file that was damaged; a try that was repeated counts as it ended last."""
    lines = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    tries = {(line["seed"], line["try"]): line for line in lines}.values()
    by_file: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in tries:
        by_file[line["file"]].append(line)
    counts = ("counted exactly", "within bounds", "refused", "not to be told")
    head = f"| {' | '.join(('damaged file', 'tries', 'audited', 'survived', *counts, 'slowest', 'most memory'))} |"
    table = [head, "|" + "---|" * 10]
    for name, part in [*sorted(by_file.items()), ("all", list(tries))]:
        kinds = [sum(line["count"] == kind for line in part) for kind in ("exact", "within", "refused", "untold")]
        survived = sum(not line["problem"] for line in part)
        slowest, most = max(line["seconds"] for line in part), max(line["megabytes"] for line in part)
        audits = sum(line["command"] == "audit" for line in part)
        cells = [name, len(part), audits, survived, *kinds, f"{slowest:.1f} s", f"{most} MB"]
        table.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(table)


def main() -> int:
    """Run tries or write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first try")
    parser.add_argument("--only", type=int, nargs="*", help="numbers of tries to repeat")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    prepare()
    numbers = options.only or range(options.first, options.first + options.tries)
    children = []
    for job in range(options.jobs):
        if (child := os.fork()) == 0:
            run_tries(iter(numbers[job :: options.jobs]), options.seed, options.results)
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    table = write_table(options.results)
    sys.stdout.write(f"{table}\n")
    if options.write:
        page = fuzz.PAGE.read_text(encoding="utf-8")
        head, rest = page.partition(BEGIN)[0], page.partition(END)[2]
        fuzz.PAGE.write_text(f"{head}{BEGIN}\n{table}\n{END}{rest}", encoding="utf-8")
    return 0


def prepare() -> None:
    """Import and read once what every command needs; no database is opened, since its threads do not survive a fork."""
    from storehealth.fleet.pool import load_everything

    fuzz.prepare()
    import storehealth.cli.audit
    import storehealth.commands  # noqa: F401

    load_everything(("json",))


if __name__ == "__main__":
    raise SystemExit(main())
