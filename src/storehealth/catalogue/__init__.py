"""The catalogue: all data files, read, validated, and checked to fit together.

A folder of built-in files and any number of packs (folders with the same sub-folders) are scanned; a pack's file
replaces a built-in one of the same name. Nothing is registered anywhere: a file in the right folder is found.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from storehealth.catalogue.common import strip_word
from storehealth.catalogue.files import (
    describe_problem,
    describe_yaml_error,
    load_record,
    locate_key,
    map_key_lines,
    read_yaml,
    save_record,
    validate_record,
)
from storehealth.catalogue.layout import Layout
from storehealth.catalogue.mutes import PlatformExemption
from storehealth.catalogue.platform import Platform, check_platform, check_versions, select_version
from storehealth.catalogue.rule import Rule
from storehealth.catalogue.table import Table
from storehealth.catalogue.thresholds import Scoring, find_unread_facts
from storehealth.catalogue.view import (
    OLD_NAMES,
    OLD_WORDS,
    OldName,
    View,
    read_view,
    rename_bot_policy,
    rename_view,
    rename_views_of_rule,
)
from storehealth.errors import CatalogueError
from storehealth.support.atomic_files import describe_os_error
from storehealth.support.message import Message, Name, data_text, lines, message
from storehealth.support.validation import with_nearest

M = TypeVar("M", bound=BaseModel)
PACKAGE = Path(__file__).parent.parent
BUILT_IN_RULES = next(path for path in (PACKAGE / "rules", PACKAGE.parent.parent / "rules") if path.is_dir())
FOLDERS = {
    "tables": PACKAGE / "tables",
    "layouts": PACKAGE / "layouts",
    "views": PACKAGE / "views",
    "platforms": PACKAGE / "platforms",
    "rules": BUILT_IN_RULES,
}
PREFIXES = {kind: f"{folder}{os.sep}" for kind, folder in FOLDERS.items()}
"""What the paths of built-in files begin with."""

RENAME: dict[str, Callable[[Any], tuple[Any, tuple[str, ...]]]] = {
    "views": rename_view,
    "rules": rename_views_of_rule,
    "platforms": rename_bot_policy,
}
"""Kind of file → what replaces names and words of the version before in one of a pack."""


MODELS: dict[str, type[BaseModel]] = {
    "tables": Table,
    "layouts": Layout,
    "views": View,
    "platforms": Platform,
    "rules": Rule,
}


class Catalogue(NamedTuple):
    """Everything that is data, by name; rules by code. ``paths`` holds the file of each, under ``kind/name``."""

    tables: dict[str, Table]
    layouts: dict[str, Layout]
    views: dict[str, View]
    platforms: dict[str, Platform]
    rules: dict[str, Rule]
    scoring: Scoring
    closers: tuple[str, ...]
    paths: dict[str, Path]
    old_names: tuple[OldName, ...] = ()
    """Where packs call views by names of 0.1."""

    def require_platform(self, name: str) -> str:
        """Return the name of a platform, which may be given by an alias or as a version's file name.

        Raises:
            UsageError: There is no such platform; the hint lists the valid names.
        """
        aliases = {alias: platform.name for platform in self.platforms.values() for alias in platform.aliases}
        name = aliases.get(name, name)
        check_platform(name, self.platforms)
        return name

    def find_platform(self, name: str, day: date | None, site: str | None = None) -> Platform:
        """Return the version of a platform in force on a day, as it applies at a site, with missing facts from ``generic``.

        Args:
            name: Of a platform, or the file name of one of its versions.
            day: None: the earliest version.
            site: One of the platform's; None: none in particular.

        Raises:
            KeyError: There is no such platform or site.
        """
        platform = select_version(self.platforms, name, day)
        platform = platform.at_site(site) if site else platform
        generic = self.platforms.get("generic")
        return platform.model_copy(update={"facts": {**(generic.facts if generic else {}), **platform.facts}})

    def list_variants(self) -> dict[str, Platform]:
        """Every platform by its key, and behind it each of its sites, as ``mercado_libre/MX``, with what differs there."""
        variants: dict[str, Platform] = {}
        for key, platform in self.platforms.items():
            variants[key] = platform
            for name, site in platform.sites.items():
                differing = {
                    field: getattr(site, field) for field in ("title", "zone", "facts", "windows", "limits", "notes")
                }
                unset = {"compensations": (), "scored": site.scored, "site": name}
                variants[f"{key}/{name}"] = platform.model_copy(update=differing | unset)
        return variants

    def find_notes_key(self, platform: Platform) -> str:
        """Where the notes of a platform are written: its version's key in ``platforms``, and within it those of its site."""
        version = f"{platform.name}@{platform.effective_from}"
        key = version if version in self.platforms else platform.name
        site = self.platforms[key].sites.get(platform.site or "") if key in self.platforms else None
        return f"{key}.sites.{platform.site}.notes" if site and site.notes else f"{key}.notes"

    def list_exemptions(self, platform: Platform) -> tuple[PlatformExemption, ...]:
        """List the days that a platform leaves out, as exemptions of the rules it names."""
        version = f"{platform.name}@{platform.effective_from}"
        key = version if version in self.platforms else platform.name
        return tuple(
            PlatformExemption.model_validate(
                {
                    "code": code,
                    "from": days.first,
                    "to": days.last,
                    "reason": days.name.en,
                    "text": data_text(f"platform.{key}.exempt_days.{place}.name", days.name.en),
                }
            )
            for place, days in enumerate(platform.exempt_days)
            for code in days.codes
        )

    def find_layouts(self, needs: Iterable[str], platform: str) -> list[Layout]:
        """Find the layouts that export any of some tables or columns: those of the platform, else the generic ones.

        Args:
            needs: Such as ``orders`` and ``orders.paid_at``; layouts come in their order.
            platform: Its name.
        """
        layouts = [layout for need in needs for layout in self.layouts.values() if layout.provides(strip_word(need))]
        of_platform = [layout for layout in layouts if layout.platform == platform]
        return of_platform or [layout for layout in layouts if layout.name.startswith("generic_")]

    def is_from_pack(self, kind: str, name: str) -> bool:
        """Whether a file comes from a user's pack rather than from storehealth."""
        path = self.paths.get(f"{kind}/{name}")
        return path is not None and not os.fspath(path).startswith(PREFIXES[kind])

    def compute_digest(self, kind: str) -> str:
        """Digest over all files of a kind (``rules``, ``layouts`` …): changes when any of them does."""
        total = hashlib.sha256()
        for name, path in sorted(self.paths.items()):
            if name.startswith(f"{kind}/"):
                total.update(name.encode() + _read_bytes(path))
        return total.hexdigest()[:16]


def load_catalogue(packs: Iterable[Path] = ()) -> Catalogue:
    """Read and validate every data file.

    Args:
        packs: Folders with any of the sub-folders tables, layouts, views, platforms, rules.

    Raises:
        CatalogueError: Lists every problem of every file, one per line.
    """
    packs = tuple(packs)
    return _load(packs, _digest_files(packs))


def _digest_files(packs: tuple[Path, ...]) -> str:
    """Digest over the names and contents of all data files. Reading them takes a tenth of the time to validate them."""
    total = hashlib.sha256(_digest_built_in())
    _add_files(total.update, (pack / kind for pack in packs for kind in FOLDERS))
    return total.hexdigest()


@cache
def _digest_built_in() -> bytes:
    """Digest over the files of the package, which do not change while it runs."""
    total = hashlib.sha256()
    _add_files(total.update, FOLDERS.values())
    for name in ("scoring.yaml", "closers.yaml"):
        total.update((PACKAGE / name).read_bytes())
    return total.digest()


def _add_files(add: Callable[[bytes], None], folders: Iterable[Path]) -> None:
    for folder in folders:
        for path in sorted((*folder.rglob("*.yaml"), *folder.rglob("*.sql"))):
            add(f"{path}\0".encode("utf-8", "surrogateescape") + _read_bytes(path))


def _read_bytes(path: Path) -> bytes:
    """Read a data file that was there a moment ago.

    Raises:
        CatalogueError: It has been deleted since, or may no longer be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        problem = message("catalogue.file_lost", path=Name(path), reason=describe_os_error(error))
        raise CatalogueError(problem, message("catalogue.run_when_complete")) from None


@lru_cache(maxsize=16)
def _load(packs: tuple[Path, ...], digest: str) -> Catalogue:
    """Load the catalogue of these files; the digest is the key under which it is kept, the built-in one also between runs."""
    if packs:
        return _read_files(packs, load_catalogue())
    record = load_record(digest)
    with suppress(ValidationError, KeyError, TypeError, ValueError):  # a record that does not fit is no record
        if record:
            return _unpack(record)
    catalogue = _read_files(packs)
    save_record(digest, _pack(catalogue))
    return catalogue


def _pack(catalogue: Catalogue) -> dict[str, Any]:
    """The catalogue as JSON can hold it: each record as its own JSON text."""
    kinds = {
        kind: [record.model_dump_json(by_alias=True) for record in getattr(catalogue, kind).values()] for kind in MODELS
    }
    names = {kind: list(getattr(catalogue, kind)) for kind in MODELS}
    paths = {name: os.fspath(path) for name, path in catalogue.paths.items()}
    scoring = catalogue.scoring.model_dump_json(by_alias=True)
    return {"names": names, "kinds": kinds, "paths": paths, "scoring": scoring, "closers": catalogue.closers,
            "old": catalogue.old_names}  # fmt: skip


def _unpack(record: Any) -> Catalogue:
    kinds: dict[str, Any] = {
        kind: {
            name: model.model_validate_json(text)
            for name, text in zip(record["names"][kind], record["kinds"][kind], strict=True)
        }
        for kind, model in MODELS.items()
    }
    return Catalogue(
        **kinds,
        scoring=Scoring.model_validate_json(record["scoring"]),
        closers=tuple(record["closers"]),
        paths={name: Path(path) for name, path in record["paths"].items()},
        old_names=tuple(OldName(*fields) for fields in record["old"]),
    )


def _read_files(packs: tuple[Path, ...], built_in: Catalogue | None = None) -> Catalogue:
    """Read and validate every data file; built-in ones are taken from the built-in catalogue if it is given."""
    problems: list[Message] = []
    paths: dict[str, Path] = {}
    old_names: list[OldName] = []
    read = _RecordReader(packs, built_in, paths, problems, old_names).read
    tables, layouts, views = read("tables", Table), read("layouts", Layout), read("views", View)
    platforms, rules = read("platforms", Platform), read("rules", Rule)
    scoring = validate_record(Scoring, PACKAGE / "scoring.yaml", read_yaml(PACKAGE / "scoring.yaml"), problems)
    problems += [*_check_layouts(layouts, tables, paths), *_check_rules(rules, platforms, paths)]
    problems += _check_platform_names(layouts, rules, platforms, paths)
    problems += check_versions(platforms)
    # only with valid files: the facts that an invalid rule reads would be reported as unread
    if not problems:
        problems += find_unread_facts(platforms, views, rules.values())
    if problems or scoring is None:
        raise CatalogueError(lines(problems), message("catalogue.fix_lines"))
    by_code = {rule.code: rule for rule in sorted(rules.values(), key=lambda rule: rule.code)}
    closers = tuple(str(phrase) for phrase in read_yaml(PACKAGE / "closers.yaml"))
    return Catalogue(tables, layouts, views, platforms, by_code, scoring, closers, paths, tuple(old_names))


def read_aliases(folders: Iterable[Path]) -> dict[str, str]:
    """Read the other names of the platforms in some folders, without validating their files."""
    aliases: dict[str, str] = {}
    for path in (path for folder in folders for path in sorted(folder.rglob("*.yaml"))):
        with suppress(yaml.YAMLError):
            content = read_yaml(path)
            names = content.get("aliases") if isinstance(content, dict) else None
            aliases |= {str(name): path.stem.partition("@")[0] for name in names or ()}
    return aliases


def _find_files(kind: str, packs: Iterable[Path], problems: list[Message]) -> dict[str, Path]:
    """Find the files of a kind by stem, in name order; packs override built-in files, duplicates in a folder are reported."""
    suffix = "*.sql" if kind == "views" else "*.yaml"
    by_stem: dict[str, Path] = {}
    for folder in (FOLDERS[kind], *(pack / kind for pack in packs)):
        in_folder: dict[str, Path] = {}
        for path in sorted(folder.rglob(suffix)):
            if path.stem in in_folder:
                other = in_folder[path.stem]
                problems.append(message("catalogue.same_name", path=Name(path), other=Name(other)))
            in_folder[path.stem] = path
        if folder != FOLDERS["views"] and kind == "views":  # a pack's chat.sql stands in for the built-in one
            in_folder = {OLD_NAMES.get(stem, stem): path for stem, path in in_folder.items()}
        by_stem |= in_folder
    return dict(sorted(by_stem.items()))


NAME_KEYS = {"tables": "name", "layouts": "name", "views": "view", "platforms": "name", "rules": "id"}
"""The key of each kind of record that repeats the name of its file."""


class _RecordReader(NamedTuple):
    """Reads the records of all kinds; paths, problems and old names are added to what is given."""

    packs: tuple[Path, ...]
    built_in: Catalogue | None
    paths: dict[str, Path]
    problems: list[Message]
    old_names: list[OldName]

    def read(self, kind: str, model: type[M]) -> dict[str, M]:
        """Read the records of a kind by file stem."""
        known = self._list_known(kind)
        records: dict[str, M] = {}
        for stem, path in _find_files(kind, self.packs, self.problems).items():
            self.paths[f"{kind}/{stem}"] = path
            is_built_in = path.is_relative_to(FOLDERS[kind])
            record = known.get(stem) if is_built_in else None
            if record is None:
                record = self._read_record(kind, model, stem, path)
            if record is not None:
                records[stem] = record
        return records

    def _list_known(self, kind: str) -> dict[str, Any]:
        """The built-in records by file stem, as far as they have been validated already."""
        if self.built_in is None:
            return {}
        records: dict[str, Any] = getattr(self.built_in, kind)
        return {rule.id: rule for rule in records.values()} if kind == "rules" else records

    def _read_record(self, kind: str, model: type[M], stem: str, path: Path) -> M | None:
        """Read one file. A name that differs from the file's (``stem``, up to an ``@``) is reported."""
        content = _read_content(path, self.problems)
        if content is None:
            return None
        if kind in RENAME and not path.is_relative_to(FOLDERS[kind]):
            content, found = RENAME[kind](content)
            self.old_names.extend(OldName(path.name, old, OLD_WORDS[old]) for old in found)
        record = validate_record(model, path, content, self.problems)
        if record is None:
            return None
        key = NAME_KEYS[kind]
        if getattr(record, key) != stem.partition("@")[0]:
            other = message("catalogue.other_name", name=Name(getattr(record, key)), file=Name(stem))
            self.problems.append(describe_problem(f"{path.name}:1: {key}", other))
        return record


def _read_content(path: Path, problems: list[Message]) -> Any:
    try:
        return read_view(path) if path.suffix == ".sql" else read_yaml(path)
    except yaml.YAMLError as error:
        problems.append(describe_yaml_error(path, error))
    return None


def _check_layouts(layouts: dict[str, Layout], tables: dict[str, Table], paths: dict[str, Path]) -> Iterable[Message]:
    for stem, layout in layouts.items():
        path = paths[f"layouts/{stem}"]
        for table in layout.feeds:
            if table not in tables:
                problem = message("catalogue.no_table", name=Name(table))
                yield describe_problem(locate_key(path, "feeds"), with_nearest(problem, table, tables))
        fed_columns = {name for table in layout.feeds if table in tables for name in tables[table].columns}
        for key in layout.columns:
            table, _, column = key.rpartition(".")
            columns = set(tables[table].columns) if table in tables else fed_columns
            if column not in columns and not key.startswith("_"):
                problem = with_nearest(message("catalogue.column_not_fed"), column, columns)
                yield describe_problem(_locate_column(path, key), problem)


def _locate_column(path: Path, key: str) -> str:
    """Locate a column of a layout; unlike other keys, its name may contain a dot."""
    line = map_key_lines(path).get(("columns", key), 1)
    return f"{path.name}:{line}: columns.{key}"


def _check_rules(rules: dict[str, Rule], platforms: dict[str, Platform], paths: dict[str, Path]) -> Iterable[Message]:
    codes: dict[str, str] = _read_codes_of_invalid(rules, paths)
    for rule in rules.values():
        if rule.code in codes:
            owner = codes[rule.code]
            duplicate, holder = (rule.id, owner) if owner in rules else (owner, rule.id)
            problem = message("catalogue.code_taken", code=Name(rule.code), rule=Name(holder))
            yield describe_problem(locate_key(paths[f"rules/{duplicate}"], "code"), problem)
        codes[rule.code] = rule.id
    for stem, platform in platforms.items():
        path = paths[f"platforms/{stem}"]
        codes_by_key = {f"limits.{code}": code for code in platform.limits}
        codes_by_key |= {f"scored.{code}": code for code in platform.scored}
        codes_by_key |= {f"not_applicable.{place}": code for place, code in enumerate(platform.not_applicable)}
        for name, site in platform.sites.items():
            codes_by_key |= {f"sites.{name}.limits.{code}": code for code in site.limits}
            codes_by_key |= {f"sites.{name}.scored.{code}": code for code in site.scored}
        codes_by_key |= {
            f"exempt_days.{place}.codes": code for place, days in enumerate(platform.exempt_days) for code in days.codes
        }
        codes_by_key |= {f"windows.{code}": code for code in platform.windows if code != "default"}
        codes_by_key |= {
            f"compensations.{place}.code": row.code for place, row in enumerate(platform.compensations) if row.code
        }
        for key, code in codes_by_key.items():
            if code not in codes:
                problem = with_nearest(message("catalogue.no_code", code=Name(code)), code, codes)
                yield describe_problem(locate_key(path, key), problem)


def _check_platform_names(
    layouts: dict[str, Layout], rules: dict[str, Rule], platforms: dict[str, Platform], paths: dict[str, Path]
) -> Iterable[Message]:
    """Report layouts and rules that name a platform that does not exist, and rules that no score can count."""
    named = [(f"layouts/{stem}", "platform", layout.platform) for stem, layout in layouts.items() if layout.platform]
    named += [(f"rules/{rule.id}", key, name) for rule in rules.values() for key, name in _list_platform_names(rule)]
    for place, key, name in named:
        if name not in platforms:
            problem = with_nearest(message("catalogue.no_such_platform", name=Name(name)), name, platforms)
            yield describe_problem(locate_key(paths[place], key), problem)
    judged = {rule.code for rule in rules.values() if rule.limits is not None}
    for stem, platform in platforms.items():
        for code in platform.scored.keys() - judged:
            if code in {rule.code for rule in rules.values()}:
                place = locate_key(paths[f"platforms/{stem}"], f"scored.{code}")
                yield describe_problem(place, message("catalogue.scored_without_limits", code=Name(code)))


def _list_platform_names(rule: Rule) -> Iterator[tuple[str, str]]:
    """Yield the platforms that a rule names, each with its key; a site behind a slash is left out."""
    yield from (("why_on", name) for name in rule.why_on)
    for number, advice in enumerate(rule.advice):
        yield from ((f"advice.{number}.only_on", name) for name in advice.only_on)
        yield from ((f"advice.{number}.do_on", name) for name in advice.do_on)
    for number, example in enumerate(rule.examples):
        yield f"examples.{number}.platform", example.platform.partition("/")[0]


def _read_codes_of_invalid(rules: dict[str, Rule], paths: dict[str, Path]) -> dict[str, str]:
    """Read the codes of invalid rules, so that files naming them are not reported as well."""
    codes: dict[str, str] = {}
    for name, path in paths.items():
        kind, _, stem = name.partition("/")
        if kind == "rules" and stem not in rules:
            with suppress(yaml.YAMLError):
                content = read_yaml(path)
                codes |= {str(content["code"]): stem} if isinstance(content, dict) and "code" in content else {}
    return codes
