"""A fleet beside separate processes, in turns: CPU seconds a store, stores a minute, peak memory of all processes.

python benchmarks/fleet.py FOLDER WORK --stores 200 --separate 20 --turns 2

FOLDER is what make_fleet.py wrote. Every turn begins with an empty state. CPU is that of the whole tree of processes.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import threading
import time
import tomllib
from pathlib import Path
from typing import NamedTuple

PROGRAM = [sys.executable, "-m", "storehealth"]


class Turn(NamedTuple):
    stores: int
    cpu: float
    wall: float
    peak_mb: float

    def __str__(self) -> str:
        return (
            f"{self.stores} stores, {self.cpu / self.stores:.2f} CPU s a store, "
            f"{60 * self.stores / self.wall:.0f} stores a minute, {self.peak_mb:.0f} MB at most"
        )


def list_stores(folder: Path, count: int) -> list[dict[str, str]]:
    return tomllib.loads((folder / "stores.toml").read_text(encoding="utf-8"))["store"][:count]


def write_part(folder: Path, stores: list[dict[str, str]], target: Path) -> Path:
    lines = []
    for store in stores:
        entry = {**store, "exports": str((folder / store["exports"]).absolute())}
        lines += ["[[store]]", *(f"{key} = {json.dumps(value)}" for key, value in entry.items()), ""]
    target.write_text("\n".join(lines), encoding="utf-8")
    return target


def measure(commands: list[list[str]], stores: int) -> Turn:
    before, start, peak = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic(), [0.0]
    for command in commands:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        watcher = threading.Thread(target=watch, args=(process, peak))
        watcher.start()
        process.wait()
        watcher.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Turn(stores, cpu, time.monotonic() - start, peak[0])


def watch(process: subprocess.Popen, peak: list[float]) -> None:
    """Proportional memory of a process and its children, so that pages shared by forks count once."""
    while process.poll() is None:
        peak[0] = max(peak[0], sum(read_pss(pid) for pid in (process.pid, *list_children(process.pid))))
        time.sleep(0.3)


def list_children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(child) for child in text.split()]


def read_pss(pid: int) -> float:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--stores", type=int, default=200)
    parser.add_argument("--separate", type=int, default=20)
    parser.add_argument("--turns", type=int, default=2)
    asked = parser.parse_args()
    asked.work.mkdir(parents=True, exist_ok=True)
    stores = list_stores(asked.folder, asked.stores)
    part = write_part(asked.folder, stores, asked.work / "stores.toml")
    for turn in range(asked.turns):
        state = asked.work / f"state{turn}"
        shutil.rmtree(state, ignore_errors=True)
        fleet = measure([[*PROGRAM, "fleet", "audit", str(part), "--state", str(state), "--silent"]], len(stores))
        print("fleet:   ", fleet, flush=True)
        step = max(1, len(stores) // asked.separate) if asked.separate else len(stores) + 1
        alone = [
            [*PROGRAM, "audit", str(asked.folder / store["exports"]), "--cron", "--name", store["name"], "--platform",
             store["platform"], "--lang", store["language"], "--state", str(state / "alone" / store["name"])]
            for store in stores[::step]
        ]  # fmt: skip
        if asked.separate:
            separate = measure(alone, len(alone))
            print("separate:", separate, flush=True)
        shutil.rmtree(state, ignore_errors=True)


if __name__ == "__main__":
    main()
