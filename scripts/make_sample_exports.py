"""Write ``sample_exports/``: the files a made-up JD store exports, with faults planted on purpose.

Run ``python scripts/make_sample_exports.py [FOLDER [CAUSES [SETTINGS]]]``. The same bytes come out every time; what is
planted, and what an audit should therefore find, is told in ``docs/sample-store.md``. Why each late order was late is
written as well, to a file beside the tests: beside the exports it would be audited with them. So do roster and prices, in
``sample_settings/``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

from sample_store import cases, chats, orders, own, stock, write

SEED = 20261015
FOLDER = Path(__file__).parent.parent / "sample_exports"
SETTINGS = Path(__file__).parent.parent / "sample_settings"
CAUSES = Path(__file__).parent.parent / "tests" / "stores" / "sample_late_orders.csv"


def main(folder: Path, causes: Path, settings: Path) -> None:
    """Write all six files into the folder, the causes of late orders into a file, roster and prices beside the settings."""
    folder.mkdir(parents=True, exist_ok=True)
    settings.mkdir(parents=True, exist_ok=True)
    sold = orders.make(Random(SEED))  # noqa: S311 - a made-up store is no secret
    sessions = chats.make(Random(SEED + 1))  # noqa: S311
    claims = cases.make(Random(SEED + 2), sold)  # noqa: S311
    levels = stock.make(Random(SEED + 3), sold)  # noqa: S311
    (folder / "chat.log").write_bytes(chats.log(sessions).encode("gb18030"))
    write.workbook(folder / "sessions.xlsx", "会话记录", [chats.SESSION_HEADER, *chats.session_rows(sessions)])
    write.table(folder / "orders.csv", "gb18030", [orders.ORDER_HEADER, *orders.order_rows(sold)])
    write.table(folder / "waybills.csv", "utf-8-sig", [orders.WAYBILL_HEADER, *orders.waybill_rows(sold)])
    write.workbook(
        folder / "aftersales.xlsx", "服务单", [cases.GROUPS, cases.CASE_HEADER, *map(cases.case_row, claims)]
    )
    write.table(folder / "stock.csv", "gb18030", [stock.STOCK_HEADER, *levels])
    write.table(causes, "utf-8", [orders.CAUSE_HEADER, *orders.cause_rows(sold)])
    write.table(settings / "roster.csv", "utf-8", [own.ROSTER_HEADER, *own.list_roster()])
    write.table(settings / "costs.csv", "utf-8", [own.COST_HEADER, *own.list_costs()])


if __name__ == "__main__":
    paths = [Path(argument) for argument in sys.argv[1:]]
    main(*paths, *(FOLDER, CAUSES, SETTINGS)[len(paths) :])
