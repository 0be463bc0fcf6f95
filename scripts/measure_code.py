"""Measure how readable the code is, by syntax tree, and fail where it is worse than agreed.

    python scripts/measure_code.py            print the table
    python scripts/measure_code.py --check    also exit 1 where a figure is beyond its limit
    python scripts/measure_code.py --names    list the functions named by a participle, and references to nothing

Properties and dunder methods are left out of the function figures.
"""

from __future__ import annotations

import argparse
import ast
import builtins
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "storehealth"
IRREGULAR = frozenset(
    {
        "told",
        "taken",
        "seen",
        "asked",
        "said",
        "held",
        "shown",
        "given",
        "kept",
        "made",
        "known",
        "named",
        "counted",
        "opened",
        "marked",
        "begun",
        "bought",
        "broken",
        "brought",
        "built",
        "caught",
        "chosen",
        "done",
        "drawn",
        "driven",
        "fallen",
        "felt",
        "forgotten",
        "found",
        "gone",
        "got",
        "grown",
        "heard",
        "hidden",
        "laid",
        "led",
        "lent",
        "lost",
        "meant",
        "met",
        "paid",
        "sent",
        "sold",
        "spent",
        "spoken",
        "stood",
        "struck",
        "sworn",
        "thought",
        "thrown",
        "torn",
        "understood",
        "won",
        "worn",
        "written",
    }
)
"""Participles without -ed, but for those that are also the imperative, as ``cut``, ``set``, ``split``."""
NOT_PARTICIPLES = frozenset({"need", "feed", "seed", "speed", "embed", "bed", "shed", "exceed", "proceed"})
LIMITS = {"participles": 3.0, "duplicates": 0, "parameters": 12, "tiers": 9, "rooms": 200, "files": 250, "median": 7,
          "p90": 17, "references": 0}  # fmt: skip
"""The largest figures that pass; participles in percent of all functions."""
LATER = (
    "**/tools/*", "**/tools.py", "**/fleet/*", "**/fleet.py",
    "output/html_page.py", "output/checkup/html.py", "output/checkup/_blocks.py", "output/checkup/_charts.py",
    "support/embedding.py", "output/checkup/xlsx.py", "output/checkup/_workbook.py", "output/checkup/pdf.py",
    "output/checkup/csv*.py", "intake/pack_sql.py",
)  # fmt: skip
"""What came after the limit of 200 files was set: managers' tools, fleets, page, workbook, PDF, CSV, analysis of pack SQL."""
REFERENCE = re.compile(r":(?:func|meth|class|mod|data|attr):`~?([\w.]+)`")
UNCOUNTED_TIERS = frozenset({"__main__", "api", "fleet", "errors", "version"})

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Named(NamedTuple):
    """A definition and the file it stands in."""

    path: Path
    node: Function | ast.ClassDef


def iter_definitions(path: Path) -> Iterator[Named]:
    """Yield every function and class of a file, nested ones too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, Function | ast.ClassDef):
            yield Named(path, node)


def is_counted(node: Function) -> bool:
    """Whether a function's name is the author's choice of a verb: neither a dunder method nor a property."""
    decorators = {ast.unparse(decorator).split("(")[0].split(".")[-1] for decorator in node.decorator_list}
    is_dunder = node.name.startswith("__") and node.name.endswith("__")
    return not is_dunder and not decorators & {"property", "cached_property", "setter", "computed_field"}


def is_participle(name: str) -> bool:
    """Whether the first word of a name is a past participle."""
    first = name.strip("_").split("_")[0]
    return first in IRREGULAR or (first.endswith("ed") and first not in NOT_PARTICIPLES)


def count_parameters(node: Function) -> int:
    """Count all parameters but ``self`` and ``cls``."""
    names = [arg.arg for arg in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    return len([name for name in names if name not in ("self", "cls")])


def count_tiers() -> int:
    """Count the import tiers of the first import-linter contract, without those that are not counted."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return len([layer for layer in layers if not {part.strip() for part in layer.split("|")} <= UNCOUNTED_TIERS])


def list_names(path: Path) -> set[str]:
    """Return everything a file defines, its own module name among it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")}
    for node in ast.walk(tree):
        if isinstance(node, Function | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(node.attr)
    return names


def list_dead_references(paths: list[Path]) -> list[str]:
    """List references in docstrings (``:func:`x```) to what no file of the package defines."""
    names = set(dir(builtins)).union(*map(list_names, paths))
    return [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in paths
        for match in REFERENCE.finditer(path.read_text(encoding="utf-8"))
        if match[1] not in names and match[1].rpartition(".")[2] not in names
    ]


def measure() -> tuple[dict[str, float], list[str], dict[str, list[Path]]]:
    """Return the figures, the functions named by a participle and dead references, and classes that share a name."""
    paths = sorted(PACKAGE.rglob("*.py"))
    found = [named for path in paths for named in iter_definitions(path)]
    functions = [named for named in found if isinstance(named.node, Function)]
    counted = [named for named in functions if isinstance(named.node, Function) and is_counted(named.node)]
    classes: dict[str, list[Path]] = defaultdict(list)
    for named in found:
        if isinstance(named.node, ast.ClassDef) and not named.node.name.startswith("_"):
            classes[named.node.name].append(named.path.relative_to(ROOT))
    participles = [
        f"{named.path.relative_to(ROOT)}:{named.node.lineno}: {named.node.name}"
        for named in counted
        if is_participle(named.node.name)
    ]
    lengths = [(named.node.end_lineno or 0) - named.node.lineno + 1 for named in functions]
    dead = list_dead_references(paths)
    duplicates = {name: places for name, places in classes.items() if len(places) > 1}
    figures = {
        "participles": round(100 * len(participles) / len(counted), 2),
        "duplicates": len(duplicates),
        "parameters": max(count_parameters(named.node) for named in functions if isinstance(named.node, Function)),
        "tiers": count_tiers(),
        "rooms": len(set(paths) - {path for pattern in LATER for path in PACKAGE.glob(pattern)}),
        "files": len(paths),
        "median": median(lengths),
        "p90": quantiles(lengths, n=10)[-1],
        "references": len(dead),
    }
    return figures, [*participles, *dead], duplicates


def main() -> int:
    """Print the table; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="exit 1 where a figure is beyond its limit")
    parser.add_argument("--names", action="store_true", help="list participle-named functions and dead references")
    options = parser.parse_args()
    figures, participles, duplicates = measure()
    rows = {
        "participles": "functions named by a participle, %",
        "duplicates": "public class names used twice",
        "parameters": "longest parameter list",
        "tiers": "import tiers",
        "rooms": "files, without what came later",
        "files": "files, all",
        "median": "function length, median",
        "p90": "function length, 90th percentile",
        "references": "references to nothing in docstrings",
    }
    for key, label in rows.items():
        mark = "" if figures[key] <= LIMITS[key] else "  <-- beyond the limit"
        print(f"{label:40} {figures[key]:>8g}   limit {LIMITS[key]:g}{mark}")
    for name, places in sorted(duplicates.items()):
        print(f"  class {name}: {', '.join(map(str, places))}")
    if options.names:
        print("\n".join(participles))
    return int(options.check and any(figures[key] > LIMITS[key] for key in LIMITS))


if __name__ == "__main__":
    sys.exit(main())
