"""Finds English sentences in what people read in another language."""

from __future__ import annotations

import re

QUOTED = re.compile(
    r"`[^`]*`"  # commands
    r"|[«“\"‘'][^«»“”\"‘’'\n]*[»”\"’']"  # what is quoted is someone else's
    r"|https?://\S+"
    r"|--[a-z][\w-]*(?:[= ][A-Z_]+)?"  # options, with the word for their value
    r"|\S*[/\\=_]\S*"  # paths, settings, keys
    r"|\b[\w-]+(?:\.[\w-]+)+(?::\d+)?\b"  # file names, dotted keys
    r"|\b[A-Z]{2}\d\d\b"
    r"|\b\w+(?:-\w+)+\b"  # names of rules and advice
)
COMMON = """
the a an of is are was were be been has have had do does did not cannot can could will would should may might must
this that these those there here it its they them their you your we our which who whom whose what when where why how
and or but nor so than then if because since until while with without within for from by at in on into onto over under
about above below between after before again only also more most less least each every any all some none both other
another such same own too very just give given gives write written choose name named run use used shown show see need
needs file files folder row rows column columns rule rules report reports runs line lines
"""
FUNCTION_WORDS = frozenset(COMMON.split())
SPANISH = "a me no has he so do son come use se as una un da more error once sin base general total"
SHARED = frozenset(SPANISH.split())
"""English words that are Spanish as well, or part of names of ours."""
WORD = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]+(?:'[a-z]+)?(?![A-Za-z0-9])")
"""A word; letters within a digest are none."""


def english_in(text: str, language: str, names: frozenset[str] = frozenset()) -> list[str]:
    """Lines that hold English: two function words near each other, or in Chinese any three words in a row.

    Args:
        text: What was shown.
        language: zh or es.
        names: Words that are names here, in lower case.
    """
    return [line.strip() for line in text.splitlines() if _is_english(QUOTED.sub(" · ", line), language, names)]


def _is_english(line: str, language: str, names: frozenset[str]) -> bool:
    for part in re.split(r"[·|:;,()\[\]（）：；，。、]|\s{2,}", line):
        words = [word.lower() for word in WORD.findall(part)]
        words = [word for word in words if word not in names]
        known = [word for word in words if word in FUNCTION_WORDS and word not in SHARED]
        if len(known) >= 2 or (known and len(words) >= 3 and language == "zh"):
            return True
        if language == "zh" and re.search(r"(?:\b[a-z]{2,}\b ){3,}", " ".join(words) + " "):
            return True
    return False
