"""The trials of rules as JUnit XML: one test case per example, and one per rule for the cases it must have."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from storehealth.trials import Tested

FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML document may hold."""


def junit(tested: Sequence[Tested]) -> bytes:
    """The document, one suite per rule."""
    suites = [_suite(one) for one in tested]
    root = ElementTree.Element("testsuites", name="storehealth rules")
    for key in ("tests", "failures", "errors"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in suites)))
    root.set("time", f"{sum(float(suite.get('time', '0')) for suite in suites):.3f}")
    root.extend(suites)
    ElementTree.indent(root)
    written: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _suite(one: Tested) -> ElementTree.Element:
    """A rule: its examples, and whether they cover it."""
    name = f"{one.rule.code} {one.rule.id}"
    seconds = sum(trial.seconds for trial in one.trials)
    wrong = sum(bool(trial.misses) for trial in one.trials) + bool(one.lacks)
    suite = ElementTree.Element(
        "testsuite",
        name=name,
        tests=str(len(one.trials) + 1),
        failures=str(wrong),
        errors=str(sum(bool(trial.problem) for trial in one.trials)),
        time=f"{seconds:.3f}",
    )
    for trial in one.trials:
        said = f"example {trial.number}" + (f": {trial.example.name}" if trial.example.name else "")
        case = _case(suite, name, said, trial.seconds)
        if trial.problem:
            _told(case, "error", trial.problem, f"{trial.place}\n{trial.problem}")
        elif trial.misses:
            lines = [str(miss) for miss in trial.misses]
            _told(case, "failure", "; ".join(lines), "\n".join([trial.place, *lines]))
    coverage = _case(suite, name, "a case that fires and one that stays silent", 0.0)
    if one.lacks:
        _told(coverage, "failure", "; ".join(one.lacks), "\n".join(one.lacks))
    return suite


def _case(suite: ElementTree.Element, rule: str, name: str, seconds: float) -> ElementTree.Element:
    given = {"classname": rule, "name": FORBIDDEN.sub("\ufffd", name), "time": f"{seconds:.3f}"}
    return ElementTree.SubElement(suite, "testcase", given)


def _told(case: ElementTree.Element, kind: str, message: str, text: str) -> None:
    told = ElementTree.SubElement(case, kind, {"message": FORBIDDEN.sub("\ufffd", message)})
    told.text = FORBIDDEN.sub("\ufffd", text)
