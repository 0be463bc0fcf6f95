"""A day's export added to ninety: what the daily audit costs beside one from nothing, as whole commands in turns.

The store's files are cut by day, as a shop that exports daily has them. All but the last days are audited once. Then each
turn adds the next day to the folder and audits it twice: with the state that the audit of the day before left, and with none.
Folder and state stay where they are: copies have new times of change, and what is kept of them would be checked again.

python benchmarks/daily.py FOLDER WORK --runs 5        (FOLDER as make_store.py writes it; WORK is made and kept)
python benchmarks/daily.py FOLDER WORK --platform jd   (rules judge the last thirty days)
"""

import argparse
import shutil
import sys
from pathlib import Path

import duckdb

from pairs import Cost, run, table

FILES = {"messages": "sent_at", "orders": "created_at", "shipments": "shipped_at"}


def cut(folder: Path, days: Path) -> list[str]:
    """Write each file once per day; gives the days on which all files have rows, first to last."""
    days.mkdir(parents=True)
    con = duckdb.connect()
    found = list[set[str]]()
    for name, moment in FILES.items():
        con.execute(f"CREATE TEMP TABLE {name} AS FROM read_csv('{folder}/{name}.csv', all_varchar = true)")
        # an order that has not left has no day of shipping: no export of parcels holds it
        rows = con.execute(f"SELECT DISTINCT left({moment}, 10) FROM {name} WHERE {moment} IS NOT NULL").fetchall()
        for (day,) in rows:
            con.execute(f"COPY (FROM {name} WHERE left({moment}, 10) = '{day}') TO '{days}/{name}-{day}.csv' (HEADER)")
        found.append({day for (day,) in rows})
    return sorted(set.intersection(*found))


def add(day: str, work: Path) -> None:
    """Put a day's files, and those of days before that are not there yet, into the folder."""
    for path in (work / "days").iterdir():
        if path.stem[-10:] <= day and not (work / "exports" / path.name).exists():
            shutil.copy2(path, work / "exports")


def main() -> None:
    """Cut, audit all but the last days once, then time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--platform", default="generic")
    given = parser.parse_args()
    shutil.rmtree(given.work, ignore_errors=True)
    days = cut(given.folder, given.work / "days")
    (given.work / "exports").mkdir()

    def audit(state: str) -> Cost:
        tool = Path(sys.executable).parent / "storehealth"
        return run(
            f"{tool} audit {given.work / 'exports'} --state {given.work / state} --platform {given.platform}"
            " --fail-on never --no-history -q"
        )

    costs: dict[str, list[Cost]] = {"from nothing": [], "one more day": []}
    add(days[-given.runs - 1], given.work)
    audit("kept")
    for day in days[-given.runs :]:
        add(day, given.work)
        costs["one more day"].append(audit("kept"))
        shutil.rmtree(given.work / "none", ignore_errors=True)
        costs["from nothing"].append(audit("none"))
    print(table(costs))


if __name__ == "__main__":
    main()
