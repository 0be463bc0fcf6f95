"""Disturbs whole commands from outside, and checks that each ends as documented and leaves nothing half done.

``python scripts/disturb.py [--tries N] [--write]``: signals at random moments, the clock moved back (with ``faketime``), a
state folder that cannot be written to or is another user's (run as root, else left out), ten thousand files, folders two
hundred deep, and files that change while they are read. ``--write`` puts the table into ``docs/robustness.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from scripts import fuzz

BEGIN, END = "<!-- disturbed: begin -->", "<!-- disturbed: end -->"
PROGRAM = [sys.executable, "-m", "storehealth"]
NOBODY = 65534
BOUND = ("setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner,-chown")
"""Takes from root what lets it use the files of others: so it is one of two users, and ``nobody`` is the other."""
SECONDS = 1800
MOST_SECONDS = 300
"""Seconds for ten thousand files: half of that on a machine that does nothing else."""
dice = random.Random(1)  # noqa: S311 - no secret


class Outcome(NamedTuple):
    """One command: exit code (negative: the signal), what it printed, and the seconds it took."""

    code: int
    out: str
    err: str
    seconds: float


def fill(folder: Path, files: int = 1, rows: int = 400) -> Path:
    """Write a folder of exports."""
    folder.mkdir(parents=True)
    for number in range(files):
        text = "".join(
            f"O-{number}-{n},shipped,2026-09-{n % 28 + 1:02} 08:00:00,2026-09-{n % 28 + 1:02} 09:00:00,"
            f"2026-09-{n % 28 + 1:02} 20:00:00,2026-09-{n % 28 + 1:02} 19:00:00,{n}.50,buyer{n},note\n"
            for n in range(rows)
        )
        (folder / f"orders{number}.csv").write_text(f"{fuzz.HEADER}\n{text}", encoding="utf-8")
    return folder


def run(*words: str, before: tuple[str, ...] = ()) -> Outcome:
    """Run a command to its end."""
    began = time.monotonic()
    done = subprocess.run(  # noqa: S603
        [*before, *PROGRAM, *words], capture_output=True, text=True, timeout=SECONDS, check=False,
        env=os.environ | {"HOME": "/nonexistent", "XDG_STATE_HOME": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    return Outcome(done.returncode, done.stdout, done.stderr, time.monotonic() - began)


def check(outcome: Outcome, *codes: int) -> list[dict[str, Any]]:
    """Check exit code, streams and sums; return the files of the result, if there is one.

    Raises:
        Failure: Something is not as documented.
    """
    if outcome.code not in codes or "Traceback" in outcome.err or "internal" in outcome.err:
        raise fuzz.Failure(f"exit {outcome.code}: {outcome.err[-300:]!r}")
    sources: list[dict[str, Any]] = json.loads(outcome.out)["sources"] if outcome.out.startswith("{") else []
    for source in sources:
        if source["rows"] != source["kept"] + source["duplicates"] + source["rejected"]:
            raise fuzz.Failure(f"sums of {source['path']}")
    return sources


def audit(exports: Path, state: Path, **more: Any) -> Outcome:
    """Audit with JSON on stdout."""
    return run("audit", str(exports), "--state", str(state), "--format", "json", **more)


def is_whole(sources: list[dict[str, Any]], files: int, rows: int) -> None:
    """Check that every row of every file was kept.

    Raises:
        Failure: One was not.
    """
    kept = [source["kept"] for source in sources]
    if len(kept) != files or sum(kept) != files * rows:
        raise fuzz.Failure(f"{len(kept)} files, {sum(kept)} rows")


# -- disturbances ------------------------------------------------------------------------------------------------


def send(number: signal.Signals, folder: Path) -> None:
    """Send a signal at a random moment of an unattended audit; the next one must be whole."""
    exports, state = fill(folder / "exports"), folder / "state"
    words = ["audit", str(exports), "--state", str(state), "--cron", "--name", "n", "-o", f"html={folder / 'r.html'}"]
    process = subprocess.Popen(  # noqa: S603
        [*PROGRAM, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    time.sleep(dice.uniform(0.1, 4.0))
    process.send_signal(number)
    _, errors = process.communicate(timeout=SECONDS)
    ended = {130, -int(number), 0, 1, 3} if number == signal.SIGINT else {-int(number), 143, 0, 1, 3}
    check(Outcome(process.returncode, "", errors, 0), *ended)
    page = folder / "r.html"
    if page.exists() and not page.read_text(encoding="utf-8").rstrip().endswith("</html>"):
        raise fuzz.Failure("half a page")
    is_whole(check(audit(exports, state), 0, 1, 3), 1, 400)


def interrupt(folder: Path) -> None:
    """SIGINT at a random moment, then a whole audit."""
    send(signal.SIGINT, folder)


def terminate(folder: Path) -> None:
    """SIGTERM at a random moment, then a whole audit."""
    send(signal.SIGTERM, folder)


def move_clock(folder: Path) -> None:
    """The clock goes back by three days between two unattended runs and a look at their history."""
    exports, state = fill(folder / "exports"), folder / "state"
    for days in ("+0 days", "-3 days", "-3 days"):
        words = ("audit", str(exports), "--state", str(state), "--cron", "--name", "n")
        check(run(*words, before=("faketime", "-f", days.replace(" days", "d"))), 0, 1, 3)
    is_whole(check(audit(exports, state), 0, 1, 3), 1, 400)
    check(run("history", "list", "--state", str(state)), 0)
    check(run("status", "--state", str(state)), 0, 1)


def close_state(folder: Path) -> None:
    """The state folder cannot be written to."""
    exports, state = fill(folder / "exports"), folder / "state"
    state.mkdir()
    _hand_over(state, 0o555)
    check(audit(exports, state, before=BOUND), 0, 1, 2, 3)


def share_state(folder: Path) -> None:
    """The state folder is another user's, and so is one of two files; then a state folder of one's own."""
    exports, state = fill(folder / "exports", files=2), folder / "state"
    check(audit(exports, state), 0, 1, 3)
    for path in (*state.rglob("*"), state):
        _hand_over(path, 0o700 if path.is_dir() else 0o600)
    _hand_over(exports / "orders1.csv", 0o600)
    check(audit(exports, state, before=BOUND), 0, 1, 2, 3)
    sources = check(audit(exports, folder / "own", before=BOUND), 0, 1, 3)
    if sorted(source["kept"] for source in sources) != [0, 400]:
        raise fuzz.Failure("the file that could be read was not, or the other was")


def _hand_over(path: Path, mode: int) -> None:
    path.chmod(mode)
    os.chown(path, NOBODY, NOBODY)


def list_many(folder: Path) -> None:
    """Ten thousand files of two rows."""
    outcome = run(
        "inspect", str(fill(folder / "exports", 10_000, 2)), "--state", str(folder / "state"), "--format", "json"
    )
    is_whole(check(outcome, 0), 10_000, 2)
    if outcome.seconds > MOST_SECONDS:
        raise fuzz.Failure(f"{outcome.seconds:.0f} s")


def nest(folder: Path) -> None:
    """A file two hundred folders deep, in a name of thousands of characters."""
    exports = fill(folder / "exports")
    deep = exports.joinpath(*(["folder-of-a-backup"] * 200))
    deep.mkdir(parents=True)
    shutil.copy(exports / "orders0.csv", deep / "copy.csv")
    sources = check(audit(exports, folder / "state"), 0, 1, 3)
    if len(sources) != 2:
        raise fuzz.Failure(f"{len(sources)} files")


def rewrite(folder: Path) -> None:
    """A file grows, shrinks, is replaced and removed while it is read; afterwards it is read whole."""
    exports, state = fill(folder / "exports", files=3), folder / "state"
    path, stop = exports / "orders1.csv", threading.Event()
    content = path.read_bytes()

    def disturb() -> None:
        while not stop.wait(dice.uniform(0.001, 0.05)):
            kind = dice.randrange(4)
            if kind == 0:
                path.unlink(missing_ok=True)
            elif kind == 1:
                (exports / ".new").write_bytes(content)
                (exports / ".new").replace(path)
            else:
                path.write_bytes(content[: dice.randrange(len(content))])

    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        sources = check(audit(exports, state), 0, 1, 3)
    finally:
        stop.set()
        thread.join()
    is_whole([source for source in sources if source["path"] != path.name], 2, 400)
    path.write_bytes(content)
    is_whole(check(audit(exports, state), 0, 1, 3), 3, 400)


DISTURBANCES: dict[Callable[[Path], None], int] = {
    interrupt: 10, terminate: 10, move_clock: 1, close_state: 1, share_state: 1, list_many: 1, nest: 1, rewrite: 5,
}  # fmt: skip
"""What is done, and how often."""


def list_possible() -> Iterator[Callable[[Path], None]]:
    """Yield what can be tried on this machine."""
    for disturbance in DISTURBANCES:
        if disturbance in (close_state, share_state) and (os.geteuid() != 0 or shutil.which("setpriv") is None):
            continue
        if disturbance is move_clock and shutil.which("faketime") is None:
            continue
        yield disturbance


def main() -> int:
    """Run all tries, print and perhaps write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, help="of each; default: as many as shows something")
    parser.add_argument("--only", nargs="*", help="names of disturbances; the other lines of the table stay")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    table, failed = (
        ["| disturbance | tries | survived | slowest | most memory so far |", "|---|---|---|---|---|"],
        False,
    )
    for disturbance in list_possible():
        if options.only and disturbance.__name__ not in options.only:
            continue
        tries, survived, slowest = options.tries or DISTURBANCES[disturbance], 0, 0.0
        for number in range(tries):
            folder, began = Path(tempfile.mkdtemp(prefix="disturb-")), time.monotonic()
            try:
                disturbance(folder)
                survived += 1
            except (fuzz.Failure, subprocess.TimeoutExpired) as failure:
                sys.stdout.write(f"  {disturbance.__name__} {number}: {failure}\n")
            slowest = max(slowest, time.monotonic() - began)
            shutil.rmtree(folder, ignore_errors=True)
        failed = failed or survived < tries
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
        table.append(
            f"| {(disturbance.__doc__ or '').rstrip('.')} | {tries} | {survived} | {slowest:.0f} s | {memory} MB |"
        )
        sys.stdout.write(f"{table[-1]}\n")
        sys.stdout.flush()
    if options.write:
        page = fuzz.PAGE.read_text(encoding="utf-8")
        head, (before, _, rest) = page.partition(BEGIN)[0], page.partition(BEGIN)[2].partition(END)
        new = {line.split("|")[1]: line for line in table}
        old = {line.split("|")[1]: line for line in before.strip().splitlines()} if options.only else {}
        lines = "\n".join((old | new).values())
        fuzz.PAGE.write_text(f"{head}{BEGIN}\n{lines}\n{END}{rest}", encoding="utf-8")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
