"""Lists the packages that a plain install brings along: constraints for pip, and their licences.

Run it in an environment in which storehealth is installed without extras (``make packages``). Writes
``constraints/newest.txt`` (the versions of this environment), ``constraints/lowest.txt`` (the lowest that ``pyproject.toml``
allows) and ``docs/licences.md``. ``--check`` fails where ``lowest.txt`` does not say what ``pyproject.toml`` says.
"""

from __future__ import annotations

import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]
CONSTRAINTS = ROOT / "constraints"
LICENCES = ROOT / "docs" / "licences.md"
HEAD = "# Written by scripts/list_packages.py; pip install -c {file} .\n"
REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)\s*(?:\[[^]]*\])?\s*([^;]*)")


def normalise(name: str) -> str:
    """The name of a package as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def list_direct() -> dict[str, str]:
    """The packages that ``pyproject.toml`` names, and the versions it allows."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pairs = (REQUIREMENT.match(line) for line in project["dependencies"])
    return {normalise(match[1]): match[2].strip() for match in pairs if match}


def build_lowest() -> str:
    """The lowest version of each package that is named."""
    lines = []
    for name, versions in sorted(list_direct().items()):
        lowest = re.search(r">=\s*([\w.]+)", versions)
        lines += [f"{name}=={lowest[1]}"] if lowest else []
    return HEAD.format(file="constraints/lowest.txt") + "\n".join(lines) + "\n"


def find_installed() -> dict[str, metadata.Distribution]:
    """All packages that those of ``pyproject.toml`` need, as far as they are installed."""
    found: dict[str, metadata.Distribution] = {}
    waiting = list(list_direct())
    while waiting:
        name = normalise(waiting.pop())
        if name in found:
            continue
        try:
            found[name] = metadata.distribution(name)
        except metadata.PackageNotFoundError:  # of another system
            continue
        for line in found[name].requires or ():
            match = REQUIREMENT.match(line)
            if match and "extra ==" not in line:
                waiting.append(match[1])
    return dict(sorted(found.items()))


def find_licence(package: metadata.Distribution) -> str:
    """The licence of a package, by its expression, its classifiers, or its own words."""
    expression = package.metadata.get("License-Expression")
    classifiers = [
        line.rpartition(" :: ")[2]
        for line in package.metadata.get_all("Classifier") or ()
        if line.startswith("License ::")
    ]
    words = (package.metadata.get("License") or "").strip().split("\n")[0][:60]
    return expression or ", ".join(classifiers) or words or "see its files"


def main() -> int:
    """Write the three files, or check the one that follows from ``pyproject.toml``."""
    if "--check" in sys.argv:
        is_fresh = (CONSTRAINTS / "lowest.txt").read_text(encoding="utf-8") == build_lowest()
        sys.stdout.write("" if is_fresh else "constraints/lowest.txt is stale: python scripts/list_packages.py\n")
        return not is_fresh
    CONSTRAINTS.mkdir(exist_ok=True)
    (CONSTRAINTS / "lowest.txt").write_text(build_lowest(), encoding="utf-8")
    packages = find_installed()
    newest = "".join(f"{name}=={package.version}\n" for name, package in packages.items())
    (CONSTRAINTS / "newest.txt").write_text(HEAD.format(file="constraints/newest.txt") + newest, encoding="utf-8")
    rows = "".join(f"| {name} | {package.version} | {find_licence(package)} |\n" for name, package in packages.items())
    LICENCES.write_text(
        "# Licences\n\nstorehealth itself is under the MIT licence. What a plain install brings along, as each package"
        " declares it (written by `scripts/list_packages.py`):\n\n| package | version | licence |\n|---|---|---|\n"
        + rows,
        encoding="utf-8",
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
