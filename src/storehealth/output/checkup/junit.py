"""The checkup as JUnit XML, for whatever shows test results: one suite per area, one case per rule.

A case fails where the finding does, and errors where the data do not suffice for any verdict. Without a verdict, and where
muted, it is skipped with the reason. A finding to watch passes, as with ``--fail-on fail``; the suite's ``system-out`` has all
verdicts. The form is that of Jenkins' schema (``junit-10.xsd``), and within a suite that of Ant's too. A record does not hold
how long a rule took, so times are 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal, NamedTuple, get_args
from xml.etree import ElementTree

from storehealth.errors import ExitCode
from storehealth.i18n import Words
from storehealth.i18n.findings import (
    count_statuses,
    describe_driver,
    describe_exceptions,
    describe_finding,
    describe_score,
    describe_source,
    format_detail,
    format_interval,
    format_place,
    format_segment,
    list_causes,
    name_score,
    select_actions,
    summarise_rows,
)
from storehealth.model import Area, Checkup, EvidenceRow, Finding, NotJudged
from storehealth.support.control_chars import CONTROL_CHARS, CONTROL_CHARS_IN_LINES

NAME = "junit"
SUFFIX = ".junit.xml"
ROWS = 20
NO_VERDICT = ("inconclusive", "not_applicable", "informative")
FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML does not allow."""


class JunitProblem(NamedTuple):
    """Why a case did not pass: one line, what kind it is, and everything about it."""

    element: Literal["failure", "error", "skipped"]
    message: str
    kind: str
    lines: Sequence[str] = ()


class JunitCase(NamedTuple):
    """One test. Tools tell tests apart by class and name."""

    class_name: str
    name: str
    problems: Sequence[JunitProblem] = ()
    seconds: float = 0.0


class JunitSuite(NamedTuple):
    """Tests of one subject; ``began_at`` is when they were run, ``lines`` is what they print."""

    name: str
    cases: Sequence[JunitCase]
    package: str | None = None
    began_at: datetime | None = None
    properties: Mapping[str, str] = {}
    lines: Sequence[str] = ()


def render(checkup: Checkup) -> bytes:
    """Render the checkup as one document in UTF-8, in the language of the checkup."""
    words = Words(checkup.language)
    suites = [_audit_suite(checkup, words), *(_area_suite(area, checkup, words) for area in get_args(Area))]
    return write_suites(words.say("report.title", store=checkup.store), [suite for suite in suites if suite.cases])


def write_suites(name: str, suites: Iterable[JunitSuite]) -> bytes:
    """Write suites as JUnit XML; characters that XML does not allow or that are invisible are replaced."""
    elements = [_to_element(number, suite) for number, suite in enumerate(suites)]
    root = ElementTree.Element("testsuites", name=_clean(name))
    for key in ("tests", "failures", "errors"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in elements)))
    root.set("time", f"{sum(float(suite.get('time', '0')) for suite in elements):.3f}")
    root.extend(elements)
    ElementTree.indent(root)
    document: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _to_element(number: int, suite: JunitSuite) -> ElementTree.Element:
    problems: list[str] = [problem.element for case in suite.cases for problem in case.problems[:1]]
    element = ElementTree.Element("testsuite", name=_clean(suite.name), id=str(number))
    element.set("package", _clean(suite.package or suite.name))
    element.set("hostname", "localhost")  # what Ant's schema asks for where no host is to be named
    if suite.began_at is not None:
        element.set("timestamp", suite.began_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"))
    element.set("tests", str(len(suite.cases)))
    for key, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(key, str(problems.count(kind)))
    element.set("time", f"{sum(case.seconds for case in suite.cases):.3f}")
    properties = ElementTree.SubElement(element, "properties")
    for key, value in suite.properties.items():
        ElementTree.SubElement(properties, "property", name=_clean(key), value=_clean(value))
    element.extend(_build_case(case) for case in suite.cases)
    ElementTree.SubElement(element, "system-out").text = _clean_lines(suite.lines)
    ElementTree.SubElement(element, "system-err")
    return element


def _build_case(case: JunitCase) -> ElementTree.Element:
    attributes = {"classname": _clean(case.class_name), "name": _clean(case.name), "time": f"{case.seconds:.3f}"}
    element = ElementTree.Element("testcase", attributes)
    for problem in case.problems[:1]:  # Ant's schema allows one
        shown = ElementTree.SubElement(element, problem.element, message=_clean(problem.message))
        if problem.element != "skipped":
            shown.set("type", problem.kind)
        shown.text = _clean_lines(problem.lines)
    return element


def _clean(text: str) -> str:
    """Text on one line, as an attribute has it."""
    return FORBIDDEN.sub("\ufffd", " ".join(CONTROL_CHARS.sub(" ", text).split()))


def _clean_lines(lines: Iterable[str]) -> str | None:
    return FORBIDDEN.sub("\ufffd", CONTROL_CHARS_IN_LINES.sub(" ", "\n".join(lines))) or None


# -- the suites of a checkup -------------------------------------------------------------------------------------


def _audit_suite(checkup: Checkup, words: Words) -> JunitSuite:
    """Whether the data suffice, and the headline: all rules being skipped must not look as if all were well."""
    reasons = [words.render(reason) for reason in checkup.outcome.reasons]
    lacking = checkup.outcome.exit_code == ExitCode.NO_DATA
    problem = JunitProblem("error", words.say("unit.semicolon").join(reasons), "no_data", reasons)
    case = JunitCase(_name_class(checkup, "audit"), words.say("output.enough_data"), [problem] if lacking else [])
    score = " · ".join([f"{words.say('screen.score')} {name_score(checkup, words)}", *describe_score(checkup, words)])
    about = words.say("report.made_by", version=checkup.tool.version, run=checkup.run.id)
    lines = [words.render(checkup.headline), score, count_statuses(checkup, words), about]
    return JunitSuite(
        words.say("report.title", store=checkup.store),
        [case],
        _name_class(checkup, "audit"),
        checkup.run.started_at,
        _list_properties(checkup),
        [CONTROL_CHARS.sub(" ", line) for line in lines],
    )


def _list_properties(checkup: Checkup) -> dict[str, str]:
    """What the figures are of, with the keys and values of the JSON."""
    score, window = checkup.score, checkup.window
    values = {
        "store": checkup.store, "platform": checkup.platform, "run": checkup.run.id, "version": checkup.tool.version,
        "as_of": checkup.as_of and checkup.as_of.isoformat(), "timezone": checkup.timezone,
        "window.first": window.first and window.first.isoformat(), "window.last": window.last and window.last.isoformat(),
        "score": score.value, "score.grade": score.grade, "score.coverage": score.coverage,
    }  # fmt: skip
    return {key: str(value) for key, value in values.items() if value is not None}


def _area_suite(area: Area, checkup: Checkup, words: Words) -> JunitSuite:
    findings = [finding for finding in checkup.findings if finding.area == area]
    known = {finding.code for finding in checkup.findings}
    unnamed = [rule for rule in checkup.not_judged if rule.area == area and rule.code not in known]
    cases = [_judge_case(finding, checkup, words) for finding in findings]
    cases += [_build_unjudged_case(rule, checkup, words) for rule in unnamed]
    score = next((part.score for part in checkup.areas if part.id == area), None)
    return JunitSuite(
        words.say(f"area.{area}"),
        cases,
        _name_class(checkup, area),
        checkup.run.started_at,
        {} if score is None else {"score": str(score)},
        [_summarise(finding, words) for finding in findings],
    )


def _name_class(checkup: Checkup, part: str) -> str:
    """``Store.area``: tools show what is before the last dot as a package. It is the same in all languages."""
    return f"{_clean(checkup.store) or checkup.tool.name}.{part}"


def _summarise(finding: Finding, words: Words) -> str:
    """Verdict and figures of a finding in one line."""
    facts = describe_finding(finding, words) if finding.status != "not_applicable" else [words.render(finding.note)]
    status = words.say(f"status.{finding.status}")
    return CONTROL_CHARS.sub(" ", f"{finding.code} {status} {words.render(finding.title)} · {' · '.join(facts)}")


def _judge_case(finding: Finding, checkup: Checkup, words: Words) -> JunitCase:
    problem = _find_problem(finding, checkup, words)
    name = f"{finding.code} {words.render(finding.title)}"
    return JunitCase(_name_class(checkup, finding.area), name, [problem] if problem else [])


def _find_problem(finding: Finding, checkup: Checkup, words: Words) -> JunitProblem | None:
    if finding.muted is not None:
        return JunitProblem("skipped", " · ".join(describe_exceptions(finding, words)), "muted")
    if finding.status in NO_VERDICT:
        status, note = words.say(f"status.{finding.status}"), words.render(finding.note)
        shown = note or (format_interval(finding, words) if finding.judged else "")
        return JunitProblem("skipped", f"{status}{words.say('unit.colon')}{shown}" if shown else status, finding.status)
    if finding.status != "fail":
        return None
    lines = [CONTROL_CHARS.sub(" ", line) for line in _explain(finding, checkup, words)]
    return JunitProblem("failure", " · ".join(describe_finding(finding, words)), finding.severity, lines)


def _explain(finding: Finding, checkup: Checkup, words: Words) -> list[str]:
    """Why it matters, what to do, where it happens, and the first rows."""
    lines = [words.render(finding.note)] if finding.note else []
    lines.append(words.say("report.why", why=words.render(finding.why)))
    actions = [action for action in select_actions(checkup) if finding.code in action.findings]
    lines += [f"{words.say('report.todo')}{words.say('unit.colon')}{words.render(action.text)}" for action in actions]
    source = describe_source(finding, words)
    lines += [words.say("report.limits_from", origin=source)] if source else []
    lines += list_causes(finding, words)
    lines += [
        f"{format_segment(driver.segment, words)}{words.say('unit.colon')}{describe_driver(driver, words)}"
        for driver in finding.drivers
    ]
    shown = finding.evidence.rows[:ROWS]
    more = summarise_rows(finding, len(shown), words)
    return [*lines, *(_describe_row(row, words) for row in shown), *([more] if more else [])]


def _describe_row(row: EvidenceRow, words: Words) -> str:
    details = [format_detail(name, value, words) for name, value in row.details.items() if value is not None]
    parts = [format_place(row), row.entity or "—", words.format_moment(row.at), words.say(f"outcome.{row.outcome}")]
    return " · ".join([*parts, *details])


def _build_unjudged_case(rule: NotJudged, checkup: Checkup, words: Words) -> JunitCase:
    reason = words.render(rule.reason) or words.say("status.not_applicable")
    problem = JunitProblem("skipped", reason, "not_judged", [words.render(menu) for menu in rule.how_to_export])
    return JunitCase(_name_class(checkup, rule.area), f"{rule.code} {words.render(rule.title)}", [problem])
