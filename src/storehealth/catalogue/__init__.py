"""The catalogue: all data files, read, validated, and checked to fit together.

A folder of built-in files and any number of packs (folders with the same sub-folders) are scanned; a pack's file
replaces a built-in one of the same name. Nothing is registered anywhere: a file in the right folder is found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import yaml
from pydantic import BaseModel

from storehealth.catalogue.facts import find_unread_facts
from storehealth.catalogue.files import (
    describe_yaml_error,
    locate_key,
    map_key_lines,
    read_yaml,
    suggest_nearest,
    validate_record,
)
from storehealth.catalogue.layout import Layout
from storehealth.catalogue.old_view_names import OLD_NAMES, OldName, rename_view, rename_views_of_rule
from storehealth.catalogue.platform import Platform, check_versions
from storehealth.catalogue.rule import Rule
from storehealth.catalogue.table import Table
from storehealth.catalogue.thresholds import Scoring
from storehealth.catalogue.view import View, read_view
from storehealth.errors import CatalogueError

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

    def find_platform_key(self, platform: Platform) -> str:
        """Under which key ``platforms`` holds a platform, or the version of it that this one was made from."""
        version = f"{platform.name}@{platform.effective_from}"
        return version if version in self.platforms else platform.name

    def find_layouts(self, needs: Iterable[str], platform: str) -> list[Layout]:
        """Find the layouts that export any of some tables or columns: those of the platform, else the generic ones.

        Args:
            needs: Such as ``orders`` and ``orders.paid_at``; layouts come in their order.
            platform: Its name.
        """
        layouts = [layout for need in needs for layout in self.layouts.values() if layout.provides(need)]
        own = [layout for layout in layouts if layout.platform == platform]
        return own or [layout for layout in layouts if layout.name.startswith("generic_")]

    def is_from_pack(self, kind: str, name: str) -> bool:
        """Whether a file comes from a user's pack rather than from storehealth."""
        path = self.paths.get(f"{kind}/{name}")
        return path is not None and not path.is_relative_to(FOLDERS[kind])

    def compute_digest(self, kind: str) -> str:
        """Digest over all files of a kind (``rules``, ``layouts`` …): changes when any of them does."""
        total = hashlib.sha256()
        for name, path in sorted(self.paths.items()):
            if name.startswith(f"{kind}/"):
                total.update(name.encode() + path.read_bytes())
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
    total = hashlib.sha256()
    for folder in (*FOLDERS.values(), *(pack / kind for pack in packs for kind in FOLDERS)):
        for path in sorted((*folder.rglob("*.yaml"), *folder.rglob("*.sql"))):
            total.update(f"{path}\0".encode("utf-8", "surrogateescape") + path.read_bytes())
    for name in ("scoring.yaml", "closers.yaml"):
        total.update((PACKAGE / name).read_bytes())
    return total.hexdigest()


@lru_cache(maxsize=16)
def _load(packs: tuple[Path, ...], _digest: str) -> Catalogue:
    """Read every data file; the digest is the key under which the result is kept while the process runs."""
    problems: list[str] = []
    paths: dict[str, Path] = {}
    old_names: list[OldName] = []
    tables = _read_records("tables", Table, "name", packs, paths, problems)
    layouts = _read_records("layouts", Layout, "name", packs, paths, problems)
    views = _read_records("views", View, "view", packs, paths, problems, old_names)
    platforms = _read_records("platforms", Platform, "name", packs, paths, problems)
    rules = _read_records("rules", Rule, "id", packs, paths, problems, old_names)
    scoring = validate_record(Scoring, PACKAGE / "scoring.yaml", read_yaml(PACKAGE / "scoring.yaml"), problems)
    problems += [*_check_layouts(layouts, tables, paths), *_check_rules(rules, platforms, paths)]
    problems += check_versions(platforms)
    # only with valid files: the facts that an invalid rule reads would be reported as unread
    if not problems:
        problems += find_unread_facts(platforms, views, rules.values())
    if problems or scoring is None:
        raise CatalogueError(
            "\n".join(problems),
            "Mend the lines named above; `storehealth rules check`, with any --pack, reads them again.",
        )
    by_code = {rule.code: rule for rule in sorted(rules.values(), key=lambda rule: rule.code)}
    closers = tuple(str(phrase) for phrase in read_yaml(PACKAGE / "closers.yaml"))
    return Catalogue(tables, layouts, views, platforms, by_code, scoring, closers, paths, tuple(old_names))


def _find_files(kind: str, packs: Iterable[Path], problems: list[str]) -> dict[str, Path]:
    """Find the files of a kind by stem, in name order; packs override built-in files, duplicates in a folder are reported."""
    suffix = "*.sql" if kind == "views" else "*.yaml"
    by_stem: dict[str, Path] = {}
    for folder in (FOLDERS[kind], *(pack / kind for pack in packs)):
        in_folder: dict[str, Path] = {}
        for path in sorted(folder.rglob(suffix)):
            if path.stem in in_folder:
                problems.append(f"{path} and {in_folder[path.stem]} have one name; rename one of them")
            in_folder[path.stem] = path
        if folder != FOLDERS["views"] and kind == "views":  # a pack's chat.sql stands in for the built-in one
            in_folder = {OLD_NAMES.get(stem, stem): path for stem, path in in_folder.items()}
        by_stem |= in_folder
    return dict(sorted(by_stem.items()))


def _read_records(
    kind: str,
    model: type[M],
    name: str,
    packs: Iterable[Path],
    paths: dict[str, Path],
    problems: list[str],
    old_names: list[OldName] | None = None,
) -> dict[str, M]:
    """Read the records of a kind by file stem. A name that differs from the file name (up to an ``@``) is reported."""
    records: dict[str, M] = {}
    for stem, path in _find_files(kind, packs, problems).items():
        paths[f"{kind}/{stem}"] = path
        content = _read_content(path, problems)
        if old_names is not None and content is not None and not path.is_relative_to(FOLDERS[kind]):
            content, found = rename_view(content) if kind == "views" else rename_views_of_rule(content)
            old_names += (OldName(path.name, old, OLD_NAMES[old]) for old in found)
        record = validate_record(model, path, content, problems) if content is not None else None
        if record is None:
            continue
        if getattr(record, name) != stem.partition("@")[0]:
            problems.append(f"{path.name}:1: {name}: is {getattr(record, name)!r}, the file is named {stem!r}")
        records[stem] = record
    return records


def _read_content(path: Path, problems: list[str]) -> Any:
    try:
        return read_view(path) if path.suffix == ".sql" else read_yaml(path)
    except yaml.YAMLError as error:
        problems.append(describe_yaml_error(path, error))
    return None


def _check_layouts(layouts: dict[str, Layout], tables: dict[str, Table], paths: dict[str, Path]) -> Iterable[str]:
    for stem, layout in layouts.items():
        path = paths[f"layouts/{stem}"]
        for table in layout.feeds:
            if table not in tables:
                yield f"{locate_key(path, 'feeds')}: no table {table!r}{suggest_nearest(table, tables)}"
        fed_columns = {name for table in layout.feeds if table in tables for name in tables[table].columns}
        for key in layout.columns:
            table, _, column = key.rpartition(".")
            columns = set(tables[table].columns) if table in tables else fed_columns
            if column not in columns and not key.startswith("_"):
                yield f"{_locate_column(path, key)}: no fed table has this column{suggest_nearest(column, columns)}"


def _locate_column(path: Path, key: str) -> str:
    """Locate a column of a layout; unlike other keys, its name may contain a dot."""
    line = map_key_lines(path).get(("columns", key), 1)
    return f"{path.name}:{line}: columns.{key}"


def _check_rules(rules: dict[str, Rule], platforms: dict[str, Platform], paths: dict[str, Path]) -> Iterable[str]:
    codes: dict[str, str] = _read_codes_of_invalid(rules, paths)
    for rule in rules.values():
        if rule.code in codes:
            owner = codes[rule.code]
            duplicate, holder = (rule.id, owner) if owner in rules else (owner, rule.id)
            yield f"{locate_key(paths[f'rules/{duplicate}'], 'code')}: {rule.code} is taken by {holder}"
        codes[rule.code] = rule.id
    for stem, platform in platforms.items():
        path = paths[f"platforms/{stem}"]
        codes_by_key = {f"limits.{code}": code for code in platform.limits}
        codes_by_key |= {f"windows.{code}": code for code in platform.windows if code != "default"}
        codes_by_key |= {
            f"compensations.{place}.code": row.code for place, row in enumerate(platform.compensations) if row.code
        }
        for key, code in codes_by_key.items():
            if code not in codes:
                yield f"{locate_key(path, key)}: no rule has the code {code}{suggest_nearest(code, codes)}"


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
