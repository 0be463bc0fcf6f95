"""The examples in layout files give the rows they promise and are recognised as of their own layout only."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from storehealth.catalogue import load_catalogue
from storehealth.catalogue.layout import Layout, LayoutExample
from storehealth.errors import FileRefused
from storehealth.intake.draft import open_sheet, try_layout
from storehealth.intake.recognise import recognise, select_layouts

CATALOGUE = load_catalogue()
EXAMPLES = [
    pytest.param(layout, example, id=f"{layout.name}-{number}")
    for layout in CATALOGUE.layouts.values()
    for number, example in enumerate(layout.examples, 1)
]


@pytest.mark.parametrize(("layout", "example"), EXAMPLES)
def test_an_example_gives_the_rows_it_promises(layout: Layout, example: LayoutExample) -> None:
    """All rows are there in order, every named column has its value, and exactly the stated rows are rejected or left out."""
    trial = try_layout(layout, example.given, CATALOGUE)
    rejected = [(reject["column_name"], reject["value"], reject["reason"]) for reject in trial.rejects]
    assert len(trial.rejects) == example.rejected, rejected
    assert trial.rejected == sum(reject["row_lost"] for reject in trial.rejects), rejected
    assert {table: _shown(rows, example.expect[table]) for table, rows in trial.tables.items()} == {
        table: [dict(row) for row in rows] for table, rows in example.expect.items()
    }


@pytest.mark.parametrize(("layout", "example"), EXAMPLES)
def test_an_example_is_recognised_as_its_own_layout_and_as_no_other_platforms(
    layout: Layout, example: LayoutExample, tmp_path: Path
) -> None:
    """Without knowing the platform, its own layout fits best; of the others, only generic layouts may fit."""
    path = tmp_path / "given.txt"
    path.write_text(example.given, encoding="utf-8", newline="")
    sheet, container = open_sheet(layout, path)
    layouts = select_layouts(CATALOGUE.layouts.values(), sheet)
    assert recognise(sheet.top, container, layouts).layout == layout.name
    others = [other for other in layouts if other is not layout and other.platform]
    with pytest.raises(FileRefused):
        recognise(sheet.top, container, others)


@pytest.mark.parametrize("layout", CATALOGUE.layouts.values(), ids=lambda layout: layout.name)
def test_a_layout_says_where_to_export_in_three_languages_and_reads_no_names_or_phones(layout: Layout) -> None:
    """Many exports have names, addresses and phone numbers of people; no layout lists such a header."""
    assert layout.export_from.zh != layout.export_from.en != layout.export_from.es
    headers = {header for column in layout.columns.values() for header in column.headers}
    private = (
        "客户姓名",
        "收货人",
        "收件人",
        "联系电话",
        "联系手机",
        "客户地址",
        "详细地址",
        "phone",
        "email",
        "street",
    )
    assert not [header for header in headers if any(word in header.lower() for word in private)]


def _shown(rows: list[dict[str, Any]], expected: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
    """The columns that the example names, in its notation; unexpected rows with all their columns."""
    named = [set(row) for row in expected]
    return [
        {column: _plain(value) for column, value in row.items() if place >= len(named) or column in named[place]}
        for place, row in enumerate(rows)
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return float(value) if isinstance(value, Decimal) else value
