"""``storehealth rules new``: writes a rule file whose examples hold, to be changed from there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from storehealth.cli import _options, _streams
from storehealth.errors import UsageError

if TYPE_CHECKING:
    from storehealth.catalogue import Catalogue

HELP = """Write a rule file into a pack: complete, with examples that hold. Change it from there.

CODE-ID is a free code and a name, such as LG50-out-by-noon. The code's letters choose the area and the rows:
CS, TM chats · LG, DQ orders · ST stock · AS after-sales cases.

Examples

  storehealth rules new LG50-out-by-noon --pack my-rules/
  storehealth rules new ZZ01-quick-answers --pack my-rules/ --area customer_service"""

Name = Annotated[
    str, typer.Argument(metavar="CODE-ID", help="Code and name of the new rule, such as LG50-out-by-noon.")
]
Pack = Annotated[
    Path,
    typer.Option("--pack", metavar="DIR", help="The pack; made where it is missing. The file goes to DIR/rules/AREA/."),
]
Area = Annotated[str | None, typer.Option("--area", metavar="NAME", help="Area, where the code's letters do not say.")]
Force = Annotated[bool, typer.Option("--force", help="Write over a file that is there, or a rule that is built in.")]

AREAS = {
    "CS": "customer_service",
    "LG": "logistics",
    "ST": "stock",
    "AS": "aftersales",
    "TM": "team",
    "DQ": "data_quality",
}
STARTERS = {
    "customer_service": "chats", "team": "chats", "logistics": "orders", "data_quality": "orders", "stock": "stock",
    "aftersales": "cases",
}  # fmt: skip
FOLDER = Path(__file__).parent.parent / "starters"


def run(
    name: Name, pack: Pack = Path("my-rules"), area: Area = None, force: Force = False, lang: _options.Language = None
) -> int:
    """Write the file; nothing that is there is lost without ``--force``."""
    code, rule_id = _parted(name)
    language = _options.language(lang) or "en"

    from storehealth.catalogue import load
    from storehealth.model import Area as Areas

    chosen = AREAS.get(code[:2]) if area is None else _options.one_of(area, get_args(Areas), "--area")
    if chosen is None:
        raise UsageError(f"the letters of {code} name no area", f"Give --area: {', '.join(get_args(Areas))}.")
    path = pack / "rules" / chosen / f"{rule_id}.yaml"
    _free(code, rule_id, None if force else path, load([pack] if pack.is_dir() else ()))
    _write(path, _text(code, rule_id, chosen))

    from storehealth.wording import Words

    _streams.put(Words(language).say("trial.wrote", path=path, code=code) + "\n")
    _streams.Voice().suggest(f"storehealth rules test {code} --pack {_streams.quoted(pack)}")
    return 0


def _parted(name: str) -> tuple[str, str]:
    found = re.fullmatch(r"([A-Za-z]{2}\d{2})-([a-z][a-z0-9-]*)", name)
    if found is None:
        raise UsageError(
            f"{name!r} is no code and name",
            "Write two letters, two digits, a dash and a name, such as LG50-out-by-noon.",
        )
    return found[1].upper(), found[2]


def _free(code: str, rule_id: str, path: Path | None, catalogue: Catalogue) -> None:
    """Refuse a code that another rule has, and a name or path that is taken (no path: they may be).

    Raises:
        UsageError: One is.
    """
    taken = catalogue.rules.get(code)
    if taken is not None and taken.id != rule_id:
        raise UsageError(f"the code {code} is taken by {taken.id}", f"The next free one is {_next(code, catalogue)}.")
    if path is None:
        return
    if path.exists():
        raise UsageError(f"{path} is there already", "Give another name, or --force to write over it.")
    if any(rule.id == rule_id for rule in catalogue.rules.values()):
        raise UsageError(
            f"there is a rule {rule_id} already, which yours would replace",
            "Give another name, or --force to replace it.",
        )


def _next(code: str, catalogue: Catalogue) -> str:
    names = (f"{code[:2]}{number:02}" for number in range(1, 100))
    return next((name for name in names if name > code and name not in catalogue.rules), f"{code[:2]}99")


def _text(code: str, rule_id: str, area: str) -> str:
    text = (FOLDER / f"{STARTERS[area]}.yaml").read_text(encoding="utf-8")
    for key, value in (("CODE", code), ("ID", rule_id), ("AREA", area)):
        text = re.sub(rf"\b{key}\b", value, text)
    return text


def _write(path: Path, text: str) -> None:
    from storehealth.outputs import write_whole

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode())
    except OSError as error:
        raise UsageError(
            f"{path} could not be written: {error.strerror}", "Give --pack a folder you may write to."
        ) from None
