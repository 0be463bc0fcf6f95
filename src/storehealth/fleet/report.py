"""The report over a fleet, from the briefs of its stores alone: pure, and the same for the same run.

Only like is compared with like: stores of one platform, market and size. Two stores differ only if their
score intervals do not overlap.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from statistics import median, quantiles
from typing import NamedTuple
from zoneinfo import ZoneInfo

from storehealth.catalogue.texts import name_table
from storehealth.model.base import Area
from storehealth.model.fleet import (
    ChangeLine,
    CommonFinding,
    ExportTrouble,
    FindingBrief,
    FleetFailure,
    FleetReport,
    FleetRun,
    HelpLine,
    LeagueLine,
    PeerGroup,
    PeerStanding,
    Spread,
    StoreBrief,
    StoreResult,
)
from storehealth.score.metrics import JUDGED_STATUSES
from storehealth.support.message import Language, Message, message, quantity
from storehealth.support.stats import newcombe_interval

SIZES = (0, 30, 300, 3000, 30000)
"""Orders at which a class of size begins."""
MIN_SPREAD = 3
"""Stores of a group from which its spread is shown."""
MIN_PEERS = 5
"""Least stores of a group for which standings are shown: with fewer, a store could work out the others' figures."""
MIN_COMMON = 3
"""Stores that share something from which it is one line."""
COMMON_SHARE = 0.5
"""Share of a platform's judged stores that fail a rule, from which the rule is common to them."""
MIN_DEFECTS = 10
"""Defects of a slice, over all stores, from which it is worth a line."""
OLD_AFTER = timedelta(days=3)
"""Exports whose last event is longer ago are old."""
WORST = 3


class _Judged(NamedTuple):
    result: StoreResult
    brief: StoreBrief

    @property
    def peers(self) -> PeerGroup:
        return find_peers(self.brief)


def build_report(run: FleetRun, language: Language) -> FleetReport:
    """Build the report of a run.

    Args:
        run: The run, with a brief of each store that ever had a result.
        language: Of the report.
    """
    judged = [_Judged(result, result.brief) for result in run.results if result.brief is not None]
    scores = [brief.score for _, brief in judged if brief.score is not None]
    grades = Counter(brief.grade or "–" for _, brief in judged)
    made_at = run.ended_at or run.started_at
    return FleetReport(
        name=run.name,
        run=run.id,
        made_at=made_at,
        language=language,
        stores=len(run.results),
        judged=len(scores),
        orders=sum(brief.orders for _, brief in judged),
        counts=dict(Counter(result.status for result in run.results)),
        bands=dict(sorted(grades.items())),
        median=round(median(scores), 2) if scores else None,
        help=tuple(_rank_help(judged)),
        common=tuple(_find_common(judged)),
        changes=tuple(_list_changes(judged)),
        failures=tuple(_list_failures(run.results)),
        exports=tuple(_list_export_troubles(judged, made_at)),
        league=tuple(_rank_league(judged)),
        areas=tuple(_spread_areas(judged)),
        rules=tuple(_spread_rules(judged)),
        standings=tuple(_compare_peers(judged)),
    )


def find_peers(brief: StoreBrief) -> PeerGroup:
    """Find the group of stores that a store may be compared with."""
    start = max(size for size in SIZES if size <= brief.orders)
    end = next((size for size in SIZES if size > start), None)
    platform = f"{brief.platform}/{brief.site}" if brief.site else brief.platform
    return PeerGroup(platform=platform, orders_from=start, orders_below=end)


# -- league and help ---------------------------------------------------------------------------------------------------


def _rank_league(judged: Sequence[_Judged]) -> Iterator[LeagueLine]:
    """Place each store; those without a score come last."""
    bounds = {store.result.name: _bounds(store.brief) for store in judged if store.brief.score is not None}
    lines = []
    for result, brief in judged:
        interval = bounds.get(result.name)
        surely_better = sum(low > interval[1] for low, _ in bounds.values()) if interval else 0
        surely_worse = sum(high < interval[0] for _, high in bounds.values()) if interval else 0
        statuses = Counter(finding.status for finding in brief.findings if not finding.muted)
        lines.append(
            LeagueLine(
                **_name(result, brief),
                owner=result.owner,
                peers=find_peers(brief),
                place=1 + surely_better if interval else None,
                last_place=len(bounds) - surely_worse if interval else None,
                **brief.model_dump(include={"score", "low", "high", "grade", "previous", "orders"}),
                change=brief.score_change,
                fails=statuses["fail"],
                watches=statuses["watch"],
                status=result.status,
                headline=brief.headline,
                page=result.page,
            )
        )
    # names decide between level stores, so that the order of lines says nothing
    yield from sorted(lines, key=lambda line: (line.place is None, line.place, line.last_place, line.name))


def _bounds(brief: StoreBrief) -> tuple[float, float]:
    """The interval of a store's score; without one it could be anything, so the store is level with all."""
    low, high = brief.low, brief.high
    return (0.0 if low is None else low, 100.0 if high is None else high)


def _name(result: StoreResult, brief: StoreBrief) -> dict[str, str]:
    return {"name": result.name, "store": brief.store}


def _rank_help(judged: Sequence[_Judged]) -> list[HelpLine]:
    """Rank the stores with failing findings by what they lose, times their orders; ties by name."""
    lines = [_line_up_help(result, brief) for result, brief in judged]
    return sorted((line for line in lines if line.worst), key=lambda line: (-line.weight, line.name))


def _line_up_help(result: StoreResult, brief: StoreBrief) -> HelpLine:
    failing = sorted(_list_failing(brief), key=lambda finding: (-finding.points, finding.code))
    points = round(sum(finding.points for finding in brief.findings), 2)
    return HelpLine(
        **_name(result, brief),
        owner=result.owner,
        weight=round(points * max(brief.orders, 1), 1),
        points=points,
        orders=brief.orders,
        worst=tuple(finding.code for finding in failing if finding.points > 0)[:WORST],
        first=failing[0].title if failing else None,
        action=brief.action,
        gain=brief.gain,
    )


def _list_failing(brief: StoreBrief) -> list[FindingBrief]:
    return [finding for finding in brief.findings if finding.status == "fail" and not finding.muted]


# -- what many stores share ----------------------------------------------------------------------------------------------


def _find_common(judged: Sequence[_Judged]) -> list[CommonFinding]:
    """Find slices, then rules, that many stores share; a rule explained by a slice in the same stores is left out."""
    slices = list(_find_common_slices(judged))
    explained = {(line.code, name) for line in slices for name in line.stores}
    rules = (
        line
        for line in _find_common_rules(judged)
        if sum((line.code, name) not in explained for name in line.stores) >= MIN_COMMON
    )
    return sorted([*slices, *rules], key=lambda line: (-len(line.stores), -line.points, line.code, line.value))


class _SliceRows(NamedTuple):
    store: _Judged
    finding: FindingBrief
    value: str
    defects: int
    judged: int


def _find_common_slices(judged: Sequence[_Judged]) -> Iterator[CommonFinding]:
    """Find values, such as a carrier, that do worse than all others in many stores, beyond noise."""
    groups: dict[tuple[str, str], list[_SliceRows]] = defaultdict(list)
    for store in judged:
        for finding in store.brief.findings:
            for dimension, value, defects, rows in finding.slices:
                groups[finding.code, dimension].append(_SliceRows(store, finding, value, defects, rows))
    for (_, dimension), members in groups.items():
        for value in sorted({row.value for row in members}):
            line = _compare_slice(dimension, value, members, judged)
            if line is not None:
                yield line


def _compare_slice(
    dimension: str, value: str, rows: Sequence[_SliceRows], judged: Sequence[_Judged]
) -> CommonFinding | None:
    inside, others = [row for row in rows if row.value == value], [row for row in rows if row.value != value]
    hit = [row for row in inside if row.defects and row.finding.status in ("fail", "watch")]
    defects, total = (sum(row.defects for row in inside), sum(row.judged for row in inside))
    other_defects, other_total = (sum(row.defects for row in others), sum(row.judged for row in others))
    if len(hit) < MIN_COMMON or defects < MIN_DEFECTS or not other_total:
        return None
    if newcombe_interval(defects, total, other_defects, other_total)[0] <= 0:
        return None
    first = inside[0].finding
    return CommonFinding(
        code=first.code,
        title=first.title,
        platform=None,
        dimension=dimension,
        value=value,
        stores=tuple(sorted(row.store.result.name for row in hit)),
        judged_stores=_count_judged(judged, first.code),
        defects=defects,
        judged=total,
        elsewhere=round(other_defects / other_total, 4),
        points=round(sum(row.finding.points * row.defects / max(row.finding.defects, 1) for row in hit), 2),
    )


def _find_common_rules(judged: Sequence[_Judged]) -> Iterator[CommonFinding]:
    for platform, stores in _group_by_platform(judged).items():
        failing: dict[str, list[tuple[_Judged, FindingBrief]]] = defaultdict(list)
        for store in stores:
            for finding in _list_failing(store.brief):
                failing[finding.code].append((store, finding))
        for code, members in failing.items():
            count = _count_judged(stores, code)
            if len(members) >= max(MIN_COMMON, COMMON_SHARE * count):
                yield _join_rule(platform, members, count)


def _join_rule(platform: str, members: Sequence[tuple[_Judged, FindingBrief]], count: int) -> CommonFinding:
    findings = [finding for _, finding in members]
    return CommonFinding(
        code=findings[0].code,
        title=findings[0].title,
        platform=platform,
        stores=tuple(sorted(store.result.name for store, _ in members)),
        judged_stores=count,
        defects=sum(finding.defects for finding in findings),
        judged=sum(finding.judged for finding in findings),
        points=round(sum(finding.points for finding in findings), 2),
    )


def _group_by_platform(judged: Iterable[_Judged]) -> Mapping[str, list[_Judged]]:
    groups: dict[str, list[_Judged]] = defaultdict(list)
    for store in judged:
        groups[store.peers.platform].append(store)
    return groups


def _count_judged(judged: Iterable[_Judged], code: str) -> int:
    return sum(
        any(finding.code == code and finding.status in JUDGED_STATUSES for finding in store.brief.findings)
        for store in judged
    )


# -- changes, failures, exports ------------------------------------------------------------------------------------------


def _list_changes(judged: Sequence[_Judged]) -> list[ChangeLine]:
    """List the stores of which the score, or the verdict on a finding, has changed; the worse first."""
    lines = [_compare_with_last(result, brief) for result, brief in judged if brief.previous is not None]
    order = {"worse": 0, None: 1, "better": 2}
    changed = [line for line in lines if line.change or line.new or line.resolved]
    return sorted(changed, key=lambda line: (order.get(line.change, 1), -len(line.new), line.name))


def _compare_with_last(result: StoreResult, brief: StoreBrief) -> ChangeLine:
    new = [finding.code for finding in _list_failing(brief) if finding.state in ("new", "reappeared")]
    return ChangeLine(
        **_name(result, brief),
        change=brief.score_change if brief.score_change != "within_noise" else None,
        previous=brief.previous,
        score=brief.score,
        new=tuple(new),
        resolved=tuple(finding.code for finding in brief.findings if finding.state == "resolved"),
    )


def _list_failures(results: Iterable[StoreResult]) -> Iterator[FleetFailure]:
    for result in results:
        if not result.is_done:
            yield FleetFailure(
                name=result.name,
                status=result.status,
                attempts=result.attempts,
                reasons=result.reasons,
                last_result=result.brief.started_at if result.brief else None,
            )


def _list_export_troubles(judged: Sequence[_Judged], now: datetime) -> Iterator[ExportTrouble]:
    for result, brief in judged:
        reasons = tuple(_find_export_troubles(brief, now))
        if reasons:
            yield ExportTrouble(**_name(result, brief), reasons=reasons)


def _find_export_troubles(brief: StoreBrief, now: datetime) -> Iterator[Message]:
    if brief.score is None:
        yield message("fleet.no_score")
    if brief.as_of is None:
        yield message("fleet.no_events")
    elif now - brief.as_of.replace(tzinfo=ZoneInfo(brief.timezone)) > OLD_AFTER:
        yield message("fleet.old", at=brief.as_of)
    for table, hours in sorted(brief.behind.items()):
        yield message("fleet.behind", table=name_table(table), lag=quantity(hours * 3600, "seconds"))
    if brief.refused:
        yield message("fleet.refused", n=brief.refused)
    if brief.wanted:
        yield message("fleet.wanted", tables=tuple(map(name_table, brief.wanted[:WORST])))


# -- like with like ------------------------------------------------------------------------------------------------------


def _group_by_peers(judged: Iterable[_Judged]) -> Iterator[tuple[PeerGroup, list[_Judged]]]:
    groups: dict[PeerGroup, list[_Judged]] = defaultdict(list)
    for store in judged:
        groups[store.peers].append(store)
    yield from sorted(groups.items(), key=lambda pair: (pair[0].platform, pair[0].orders_from))


def _group_scores(stores: Iterable[_Judged]) -> dict[Area, dict[str, float]]:
    """The scores of each area by store."""
    scores: dict[Area, dict[str, float]] = defaultdict(dict)
    for store in stores:
        for area in store.brief.areas:
            if area.score is not None:
                scores[area.id][store.result.name] = area.score
    return scores


def _spread_areas(judged: Sequence[_Judged]) -> Iterator[Spread]:
    for peers, stores in _group_by_peers(judged):
        for area, scores in _group_scores(stores).items():
            if len(scores) >= MIN_SPREAD:
                yield Spread(peers=peers, area=area, stores=len(scores), **_summarise_spread(list(scores.values())))


def _spread_rules(judged: Sequence[_Judged]) -> Iterator[Spread]:
    for peers, stores in _group_by_peers(judged):
        by_code: dict[str, list[FindingBrief]] = defaultdict(list)
        for finding in (finding for store in stores for finding in store.brief.findings):
            if finding.value is not None and finding.status in JUDGED_STATUSES:
                by_code[finding.code].append(finding)
        for _, findings in sorted(by_code.items()):
            if len(findings) >= MIN_SPREAD:
                yield _spread_rule(peers, findings)


def _spread_rule(peers: PeerGroup, findings: Sequence[FindingBrief]) -> Spread:
    first = findings[0]
    return Spread(
        peers=peers,
        **first.model_dump(include={"code", "area", "unit", "higher_is"}),
        title=first.title,
        stores=len(findings),
        fails=sum(finding.status == "fail" for finding in findings),
        **_summarise_spread([finding.value for finding in findings if finding.value is not None]),
    )


def _summarise_spread(values: Sequence[float]) -> dict[str, float]:
    low, middle, high = quantiles(values, n=4, method="inclusive")
    figures = {"low": min(values), "quarter": low, "median": middle, "three_quarters": high, "high": max(values)}
    return {name: round(value, 6) for name, value in figures.items()}


def _compare_peers(judged: Sequence[_Judged]) -> Iterator[PeerStanding]:
    for peers, stores in _group_by_peers(judged):
        for area, scores in _group_scores(stores).items():
            if len(scores) >= MIN_PEERS:
                yield from (_compare_store(peers, area, name, scores) for name in sorted(scores))


def _compare_store(peers: PeerGroup, area: Area, name: str, scores: Mapping[str, float]) -> PeerStanding:
    score, others = scores[name], [value for other, value in scores.items() if other != name]
    lower = sum(value < score for value in others) + sum(value == score for value in others) / 2
    return PeerStanding(
        name=name,
        peers=peers,
        stores=len(scores),
        area=area,
        score=score,
        median=round(median(others), 2),
        better_than=round(lower / len(others), 3),
    )
