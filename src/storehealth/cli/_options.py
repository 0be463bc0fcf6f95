"""Options that several commands share: single ones, and records of them that a command takes as one argument.

A command declares ``options: CommonOptions`` or, for some of its fields, ``Annotated[CommonOptions, Only("lang", "state")]``.
:func:`expand_records` turns it into the function that typer is given: typer sees each field as an option, the command gets
one record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from datetime import datetime
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin, get_type_hints

import typer

from storehealth.cli import _parsers, state_folder, streams
from storehealth.cli._parsers import FileChoice, KnownLanguage, OutputFormat, OutputOption, ToolChoice, require_one_of

if TYPE_CHECKING:
    from storehealth.catalogue import Catalogue
    from storehealth.i18n import Words
    from storehealth.output.terminal import Page
    from storehealth.settings import Settings

Exports = Annotated[
    Path, typer.Argument(metavar="EXPORTS", help="Folder of exported files, or one file.", is_eager=True)
]
Format = Annotated[
    OutputFormat,
    typer.Option("--format", metavar="text|json", parser=_parsers.parse_format, help="Output format."),
]


def build_output_option(help: str) -> Any:  # noqa: A002 - as typer calls it
    """``-o FORMAT=PATH``, with a command's own help."""
    return typer.Option("-o", "--output", metavar="FORMAT=PATH", parser=_parsers.parse_output, help=help)


def build_as_of_option(help: str) -> Any:  # noqa: A002 - as typer calls it
    """``--as-of TIME``, with a command's own help."""
    return typer.Option("--as-of", metavar="TIME", parser=_parsers.parse_as_of, help=help)


def build_window_option(help: str) -> Any:  # noqa: A002 - as typer calls it
    """``--window DAYS``, with a command's own help."""
    return typer.Option("--window", metavar="30d|all", parser=_parsers.parse_window, help=help)


Platform = Annotated[
    str | None,
    typer.Option(
        "--platform",
        metavar="NAME",
        help="Platform whose limits and clocks apply. Default: from the files, else generic.",
    ),
]
AsOf = Annotated[
    datetime | None,
    build_as_of_option("Judge as of this time. Default: the last event in the files."),
]
Window = Annotated[str | None, build_window_option("Days to judge. Default: set by the platform.")]
Outputs = Annotated[
    list[OutputOption] | None,
    build_output_option("Also write a report, evidence=DIR or rejects=PATH; repeatable. - means stdout."),
]
ReportOutputs = Annotated[
    list[OutputOption] | None,
    build_output_option("Write a report, such as html=report.html; repeatable. - means stdout."),
]
"""``-o`` of commands that have no rows of exports to write."""
StrictData = Annotated[
    bool, typer.Option("--strict-data", help="Exit with code 3 if a file is refused or an area cannot be judged.")
]
Details = Annotated[bool, typer.Option("--details", help="Show every finding with its rows, not just one screen.")]


WithTools = Annotated[
    ToolChoice | None,
    typer.Option(
        "--with",
        metavar="TOOLS",
        parser=_parsers.parse_tools,
        help="Add the blocks and sheets of managers' tools: names separated by commas, such as scorecard,staffing, or all.",
    ),
]
OWN_PACK = "storehealth.d"
"""The pack beside the settings file; ``storehealth map`` writes into it."""
Language = Annotated[
    KnownLanguage | None,
    typer.Option(
        "--lang",
        metavar="en|zh|es",
        parser=_parsers.parse_language,
        help="Output language. Default: from the settings, else en.",
    ),
]
Packs = Annotated[
    list[Path] | None,
    typer.Option(
        "--pack",
        metavar="DIR",
        parser=_parsers.parse_pack,
        help="Folder with your own rules, layouts and platforms; repeatable.",
    ),
]
State = Annotated[
    Path | None,
    typer.Option("--state", metavar="DIR", is_eager=True, help="Folder for the data cache, saved runs and logs."),
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        parser=_parsers.parse_config,
        help="Settings file. Default: ./storehealth.toml, if it exists.",
    ),
]
Ascii = Annotated[bool, typer.Option("--ascii", help="Use ASCII instead of symbols such as ✓ and ≥.")]
NoColor = Annotated[bool, typer.Option("--no-color", help="Do not use colour.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only findings.")]
Silent = Annotated[bool, typer.Option("--silent", "-s", help="Print only errors.")]
Verbose = Annotated[int, typer.Option("--verbose", "-v", count=True, help="Show every step on stderr.")]
Unmask = Annotated[bool, typer.Option("--unmask", help="Show personal data unmasked; on a terminal only.")]
StrictPrivacy = Annotated[
    bool, typer.Option("--strict-privacy", help="Hide free text completely, not only the personal data found in it.")
]
Layouts = Annotated[
    list[FileChoice] | None,
    typer.Option(
        "--layout",
        metavar="FILE=NAME",
        parser=_parsers.parse_layout,
        help="Read files of this name with this layout; repeatable.",
    ),
]
Encodings = Annotated[
    list[FileChoice] | None,
    typer.Option(
        "--encoding",
        metavar="GLOB=NAME",
        parser=_parsers.parse_encoding,
        help="Encoding of these files; repeatable.",
    ),
]
DateOrder = Annotated[
    str | None,
    typer.Option(
        "--date-order",
        metavar="ORDER",
        parser=_parsers.parse_date_order,
        help="day-first or month-first: what 03/04/2026 means in a file where no date settles it.",
    ),
]
Memory = Annotated[
    str | None,
    typer.Option("--memory", metavar="SIZE", parser=_parsers.parse_memory, help="Memory limit, such as 1GB."),
]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Read every file again.")]


@dataclass(frozen=True)
class CommonOptions:
    """Options that nearly every command has. A command takes those that mean something to it, see ``Only``."""

    lang: Language = None
    pack: Packs = None
    state: State = None
    config: Config = None
    ascii_only: Ascii = False
    no_color: NoColor = False
    quiet: Quiet = False
    silent: Silent = False
    verbose: Verbose = 0
    unmask: Unmask = False
    strict_privacy: StrictPrivacy = False

    @property
    def own_pack(self) -> Path:
        """The pack beside the settings file, or in the current folder, which is used without being named."""
        return (self.config.parent if self.config is not None else Path.cwd()) / OWN_PACK

    @property
    def packs(self) -> tuple[Path, ...]:
        """The store's own pack, if it has one, and the folders of ``--pack``, which come before it."""
        named = tuple(self.pack or ())
        is_named = any(folder.resolve() == self.own_pack.resolve() for folder in named)
        return named if is_named or not self.own_pack.is_dir() else (self.own_pack, *named)

    def list_own_layouts(self) -> set[str]:
        """Names of the layouts in the store's own pack."""
        return {path.stem for path in (self.own_pack / "layouts").glob("*.yaml")}

    @property
    def names(self) -> CatalogueNames:
        """Names that the built-in data files and the packs define."""
        return CatalogueNames(self.packs)

    def to_request_fields(self) -> dict[str, Any]:
        """Return the fields of an audit's request that these options fill."""
        return {
            "language": self.lang,
            "packs": self.packs,
            "config": self.config,
            "unmask": self.unmask,
            "strict_privacy": self.strict_privacy,
        }

    def make_screen(self, details: bool = False) -> streams.ScreenOptions:
        """Decide how stdout looks; ``details`` shows everything, not just one screen."""
        return streams.ScreenOptions(details, self.ascii_only, self.no_color, self.quiet)

    @property
    def verbosity(self) -> streams.Verbosity:
        """How much goes to stderr.

        Raises:
            UsageError: Both less and more output is requested.
        """
        return streams.choose_verbosity(self.quiet, self.silent, self.verbose)

    def print_page(self, fill: Callable[[Page], None]) -> None:
        """Print a page of text on stdout.

        Args:
            fill: Adds the lines to the page.
        """
        from storehealth.output.terminal import DisplayOptions, Page, write_lines

        screen = self.make_screen()
        page = Page(streams.measure_width(), screen.ascii_only)
        fill(page)
        streams.write_stdout(write_lines(page.lines, DisplayOptions(colour=screen.colour)), styled=True)

    def find_state(self) -> Path:
        """Return the state folder without creating it."""
        return self.state if self.state is not None else state_folder.find_default_folder()

    def load_catalogue(self) -> Catalogue:
        """Load all data files, those of the packs too; messages find their texts from then on.

        Raises:
            CatalogueError: A data file is invalid.
        """
        from storehealth.catalogue import load_catalogue
        from storehealth.catalogue.texts import TextFinder
        from storehealth.i18n import provide_texts

        catalogue = load_catalogue(self.packs)
        provide_texts(TextFinder(catalogue))
        return catalogue

    def read_settings(self) -> Settings:
        """Read the settings file, with the language of ``--lang``."""
        from storehealth.settings import read_settings

        settings = read_settings(self.config)
        return settings.model_copy(update={"language": self.lang}) if self.lang else settings

    def load_words(self) -> Words:
        """Load the texts in the language of ``--lang``, else of the settings."""
        from storehealth.i18n import Words

        return Words(self.read_settings().language)


@dataclass(frozen=True)
class ReadOptions:
    """How the exported files are read."""

    layout: Layouts = None
    encoding: Encodings = None
    date_order: DateOrder = None
    memory: Memory = None
    no_cache: NoCache = False

    def to_request_fields(self, names: CatalogueNames) -> dict[str, Any]:
        """Return the fields of an audit's request.

        Raises:
            UsageError: A named layout does not exist.
        """
        return {
            "layouts": names.check_layouts(self.layout or ()),
            "encodings": {choice.file: choice.name for choice in self.encoding or ()},
            "date_order": self.date_order,
            "memory": self.memory,
            "cache": not self.no_cache,
        }


class CatalogueNames:
    """The names that the built-in data files and the packs define.

    Args:
        packs: Folders of the ``--pack`` options.
    """

    def __init__(self, packs: tuple[Path, ...]) -> None:
        self.packs = packs

    def require_platform(self, name: str | None) -> str | None:
        """Require that a platform exists; None stays None.

        Raises:
            UsageError: It does not exist; the nearest name is suggested.
        """
        if name is None:
            return None
        known = tuple(self._list_names("platforms"))
        return require_one_of(name if name in known else self._resolve_alias(name), known, "--platform")

    def _resolve_alias(self, name: str) -> str:
        """The platform that has another name; only now are the platforms' files read."""
        from storehealth.catalogue import FOLDERS, read_aliases

        folders = (FOLDERS["platforms"], *(pack / "platforms" for pack in self.packs))
        return read_aliases(folders).get(name, name)

    def check_platform_setting(self, name: str) -> None:
        """Require that the platform of the settings exists, by its own name or another.

        Raises:
            UsageError: It does not; the hint lists the platforms.
        """
        from storehealth.catalogue.platform import check_platform

        known = self.list_platforms()
        check_platform(name if name in known else self._resolve_alias(name), known)

    def list_platforms(self) -> tuple[str, ...]:
        """Names of all platforms."""
        return tuple(self._list_names("platforms"))

    def check_layouts(self, choices: Sequence[FileChoice]) -> dict[str, str]:
        """Require that the layouts of ``--layout`` exist; return them by file.

        Raises:
            UsageError: A layout does not exist; the nearest name is suggested.
        """
        known = sorted(self._list_names("layouts")) if choices else []
        return {choice.file: require_one_of(choice.name, known, "--layout") for choice in choices}

    def list_layouts(self) -> set[str]:
        """Names of all layouts."""
        return set(self._list_names("layouts"))

    def _list_names(self, kind: str) -> Iterator[str]:
        from storehealth.catalogue import FOLDERS

        names: dict[str, None] = {}  # a dict keeps the order and drops repetitions
        for folder in (FOLDERS[kind], *(pack / kind for pack in self.packs)):
            names |= dict.fromkeys(path.stem for path in sorted(folder.rglob("*.yaml")))
        yield from names


@dataclass(frozen=True, init=False)
class Only:
    """The fields of a record that a command takes; the others keep their defaults."""

    names: frozenset[str]

    def __init__(self, *names: str) -> None:
        object.__setattr__(self, "names", frozenset(names))


class _Registering:
    """How commands are registered now."""

    names_only = False


@contextmanager
def register_names_only() -> Iterator[None]:
    """Within this context commands are registered without options, for a list of them: that takes half the time."""
    _Registering.names_only = True
    try:
        yield
    finally:
        _Registering.names_only = False


def _drop_options(command: Callable[..., int]) -> Callable[..., int]:
    def call() -> int:
        raise TypeError(f"{command.__name__} is registered for a list of commands only")

    call.__name__, call.__doc__ = command.__name__, command.__doc__
    return call


def expand_records(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command a signature in which each field of its records is a parameter.

    Args:
        command: Its parameters are annotated with dataclasses whose fields are typer options, or are options themselves.

    Raises:
        TypeError: Two parameters have one name, or ``Only`` names a field that does not exist.
    """
    if _Registering.names_only:
        return _drop_options(command)
    hints = get_type_hints(command, include_extras=True)
    parameters: dict[str, Parameter] = {}
    records: dict[str, tuple[Any, list[str]]] = {}
    for parameter in signature(command).parameters.values():
        record, chosen = _split_record(hints[parameter.name])
        if record is None:
            expanded = [parameter.replace(annotation=hints[parameter.name], kind=Parameter.KEYWORD_ONLY)]
        else:
            expanded = list(_expand_fields(record, chosen))
            records[parameter.name] = (record, [field.name for field in expanded])
        for new in expanded:
            if new.name in parameters:
                raise TypeError(f"{command.__qualname__} has two parameters named {new.name}")
            parameters[new.name] = new

    def call(**values: Any) -> int:
        from storehealth.i18n import use_language

        use_language(streams.find_language())  # of the texts in JSON documents
        built = {name: record(**{key: values.pop(key) for key in keys}) for name, (record, keys) in records.items()}
        return command(**built, **values)

    call.__name__, call.__doc__ = command.__name__, command.__doc__
    # typer reads both: the signature for names and defaults, the annotations for types
    call.__signature__ = Signature(list(parameters.values()))  # type: ignore[attr-defined]
    call.__annotations__ = {name: parameter.annotation for name, parameter in parameters.items()} | {"return": int}
    return call


def _split_record(hint: Any) -> tuple[Any, frozenset[str] | None]:
    """The record of an annotation, None if it is none, and the names of the fields to take, None for all."""
    chosen = None
    if get_origin(hint) is Annotated:
        hint, *marks = get_args(hint)
        chosen = next((mark.names for mark in marks if isinstance(mark, Only)), None)
    return (hint, chosen) if is_dataclass(hint) else (None, None)


def _expand_fields(record: Any, chosen: frozenset[str] | None) -> Iterator[Parameter]:
    hints = get_type_hints(record, include_extras=True)
    known: dict[str, Field[Any]] = {field.name: field for field in fields(record)}
    if chosen is not None and not chosen <= known.keys():
        raise TypeError(f"{record.__name__} has no field {', '.join(sorted(chosen - known.keys()))}")
    for name, field in known.items():
        if chosen is None or name in chosen:
            default = Parameter.empty if field.default is MISSING else field.default
            yield Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=hints[name])
