"""Times whole commands side by side: in turns, so that a busy machine slows both, each with its CPU, wall and peak memory.

python benchmarks/pairs.py --runs 5 'first=COMMAND' 'second=COMMAND' ...       (ratios are to the first)
"""

import argparse
import os
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """Seconds of CPU (user and system) and of wall time, and the peak of resident memory in MB, of one process."""

    cpu: float
    wall: float
    peak: float


def run(command: str) -> Cost:
    """Run one command, its output thrown away.

    Raises:
        SystemExit: It failed; an audit that finds something (1) did not.
    """
    begin = time.perf_counter()
    process = subprocess.Popen(shlex.split(command), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        sys.exit(f"exit code {process.returncode}: {command}")
    return Cost(used.ru_utime + used.ru_stime, time.perf_counter() - begin, used.ru_maxrss / 1024)


def alternate(
    commands: Mapping[str, str], runs: int, before: Mapping[str, Callable[[], None]] | None = None
) -> dict[str, list[Cost]]:
    """Each command ``runs`` times, in turns.

    Args:
        commands: Name → command line.
        before: Name → what is done, untimed, before each of its runs.
    """
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            if before and name in before:
                before[name]()
            costs[name].append(run(command))
    return costs


def table(costs: Mapping[str, list[Cost]]) -> str:
    """Medians per command, and the median of the ratios of each turn to the first command, as a Markdown table."""
    first = next(iter(costs.values()))
    lines = ["| whole process | CPU s | wall s | peak MB | × CPU | × wall |", "|---|---|---|---|---|---|"]
    for name, found in costs.items():
        middle = [statistics.median(values) for values in zip(*((c.cpu, c.wall, c.peak) for c in found), strict=True)]
        turns = list(zip(found, first, strict=True))
        cpu = statistics.median(one.cpu / other.cpu for one, other in turns)
        wall = statistics.median(one.wall / other.wall for one, other in turns)
        lines.append(f"| {name} | {middle[0]:.2f} | {middle[1]:.2f} | {middle[2]:.0f} | {cpu:.2f} | {wall:.2f} |")
    return "\n".join(lines)


def main() -> None:
    """Read the command line, time, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commands", nargs="+", metavar="NAME=COMMAND")
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    commands = dict(one.split("=", 1) for one in given.commands)
    print(table(alternate(commands, given.runs)))


if __name__ == "__main__":
    main()
