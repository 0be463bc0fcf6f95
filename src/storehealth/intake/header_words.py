"""Which canonical column a header names in ordinary words; the words are in ``header_words.yaml``."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

GENERIC_TIME = re.compile(
    r"date|time|datetime|timestamp|when|day|fecha( y hora)?|data|datum|日期|时间|日時", re.IGNORECASE
)
GENERIC_ID = re.compile(r"id|no|nr|n[ºo°]|number|ref|reference|code|#|key|编号|单号|序号|号", re.IGNORECASE)
CJK = re.compile("[\u3040-\u9fff]")


@cache
def _load_patterns() -> dict[str, re.Pattern[str]]:
    import yaml

    text = Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8")
    content = yaml.safe_load(text)
    parts = {name: content[name] for name in ("number", "moment", "order")}
    # The braces of {1,2} in a pattern would be taken for a name, so names are replaced one by one.
    patterns = {}
    for column, alternatives in content["columns"].items():
        pattern = "|".join(alternatives)
        for name, part in parts.items():
            pattern = pattern.replace(f"{{{name}}}", f"(?:{part})")
        patterns[column] = re.compile(pattern, re.IGNORECASE)
    return patterns


def match_header_words(header: str) -> frozenset[str]:
    """The canonical columns that a header names in ordinary words."""
    text = _spell_out(header)
    return frozenset(column for column, pattern in _load_patterns().items() if pattern.fullmatch(text))


def is_generic_time(header: str) -> bool:
    """Whether a header says no more than that its cells are times."""
    return GENERIC_TIME.fullmatch(_spell_out(header)) is not None


def is_generic_id(header: str) -> bool:
    """Whether a header says no more than that its cells are numbers of something."""
    return GENERIC_ID.fullmatch(_spell_out(header)) is not None


def _spell_out(header: str) -> str:
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header)  # orderId
    text = re.sub(r"\([^)]*\)|（[^）]*）", " ", text)  # units and currencies
    text = " ".join(re.sub(r"[^\w#ºª°]+|_", " ", text).split())
    return text.replace(" ", "") if CJK.search(text) else text.lower()
