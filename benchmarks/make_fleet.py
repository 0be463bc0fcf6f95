"""Writes a made-up fleet, the same on every run: stores that differ in size, platform, zone, language, files and faults.

python benchmarks/make_fleet.py FOLDER --stores 200 [--most 1000]
"""

import argparse
import csv
import math
import random
import shutil
from datetime import datetime, timedelta
from pathlib import Path

PLATFORMS = (
    ("jd", "Asia/Shanghai", "zh", ("SF", "JD", "ZTO")),
    ("tmall", "Asia/Shanghai", "zh", ("SF", "YTO", "ZTO")),
    ("amazon", "Europe/Madrid", "es", ("Correos", "SEUR", "GLS")),
    ("shopify", "America/New_York", "en", ("UPS", "USPS", "FedEx")),
    ("mercado_libre", "America/Mexico_City", "es", ("Estafeta", "DHL", "99min")),
    ("generic", "Europe/London", "en", ("Royal Mail", "Evri", "DPD")),
)
BAD_CARRIER = "ZTO"
"""Has a bad week: many of its parcels are late, in every store that uses it."""
FAULTS = ("empty", "corrupt", "gb18030", "old", "no_shipped_at", "twice", "rejects")
ASKED = {"zh": "什么时候发货", "es": "¿Cuándo lo envían?", "en": "When will it ship?"}
ANSWER = {"zh": "今天发出", "es": "Sale hoy", "en": "It ships today"}


def write(path: Path, rows: list[dict[str, object]], encoding: str = "utf-8") -> None:
    with path.open("w", encoding=encoding, errors="replace", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


def make_orders(rng: random.Random, count: int, start: datetime, skill: float, carriers: tuple[str, ...]) -> tuple:
    orders, parcels = [], []
    for number in range(count):
        paid = start + timedelta(minutes=rng.randrange(28 * 24 * 60))
        carrier = rng.choice(carriers)
        shipped = paid + timedelta(hours=rng.expovariate(1 / (14 + 50 * (1 - skill))))
        slow = 2.0 if carrier == BAD_CARRIER else 1.0
        delivered = shipped + timedelta(hours=(24 + rng.expovariate(1 / 24)) * slow)
        gone, warehouse = rng.random() < 0.03, f"WH{rng.randrange(2)}"
        orders.append({
            "order_id": f"A{number:06}", "status": "cancelled" if gone else "completed",
            "created_at": moment(paid - timedelta(minutes=2)), "paid_at": moment(paid),
            "promised_ship_at": moment(paid + timedelta(hours=48)),
            "promised_delivery_at": moment(paid + timedelta(days=5)),
            "shipped_at": "" if gone else moment(shipped), "paid_amount": f"{rng.uniform(5, 400):.2f}",
            "buyer_id": f"u{rng.randrange(count + 1)}", "warehouse": warehouse,
        })  # fmt: skip
        if not gone:
            parcels.append({
                "waybill_no": f"W{number:06}", "order_id": f"A{number:06}", "carrier": carrier, "warehouse": warehouse,
                "shipped_at": moment(shipped), "picked_up_at": moment(shipped + timedelta(hours=3)),
                "delivered_at": moment(delivered),
            })  # fmt: skip
    return orders, parcels


def make_messages(rng: random.Random, count: int, start: datetime, skill: float, language: str) -> list:
    rows = []
    for number in range(count // 2 + 1):
        at = start + timedelta(minutes=rng.randrange(28 * 24 * 60))
        wait = rng.expovariate(1 / (15 + 200 * (1 - skill)))
        shared = {"conversation_id": f"c{number}", "customer_id": f"u{number}"}
        rows.append({"message_id": f"m{number}a", "sent_at": moment(at), "sender_role": "customer",
                     "sender_id": f"u{number}", "text": ASKED[language], **shared})  # fmt: skip
        if rng.random() < 0.9:
            rows.append({"message_id": f"m{number}b", "sent_at": moment(at + timedelta(seconds=wait)),
                         "sender_role": "agent", "sender_id": f"agent{rng.randrange(3)}",
                         "text": f"{ANSWER[language]} {number}", **shared})  # fmt: skip
    return rows


def make_store(folder: Path, number: int, most: int) -> list[str]:
    rng = random.Random(number)  # noqa: S311 - a benchmark
    platform, zone, language, carriers = PLATFORMS[number % len(PLATFORMS)]
    count = max(1, round(math.exp(rng.uniform(0, math.log(most)))))
    fault = rng.choice(FAULTS) if rng.random() < 0.12 else ""
    skill, start = rng.betavariate(4, 1.5), datetime(2026, 10 if fault != "old" else 6, 20)  # noqa: DTZ001
    folder.mkdir(parents=True, exist_ok=True)
    if fault != "empty":
        orders, parcels = make_orders(rng, count, start, skill, carriers)
        if fault == "no_shipped_at":
            orders = [{key: value for key, value in row.items() if key != "shipped_at"} for row in orders]
        if fault == "rejects":
            orders[0]["paid_at"] = "soon"
        write(folder / "orders.csv", orders, "gb18030" if fault == "gb18030" else "utf-8")
        if fault == "twice":
            shutil.copy(folder / "orders.csv", folder / "orders (1).csv")
        if parcels and rng.random() < 0.8:
            write(folder / "shipments.csv", parcels)
        if rng.random() < 0.6:
            write(folder / "messages.csv", make_messages(rng, count, start, skill, language))
    if fault == "corrupt":
        (folder / "aftersales.xlsx").write_bytes(b"PK\x03\x04 not a workbook")
    name = f"{platform}-{number:04}"
    return ["[[store]]", f'name = "{name}"', f'exports = "{folder.name}"', f'platform = "{platform}"',
            f'zone = "{zone}"', f'language = "{language}"', f'owner = "team {number % 4 + 1}"', ""]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--stores", type=int, default=200)
    parser.add_argument("--most", type=int, default=1000, help="orders of the largest store")
    asked = parser.parse_args()
    lines = []
    for number in range(asked.stores):
        lines += make_store(asked.folder / f"s{number:04}", number, asked.most)
    (asked.folder / "stores.toml").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
