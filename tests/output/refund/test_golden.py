"""The four checklists render the same items, dates and papers in three languages as they always did.

The golden file was written by version 0.1. ``pytest FILE --rebaseline`` accepts the present one.
"""

from __future__ import annotations

import json
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from storehealth.catalogue.checklist import Checklist, load_checklist
from storehealth.catalogue.texts import TextFinder
from storehealth.i18n import provide_texts, translate
from storehealth.output.refund._document import build_document, word_duration
from storehealth.output.refund._papers import NAMES, fill_draft, to_markdown
from storehealth.refund.case import MerchantDetails, RefundCase
from storehealth.refund.dossier import read_dossier
from storehealth.refund.facts import StatusRequest
from storehealth.refund.progress import derive_status
from storehealth.refund.status import CaseStatus, word_date

GOLDEN = Path(__file__).parent / "checklists.json"
DETAILS = MerchantDetails.model_validate(
    {"company": "Fern Ltd", "store": "Fern", "store_id": "77", "amount": "50000", "currency": "CNY", "bank": "ICBC"}
    | {"account": "0062"}
)
TODAY = date(2026, 8, 1)


def start_case(checklist: Checklist, path: Path) -> None:
    """Mark the first half of the items done, periods of the others as waiting, and set a deadline for one."""
    case = RefundCase(checklist, path, "Fern", TODAY)
    half = len(checklist.items) // 2
    for item in checklist.items[:half]:
        case.mark(item.id, "done", date(2026, 7, 20))
    for item in checklist.items[half:]:
        if item.takes and item.takes.kind == "at_least":
            case.mark(item.id, "waiting", date(2026, 7, 21))
    case.set_deadline(checklist.items[half + 1].id, date(2026, 8, 20))


def show(status: CaseStatus, checklist: Checklist) -> dict[str, Any]:
    """Everything that comes from the checklist, in the status' language."""
    say = partial(translate, language=status.language)
    blocks = {block.id: block for stage in build_document(status).stages for block in stage.items}
    return {
        "title": say(status.title),
        "about": say(status.about),
        "next": list(status.next),
        "exit_code": status.outcome.exit_code,
        "stages": [[stage.id, say(stage.title), stage.state] for stage in status.stages],
        "items": [
            {
                "id": item.id,
                "state": item.state,
                "what": blocks[item.id].what,
                "detail": blocks[item.id].detail,
                "why": say(item.why),
                "ask": say(item.ask),
                "papers": [say(paper.name) for paper in item.papers],
                "returns": [say(reason.text) for reason in item.returns],
                "source": blocks[item.id].details[-1].text,
                "takes": say(word_duration(item.takes)) if item.takes else "",
            }
            for item in status.items
        ],
        "dates": [[str(moment.on), moment.kind, moment.item, say(word_date(moment))] for moment in status.dates],
        "remarks": [say(remark.text) for remark in status.remarks],
        "papers": {
            name: to_markdown(fill_draft(name, checklist, DETAILS, status.language)).decode().splitlines()
            for name in NAMES
            if checklist.name == "jd"
        },
    }


@pytest.mark.parametrize("language", ["en", "zh", "es"])
@pytest.mark.parametrize("platform", ["jd", "douyin", "tmall", "generic"])
def test_items_dates_and_papers_are_those_of_the_golden_file(
    tmp_path: Path, platform: str, language: str, request: pytest.FixtureRequest
) -> None:
    provide_texts(TextFinder(None))
    checklist, path = load_checklist(platform), tmp_path / "case.sqlite"
    start_case(checklist, path)
    status = derive_status(checklist, read_dossier(path), StatusRequest(date(2026, 8, 4)))
    shown = show(status.model_copy(update={"language": language}), checklist)
    golden = json.loads(GOLDEN.read_text(encoding="utf-8")) if GOLDEN.exists() else {}
    key = f"{platform}/{language}"
    if request.config.getoption("--rebaseline"):
        golden[key] = shown
        GOLDEN.write_text(json.dumps(golden, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    assert shown == golden[key]
