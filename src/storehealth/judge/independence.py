"""How sure a share is when its rows hang together: a customer's repeats count once a day, and days are drawn whole.

Bursts and outages put many defects into one chat or one day. Wilson's interval takes every row for a witness of its
own and is then too narrow.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal
from zlib import crc32

from storehealth.model import Measurement, VerdictCounts
from storehealth.stats import Z_ONE_SIDED, wilson

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

Ends = tuple[float, float]
DRAWS = 1000
LEAST_DAYS = 14
"""Fewest days with judged rows from which whole days are drawn again."""
TWO_SIDED, ONE_SIDED = 0.025, 0.05


@dataclass(frozen=True)
class Surety:
    """Defect shares between which the true one lies: as published, and as the verdict takes them.

    ``interval`` is two-sided 95 %, of the plain counts; ``bounds`` are one-sided 95 % each, of ``counts``.
    """

    interval: Ends
    kind: Literal["wilson", "day_blocks"]
    bounds: Ends
    counts: VerdictCounts


@dataclass(frozen=True)
class Day:
    """One day's rows: defects, those that repeat an earlier one of the same entity, and judged."""

    defects: int
    repeats: int
    judged: int


def surety(measured: Measurement, platform: str) -> Surety | None:
    """How sure a defect share is; None without judged rows.

    Args:
        measured: Of a rule that gives a share.
        platform: Its name and the window make the seed: inputs of the run that neither the order of rows nor a file
            given twice changes, and no count, so that fewer defects never look worse.
    """
    defects, judged, again = measured.tally.defects, measured.tally.judged, sum(measured.repeats.values())
    if judged == 0:
        return None
    days = _days(measured)
    counts = VerdictCounts(defects=defects - again, judged=judged - again, days=len(days))
    plain, once = wilson(defects, judged), wilson(counts.defects, counts.judged, Z_ONE_SIDED)
    if len(days) < LEAST_DAYS or defects in (0, judged):
        return Surety(plain, "wilson", once, counts)
    weights = _weights(_rounded_up(len(days)), crc32(f"{platform}|{measured.window}".encode()))
    wide = _farther(plain, _drawn(weights, days, TWO_SIDED, once=False))
    bounds = _farther(once, _drawn(weights, days, ONE_SIDED, once=True))
    return Surety(wide, "wilson" if wide == plain else "day_blocks", bounds, counts)


def _farther(first: Ends, second: Ends) -> Ends:
    return min(first[0], second[0]), max(first[1], second[1])


def _days(measured: Measurement) -> list[Day]:
    """Days with judged rows, in order; rows without a day are a day of their own."""
    found = {one.segment["day"]: one.tally for one in measured.segments if "day" in one.segment and one.tally.judged}
    return [
        Day(tally.defects, measured.repeats.get(day or "", 0), tally.judged)
        for day, tally in sorted(found.items(), key=lambda item: item[0] or "")
    ]


def _drawn(weights: NDArray[float64], days: list[Day], beyond: float, once: bool) -> Ends:
    """Shares beyond which so small a part of the draws lies, at either end."""
    import numpy as np

    less = [one.repeats if once else 0 for one in days]
    defects = [one.defects - again for one, again in zip(days, less, strict=True)]
    judged = [one.judged - again for one, again in zip(days, less, strict=True)]
    # not a matrix product: for so little work the threads of one cost forty times what they save
    drawn_defects, drawn_judged = np.einsum("id,dj->ij", np.array([defects, judged], float), weights[: len(days)])
    some = drawn_judged > 0
    shares = np.sort(drawn_defects[some] / drawn_judged[some])
    skipped = int(len(shares) * beyond)
    return float(shares[skipped - 1]), float(shares[-skipped])


def _rounded_up(days: int) -> int:
    """The next power of two, so that rules with about as many days share their draws."""
    return 1 << (days - 1).bit_length()


@lru_cache(maxsize=2)
def _weights(days: int, seed: int) -> NDArray[float64]:
    """How often each draw takes each day, days × draws: a Poisson number of mean one, day by day.

    For many days that is the same as drawing as many days as there are, and the draws of the first days do not depend
    on how many follow. RandomState's stream is frozen: every version of numpy draws alike.
    """
    import numpy as np

    return np.random.RandomState(seed).poisson(1.0, size=(days, DRAWS)).astype(float)
