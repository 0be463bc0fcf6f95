"""Advice names the command that does the work; tools are found, remembered and recognised."""

from __future__ import annotations

import pydantic
import pytest

from storehealth.catalogue import Catalogue
from storehealth.commands import tools as commands
from storehealth.commands.prepare import AuditRequest, PreparedInputs
from storehealth.commands.tools import ADVISED, TOOLS, build_record, name_commands, recall_record, remember_record
from storehealth.db import Store
from storehealth.model import Recommendation
from storehealth.model.tools import find_row_type, list_columns
from storehealth.support.message import message
from tests.tools.conftest import OpenSample


def _action(id_: str) -> Recommendation:
    return Recommendation(
        id=id_, text=message("tools.yes"), findings=("CS01",), effort="low", gain_points=None,
        gain_units=message("tools.yes"), assumption=message("tools.yes"), check_on=None,
    )  # fmt: skip


def test_every_advice_with_a_command_exists_in_a_rule(whole_catalogue: Catalogue) -> None:
    """And every command is one of the tools."""
    known = {advice.id for rule in whole_catalogue.rules.values() for advice in rule.advice}
    assert set(ADVISED) <= known
    assert set(ADVISED.values()) <= {*TOOLS, "due"}
    assert set(ADVISED.values()) >= set(TOOLS)


def test_a_count_stands_only_where_a_record_of_these_files_is_remembered(
    sample_store: tuple[PreparedInputs, Store, AuditRequest], open_sample: OpenSample
) -> None:
    """Of the same files: after a change it would be a lie."""
    inputs, store, request = sample_store
    (action,) = name_commands([_action("faster-carrier")], inputs, store, request)
    assert action.command.id == "advice.command"
    made = commands.collect_tool_inputs(inputs, store, request)
    record = build_record("carriers", made)
    remember_record(request.state, record)
    (action,) = name_commands([_action("faster-carrier")], inputs, store, request)
    assert (action.command.id, dict(action.command.values)["n"]) == ("advice.command_counted", len(record.moves))
    assert recall_record(request.state, "carriers", made) == record
    remember_record(request.state, record.model_copy(update={"digest": "of other files"}))
    (action,) = name_commands([_action("faster-carrier")], inputs, store, request)
    assert action.command.id == "advice.command"
    assert name_commands([_action("pack-safer")], inputs, store, request)[0].command is None


def test_a_damaged_record_is_none(sample_store: tuple[PreparedInputs, Store, AuditRequest]) -> None:
    """The list is made anew."""
    inputs, store, request = sample_store
    made = commands.collect_tool_inputs(inputs, store, request)
    path = commands._locate(request.state, "today", inputs.settings.store or "", inputs.platform.name)
    path.parent.mkdir(exist_ok=True)
    path.write_text("{", encoding="utf-8")
    assert recall_record(request.state, "today", made) is None


@pytest.mark.parametrize("tool", TOOLS)
def test_every_tool_is_whole(tool: str, open_sample: OpenSample) -> None:
    """Its record can be read back, has titles for all tables and columns, and shows on the screen what it has."""
    record = build_record(tool, open_sample("2026-10-15 23:54:00"))
    assert isinstance(record, pydantic.BaseModel)
    assert type(record).model_validate_json(record.model_dump_json()) == record
    block = record.to_block()
    assert block.tables
    for text in (block.title, block.headline, *block.notes, *(table.title for table in block.tables)):
        assert not str(text).startswith("tools.")
    for field in type(record).model_fields.values():
        row_type = find_row_type(field)
        if row_type is not None:
            columns = list(list_columns(row_type))
            assert set(row_type.SCREEN) <= {column.key for column in columns}
            assert all(not str(column.title).startswith("tools.") for column in columns)


def test_the_digest_follows_files_and_own_files_but_not_options(open_sample: OpenSample, tmp_path) -> None:
    """So a remembered record is known to be of the same data."""
    first = open_sample().digest
    assert open_sample(days=30).digest == first
    (tmp_path / "rewards.yaml").write_text("currency: CNY\n", encoding="utf-8")
    assert open_sample().digest != first
