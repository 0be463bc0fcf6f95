"""The peer a data analyst would write: the same questions as T1 and T2, by hand, with pandas and its pyarrow-free parser.

T1: for each customer question the first human reply, share within 30 s by agent and hour, unanswered.
T2: orders with shipments: same-day pick-up and next-day delivery by warehouse and day, late rows written out.

python benchmarks/by_hand_pandas.py FOLDER OUT.csv
"""

import sys
from pathlib import Path

import pandas as pd


def replies(folder: Path) -> pd.DataFrame:
    use = ["conversation_id", "sent_at", "sender_role", "sender_id"]
    chat = pd.read_csv(folder / "messages.csv", usecols=use, dtype=str)
    chat["sent_at"] = pd.to_datetime(chat["sent_at"])
    chat = chat.sort_values(["conversation_id", "sent_at"], kind="stable")
    customer = chat["sender_role"] == "customer"
    before = customer.groupby(chat["conversation_id"]).shift()
    edge = chat[(customer & (before != True)) | (~customer & (before == True))].copy()  # noqa: E712
    edge["reply_at"] = edge.groupby("conversation_id")["sent_at"].shift(-1)
    edge["agent"] = edge.groupby("conversation_id")["sender_id"].shift(-1)
    turns = edge[edge["sender_role"] == "customer"].copy()
    turns["wait"] = (turns["reply_at"] - turns["sent_at"]).dt.total_seconds()
    turns["within"] = turns["wait"] <= 30
    return (
        turns.assign(hour=turns["sent_at"].dt.hour)
        .groupby(["agent", "hour"], dropna=False)["within"]
        .agg(["size", "sum"])
    )


def shipping(folder: Path, out: Path) -> pd.DataFrame:
    orders = pd.read_csv(
        folder / "orders.csv", usecols=["order_id", "paid_at", "promised_ship_at", "warehouse"], dtype=str
    )
    use = ["order_id", "shipped_at", "picked_up_at", "delivered_at"]
    both = orders.merge(pd.read_csv(folder / "shipments.csv", usecols=use, dtype=str), on="order_id", how="left")
    for column in ("paid_at", "promised_ship_at", "picked_up_at", "delivered_at"):
        both[column] = pd.to_datetime(both[column])
    day = both["paid_at"].dt.normalize()
    both["same_day"] = both["picked_up_at"].dt.normalize() == day
    both["next_day"] = both["delivered_at"].dt.normalize() <= day + pd.Timedelta(days=1)
    both[both["picked_up_at"] > both["promised_ship_at"]].to_csv(out, index=False)
    return both.groupby(["warehouse", day])[["same_day", "next_day"]].agg(["size", "sum"])


if __name__ == "__main__":
    exports, late = Path(sys.argv[1]), Path(sys.argv[2])
    print(replies(exports)["sum"].sum(), len(shipping(exports, late)))
