"""A day's export added to ninety: what the daily audit costs beside one from nothing, as whole commands in turns.

The store's files are cut by day, as a shop that exports daily has them. Each turn audits all of them from nothing, then
the folder again after one more day came, its state kept from before.

python benchmarks/daily.py FOLDER WORK --runs 3        (FOLDER as make_store.py writes it; WORK is made and kept)
"""

import argparse
import shutil
import sys
from pathlib import Path

import duckdb

from pairs import alternate, run, table

FILES = {"messages": "sent_at", "orders": "created_at", "shipments": "shipped_at"}


def cut(folder: Path, days: Path) -> list[str]:
    """Write each file once per day; gives the days, first to last."""
    days.mkdir(parents=True)
    con = duckdb.connect()
    for name, moment in FILES.items():
        con.execute(f"CREATE TEMP TABLE {name} AS FROM read_csv('{folder}/{name}.csv', all_varchar = true)")
        for (day,) in con.execute(f"SELECT DISTINCT left({moment}, 10) FROM {name} ORDER BY 1").fetchall():
            con.execute(f"COPY (FROM {name} WHERE left({moment}, 10) = '{day}') TO '{days}/{name}-{day}.csv' (HEADER)")
    return sorted({path.stem[-10:] for path in days.iterdir()})


def main() -> None:
    """Cut, audit all but the last day once, then time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    shutil.rmtree(given.work, ignore_errors=True)
    *_, last = cut(given.folder, given.work / "days")
    tool = Path(sys.executable).parent / "storehealth"

    def command(exports: str, state: str) -> str:
        return f"{tool} audit {given.work / exports} --state {given.work / state} --fail-on never --no-history -q"

    def from_nothing() -> None:
        shutil.rmtree(given.work / "cold", ignore_errors=True)

    def a_day_came() -> None:
        for place in ("grown", "daily"):
            shutil.rmtree(given.work / place, ignore_errors=True)
        shutil.copytree(given.work / "before", given.work / "grown")
        shutil.copytree(given.work / "kept", given.work / "daily")
        for path in (given.work / "days").glob(f"*{last}.csv"):
            shutil.copy2(path, given.work / "grown")

    shutil.copytree(given.work / "days", given.work / "before", ignore=shutil.ignore_patterns(f"*{last}.csv"))
    shutil.copytree(given.work / "before", given.work / "grown")
    run(command("grown", "kept"))
    commands = {"from nothing": command("days", "cold"), "one more day": command("grown", "daily")}
    print(table(alternate(commands, given.runs, {"from nothing": from_nothing, "one more day": a_day_came})))


if __name__ == "__main__":
    main()
