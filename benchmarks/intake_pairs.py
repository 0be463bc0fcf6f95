"""What another encoding and JD's chat log cost to take in, beside the same messages in UTF-8 CSV: whole commands in turns.

Each run is ``storehealth inspect`` of one file with an empty state folder: reading, typing, storing, counting.

python benchmarks/intake_pairs.py FOLDER WORK --runs 5        (FOLDER as make_store.py writes it; WORK is made and kept)
"""

import argparse
import csv
import shutil
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from pairs import alternate, table

SESSION, END = (
    "/*****************以下为一通会话************************************/",
    "/*****************会话结束*****************/",
)
COLUMNS = ["conversation_id", "sent_at", "sender_id", "text"]


def messages(path: Path) -> Iterator[list[str]]:
    """What a chat log tells of each message: session, time, sender, text."""
    with path.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            yield [row[column] for column in COLUMNS]


def write_log(source: Path, target: Path) -> None:
    """The messages as JD's chat tool writes them."""
    with target.open("w", encoding="utf-8") as out:
        for _, talk in groupby(messages(source), key=lambda row: row[0]):
            out.write(f"{SESSION}\n")
            out.writelines(f"{sender} {at}\n{text}\n" for _, at, sender, text in talk)
            out.write(f"{END}\n")


def write_csv(source: Path, target: Path, code: str) -> None:
    """The messages as a table."""
    with target.open("w", encoding=code, newline="") as out:
        csv.writer(out, lineterminator="\n").writerows([COLUMNS])
        csv.writer(out, lineterminator="\n").writerows(messages(source))


def main() -> None:
    """Write the files, time them in turns, print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    source, tool = given.folder / "messages.csv", Path(sys.executable).parent / "storehealth"
    utf8, gb18030, log = (given.work / name for name in ("utf-8.csv", "gb18030.csv", "jd.log"))
    for path, code in ((utf8, "utf-8"), (gb18030, "gb18030")):
        write_csv(source, path, code)
    write_log(source, log)

    def command(path: Path) -> str:
        return f"{tool} inspect {path} --state {given.work / 'state'} --no-cache --preview 0 -q"

    def from_nothing() -> None:
        shutil.rmtree(given.work / "state", ignore_errors=True)

    for other, path in (("GB18030 CSV", gb18030), ("JD chat log", log)):
        commands = {"UTF-8 CSV": command(utf8), other: command(path)}
        print(table(alternate(commands, given.runs, dict.fromkeys(commands, from_nothing))), end="\n\n")


if __name__ == "__main__":
    main()
