"""Tiny stores that differ."""

from __future__ import annotations

from pathlib import Path

ORDERS = "order_id,status,created_at,paid_at,promised_ship_at,shipped_at,paid_amount,buyer_id,carrier\n"


def write_orders(folder: Path, rows: int, late: int = 0, day: int = 1) -> Path:
    """Write a store's orders as CSV, of which the first ``late`` left a day after they were promised."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        f"{folder.name}{n},shipped,2026-03-{day + n % 9:02} 08:00:00,2026-03-{day + n % 9:02} 08:01:00,"
        f"2026-03-{day + n % 9 + 2:02} 08:00:00,2026-03-{day + n % 9 + (3 if n < late else 1):02} 08:00:00,"
        f"{10 + n}.00,u{n},ZTO\n"
        for n in range(rows)
    ]
    (folder / "orders.csv").write_text(ORDERS + "".join(lines), encoding="utf-8")
    return folder
