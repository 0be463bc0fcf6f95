"""Measures how many personal values the detector finds, and how many numbers of orders and articles it takes for such.

``python scripts/measure_privacy.py`` prints the tables; ``--write`` puts them into ``docs/personal-data.md``; ``--check``
fails where they differ from it. The values are those of ``scripts/personal_values.yaml``, made up before the detector was.
"""

from __future__ import annotations

import random
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import yaml

from storehealth.privacy import scrub
from storehealth.privacy.detector import REGIONS

VALUES = Path(__file__).with_name("personal_values.yaml")
PAGE = Path(__file__).parents[1] / "docs" / "personal-data.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
KINDS = ("phone", "mail", "identity", "address", "name")
COUNTRIES = {"China": "CN", "Spain": "ES", "Mexico": "MX", "Brazil": "BR", "United States": "US", "United Kingdom": "GB",
             "Germany": "DE", "France": "FR", "Japan": "JP", "Indonesia": "ID"}  # fmt: skip
NUMBERS = {
    "JD order": "############", "JD article": "1000########", "Taobao order": "4##################",
    "Pinduoduo order": "26####-###############", "Douyin order": "69#################", "Amazon order": "###-#######-#######",
    "eBay order": "##-#####-#####", "Etsy order": "3#########", "Shopee order": "26####ABCDEF##",
    "TikTok order": "57################",
    "Mercado Libre order": "20000#########", "Shopify order": "10##", "EAN": "69###########", "own article": "AB-####-XL",
    "long own article": "SKU########", "parcel (SF)": "SF#############", "parcel (YTO)": "YT#############",
    "parcel (UPS)": "1Z###AA##########", "parcel (USPS)": "94####################", "case": "AS26########",
}  # fmt: skip
OF_EACH = 50


def is_found(text: str, value: str) -> bool:
    """Whether no word or group of three characters of a value is left."""
    left = scrub(text)
    parts = re.findall(r"[^\W_]{3,}", value) or [value]
    return not any(part in left for part in parts)


def measure_recall() -> dict[str, Counter[str]]:
    """Count what is found, per country and kind; keys such as ``phone found`` and ``phone``."""
    counts: dict[str, Counter[str]] = {}
    for country, kinds in yaml.safe_load(VALUES.read_text(encoding="utf-8")).items():
        counts[country] = Counter()
        token = REGIONS.set((COUNTRIES[country],))
        for kind, texts in kinds.items():
            for marked in texts:
                value = re.search("<(.+)>", marked)[1]  # type: ignore[index]
                counts[country][kind] += 1
                counts[country][f"{kind} found"] += is_found(re.sub("[<>]", "", marked), value)
        REGIONS.reset(token)
    return counts


def list_numbers() -> Iterator[tuple[str, str]]:
    """Yield a thousand made-up numbers of orders and the like, always the same."""
    dice = random.Random(18)  # noqa: S311 - no secret
    for kind, form in NUMBERS.items():
        for _ in range(OF_EACH):
            yield (
                kind,
                re.sub("#", lambda _: str(dice.randrange(10)), form)
                if kind != "Shopify order"
                else f"#{dice.randrange(1000, 99999)}",
            )


def count_false() -> Counter[str]:
    """Count the numbers that are taken for personal values in a text of a shop in China, by kind."""
    token = REGIONS.set(("CN",))
    found = Counter(kind for kind, number in list_numbers() if number not in scrub(f"订单 {number} 未到"))
    REGIONS.reset(token)
    return found


def build_tables() -> str:
    """The two tables, as Markdown."""
    recall = measure_recall()
    lines = ["| | " + " | ".join(KINDS) + " | all |", "|---" * (len(KINDS) + 2) + "|"]
    total = Counter[str]()
    for country, counts in recall.items():
        total += counts
        lines.append(_row(country, counts))
    lines.append(_row("all", total))
    false = count_false()
    wrong = "; ".join(f"{kind}: {count} of {OF_EACH}" for kind, count in sorted(false.items())) or "none"
    lines += [
        "",
        f"Of {len(NUMBERS) * OF_EACH} numbers of orders, articles, parcels and cases, {false.total()} are hidden ({wrong}).",
    ]
    return "\n".join(lines)


def _row(name: str, counts: Counter[str]) -> str:
    cells = [f"{counts[f'{kind} found']} of {counts[kind]}" for kind in KINDS]
    found, made = sum(counts[f"{kind} found"] for kind in KINDS), sum(counts[kind] for kind in KINDS)
    return f"| {name} | {' | '.join(cells)} | {found} of {made} |"


def main() -> None:
    """Print, write or check the tables."""
    tables = build_tables()
    page = PAGE.read_text(encoding="utf-8")
    head, _, rest = page.partition(BEGIN)
    new = f"{head}{BEGIN}\n{tables}\n{END}{rest.partition(END)[2]}"
    if "--write" in sys.argv:
        PAGE.write_text(new, encoding="utf-8")
    elif "--check" in sys.argv and new != page:
        raise SystemExit("docs/personal-data.md is stale: python scripts/measure_privacy.py --write")
    sys.stdout.write(f"{tables}\n")
    if "--missed" in sys.argv:
        _print_missed()


def _print_missed() -> None:
    for country, kinds in yaml.safe_load(VALUES.read_text(encoding="utf-8")).items():
        REGIONS.set((COUNTRIES[country],))
        for texts in kinds.values():
            for marked in texts:
                text = re.sub("[<>]", "", marked)
                if not is_found(text, re.search("<(.+)>", marked)[1]):  # type: ignore[index]
                    sys.stdout.write(f"{country}: {marked} → {scrub(text)}\n")


if __name__ == "__main__":
    main()
