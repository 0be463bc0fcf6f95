"""Settings in layers: options override the environment, then the project's file, the user's file, the defaults.

Also lists the settings for display: every effective value and its origin, nothing secret or personal.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import yaml
from pydantic import ValidationError

from storehealth.catalogue.files import NotUtf8Error, decode_utf8, describe_yaml_error, read_yaml
from storehealth.errors import UsageError
from storehealth.privacy import REMOVED, redact
from storehealth.settings.model import FILE_NAME, Settings, explain_problems, find_addresses, find_line
from storehealth.support.message import Message, Name, lines, message, verbatim

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

AUTO_REPLIES = "auto_replies.yaml"
PREFIX = "STOREHEALTH_"
NESTING = "__"
OPTION_NAMES = {"language": "lang"}
"""Settings whose command-line option has another name."""
Kind = Literal["flag", "environment", "project", "user", "default"]


class SettingOrigin(NamedTuple):
    """Where a value comes from. ``where`` is ``storehealth.toml:3``, a variable or an option; empty for a default."""

    kind: Kind
    where: str = ""


class SettingsFile(NamedTuple):
    """A file that may hold settings, and whether it was read."""

    kind: Kind
    path: Path
    read: bool


class ResolvedSettings(NamedTuple):
    """The settings, the origin of each value by its dotted key, and the files that were considered."""

    settings: Settings
    origins: dict[str, SettingOrigin]
    files: tuple[SettingsFile, ...]


class _Problem(NamedTuple):
    text: Message
    key: str = ""
    """The setting; empty where the whole file is at fault."""


class _Layer(NamedTuple):
    kind: Kind
    values: dict[str, Any]
    path: Path | None = None

    def origin(self, keys: Sequence[str]) -> SettingOrigin:
        """Return where a value of this layer comes from."""
        if self.kind == "flag":
            return SettingOrigin("flag", f"--{OPTION_NAMES.get(keys[0], keys[0])}")
        if self.path is None:
            return SettingOrigin(self.kind, _name_variable(keys))
        shown = self.path.name if self.kind == "project" else str(self.path)
        return SettingOrigin(self.kind, f"{shown}:{find_line(self.path, keys)}")


def read_settings(path: Path | None, folder: Path | None = None) -> Settings:
    """Read settings from ``path``, else from ``storehealth.toml`` in ``folder`` (default: the current one), else defaults.

    The environment (``STOREHEALTH_AREA__KEY``) overrides that file, which overrides the user's own file. The texts of an
    ``auto_replies.yaml`` in the same folder are added.

    Raises:
        UsageError: A file is missing, not TOML or YAML, or something has mistakes; the message lists all of them.
    """
    return resolve_settings(path, folder).settings


def find_settings_folder(config: Path | None) -> Path:
    """Return the folder of the project's settings, which also holds ``mutes.yaml`` and ``events.yaml``; it may lack all."""
    return config.parent if config is not None else Path.cwd()


def resolve_settings(
    path: Path | None = None, folder: Path | None = None, flags: Mapping[str, Any] | None = None
) -> ResolvedSettings:
    """Read settings as :func:`read_settings` does, with the origin of every value.

    Args:
        path: The project's file; it must exist.
        folder: Where to look for one otherwise.
        flags: Options of the command line by their setting's name; None means not given.

    Raises:
        UsageError: As :func:`read_settings`.
    """
    project = path or (folder or Path.cwd()) / FILE_NAME
    user = locate_user_file()
    files = (
        SettingsFile("project", project, path is not None or project.is_file()),
        SettingsFile("user", user, user.is_file()),
    )
    layers, problems = _list_layers(files, flags or {})
    merged = _merge(layers)
    origins = {".".join(keys): layer.origin(keys) for layer in layers for keys, _ in _list_leaves(layer.values)}
    settings = _validate(merged, origins, problems)
    auto_replies = _read_auto_replies(project.parent / AUTO_REPLIES)
    if auto_replies:
        settings = settings.model_copy(update={"auto_replies": (*settings.auto_replies, *auto_replies)})
        origins.setdefault("auto_replies", SettingOrigin("project", AUTO_REPLIES))
    return ResolvedSettings(settings, origins, files)


def locate_user_file() -> Path:
    """Return the path of the user's settings for all stores: ``~/.config/storehealth/storehealth.toml`` on Linux."""
    from platformdirs import user_config_path

    return user_config_path("storehealth", appauthor=False) / FILE_NAME


def _read_environment() -> dict[str, Any]:
    """Read environment variables; a list may be JSON or separated by commas."""
    fields = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    if not any(name.upper().partition(NESTING)[0] in fields for name in os.environ):
        return {}  # other variables of this prefix, such as the key of pseudonyms, are no settings
    return _define_environment_reader()()


@cache
def _define_environment_reader() -> Callable[[], dict[str, Any]]:
    # importing it takes longer than reading all files of settings, and few set a variable
    from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict

    class _Fields(BaseSettings, Settings):
        model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter=NESTING, env_ignore_empty=True)

    class _Environment(EnvSettingsSource):
        def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
            try:
                return super().decode_complex_value(field_name, field, value)
            except ValueError:
                parts = [part.strip() for part in str(value).split(",")]
                return value if "dict" in str(field.annotation) or field_name == "notify" else parts

    def read() -> dict[str, Any]:
        return _Environment(_Fields)()

    return read


def _list_layers(files: Sequence[SettingsFile], flags: Mapping[str, Any]) -> tuple[list[_Layer], list[_Problem]]:
    """Read all layers, the lowest first, and list what is wrong with whole files and with addresses in them."""
    layers: list[_Layer] = []
    problems: list[_Problem] = []
    for file in reversed(files):
        if file.read:
            values, problem = _read_toml(file.path)
            layers.append(_Layer(file.kind, values, file.path))
            problems += [_Problem(problem)] if problem else []
    layers.append(_Layer("environment", _read_environment()))
    layers.append(_Layer("flag", {name: value for name, value in flags.items() if value is not None}))
    for layer in layers:
        for keys in find_addresses(layer.values, _list_leaves):
            problems.append(_refuse_address(layer.origin(keys).where, ".".join(keys)))
    return layers, problems


def _refuse_address(where: str, key: str) -> _Problem:
    what = message("settings.address")
    return _Problem(message("settings.problem", place=verbatim(where), key=Name(key), what=what), key)


def _read_toml(path: Path) -> tuple[dict[str, Any], Message | None]:
    """Read the values of one file, and what is wrong with it.

    Raises:
        UsageError: It does not exist.
    """
    try:
        # with or without the byte order mark that Windows editors put at the start of a file
        values = tomllib.loads(decode_utf8(path.read_bytes())) if path.is_file() else None
    except NotUtf8Error as error:
        return {}, message("settings.not_utf8", path=Name(str(path)), problem=error.problem)
    except tomllib.TOMLDecodeError as error:
        return {}, message("settings.no_toml", path=Name(str(path)), reason=describe_toml_error(error))
    if values is None:
        raise UsageError(message("settings.absent", path=Name(str(path))), message("settings.absent_hint"))
    _resolve_urls_file(values.get("notify"), path.absolute().parent)
    return values, None


def describe_toml_error(error: tomllib.TOMLDecodeError) -> Message:
    """Where a mistake in TOML is, and in quotes what the parser says, which is English."""
    said, _, place = str(error).partition(" (at ")
    numbers = re.fullmatch(r"line (\d+), column (\d+)\)", place)
    if numbers is None:
        return message("settings.toml_end", said=Name(said))
    return message("settings.toml_place", line=int(numbers[1]), column=int(numbers[2]), said=Name(said))


def _resolve_urls_file(notify: Any, folder: Path) -> None:
    """Make ``notify.urls_file`` relative to the file that names it, not to the current folder."""
    if isinstance(notify, dict) and isinstance(notify.get("urls_file"), str) and "://" not in notify["urls_file"]:
        notify["urls_file"] = str(folder / Path(notify["urls_file"]).expanduser())


def _merge(layers: Sequence[_Layer]) -> dict[str, Any]:
    """Merge the layers into one mapping: tables key by key, everything else is replaced."""
    merged: dict[str, Any] = {}
    for layer in layers:
        merged = _overlay(merged, layer.values)
    return merged


def _overlay(lower: dict[str, Any], upper: dict[str, Any]) -> dict[str, Any]:
    nested = {key: _overlay(lower[key], value) for key, value in upper.items()
            if isinstance(value, dict) and isinstance(lower.get(key), dict)}  # fmt: skip
    return {**lower, **upper, **nested}


def _list_leaves(values: Mapping[str, Any], parents: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every value with its keys; an empty table counts as a value."""
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from _list_leaves(value, (*parents, key))
        else:
            yield (*parents, key), value


def _validate(merged: dict[str, Any], origins: Mapping[str, SettingOrigin], problems: list[_Problem]) -> Settings:
    """Validate the merged values.

    Raises:
        UsageError: Anything is wrong with them, or with a file.
    """
    texts = [problem.text for problem in problems]
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as error:
        places = {key: verbatim(origin.where) for key, origin in origins.items()}
        texts += explain_problems(error, Settings, places, {problem.key for problem in problems})
    if texts:
        raise UsageError(lines(texts), _choose_hint(texts, problems))
    return settings


def _choose_hint(texts: Sequence[Message], problems: Sequence[_Problem]) -> Message:
    if any(problem.key for problem in problems):
        return message("settings.address_hint")
    return message("settings.fix_file" if len(texts) == len(problems) else "settings.fix_settings")


def _name_variable(keys: Sequence[str]) -> str:
    """Return the name of the variable that sets a value: its own, or that of a table around it."""
    environment = {name.upper() for name in os.environ}
    names = [PREFIX + NESTING.join(keys[:length]).upper() for length in range(len(keys), 0, -1)]
    return next((name for name in names if name in environment), names[-1])


def _read_auto_replies(path: Path) -> tuple[str, ...]:
    """Read a YAML list of texts; empty where there is no such file."""
    if not path.is_file():
        return ()
    try:
        texts = read_yaml(path) or []
    except yaml.YAMLError as error:
        raise UsageError(describe_yaml_error(path, error), message("settings.fix_file")) from None
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise UsageError(message("settings.auto_replies", path=Name(str(path))), message("settings.auto_replies_hint"))
    return tuple(texts)


PERSONAL = ("deposit",)
"""Tables that hold names, accounts and numbers: only that they are set is shown."""
DURATIONS = ("notify.suppress",)
"""Settings in seconds, displayed in hours."""
DEFAULT = SettingOrigin("default")


class DisplayedSetting(NamedTuple):
    """One effective value."""

    key: str
    value: Any
    origin: SettingOrigin


def list_effective(resolved: ResolvedSettings) -> list[DisplayedSetting]:
    """List every setting by its dotted key with its JSON value; personal values are hidden, addresses shortened."""
    return [
        DisplayedSetting(key, _hide(key, value), _origin_of(key, resolved.origins))
        for key, value in _flatten(resolved.settings.model_dump(mode="json"), "")
    ]


def _flatten(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _origin_of(key: str, origins: Mapping[str, SettingOrigin]) -> SettingOrigin:
    return origins.get(key, DEFAULT)


def _hide(key: str, value: Any) -> Any:
    if key in DURATIONS:
        return f"{value / 3600:g} h"
    if key.partition(".")[0] in PERSONAL and value not in ({}, None):
        return REMOVED
    if isinstance(value, list):
        return [_hide(key, part) for part in value]
    return redact(value) if isinstance(value, str) else value


def shorten_home(path: Path) -> str:
    """Return a path with the home folder, which contains its owner's name, as ``~``."""
    home = Path.home()
    return str(Path("~") / path.relative_to(home)) if path.is_relative_to(home) else str(path)
