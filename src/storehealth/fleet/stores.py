"""The stores of a fleet: a folder with one folder per store, or a file ``stores.toml``."""

from __future__ import annotations

import os
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import Field, ValidationError, field_validator

from storehealth.catalogue.common import Language, NonEmptyText, StrictModel, ZoneName
from storehealth.catalogue.files import NotUtf8Error, decode_utf8
from storehealth.errors import NoDataError, UsageError
from storehealth.schedule.schedules import NAME_PATTERN
from storehealth.settings.layers import describe_toml_error
from storehealth.support.atomic_files import describe_os_error
from storehealth.support.message import Message, Name, lines, message, verbatim
from storehealth.support.validation import InvalidValue, describe_mistake

EXPORTS_FOLDER = "exports"
OWN_PACK = "storehealth.d"
HIDDEN = (".", "_", "~")


class StoreEntry(StrictModel):
    """One ``[[store]]`` of ``stores.toml``. Paths are relative to that file."""

    name: NonEmptyText = Field(description="Name of the store, on reports and as the name of its state folder.")
    exports: str = Field(description="Folder of its exported files, or a folder that holds them as exports/.")
    platform: NonEmptyText | None = Field(default=None, description="Default: of its settings, else from the files.")
    zone: ZoneName | None = Field(default=None, description="IANA time zone, such as Asia/Shanghai.")
    language: Language | None = Field(default=None, description="Language of its reports: en, zh, es.")
    settings: str | None = Field(default=None, description="Its storehealth.toml; mutes and events are beside it.")
    pack: str | None = Field(default=None, description="Folder with its own rules, layouts and platforms.")
    owner: str | None = Field(default=None, description="Who looks after it.")

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        if not NAME_PATTERN.fullmatch(make_folder_name(name)):
            raise InvalidValue(message("fleet.name"))
        return name


class _StoresFile(StrictModel):
    store: tuple[StoreEntry, ...] = Field(min_length=1)


class FleetStore(NamedTuple):
    """One store, all paths absolute; small and picklable.

    ``name`` is the folder of its state and unique in the fleet. ``title`` is printed on its reports unless its settings
    name it. ``folder`` is where its audit runs: settings, mutes, events and its own pack are found there as by a single
    audit called in that folder.
    """

    name: str
    exports: str
    folder: str
    title: str
    platform: str | None = None
    zone: str | None = None
    language: Language | None = None
    settings: str | None = None
    packs: tuple[str, ...] = ()
    owner: str | None = None


def make_folder_name(name: str) -> str:
    """Make a name that a folder of any system can have."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-.")[:60]


def is_url(place: str) -> bool:
    """Whether a place is an address such as ``s3://bucket/stores``."""
    return "://" in place


def read_stores(place: str | Path) -> tuple[FleetStore, ...]:
    """Read the stores of a fleet, by name.

    Args:
        place: A folder with one folder per store, or a ``stores.toml``; a folder that holds ``stores.toml`` means that. A
            folder may be an address that fsspec reads.

    Raises:
        NoDataError: There is no such folder, or no store in it.
        UsageError: The file has mistakes, all of which the message lists, or there is no such file.
    """
    stores = _list_remote(str(place)) if is_url(str(place)) else _list_local(Path(place))
    doubles = sorted(name for name, count in Counter(store.name.lower() for store in stores).items() if count > 1)
    if doubles:
        raise UsageError(message("fleet.same_name", names=tuple(map(Name, doubles))), message("fleet.same_name_hint"))
    return tuple(sorted(stores, key=lambda store: store.name))


def _list_local(place: Path) -> list[FleetStore]:
    if place.is_dir() and (place / "stores.toml").is_file():
        place = place / "stores.toml"
    return _list_folders(place) if place.is_dir() else _read_file(place)


def _list_remote(place: str) -> list[FleetStore]:
    from storehealth.fleet.remote import list_remote_stores

    urls = list_remote_stores(place)
    if not urls:
        raise NoDataError(message("fleet.no_stores", path=Name(place)), message("fleet.stores_hint"))
    names = [url.rstrip("/").rpartition("/")[2] for url in urls]
    entries = (StoreEntry(name=name, exports=url) for name, url in zip(names, urls, strict=True))
    return [_locate(entry, Path()) for entry in entries]


def _list_folders(place: Path) -> list[FleetStore]:
    folders = [path for path in sorted(place.iterdir()) if path.is_dir() and not path.name.startswith(HIDDEN)]
    folders = [path for path in folders if path.name != OWN_PACK]
    if not folders:
        raise NoDataError(message("fleet.no_stores", path=Name(place)), message("fleet.stores_hint"))
    return [_locate(StoreEntry(name=path.name, exports=path.name), place) for path in folders]


def _locate(entry: StoreEntry, base: Path) -> FleetStore:
    """Make the paths of an entry absolute; a folder that has a folder ``exports`` is the store's own."""
    if is_url(entry.exports):
        pack = (entry.pack,) if entry.pack else ()
        shared = entry.model_dump(include={"exports", "platform", "zone", "language", "settings", "owner"})
        return FleetStore(name=make_folder_name(entry.name), title=entry.name, folder="", packs=pack, **shared)
    folder = (base / entry.exports).absolute()
    exports = folder / EXPORTS_FOLDER if (folder / EXPORTS_FOLDER).is_dir() else folder
    settings = (base / entry.settings).absolute() if entry.settings else None
    home = settings.parent if settings else folder if folder.is_dir() else folder.parent
    packs = [home / OWN_PACK] if (home / OWN_PACK).is_dir() else []
    named = [(base / entry.pack).absolute()] if entry.pack else []
    return FleetStore(
        name=make_folder_name(entry.name),
        exports=os.fspath(exports),
        folder=os.fspath(home),
        title=entry.name,
        settings=os.fspath(settings) if settings else None,
        packs=tuple(map(os.fspath, dict.fromkeys((*packs, *named)))),
        **entry.model_dump(include={"platform", "zone", "language", "owner"}),
    )


def _read_file(path: Path) -> list[FleetStore]:
    content = _read_toml(path)
    problems: list[Message] = []
    try:
        entries = _StoresFile.model_validate(content).store
    except ValidationError as error:
        names = _list_names(content)
        problems += (_explain(path, item, names) for item in error.errors(include_url=False))
        raise UsageError(lines(problems), message("fleet.fix_stores")) from None
    base = path.absolute().parent
    problems += _check_paths(entries, base, path)
    if problems:
        raise UsageError(lines(problems), message("fleet.fix_stores"))
    return [_locate(entry, base) for entry in entries]


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(decode_utf8(path.read_bytes()))
    except FileNotFoundError:
        error = UsageError if path.suffix == ".toml" else NoDataError
        raise error(message("fleet.absent", path=Name(path)), message("fleet.stores_hint")) from None
    except OSError as error:
        text = message("settings.no_toml", path=Name(path), reason=describe_os_error(error))
        raise UsageError(text, message("fleet.stores_hint")) from None
    except NotUtf8Error as error:
        text = message("settings.not_utf8", path=Name(path), problem=error.problem)
        raise UsageError(text, message("fleet.fix_stores")) from None
    except tomllib.TOMLDecodeError as error:
        text = message("settings.no_toml", path=Name(path), reason=describe_toml_error(error))
        raise UsageError(text, message("fleet.fix_stores")) from None


def _list_names(content: dict[str, Any]) -> list[str]:
    entries = content.get("store")
    named = entries if isinstance(entries, list) else []
    return [str(entry.get("name", "")) if isinstance(entry, dict) else "" for entry in named]


def _explain(path: Path, item: Any, names: list[str]) -> Message:
    """Name the store by number and name, the key, and what is wrong."""
    keys = [str(key) for key in item["loc"]]
    number = next((int(key) for key in keys if key.isdigit()), None)
    known = StoreEntry.model_fields if number is not None else _StoresFile.model_fields
    place = f"{path.name}" if number is None else f"{path.name}: store {number + 1} ({names[number]})"
    key = ".".join(key for key in keys if not key.isdigit() and key != "store") or "store"
    return message("settings.problem", place=verbatim(place), key=Name(key), what=describe_mistake(item, known))


def _check_paths(entries: Iterable[StoreEntry], base: Path, path: Path) -> Iterator[Message]:
    """Report settings and packs that do not exist; missing exports are the store's own trouble, and of this day."""
    for number, entry in enumerate(entries, 1):
        place = verbatim(f"{path.name}: store {number} ({entry.name})")
        if entry.settings and not is_url(entry.settings) and not (base / entry.settings).is_file():
            yield message("settings.problem", place=place, key=Name("settings"), what=message("fleet.no_file"))
        if entry.pack and not (base / entry.pack).is_dir():
            yield message("settings.problem", place=place, key=Name("pack"), what=message("fleet.no_folder"))
