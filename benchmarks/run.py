"""Makes stores, runs the product and its peers in turns, prints the table of README.md and writes all of it as JSON.

python benchmarks/run.py WORK --messages 1000000 --orders 500000 --runs 3 -o speed.json      (WORK is made; stores are kept)

Every figure is of whole processes: CPU seconds (user and system, children included), wall seconds, peak memory. Ratios are
medians of the ratios within a turn, so that a busy machine slows both sides.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from pairs import Cost, alternate

HERE = Path(__file__).parent
EMPTY_APP = """
import typer
from rich.console import Console
app = typer.Typer()
@app.command()
def main() -> None:
    Console().print("nothing")
app()
"""


class Bench:
    """The commands of a benchmark and what is done before each of their runs."""

    def __init__(self, work: Path, messages: int, orders: int) -> None:
        self.work = work
        self.commands: dict[str, str] = {}
        self.before: dict[str, Callable[[], None]] = {}
        self.cold: set[str] = set()
        self.store = self.make("store", messages, orders)
        self.full = self.make("full", messages // 10, orders // 10, full=True)
        self.odd = self.make("odd", messages // 10, orders // 10, odd=True)
        self.tiny = self.make("tiny", 700, 200)
        (work / "empty_app.py").write_text(EMPTY_APP)

    def make(self, name: str, messages: int, orders: int, **options: bool) -> Path:
        """A store of that size, made once."""
        folder = self.work / f"{name}-{messages}-{orders}"
        if not folder.exists():
            sizes = ["--messages", str(messages), "--orders", str(orders), *(f"--{name}" for name in options)]
            # in a process of its own: a fork begins with the memory of its parent, and that counts as its peak
            subprocess.run([sys.executable, HERE / "make_store.py", folder, *sizes], check=True)
        return folder

    def add(self, name: str, command: str, before: Callable[[], None] | None = None) -> None:
        """One row of the table."""
        self.commands[name] = f"{sys.executable} {command}"
        if before:
            self.before[name] = before

    def audit_cold(self, name: str, folder: Path, state: str) -> None:
        """One audit of a folder whose state is deleted before each turn."""
        self.cold.add(name)
        self.audit(name, folder, state, self.forget(state))

    def audit(
        self, name: str, folder: Path, state: str, before: Callable[[], None] | None = None, more: str = ""
    ) -> None:
        """One audit of a folder."""
        options = f"--state {self.work / state} --fail-on never --no-history -q {more}"
        self.add(name, f"-m storehealth audit {folder} {options}", before)

    def forget(self, state: str) -> Callable[[], None]:
        """Delete a state folder, so that the next audit is cold."""
        return lambda: shutil.rmtree(self.work / state, ignore_errors=True)

    def change_file(self, folder: Path) -> Callable[[], None]:
        """Change one small file of a folder, so that its rows must be read and everything be measured again."""
        path, turns = folder / "more.csv", iter(range(1, 1000))

        def write() -> None:
            orders = "".join(
                f"extra{n},paid,2026-07-02 10:00:00,2026-07-02 10:0{n % 10}:00\n" for n in range(next(turns))
            )
            path.write_text(f"order_id,status,created_at,paid_at\n{orders}")

        return write


def fill(bench: Bench) -> None:
    """All rows of the table; the first is what the ratios are to."""
    late = bench.work / "late.csv"
    bench.add("two questions by hand, DuckDB", f"{HERE / 'by_hand_duckdb.py'} {bench.store} {late}")
    bench.add("fourteen rules by hand, DuckDB", f"{HERE / 'by_hand_rules.py'} {bench.store}")
    bench.audit_cold("audit, cold", bench.store, "cold")
    changed = bench.work / "changed"
    shutil.rmtree(changed, ignore_errors=True)
    shutil.copytree(bench.store, changed)
    bench.audit("audit, one file changed", changed, "kept", bench.change_file(changed))
    bench.audit("audit, nothing changed, other language", bench.store, "unchanged", more="--lang es")
    bench.audit_cold("audit, a tenth, all rules, cold", bench.full, "full")
    bench.audit_cold("audit, a tenth, 5 % odd cells, cold", bench.odd, "odd")
    bench.add("tiny: two questions by hand, pandas", f"{HERE / 'by_hand_pandas.py'} {bench.tiny} {late}")
    bench.audit_cold("tiny: audit, cold", bench.tiny, "tiny")
    bench.add("empty typer and rich app, --help", f"{bench.work / 'empty_app.py'} --help")
    bench.add("storehealth --help", "-m storehealth --help")


BASES = {
    "tiny: audit, cold": "tiny: two questions by hand, pandas",
    "storehealth --help": "empty typer and rich app, --help",
}
"""Rows whose ratios are not to the first row."""


TARGETS = {
    "audit, cold": 8.0,
    "audit, one file changed": 5.0,
    "audit, nothing changed, other language": 1.3,
    "tiny: audit, cold": 3.0,
    "storehealth --help": 1.3,
}
"""Ratios of CPU that are wanted."""


def summarise(costs: dict[str, list[Cost]]) -> list[dict[str, object]]:
    """Medians of each row, and the median of its ratios to its peer within each turn."""
    first, rows = next(iter(costs)), list[dict[str, object]]()
    for name, found in costs.items():
        peer = costs[BASES.get(name, first)]
        turns = list(zip(found, peer, strict=True))
        rows.append(
            {
                "name": name,
                "cpu": round(statistics.median(cost.cpu for cost in found), 3),
                "wall": round(statistics.median(cost.wall for cost in found), 3),
                "peak_mb": round(statistics.median(cost.peak for cost in found)),
                "beside": BASES.get(name, first),
                "times_cpu": round(statistics.median(one.cpu / other.cpu for one, other in turns), 2),
                "times_wall": round(statistics.median(one.wall / other.wall for one, other in turns), 2),
                "wanted": TARGETS.get(name),
            }
        )
    return rows


def main() -> None:
    """Read the command line, make stores, time, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--orders", type=int, default=500_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", default="", help="rows whose name contains this, besides the first")
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    os.environ["XDG_CACHE_HOME"] = str(options.work / "cache")
    bench = Bench(options.work, options.messages, options.orders)
    fill(bench)
    first, *_ = bench.commands
    chosen = {name: command for name, command in bench.commands.items() if options.only in name or name == first}
    warm = {name: command for name, command in chosen.items() if name not in bench.cold}
    alternate(warm, 1, bench.before)  # so that there are states and caches
    rows = summarise(alternate(chosen, options.runs, bench.before))
    print("| whole process | CPU s | wall s | peak MB | × CPU | wanted | × wall |\n|---|---|---|---|---|---|---|")
    for row in rows:
        wanted = row["wanted"] or ""
        print(
            "| {name} | {cpu} | {wall} | {peak_mb} | {times_cpu} | {wanted} | {times_wall} |".format(
                **row | {"wanted": wanted}
            )
        )
    if options.output:
        size = {"messages": options.messages, "orders": options.orders, "runs": options.runs, "cores": os.cpu_count()}
        options.output.write_text(json.dumps({"store": size, "rows": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
