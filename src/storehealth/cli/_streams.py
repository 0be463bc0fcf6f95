"""Reports go to stdout; notes, progress and errors to stderr. Each stream decides on colour for itself."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from storehealth.errors import StorehealthError, UsageError
from storehealth.support.message import VERBATIM, Message
from storehealth.unseen import UNSEEN_IN_LINES

if TYPE_CHECKING:
    from storehealth.wording import Words

LOST: ContextVar[bool] = ContextVar("whether stdout refused something", default=False)
ASKED: ContextVar[str | None] = ContextVar("language asked for on the command line", default=None)
UNATTENDED: ContextVar[Callable[[str], None] | None] = ContextVar("log of a run that nobody watches", default=None)
PATIENCE = 0.5
"""Seconds before progress appears."""


def colour_wanted(stream: TextIO, no_color: bool = False) -> bool:
    """Whether a stream takes colour: not with --no-color or NO_COLOR, with FORCE_COLOR, else on a real terminal."""
    if no_color or os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return os.environ.get("TERM") != "dumb" and stream.isatty()


def takes_signs(stream: TextIO) -> bool:
    """Whether the stream's encoding has the signs of the screen, such as ✓."""
    try:
        "✓✗—≥…".encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def width() -> int:
    """Cells per line: the terminal's, or 80 where there is none."""
    return shutil.get_terminal_size((80, 24)).columns


def put(content: str | bytes) -> None:
    """Write to stdout: text in the stream's own encoding, bytes as they are.

    A reader who has gone is no error. What cannot be written is told, and turns exit codes 0 and 1 into 4.
    """
    try:
        if isinstance(content, bytes):
            _put_bytes(content)
        else:
            encoding = sys.stdout.encoding or "utf-8"
            sys.stdout.write(content.encode(encoding, errors="replace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:
        hang_up()
    except OSError as error:
        lose(error)


def lose(error: OSError) -> None:
    """Tell that stdout takes nothing more, and send the rest nowhere."""
    hang_up()
    if not LOST.get():
        complain(f"stdout could not be written: {error.strerror}")
    LOST.set(True)


def _put_bytes(content: bytes) -> None:
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:
        sys.stdout.write(content.decode())
        return
    sys.stdout.flush()
    buffer.write(content)
    buffer.flush()


def quoted(path: Path) -> str:
    """A path as a shell takes it."""
    return shlex.quote(str(path))


def reopen() -> None:
    """Where the caller has closed a stream, as some schedulers do, or has none, as ``pythonw``: it goes nowhere.

    In this order each takes the lowest free descriptor, its own, so that no file of ours is written to by mistake.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - open as long as the process


def hang_up() -> None:
    """Send what is still to be written to stdout nowhere, so that leaving does not complain either."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(message: Message | str, hint: Message | str | None = None) -> None:
    """An error on stderr, with what to do about it on a line of its own, in the language asked for.

    Where nobody watches it is one line, since cron mails it, and is logged besides.
    """
    said, log = _words(), UNATTENDED.get()
    lines = [_sentence(text, said) for text in (message, hint) if text]
    if log:
        stop = "。" if said and said.language == "zh" else ". "
        whole = stop.join(" ".join(line.split()).rstrip(".。") for line in lines)
        log(whole)
        lines = [whole]
    note(f"storehealth: {lines[0]}")
    for line in lines[1:]:
        note(line)


def _sentence(text: Message | str, words: Words | None) -> str:
    """A message in that language; what is still raised as English text, by its pattern."""
    if isinstance(text, Message) and text.id != VERBATIM:
        from storehealth.i18n import translate

        return translate(text, words.language if words else "en")
    return words.error(str(text)) if words else str(text)


def listen(arguments: Sequence[str]) -> None:
    """Take the language for errors from the command line, before anything on it is checked."""
    given = [after for before, after in pairwise(arguments) if before == "--lang"]
    given += [one.removeprefix("--lang=") for one in arguments if one.startswith("--lang=")]
    ASKED.set(given[-1] if given else None)


def _words() -> Words | None:
    """The texts in that language, else in that of the settings; None is English, whose words stand in the code."""
    language = ASKED.get()
    if language is None:
        from storehealth.settings import read_settings

        with suppress(StorehealthError, OSError):
            language = read_settings(None).language
    if language not in ("zh", "es"):
        return None
    from storehealth.wording import Words

    return Words("zh" if language == "zh" else "es")


def note(text: str) -> None:
    """A line on stderr, without control characters, and without the key an address may hold."""
    from storehealth.privacy import redact

    text = redact(text)
    encoding = sys.stderr.encoding or "utf-8"
    shown = UNSEEN_IN_LINES.sub("\N{REPLACEMENT CHARACTER}", text).encode(encoding, errors="replace").decode(encoding)
    with suppress(BrokenPipeError):
        sys.stderr.write(f"{shown}\n")
        sys.stderr.flush()


@dataclass(frozen=True)
class Voice:
    """How much a command says on stderr."""

    quiet: bool = False
    silent: bool = False
    verbose: int = 0

    def note(self, text: str) -> None:
        """Say something of use, such as which file was written."""
        if not (self.quiet or self.silent):
            note(text)

    def suggest(self, command: str) -> None:
        """The last line: what to run next. Only for people, that is on a terminal."""
        if sys.stderr.isatty() and not (self.quiet or self.silent):
            note(f"next: {command}")


def may_unmask(wanted: bool, writes: bool) -> bool:
    """Whether personal values are shown as they are: only to a person at a terminal.

    Args:
        wanted: The option ``--unmask``.
        writes: Whether anything is written to files as well.

    Raises:
        UsageError: They would go to a file, a pipe or a log.
    """
    if wanted and not (sys.stdout.isatty() and sys.stdin.isatty()):
        raise UsageError("--unmask shows personal data on a terminal only", "Run it by hand, without a pipe or a file.")
    if wanted and writes:
        raise UsageError("--unmask and -o contradict each other", "Personal data are never written to files. Drop one.")
    return wanted


def voice(quiet: bool, silent: bool, verbose: int) -> Voice:
    """How much is said.

    Raises:
        UsageError: Less and more are asked for at once.
    """
    if verbose and (quiet or silent):
        raise UsageError(f"{'-q' if quiet else '-s'} and -v contradict each other", "Give one of them.")
    return Voice(quiet, silent, verbose)


class Screen:
    """How a report looks on stdout.

    Args:
        details: Everything in place of one screen.
        ascii_only: No signs outside ASCII; also where the stream's encoding has none.
        no_color: The option.
        findings_only: Findings and nothing else.
    """

    def __init__(self, details: bool, ascii_only: bool, no_color: bool, findings_only: bool) -> None:
        self.details = details
        self.findings_only = findings_only
        self.ascii_only = ascii_only or not takes_signs(sys.stdout)
        self.colour = colour_wanted(sys.stdout, no_color)


class Progress:
    """What is being done now, on stderr: on a terminal after half a second, or line by line when verbose."""

    def __init__(self, voice: Voice, no_color: bool = False) -> None:
        self._lines = voice.verbose > 0
        self._wanted = sys.stderr.isatty() and not (voice.quiet or voice.silent or self._lines)
        self._colour = colour_wanted(sys.stderr, no_color)
        self._text = ""
        self._timer: threading.Timer | None = None
        self._lock = threading.Lock()
        self._stop: Callable[[], None] | None = None
        self._update: Callable[[str], None] | None = None

    def tell(self, text: str) -> None:
        """Name the step that begins."""
        if self._lines:
            note(text)
        with self._lock:
            self._text = UNSEEN_IN_LINES.sub("\N{REPLACEMENT CHARACTER}", text)
            if self._update:
                self._update(self._text)

    def __enter__(self) -> Progress:
        if self._wanted:
            self._timer = threading.Timer(PATIENCE, self._show)
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer:
            self._timer.cancel()
        with self._lock:
            self._timer = None
            if self._stop:
                self._stop()

    def _show(self) -> None:
        from rich.console import Console
        from rich.text import Text

        with self._lock:
            if self._timer is None:
                return
            console = Console(file=sys.stderr, color_system="standard" if self._colour else None)
            status = console.status(Text(self._text), spinner="line")
            status.start()
            self._stop, self._update = status.stop, lambda text: status.update(Text(text))
