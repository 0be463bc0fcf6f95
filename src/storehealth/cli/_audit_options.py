"""Options of ``audit`` that only ``schedule add`` also takes."""

from __future__ import annotations

from typing import Annotated

import typer

ReportOutputs = Annotated[
    list[str] | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FORMAT=PATH",
        help="Also write a report, evidence=DIR or rejects=PATH; repeatable. - means stdout.",
    ),
]
Details = Annotated[bool, typer.Option("--details", help="Show every finding with its rows, not just one screen.")]
FailOn = Annotated[
    str,
    typer.Option("--fail-on", metavar="LEVEL", help="When to exit with code 1: fail, watch, new, never, or score<60."),
]
StrictData = Annotated[
    bool, typer.Option("--strict-data", help="Exit with code 3 if a file is refused or an area cannot be judged.")
]
AssumeAuto = Annotated[
    bool, typer.Option("--assume-auto", help="Count suspected auto-replies as bot messages; show both results.")
]
Platform = Annotated[
    str | None,
    typer.Option(
        "--platform",
        metavar="NAME",
        help="Platform whose limits and clocks apply. Default: from the files, else generic.",
    ),
]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="TIME", help="Judge as of this time. Default: the last event in the files."),
]
Window = Annotated[
    str | None, typer.Option("--window", metavar="30d|all", help="Days to judge. Default: set by the platform.")
]
Notify = Annotated[
    bool,
    typer.Option("--notify", help="Send notifications, as configured in the settings, after the reports are written."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="With --notify: show the message on stderr but send nothing.")]

NoHistory = Annotated[
    bool, typer.Option("--no-history", help="Do not compare with earlier runs, and do not store this one.")
]
Baseline = Annotated[
    str | None,
    typer.Option(
        "--baseline", metavar="RUN", help="Compare with this run. Default: the latest run with an earlier time."
    ),
]
Cron = Annotated[
    bool,
    typer.Option("--cron", help="For cron: print only errors; write the reports to runs/NAME/ in the state folder."),
]
RunName = Annotated[
    str | None,
    typer.Option("--name", metavar="NAME", help="Name of the unattended runs. Default: the name of the folder."),
]
Keep = Annotated[
    str,
    typer.Option("--keep", metavar="90d|all", help="Remove older unattended runs, but never the latest complete one."),
]
LockWait = Annotated[
    str,
    typer.Option(
        "--lock-wait",
        metavar="5m",
        help="Unattended: wait this long for another run of this name, then exit with code 75.",
    ),
]
CheckOnly = Annotated[bool, typer.Option("--check", help="Check options, settings and rule files, then exit.")]
