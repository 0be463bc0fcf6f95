"""Writes the generated pages under docs/ from the data files, the records and the commands. ``--check`` only compares."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from storehealth.catalogue import Catalogue, load_catalogue
from storehealth.catalogue.common import Fact, LocalizedText, SourcedModel
from storehealth.catalogue.layout import Layout
from storehealth.catalogue.platform import Compensation, Platform
from storehealth.catalogue.rule import Measure, Rule
from storehealth.catalogue.thresholds import INFORMATIVE_FACTS, find_fact_readers
from storehealth.commands.tools import TOOLS
from storehealth.history.events import EventsFile
from storehealth.measure.completeness import trace_inputs
from storehealth.model import Checkup, Inspection, RunComparison
from storehealth.model.fleet import FleetReport
from storehealth.settings import Settings

DOCS = Path(__file__).parent.parent / "docs"
NOTICE = "<!-- Written by `make docs`; do not edit. -->\n"
UNSURE = ("unverified", "assumed", "third-party")
SHARED = 10
"""Commands that must have an option for it to be described once for all."""
CLI_INTRO = "These mean the same in every command that lists them.\n"
LEAST_DURATION = 60
"""Facts are counts and shares below it, and seconds from it on."""
UNITS = ((3600, "h"), (60, "min"), (1, "s"))
PLATFORMS_INTRO = (
    "Facts a platform lacks are taken from `generic`, limits from the rule. `name/SITE` is a country or market of a"
    " platform,\nwith what differs there. **Bold**: not confirmed by the platform's own"
    " text.\nA file `name@day` is the version in force from that day; the audit's day picks. Sources `DY:id` open at\n"
    "`school.jinritemai.com/doudian/web/article/id`, `TM:id` at `rulechannel.tmall.com/?type=detail&ruleId=id`.\n"
)


SETTINGS_INTRO = """No setting is required. Each comes from the first of these that has it:

1. options of the command (`--platform jd`, `--lang zh`),
2. the environment: `STOREHEALTH_` and the key in capitals, `__` for each dot: `STOREHEALTH_PLATFORM=jd`,
   `STOREHEALTH_NOTIFY__WHEN=always`; lists as JSON or with commas,
3. the project's file: `storehealth.toml` in the current folder, or the one that `--config` names,
4. your own file for all stores: `~/.config/storehealth/storehealth.toml` (or the system's equivalent).

Tables are merged key by key, everything else is replaced. `storehealth config show --origin` prints every value with the
file and line, variable or option it comes from; mistakes are reported all at once, with place, key, what is allowed and the
nearest name. `storehealth init exports/` writes a first file, `storehealth doctor` checks that everything is in order. Known
findings and rows that should not count go into [mutes.yaml](mutes.md) in the same folder.
"""
DEFAULTS = {"notify.suppress": "12 h"}
"""Defaults that are written otherwise than they are kept."""


def rules_page(catalogue: Catalogue) -> str:
    """Every rule: what it measures, its limits on each platform with their source, why, and what to do."""
    parts = [f"# Rules\n\n{NOTICE}\n", _rule_table(catalogue)]
    parts += [_rule_section(rule, catalogue.list_variants()) for rule in catalogue.rules.values()]
    return "\n".join(parts)


def _rule_table(catalogue: Catalogue) -> str:
    rows = ["| code | rule | area | severity | in the score |", "|---|---|---|---|---|"]
    for rule in catalogue.rules.values():
        link = f"[{rule.title.en}](#{rule.code.lower()}-{rule.id})"
        rows.append(f"| {rule.code} | {link} | {rule.area} | {rule.severity} | {'yes' if rule.scored else 'no'} |")
    return "\n".join(rows) + "\n"


def _rule_section(rule: Rule, platforms: dict[str, Platform]) -> str:
    lines = [f"## {rule.code} {rule.id}\n", f"**{rule.title.en}** · {rule.title.zh} · {rule.title.es}\n"]
    lines += [f"{rule.about.en}\n"] if rule.about else []
    lines += [f"Why: {rule.why.en}\n", "```sql", *_measure_lines(rule.measure), "```\n", *_limit_lines(rule, platforms)]
    lines += [
        f"\nCompared with: {one.title.en}. Tried: {'; '.join(reading.says.en for reading in one.readings)}."
        for one in rule.printed
    ]
    lines += ["\nWhat to do:\n"]
    lines += [f"- {advice.do.en} (effort {advice.effort}; assumed to end {advice.removes:.0%} of the defects it reaches)"
              for advice in rule.advice]  # fmt: skip
    return "\n".join(lines) + "\n"


ASSUMPTIONS = {
    "shipping_mark": "the seller's shipping mark stands in for a carrier scan that no file has for the order",
    "platform_promise": "the platform's own promise stands in for one that the files do not give",
    "no_promise_recorded": "no file has promised times, so every order is held to the rule's own 48 hours",
    "all_orders_normal": "no file says which orders are presale or made to order, so all count as normal ones",
    "lines_of_one_piece": "no file says how many pieces a line has, so each counts as one",
    "one_warehouse": "no file names warehouses, so each SKU counts as stored in one place",
    "all_lanes_far": "no file names provinces or scan places, so every lane is allowed the time of a far one",
    "nothing_automatic": "no file says which cases the system reviewed or refunded at once, so people are held to all",
    "no_sender_roles": "no file says who is a customer, an agent or a robot, so it is worked out from who "
    "writes to whom, and a robot counts as an agent",
    "stock_undated": "no file says when the stock was counted, so all rows of one SKU count as lying in "
    "several places at once",
    "all_prepaid": "no file says which orders are paid on delivery, and when they were placed, so orders "
    "without a time of payment are left out",
    "no_cancel_times": "no file says when orders were cancelled, so cancelled ones that never left are left out",
    "all_from_one_place": "no file names the warehouses of orders and parcels, or not of all, so what none is "
    "named for counts as one",
    "no_reserved": "no file says how much stock is reserved, so an order counts as sent without stock "
    "only if it was paid after the count",
    "no_weights": "no weights: signs that rest on them are not looked for",
    "no_stock": "no stock: signs that rest on it are not looked for",
    "no_lines": "no order lines: signs that rest on them are not looked for",
    "no_seller_notes": "no seller's notes: signs that rest on them are not looked for",
    "no_chats": "no chat texts: signs that rest on them are not looked for",
    "no_cases": "no reasons of after-sales cases: signs that rest on them are not looked for",
    "no_pickups": "no pick-ups: signs that rest on them are not looked for",
}
"""What a rule may assume where a column is not recorded; a finding lists those it was judged under as its basis."""
INPUTS_INTRO = """What each rule's outcome depends on, and what happens if no file records it. A column that is absent,
or empty in every row, is *not recorded*: it never means that something did not happen. Three kinds of input follow from that.

* **Required**: without it the rule is not applicable and names the column. Of `a|b` one is enough; where not all of them
  are recorded, the finding's `basis` lists the ones that were used.
* **Refining**: rows that the missing column (or a cell that could not be read) could change are not judgeable; the others
  count. The finding's `unsure` is their number, and a pass or watch that they could overturn becomes inconclusive.
* **Assumed**: the rule is judged all the same, and the finding's `basis` names the assumption from the list below.

`unrecorded` of a finding lists all columns of the table below in which no file has any value. The columns are traced by the
database through all views, filters, joins and macros.

"""


@cache
def traced_inputs() -> dict[str, dict[str, list[str]]]:
    """The inputs of the built-in rules."""
    catalogue = load_catalogue()
    return trace_inputs(catalogue, catalogue.rules.values())


def inputs_file(_: Catalogue) -> str:
    """The traced inputs, as an audit reads them."""
    return json.dumps(traced_inputs(), indent=1) + "\n"


def inputs_page(catalogue: Catalogue) -> str:
    """For every rule the columns it needs, those its outcome depends on, and what it assumes without them."""
    parts = [f"# What rules rest on\n\n{NOTICE}\n{INPUTS_INTRO}## Assumptions\n\n| id | meaning |\n|---|---|"]
    parts += [f"| {name} | {meaning} |" for name, meaning in ASSUMPTIONS.items()]
    parts.append("\n## Rules\n\n| code | required | outcome depends on | may assume |\n|---|---|---|---|")
    for code, rule in catalogue.rules.items():
        views = [view for name, view in catalogue.views.items() if name in re.findall(r"\w+", rule.measure.over)]
        needs = dict.fromkeys([*(need for view in views for need in view.needs), *rule.measure.needs])
        required = " · ".join(f"`{need}`".replace("|", "\\|") for need in needs)
        columns = "; ".join(f"{table}: {', '.join(names)}" for table, names in traced_inputs()[code].items())
        parts.append(f"| {code} | {required} | {columns} | {', '.join(rule.measure.basis)} |")
    return "\n".join(parts) + "\n"


def _measure_lines(measure: Measure) -> Iterator[str]:
    yield f"-- over: {' '.join(measure.over.split())}"
    for label, value in (("when", measure.when), ("at", measure.at), ("good", measure.good)):
        if value:
            yield f"-- {label}: {' '.join(value.split())}"
    for record in (measure.in_time, measure.value):
        if record:
            set_keys = record.model_dump(by_alias=True, exclude_none=True, exclude_defaults=True)
            yield from (f"-- {key}: {value}" for key, value in set_keys.items())


def _limit_lines(rule: Rule, platforms: dict[str, Platform]) -> Iterator[str]:
    if rule.limits is None:
        yield "Shown without a verdict."
    else:
        yield "| platform | target | limit | higher is | how sure | source |"
        yield "|---|---|---|---|---|---|"
        own = "assumed" if rule.limits.assumed else "official"
        yield (
            f"| any | {rule.limits.target:g} | {rule.limits.limit:g} | {rule.limits.higher_is} | {own} "
            f"| {_cited(rule.limits.source) or 'a choice of this project'} |"
        )
    for name, platform in platforms.items():
        limit = platform.limits.get(rule.code)
        if limit:
            since = f" (from {_since(limit)})" if _since(limit) else ""
            yield (
                f"| {name} | {limit.target:g} | {limit.limit:g} | | {_sure(limit.verified)} "
                f"| {limit.source}{since}{_noted(_cited(limit.note))} |"
            )


def _sure(verified: str) -> str:
    return f"**{verified}**" if verified in UNSURE else verified


def _since(number: SourcedModel) -> str:
    """The day a number holds from; storehealth's own choices hold from none."""
    return str(number.effective_from or ("" if number.verified == "assumed" else "unknown"))


def platforms_page(catalogue: Catalogue) -> str:
    """Every number of every platform with its source, its date, how sure it is, and what uses it."""
    used = find_fact_readers(catalogue.views, catalogue.rules.values())
    parts = [f"# Platforms\n\n{NOTICE}\n{PLATFORMS_INTRO}\n"]
    parts += [_platform_section(stem, platform, used) for stem, platform in catalogue.list_variants().items()]
    parts.append("## Facts that nothing reads yet\n")
    parts += [f"- `{name}`: {meaning}" for name, meaning in INFORMATIVE_FACTS.items() if name not in used]
    return "\n".join(parts) + "\n"


def _platform_section(stem: str, platform: Platform, used: dict[str, tuple[str, ...]]) -> str:
    zone = f", zone {platform.zone}" if platform.zone else ""
    since = f", in force from {platform.effective_from}" if platform.effective_from else ""
    parts = [f"## {stem}\n\n{platform.title.en} · {platform.title.zh}{zone}{since}\n"]
    parts += [f"- {note.en}" for note in platform.notes]
    if platform.facts:
        parts.append("\n| fact | value | read by | how sure | from | source |\n|---|---|---|---|---|---|")
        parts += [_fact_row(name, fact, used.get(name, ())) for name, fact in platform.facts.items()]
    parts.append("\n| window of | days | how sure | from | source |\n|---|---|---|---|---|")
    parts += [
        f"| {code} | {f'{window.days}, ending {window.lag} days before' if window.days else 'all'} "
        f"| {_sure(window.verified)} | {_since(window)} | {_cited(window.source)}{_noted(_cited(window.note))} |"
        for code, window in platform.windows.items()
    ]
    if platform.limits:
        parts.append("\n| rule | target | limit | how sure | from | source |\n|---|---|---|---|---|---|")
        parts += [
            f"| {code} | {limit.target:g} | {limit.limit:g} | {_sure(limit.verified)} | {_since(limit)} "
            f"| {_cited(limit.source)}{_noted(_cited(limit.note))} |"
            for code, limit in platform.limits.items()
        ]
    if platform.compensations:
        parts.append("\n| owed for | rule | of the price paid | how sure | from | source |\n|---|---|---|---|---|---|")
        parts += [_owed_row(row) for row in platform.compensations]
    return "\n".join(parts) + "\n"


def _fact_row(name: str, fact: Fact, by: tuple[str, ...]) -> str:
    value = ", ".join(fact.value) or "none" if isinstance(fact.value, tuple) else fact.value
    if isinstance(value, float):
        size, unit = next((size, unit) for size, unit in UNITS if size == 1 or (value >= size and value % size == 0))
        value = f"{value / size:g} {unit}" if value >= LEAST_DURATION else f"{value:g}"
    return (
        f"| {name} | {value} | {', '.join(by) or '*nothing yet*'} | {_sure(fact.verified)} "
        f"| {_since(fact)} | {_cited(fact.source)}{_noted(_cited(fact.note))} |"
    )


def _owed_row(row: Compensation) -> str:
    cases = [f"promised for more than {row.promise_over / 3600:g} h"] if row.promise_over else []
    cases += [f"promised within {row.promise_up_to / 3600:g} h"] if row.promise_up_to else []
    cases += [f"paid under {row.paid_under:g}"] if row.paid_under else []
    band = f"{row.least:g} to {row.most:g}" if row.most is not None else f"{row.least:g} and more"
    what = f"{row.kind} ({', '.join(cases)})" if cases else row.kind
    return (
        f"| {what} | {row.code or ''} | {row.share:.0%}, {band} "
        f"{row.currency} | {_sure(row.verified)} | {_since(row)} | {_cited(row.source)}{_noted(_cited(row.note))} |"
    )


def _cited(source: str | LocalizedText | None) -> str:
    """Where something was read, in English."""
    return source.en if isinstance(source, LocalizedText) else source or ""


def _noted(note: str) -> str:
    return f". {note}" if note else ""


def layouts_page(catalogue: Catalogue) -> str:
    """Every layout: where it is exported, which headers it knows, which tables it fills."""
    parts = [
        f"# Layouts\n\n{NOTICE}\nHeaders in **bold** must be there. Blanks, case and full-width forms do not matter.\n"
    ]
    parts += [_layout_section(layout) for layout in catalogue.layouts.values()]
    return "\n".join(parts)


def _layout_section(layout: Layout) -> str:
    lines = [
        f"## {layout.name}\n",
        f"{layout.title.en} · {layout.title.zh} · {layout.title.es}\n",
        f"Export it from: {layout.export_from.en}\n",
        f"Fills {', '.join(layout.feeds)}. Known from: {layout.source}\n",
        "| column | headers |",
        "|---|---|",
    ]
    for key, column in layout.columns.items():
        headers = " · ".join(column.headers) or f"computed: `{' '.join((column.sql or '').split())}`"
        lines.append(f"| {key} | {f'**{headers}**' if column.required else headers} |".replace("||", "\\|\\|"))
    return "\n".join(lines) + "\n"


def cli_page(_: Catalogue) -> str:
    """The help of every command."""
    import typer.main

    from storehealth.cli import build_app

    commands = [*_list_commands(typer.main.get_command(build_app()), "storehealth")]
    shared = _find_shared(command for _, command in commands)
    common = "\n".join(f"- {name}: {text}" for name, text in shared.items())
    parts = [f"# Command line\n\n{NOTICE}", f"## Common options\n\n{CLI_INTRO}\n{common}\n"]
    parts += [f"## `{path}`\n\n{_plain_help(command, shared)}" for path, command in commands]
    return "\n".join(parts)


def _plain_help(command: Any, shared: Mapping[str, str]) -> str:
    """Help of a command: its arguments, its options, and the names of those that many commands share."""
    visible = [parameter for parameter in command.params if not getattr(parameter, "hidden", False)]
    visible.sort(key=lambda parameter: parameter.param_type_name != "argument")
    described = [(_name_parameter(parameter), _help_of(parameter)) for parameter in visible]
    lines = [f"{(command.help or '').strip()}\n"]
    lines += [f"- {name}: {text}" for name, text in described if shared.get(name) != text]
    names = [name.split()[0].strip("`,") for name, text in described if shared.get(name) == text]
    lines += [f"- Common options: `{'`, `'.join(names)}`"] if names else []
    return "\n".join(lines) + "\n"


def _name_parameter(parameter: Any) -> str:
    """`EXPORTS` of an argument, `-o, --output FORMAT=PATH` of an option, all in backquotes."""
    if parameter.param_type_name == "argument":
        return f"`{parameter.metavar or parameter.name.upper()}`"
    names = ", ".join([*parameter.opts, *parameter.secondary_opts])
    return f"`{names} {parameter.metavar}`" if parameter.metavar and not parameter.is_flag else f"`{names}`"


def _help_of(parameter: Any) -> str:
    return " ".join((getattr(parameter, "help", None) or "").split())


def _list_commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from _list_commands(child, f"{path} {name}")


def _find_shared(commands: Iterable[Any]) -> dict[str, str]:
    """Options that many commands have, with the one help that they share: name → help."""
    options = Counter(
        (_name_parameter(parameter), _help_of(parameter))
        for command in commands
        for parameter in command.params
        if parameter.param_type_name != "argument" and not getattr(parameter, "hidden", False)
    )
    return {name: text for (name, text), times in options.items() if times >= SHARED}


def settings_page(_: Catalogue) -> str:
    """Every key of storehealth.toml, from the record that checks it."""
    rows = "\n".join(_setting_rows(Settings, ""))
    return f"# Settings\n\n{NOTICE}\n{SETTINGS_INTRO}\n| key | default | allowed | what it does |\n|---|---|---|---|\n{rows}\n"


def _setting_rows(record: type[BaseModel], above: str) -> Iterator[str]:
    properties = record.model_json_schema()["properties"]
    for name, field in record.model_fields.items():
        key = f"{above}{name}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _setting_rows(field.annotation, f"{key}.")
            continue
        allowed = _allowed(properties[name], record.model_json_schema().get("$defs", {}))
        default = DEFAULTS.get(key) or ("" if field.default is None else json.dumps(field.default, ensure_ascii=False))
        yield f"| `{key}` | {f'`{default}`' if default else '—'} | {allowed} | {field.description} |"


def _allowed(schema: dict[str, Any], defs: dict[str, Any]) -> str:
    """The values a setting may have, in words."""
    if "$ref" in schema:
        return _allowed(defs[schema["$ref"].rpartition("/")[2]], defs)
    if "enum" in schema:
        return " · ".join(f"`{choice}`" for choice in schema["enum"])
    if "anyOf" in schema:
        kinds = dict.fromkeys(_allowed(kind, defs) for kind in schema["anyOf"] if kind.get("type") != "null")
        return " or ".join(kinds)
    if schema.get("type") == "object":
        inner = schema.get("additionalProperties")
        return f"table of {_allowed(inner, defs)}" if isinstance(inner, dict) else "table"
    names = {"array": "list of text", "string": "text", "boolean": "`true` · `false`"}
    return names.get(str(schema.get("type")), "number")


def schema_page(_: Catalogue) -> str:
    """JSON Schema of a checkup."""
    schema = Checkup.model_json_schema(mode="serialization", by_alias=True)
    return (
        json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema, indent=1, ensure_ascii=False)
        + "\n"
    )


def printed_schema(record: type[BaseModel]) -> Callable[[Catalogue], str]:
    """JSON Schema of what a command prints with ``--format json``."""

    def page(_: Catalogue) -> str:
        head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
        return json.dumps(head | record.model_json_schema(mode="serialization"), indent=1, ensure_ascii=False) + "\n"

    return page


def file_schema(record: type[BaseModel], what: str) -> Callable[[Catalogue], str]:
    """JSON Schema of a data file, for editors that complete and check YAML."""

    def page(_: Catalogue) -> str:
        head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"storehealth {what} file"}
        return json.dumps(record.model_json_schema(by_alias=True) | head, indent=1, ensure_ascii=False) + "\n"

    return page


PAGES: dict[str, Callable[[Catalogue], str]] = {
    "../src/storehealth/rule_inputs.json": inputs_file,
    "inputs.md": inputs_page,
    "rules.md": rules_page,
    "platforms.md": platforms_page,
    "layouts.md": layouts_page,
    "cli.md": cli_page,
    "settings.md": settings_page,
    "checkup.schema.json": schema_page,
    "inspection.schema.json": printed_schema(Inspection),
    "comparison.schema.json": printed_schema(RunComparison),
    "fleet.schema.json": printed_schema(FleetReport),
    "rule.schema.json": file_schema(Rule, "rule"),
    "layout.schema.json": file_schema(Layout, "layout"),
    "platform.schema.json": file_schema(Platform, "platform"),
    "events.schema.json": file_schema(EventsFile, "events"),
    **{f"{tool}.schema.json": printed_schema(import_module(f"storehealth.tools.{tool}").RECORD) for tool in TOOLS},
}


def main(arguments: list[str]) -> int:
    """Write the pages, or with ``--check`` say which are stale; the exit code."""
    catalogue = load_catalogue()
    stale = []
    for name, page in PAGES.items():
        path, text = DOCS / name, page(catalogue)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if "--check" not in arguments:
                path.write_text(text, encoding="utf-8")
    if "--check" in arguments and stale:
        print(f"stale: {', '.join(stale)}. Run `make docs` and commit what it writes.", file=sys.stderr)
        return 1
    print(f"{len(PAGES)} pages, {len(stale)} {'stale' if '--check' in arguments else 'written'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
