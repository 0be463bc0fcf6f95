"""Options of ``audit`` that no other command has a use for; ``schedule add`` takes them over."""

from __future__ import annotations

from typing import Annotated

import typer

Outputs = Annotated[
    list[str] | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FORMAT=PATH",
        help="Also write a report, evidence=DIR or rejects=PATH; repeatable; - is stdout.",
    ),
]
Details = Annotated[bool, typer.Option("--details", help="Every finding with its rows, in place of one screen.")]
FailOn = Annotated[
    str, typer.Option("--fail-on", metavar="LEVEL", help="When to exit with 1: fail, watch, new, never, or score<60.")
]
Strict = Annotated[
    bool, typer.Option("--strict-data", help="Exit with 3 when a file is refused or an area cannot be judged.")
]
AssumeAuto = Annotated[
    bool, typer.Option("--assume-auto", help="Take suspected automatic replies for a robot's; both results are shown.")
]
Platform = Annotated[
    str | None,
    typer.Option("--platform", metavar="NAME", help="Whose limits and clocks. Default: the files', else generic."),
]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="TIME", help="Judge as of this time. Default: the last event in the files."),
]
Window = Annotated[
    str | None, typer.Option("--window", metavar="30d|all", help="Days looked at. Default: the platform's own.")
]
Notify = Annotated[
    bool, typer.Option("--notify", help="Tell people, as the settings say under notify, once all is written.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="With --notify: show the message on stderr, send nothing.")]

NoHistory = Annotated[
    bool, typer.Option("--no-history", help="Neither compare with earlier runs nor remember this one.")
]
Baseline = Annotated[
    str | None,
    typer.Option("--baseline", metavar="RUN", help="Compare with this run. Default: the latest of an earlier time."),
]
Cron = Annotated[
    bool,
    typer.Option("--cron", help="For cron: print errors alone; keep the reports in the state folder's runs/NAME/."),
]
Name = Annotated[
    str | None, typer.Option("--name", metavar="NAME", help="Unattended: name of the runs. Default: the folder's.")
]
Keep = Annotated[
    str, typer.Option("--keep", metavar="90d|all", help="Unattended: remove older runs, never the latest complete one.")
]
LockWait = Annotated[
    str, typer.Option("--lock-wait", metavar="5m", help="Unattended: wait for a run of this name to end, else exit 75.")
]
Check = Annotated[bool, typer.Option("--check", help="Check options, settings and rule files, and leave.")]
