"""Phrases about a fleet: how audits ended, who stands where, what many stores share."""

from __future__ import annotations

from storehealth.i18n import Words
from storehealth.i18n.findings import format_segment
from storehealth.model.fleet import (
    ChangeLine,
    CommonFinding,
    FleetFailure,
    FleetReport,
    HelpLine,
    LeagueLine,
    PeerGroup,
    PeerStanding,
    Spread,
    StoreResult,
)
from storehealth.support.message import Message, Name, clauses, message

NAMED = 5
"""Stores named in a line; the others are counted."""


def describe_result(result: StoreResult | FleetFailure) -> Message:
    """Say how a store's audit ended, and why."""
    reasons = clauses(result.reasons) if result.reasons else message("fleet.no_reason")
    status = message(f"fleet.status.{result.status}")
    return message("fleet.ended", name=Name(result.name), status=status, reason=reasons)


def summarise_fleet(report: FleetReport, words: Words) -> str:
    """One sentence: stores, how their audits ended, orders, median score."""
    counts = words.say("unit.comma").join(
        f"{words.say(f'fleet.status.{status}')} {words.format_whole(count)}" for status, count in report.counts.items()
    )
    parts = [words.count("fleet.stores", report.stores), counts, words.count("fleet.orders", report.orders)]
    judged = words.format_whole(report.judged)
    parts.append(words.say("fleet.median", score=words.format_decimal(report.median, 0), judged=judged))
    return words.say("unit.semicolon").join(parts)


def describe_peers(peers: PeerGroup, words: Words) -> str:
    """Platform and size of a group: ``jd, 30 to 299 orders``."""
    if peers.orders_below is None:
        return words.say("fleet.peers_open", platform=peers.platform, first=words.format_whole(peers.orders_from))
    return words.say(
        "fleet.peers",
        platform=peers.platform,
        first=words.format_whole(peers.orders_from),
        last=words.format_whole(peers.orders_below - 1),
    )


def format_place(line: LeagueLine, words: Words) -> str:
    """The place, or the places a store may have: ``3``, ``2–5``; a dash without a score."""
    if line.place is None or line.last_place is None:
        return "—"
    first, last = words.format_whole(line.place), words.format_whole(line.last_place)
    return first if first == last else f"{first}–{last}"


def format_score(line: LeagueLine, words: Words) -> str:
    """The score with its range: ``56 (51–62)``."""
    if line.score is None:
        return "—"
    score = words.format_decimal(line.score, 0)
    if line.low is None or line.high is None:
        return score
    return f"{score} ({words.format_decimal(line.low, 0)}–{words.format_decimal(line.high, 0)})"


def format_change(line: LeagueLine | ChangeLine, words: Words) -> str:
    """The change beyond noise: ``↑ from 49``; empty where there is none."""
    if line.change not in ("better", "worse"):
        return ""
    arrow = "↑" if line.change == "better" else "↓"
    return f"{arrow} {words.say('fleet.was', score=words.format_decimal(line.previous, 0))}"


def describe_help(line: HelpLine, words: Words) -> str:
    """What a store loses and what to do there first."""
    parts = [
        words.say(
            "fleet.loses",
            points=words.format_decimal(line.points, 0),
            orders=words.count("fleet.orders", line.orders),
            codes=words.say("unit.comma").join(line.worst),
            first=words.render(line.first) if line.first else "",
        )
    ]
    if line.action is not None:
        action = words.render(line.action)
        gain = words.format_decimal(line.gain, 0) if line.gain and line.gain >= 1 else ""
        parts.append(words.say("fleet.first_gain", action=action, points=gain) if gain else action)
    return words.say("unit.semicolon").join(parts)


def describe_common(line: CommonFinding, words: Words) -> str:
    """What many stores share, how many of them, and in how many rows."""
    title, stores = f"{line.code} {words.render(line.title)}", words.count("fleet.stores", len(line.stores))
    if not line.dimension:
        judged = words.format_whole(line.judged_stores)
        return words.say("fleet.common_rule", title=title, platform=line.platform or "", failing=stores, judged=judged)
    return words.say(
        "fleet.common_slice",
        title=title,
        what=format_segment({line.dimension: line.value}, words),
        share=words.format_figure(line.defects / line.judged if line.judged else None, "share"),
        elsewhere=words.format_figure(line.elsewhere, "share"),
        stores=stores,
    )


def describe_change(line: ChangeLine, words: Words) -> str:
    """How a store's score has changed, what fails newly, and what no longer does."""
    parts = [part for part in [format_change(line, words)] if part]
    for key, codes in (("fleet.new", line.new), ("fleet.resolved", line.resolved)):
        if codes:
            parts.append(words.say(key, codes=words.say("unit.comma").join(codes)))
    return words.say("unit.semicolon").join(parts)


def name_stores(names: tuple[str, ...], words: Words) -> str:
    """The first few names, and how many more there are."""
    text = words.say("unit.comma").join(names[:NAMED])
    return text if len(names) <= NAMED else words.say("fleet.and_more", names=text, n=len(names) - NAMED)


def name_figure(line: Spread | PeerStanding, words: Words) -> str:
    """An area, or a rule with its code."""
    if isinstance(line, Spread) and line.title is not None:
        return f"{line.code} {words.render(line.title)}"
    return words.say(f"area.{line.area}")
