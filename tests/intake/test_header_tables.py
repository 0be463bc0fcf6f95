"""Every header that a public importer or file shows finds its layout, and its columns go where they belong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from storehealth.catalogue import Catalogue
from storehealth.intake.containers import TextRecord, load_containers
from storehealth.intake.recognise import LayoutMatch, recognise

TABLES: list[dict[str, Any]] = yaml.load(
    Path(__file__).with_name("header_tables.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader
)
OWN_FORMS = {
    "jd_api_aftersales", "jd_api_order_items", "jd_api_orders", "jd_api_parcels", "jd_traces", "jd_waybills",
    "taobao_compensations", "pdd_agent_days", "jushuitan_orders",
}  # fmt: skip
"""Layouts whose examples are all that is known of their headers: lists in JSON, and files no importer shows whole."""


def headers_of(table: dict[str, Any]) -> list[str]:
    """The header cells of a table; of a chat log, the columns that its container makes."""
    if "in" in table:
        return list(load_containers()[table["in"]].COLUMNS)
    text = table["headers"]
    return text.split(";" if ";" in text else ",")


def found(table: dict[str, Any], catalogue: Catalogue) -> LayoutMatch:
    """The layout that fits, of all that are shipped, though nobody says which platform it is."""
    record = TextRecord(1, tuple(headers_of(table)))
    return recognise([record], table.get("in", "delimited"), catalogue.layouts.values())


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table["table"])
def test_a_known_header_finds_its_layout_and_its_columns(table: dict[str, Any], shipped: Catalogue) -> None:
    """Each header that matters fills the column it stands for."""
    match = found(table, shipped)
    assert match.layout == table["layout"]
    layout, targets = shipped.layouts[match.layout], dict[str, set[str]]()
    for key, header in match.headers.items():
        own = {target.rpartition(".")[2] for target in layout.list_targets(key, shipped.tables)}
        targets.setdefault(header, set()).update(own or {""})
    for header, column in table.get("reads", {}).items():
        assert column in targets.get(header, set()), f"{header} fills {targets.get(header)}, not {column}"


def test_every_layout_of_a_platform_has_a_known_header(shipped: Catalogue) -> None:
    """Or is named above, with the reason; generic forms are our own, Olist's are a data set."""
    shown = {table["layout"] for table in TABLES}
    ours = {name for name in shipped.layouts if not name.startswith(("generic_", "olist_"))}
    assert ours - shown == OWN_FORMS
