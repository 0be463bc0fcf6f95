"""Checks all data files without a store: that they are valid, fit together, and that their SQL binds."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from storehealth.catalogue import Catalogue, load
from storehealth.db import StoreSettings, store_from_rows
from storehealth.errors import CatalogueError
from storehealth.measure import problems


def check_all(packs: Iterable[Path] = ()) -> Catalogue:
    """Read every data file, make every view over empty tables, and bind every expression of every rule.

    Args:
        packs: Folders of data files of the user's own.

    Raises:
        CatalogueError: With one line for each problem of any file. Expressions are bound once all files are valid.
    """
    catalogue = load(packs)
    platform = catalogue.platforms["generic"]
    settings = StoreSettings(store="", platform=platform, facts=platform.facts)
    with store_from_rows({}, catalogue, settings) as store:
        found = problems(store, catalogue.rules.values(), platform.limits, catalogue)
    if found:
        lines = "\n".join(dict.fromkeys(error.message for error in found))
        raise CatalogueError(lines, "Mend the lines named above; `storehealth rules check` reads them again.")
    return catalogue
