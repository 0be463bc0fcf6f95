"""Reports go to stdout; notes, progress and errors to stderr. Colour is decided for each stream separately."""

from __future__ import annotations

import errno
import json
import os
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, TextIO, cast

from storehealth.errors import StorehealthError, UsageError
from storehealth.support.atomic_files import describe_os_error
from storehealth.support.control_chars import CONTROL_CHARS_IN_LINES
from storehealth.support.message import LANGUAGES, Language, Message, Name, message

STDOUT_LOST: ContextVar[bool] = ContextVar("whether writing to stdout failed", default=False)
ERROR_LANGUAGE: ContextVar[str | None] = ContextVar("language given on the command line", default=None)
ERROR_CONFIG: ContextVar[str | None] = ContextVar("settings file given on the command line", default=None)
UNATTENDED_LOG: ContextVar[Callable[[str], None] | None] = ContextVar("log of an unattended run", default=None)
_CLOSED: ContextVar[bool] = ContextVar("whether stdout was closed when the program began", default=False)
"""On Windows, programs without a console have no stdout, and none is missed."""
PROGRESS_DELAY = 0.5
"""Seconds before progress appears."""


def wants_colour(stream: TextIO, no_color: bool = False) -> bool:
    """Whether to use colour: never with --no-color or NO_COLOR, always with FORCE_COLOR, else on a terminal."""
    if no_color or os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return os.environ.get("TERM") != "dumb" and stream.isatty()


def supports_symbols(stream: TextIO) -> bool:
    """Whether the stream's encoding has the symbols of the screen, such as ✓."""
    try:
        "✓✗—≥…".encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def measure_width() -> int:
    """Columns of the terminal, or 80 if there is none."""
    return shutil.get_terminal_size((80, 24)).columns


def write_stdout(content: str | bytes, styled: bool = False) -> None:
    """Write to stdout: text in the stream's own encoding, bytes as they are.

    Nothing that a terminal would obey reaches one. A closed pipe is not an error. Any other failure, such as a stdout that
    was closed from the beginning, is reported and turns exit codes 0 and 1 into 4.

    Args:
        content: Text of a command, or a document.
        styled: Whether it is a page of ours, whose only control characters are those of colours.
    """
    if _CLOSED.get() and content:
        report_lost_stdout(OSError(errno.EBADF, os.strerror(errno.EBADF)))
        return
    if sys.stdout.isatty() and not styled:
        content = make_harmless(content)
    try:
        if isinstance(content, bytes):
            _write_bytes(content)
        else:
            encoding = sys.stdout.encoding or "utf-8"
            sys.stdout.write(content.encode(encoding, errors="replace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:
        discard_stdout()
    except OSError as error:
        report_lost_stdout(error)


def choose_link_base(exports: Path) -> Path | None:
    """The folder that places of rows link to; None if stdout is not a terminal, since only terminals show links."""
    return (exports if exports.is_dir() else exports.parent).resolve() if sys.stdout.isatty() else None


def write_page(content: str, paged: bool = False) -> None:
    """Write a page of ours to stdout; where ``paged``, through the user's pager if a terminal has fewer lines than it."""
    pager = _find_pager() if paged and sys.stdin.isatty() and sys.stdout.isatty() else []
    if not pager or len(content.splitlines()) < shutil.get_terminal_size((80, 24)).lines:
        write_stdout(content, styled=True)
        return
    # F: less ends by itself where all fits; R: colours and links pass; X: the text stays on the screen
    environment = {"LESS": "FRX", "LESSCHARSET": "utf-8", **os.environ}
    try:
        subprocess.run(pager, input=content.encode(errors="replace"), env=environment, check=False)  # noqa: S603
    except OSError:
        write_stdout(content, styled=True)


def _find_pager() -> list[str]:
    """The command of PAGER, else less; none where PAGER is empty or cat, or neither is installed."""
    words = shlex.split(os.environ.get("PAGER", "less"))
    path = shutil.which(words[0]) if words and words[0] != "cat" else None
    return [path, *words[1:]] if path else []


def make_harmless(content: str | bytes) -> str:
    """Return a text or a document without characters that a terminal would obey: they may come from foreign files."""
    text = content.decode("utf-8", errors="replace") if isinstance(content, bytes) else content
    return CONTROL_CHARS_IN_LINES.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))


class HarmlessBuffer:
    """Takes the place of stdout's buffer where rows are written to a terminal as they are read."""

    def write(self, data: bytes) -> int:
        """Write some bytes of UTF-8."""
        sys.stdout.write(make_harmless(data))
        return len(data)

    def flush(self) -> None:
        """Write out what is still in stdout's buffer."""
        sys.stdout.flush()


def open_stdout() -> BinaryIO:
    """Return what rows for stdout are written to."""
    return cast("BinaryIO", HarmlessBuffer()) if sys.stdout.isatty() else sys.stdout.buffer


def write_line(text: Message) -> None:
    """Write a message to stdout as one line, in the language of the command."""
    write_stdout(f"{to_sentence(text, find_language())}\n")


def write_json(content: object) -> None:
    """Write a JSON document to stdout, indented, in UTF-8 whatever the terminal's encoding is."""
    text = escape_json(json.dumps(content, indent=2, ensure_ascii=False))
    write_stdout(f"{text}\n".encode(errors="replace"))


def escape_json(text: str) -> str:
    r"""Write the control characters that JSON allows to stand as they are in escapes: ``\u009b``."""
    return CONTROL_CHARS_IN_LINES.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def report_lost_stdout(error: OSError) -> None:
    """Report that stdout cannot be written to, and discard the rest."""
    discard_stdout()
    if not STDOUT_LOST.get():
        write_error(message("usage.stdout_failed", reason=describe_os_error(error)))
    STDOUT_LOST.set(True)


def _write_bytes(content: bytes) -> None:
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:
        sys.stdout.write(content.decode())
        return
    sys.stdout.flush()
    buffer.write(content)
    buffer.flush()


def quote_path(path: Path) -> str:
    """Quote a path for a shell."""
    return shlex.quote(str(path))


def reopen_missing() -> None:
    """Open closed standard streams on the null device; some schedulers close them, and ``pythonw`` has none.

    In this order each gets the lowest free descriptor, which is its own, so that no other file is written to.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            _CLOSED.set(_CLOSED.get() or (name == "stdout" and os.name != "nt"))
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - stays open as long as the process


def discard_stdout() -> None:
    """Discard what is still to be written to stdout, so that the interpreter does not complain at exit."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write_error(problem: Message | str, hint: Message | str | None = None) -> None:
    """Write an error to stderr, with the hint on its own line, in the language of ``--lang`` or the settings.

    In an unattended run it is a single line, since cron mails it, and is also logged.
    """
    language, log = find_language(), UNATTENDED_LOG.get()
    lines = [to_sentence(text, language) for text in (problem, hint) if text]
    if log:
        stop = "。" if language == "zh" else ". "
        single_line = stop.join(" ".join(line.split()).rstrip(".。") for line in lines)
        log(single_line)
        lines = [single_line]
    write_note(f"storehealth: {lines[0]}")
    for line in lines[1:]:
        write_note(line)


def to_sentence(text: Message | str, language: Language) -> str:
    """A message in a language; a plain string is the same in all languages."""
    if isinstance(text, str):
        return text
    from storehealth.i18n import translate

    return translate(text, language)


def read_error_language(arguments: Sequence[str]) -> None:
    """Read from the command line what decides the language of errors, before anything on it is checked."""
    ERROR_LANGUAGE.set(_find_value(arguments, "--lang"))
    ERROR_CONFIG.set(_find_value(arguments, "--config"))


def _find_value(arguments: Sequence[str], option: str) -> str | None:
    """The last value of an option, also as ``--option=value``; None if it is not given."""
    values = [value for name, value in pairwise(arguments) if name == option]
    values += [argument.removeprefix(f"{option}=") for argument in arguments if argument.startswith(f"{option}=")]
    return values[-1] if values else None


def find_language() -> Language:
    """Find the language of the command: of ``--lang``, else of the settings; English where neither can be read."""
    language = ERROR_LANGUAGE.get()
    if language is None:
        from storehealth.settings import read_settings

        config = ERROR_CONFIG.get()
        with suppress(StorehealthError, OSError):
            language = read_settings(Path(config) if config else None).language
    return next((known for known in LANGUAGES if known == language), "en")


def write_note(note: Message | str) -> None:
    """Write a line to stderr in the language of errors, without control characters and without keys of addresses."""
    from storehealth.privacy import redact

    text = redact(note if isinstance(note, str) else to_sentence(note, find_language()))
    encoding = sys.stderr.encoding or "utf-8"
    safe = (
        CONTROL_CHARS_IN_LINES.sub("\N{REPLACEMENT CHARACTER}", text)
        .encode(encoding, errors="replace")
        .decode(encoding)
    )
    with suppress(BrokenPipeError):
        sys.stderr.write(f"{safe}\n")
        sys.stderr.flush()


@dataclass(frozen=True)
class Verbosity:
    """How much a command writes to stderr."""

    quiet: bool = False
    silent: bool = False
    verbose: int = 0

    def note(self, text: Message | str) -> None:
        """Write a useful remark, such as which file was written."""
        if not (self.quiet or self.silent):
            write_note(text)

    def suggest(self, command: str) -> None:
        """Suggest the next command as the last line. Only for people, that is, on a terminal."""
        if sys.stderr.isatty() and not (self.quiet or self.silent):
            write_note(message("usage.next", command=Name(command)))


def check_unmask(wanted: bool, writes: bool) -> bool:
    """Check ``--unmask`` and return it: personal values are shown only to a person at a terminal.

    Args:
        wanted: Value of ``--unmask``.
        writes: Whether anything is also written to files.

    Raises:
        UsageError: Personal values would go to a file, a pipe or a log.
    """
    if wanted and not (sys.stdout.isatty() and sys.stdin.isatty()):
        raise UsageError(message("usage.unmask_needs_terminal"), message("usage.run_by_hand"))
    if wanted and writes:
        problem = message("usage.contradict", option=Name("--unmask"), other=Name("-o"))
        raise UsageError(problem, message("usage.no_personal_files"))
    return wanted


def choose_verbosity(quiet: bool, silent: bool, verbose: int) -> Verbosity:
    """Choose how much is written to stderr.

    Raises:
        UsageError: Both less and more output is requested.
    """
    if verbose and (quiet or silent):
        problem = message("usage.contradict", option=Name("-q" if quiet else "-s"), other=Name("-v"))
        raise UsageError(problem, message("usage.give_one"))
    return Verbosity(quiet, silent, verbose)


class ScreenOptions:
    """How a report looks on stdout.

    Args:
        details: Show everything, not just one screen.
        ascii_only: Use ASCII symbols only; always so where the stream's encoding has no others.
        no_color: Value of ``--no-color``.
        findings_only: Show only findings.
    """

    def __init__(self, details: bool, ascii_only: bool, no_color: bool, findings_only: bool) -> None:
        self.details = details
        self.findings_only = findings_only
        self.ascii_only = ascii_only or not supports_symbols(sys.stdout)
        self.colour = wants_colour(sys.stdout, no_color)


REMARKS = ("progress.cache_damaged",)
"""Steps that get a line even where no progress is shown."""


class Progress:
    """The current step, on stderr: after half a second on a terminal, or line by line if verbose."""

    def __init__(self, voice: Verbosity, no_color: bool = False) -> None:
        self._line_by_line, self._is_silent = voice.verbose > 0, voice.silent
        self._is_animated = sys.stderr.isatty() and not (voice.quiet or voice.silent or self._line_by_line)
        self._colour = wants_colour(sys.stderr, no_color)
        self._text = ""
        self._timer: threading.Timer | None = None
        self._lock = threading.Lock()
        self._stop: Callable[[], None] | None = None
        self._update: Callable[[str], None] | None = None

    def tell(self, step: Message | str) -> None:
        """Show the step that begins."""
        text = to_sentence(step, find_language())
        if self._line_by_line or (isinstance(step, Message) and step.id in REMARKS and not self._is_silent):
            write_note(text)
        with self._lock:
            self._text = CONTROL_CHARS_IN_LINES.sub("\N{REPLACEMENT CHARACTER}", text)
            if self._update:
                self._update(self._text)

    def __enter__(self) -> Progress:
        if self._is_animated:
            self._timer = threading.Timer(PROGRESS_DELAY, self._show)
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
