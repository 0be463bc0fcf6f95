"""The catalogue reads all data files, refuses mistakes with file and line, and lets packs replace built-in files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from storehealth.catalogue import BUILT_IN_RULES, FOLDERS, PACKAGE, load_catalogue
from storehealth.errors import CatalogueError

RULE = BUILT_IN_RULES / "customer_service" / "reply-within-30s.yaml"


def pack(folder: Path, kind: str, name: str, text: str) -> Path:
    path = folder / kind / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return folder


def complaint(folder: Path) -> str:
    with pytest.raises(CatalogueError) as caught:
        load_catalogue([folder])
    return caught.value.message


def test_the_built_in_files_are_valid_and_fit_together() -> None:
    """Nothing is registered: every file of a kind's folder is read."""
    catalogue = load_catalogue()
    on_disk = {path.stem for path in BUILT_IN_RULES.rglob("*.yaml")}
    assert {rule.id for rule in catalogue.rules.values()} == on_disk
    assert set(catalogue.layouts) == {path.stem for path in (PACKAGE / "layouts").glob("*.yaml")}


def test_an_unknown_key_is_named_with_its_line_and_the_nearest_key(tmp_path: Path) -> None:
    """A typing mistake is found where it stands."""
    text = RULE.read_text(encoding="utf-8").replace("severity:", "severty:", 1)
    line = next(number for number, row in enumerate(text.splitlines(), 1) if row.startswith("severty"))
    assert f"reply-within-30s.yaml:{line}: severty: there is no such key; the nearest is severity" in complaint(
        pack(tmp_path, "rules", "reply-within-30s.yaml", text)
    )


def test_all_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    """Nobody wants to mend one line per run."""
    pack(tmp_path, "rules", "no-advice.yaml", "code: XX99\nid: other-name\n")
    pack(tmp_path, "platforms", "moon.yaml", "name: moon\ntitle: {en: Moon}\n")
    message = complaint(tmp_path)
    assert "no-advice.yaml" in message
    assert "moon.yaml:2: title.zh: this key is missing" in message


def test_mistakes_of_every_kind_are_reported_together_with_line_key_and_nearest(tmp_path: Path) -> None:
    """Keys of records within records, words of a vocabulary, names of other files, two files of one name, bad YAML."""
    text = (
        RULE.read_text(encoding="utf-8").replace("mends:", "mend:", 1).replace("severity: critical", "severity: hihg")
    )
    pack(tmp_path, "rules", "reply-within-30s.yaml", text.replace("scored: true", "scored: perhaps"))
    pack(tmp_path, "rules", "a/twice.yaml", "x: 1")
    pack(tmp_path, "rules", "b/twice.yaml", "x: 1")
    layout = (PACKAGE / "layouts" / "olist_orders.yaml").read_text(encoding="utf-8")
    pack(
        tmp_path,
        "layouts",
        "odd.yaml",
        layout.replace("name: olist_orders", "name: odd").replace("paid_at:", "payd_at:"),
    )
    moon = (PACKAGE / "platforms" / "generic.yaml").read_text(encoding="utf-8").replace("name: generic", "name: moon")
    pack(tmp_path, "platforms", "moon.yaml", moon + "compensations:\n  - {kind: late, code: LG99, share: 0.1, "
         "currency: CNY, source: x, verified: assumed}\n")  # fmt: skip
    pack(tmp_path, "tables", "torn.yaml", "a: b: c\n")
    message = complaint(tmp_path)
    assert "advice.0.mend: there is no such key; the nearest is mends" in message
    assert "severity: must be critical, high, medium, low, or info; the nearest is high" in message
    assert "scored: must be true or false" in message
    assert "have the same name; rename one of them" in message
    assert "columns.payd_at: no table fed by this layout has this column; the nearest is paid_at" in message
    assert re.search(
        r"moon\.yaml:\d+: compensations\.0\.code: no rule has the code LG99; the nearest is LG\d\d", message
    )
    assert "torn.yaml:1: not valid YAML: " in message
    assert all(re.match(r"\S+\.yaml:\d+: ", line) or "have the same name" in line for line in message.splitlines())


def test_a_mistake_in_a_union_names_the_key_as_the_file_writes_it(tmp_path: Path) -> None:
    """Not the types that were tried."""
    text = RULE.read_text(encoding="utf-8").replace("within: 30 s", "within: [30]")
    message = complaint(pack(tmp_path, "rules", "reply-within-30s.yaml", text))
    assert {line.split(": ")[1] for line in message.splitlines()} == {"measure.in_time.within"}


def test_a_key_at_the_wrong_place_names_the_place_it_belongs_to(tmp_path: Path) -> None:
    """A newcomer knows which keys there are before knowing where each stands."""
    text = "over: turns\nremoves: 0.5\n" + RULE.read_text(encoding="utf-8")
    message = complaint(pack(tmp_path, "rules", "reply-within-30s.yaml", text))
    assert "over: there is no such key here; it belongs under measure" in message
    assert "removes: there is no such key here; it belongs under advice" in message


def test_a_list_is_not_called_short_because_of_a_mistake_in_its_entry(tmp_path: Path) -> None:
    """One mistake gives one message."""
    text = RULE.read_text(encoding="utf-8")
    lone = text[: text.index("advice:")] + "advice:\n  - id: act\n    effort: low\n"
    message = complaint(pack(tmp_path, "rules", "reply-within-30s.yaml", lone + text[text.index("examples:") :]))
    assert "advice.0.do: this key is missing" in message
    assert "advice: needs at least" not in message


def test_a_mistake_in_the_header_of_a_view_names_line_and_key(tmp_path: Path) -> None:
    """As in every other data file."""
    text = "-- view: odd\n-- about: a row\n-- group: orders\n-- row: week\nSELECT 1 FROM orders\n"
    assert "odd.sql:4: row: must be " in complaint(pack(tmp_path, "views", "odd.sql", text))


def test_a_record_is_named_like_its_file(tmp_path: Path) -> None:
    """Otherwise a pack could not tell what it replaces."""
    text = (PACKAGE / "platforms" / "generic.yaml").read_text(encoding="utf-8")
    assert "is generic, which differs from the file name moon" in complaint(
        pack(tmp_path, "platforms", "moon.yaml", text)
    )


def test_broken_yaml_is_a_message(tmp_path: Path) -> None:
    """No traceback from the parser."""
    text = "name: torn\nfeeds: [orders\ntitle: x\n"
    assert "torn.yaml:3: not valid YAML: " in complaint(pack(tmp_path, "layouts", "torn.yaml", text))


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    """The later one must not win in silence."""
    pack(tmp_path, "rules", "a/twice.yaml", "x: 1")
    assert "have the same name" in complaint(pack(tmp_path, "rules", "b/twice.yaml", "x: 1"))


def test_a_pack_replaces_the_built_in_file_of_the_same_name(tmp_path: Path) -> None:
    """The others stay."""
    text = RULE.read_text(encoding="utf-8").replace("severity: critical", "severity: low", 1)
    catalogue = load_catalogue([pack(tmp_path, "rules", "reply-within-30s.yaml", text)])
    assert catalogue.rules["CS01"].severity == "low"
    assert catalogue.compute_digest("rules") != load_catalogue().compute_digest("rules")


def test_a_code_is_taken_once(tmp_path: Path) -> None:
    """Codes name findings; two rules cannot share one."""
    text = RULE.read_text(encoding="utf-8").replace("id: reply-within-30s", "id: copy", 1)
    assert "CS01 is already used by" in complaint(pack(tmp_path, "rules", "copy.yaml", text))


def test_a_rule_with_mistakes_is_the_one_told_that_its_code_is_taken(tmp_path: Path) -> None:
    """The built-in rule that had the code first is not what the user can mend."""
    text = "code: LG05\nid: by-noon\nseverity: hard\n"
    message = complaint(pack(tmp_path, "rules", "by-noon.yaml", text))
    assert "by-noon.yaml:1: code: LG05 is already used by handed-over-by-promise" in message
    assert "handed-over-by-promise.yaml:" not in message


def test_a_layout_names_columns_of_the_tables_it_fills(tmp_path: Path) -> None:
    """A misspelt canonical column would otherwise be lost in silence."""
    text = (PACKAGE / "layouts" / "olist_orders.yaml").read_text(encoding="utf-8")
    text = text.replace("name: olist_orders", "name: odd").replace("  paid_at:", "  payed_at:")
    assert "columns.payed_at: no table fed by this layout has this column" in complaint(
        pack(tmp_path, "layouts", "odd.yaml", text)
    )


def test_no_title_names_a_number_that_a_platform_sets_otherwise() -> None:
    """Of a value, the target is the platform's; and so is a duration that is a platform's fact."""
    whole = load_catalogue()
    for code, rule in whole.rules.items():
        timed = rule.measure.in_time
        moved = any(code in platform.limits for platform in whole.platforms.values()) and rule.measure.value
        if moved or (timed and isinstance(timed.within, str)):
            assert not re.search(r"\d", rule.title.en + rule.title.zh + rule.title.es), code


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        (
            "reply-within-30s",
            "names: hour",
            "names: shop",
            "names shop, which is not among hour, weekday, day, agent_id",
        ),
        (
            "average-reply",
            "name: mean_of_the_session_workbook",
            "name: mean_of_the_agents_report",
            "two entries of printed",
        ),
    ],
    ids=["a dimension the rule has not", "a name twice"],
)
def test_parts_of_a_rule_that_do_not_fit_are_reported(
    tmp_path: Path, file: str, old: str, new: str, message: str
) -> None:
    """Before any store is looked at."""
    path = RULE.with_name(f"{file}.yaml")
    text = path.read_text(encoding="utf-8")
    assert old in text
    assert message in complaint(pack(tmp_path, "rules", path.name, text.replace(old, new, 1)))


def tenfold(levels: int) -> str:
    """YAML in which each value stands for ten of the one before."""
    rows = ["v0: &v0 [x]"] + [f"v{n}: &v{n} [{', '.join([f'*v{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(["name: bomb", *rows]) + "\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (tenfold(8), 8),
        (f"name: bomb\nmany: &many [{'x, ' * 2000}x]\nmore: [{'*many, ' * 2000}x]\n", 3),
        ("name: bomb\nitself: &itself [*itself]\n", 2),
        ("name: bomb\nitself: &itself\n  deep: {er: *itself}\n", 3),
    ],
    ids=["tenfold", "many times many", "itself", "itself, deeper"],
)
def test_a_few_lines_that_stand_for_more_than_fits_into_memory_are_refused(
    tmp_path: Path, text: str, line: int
) -> None:
    """A stranger's pack could stop the machine by a file of ten lines."""
    assert f"bomb.yaml:{line}: not valid YAML: its anchors and aliases (& and *) expand to too much" in complaint(
        pack(tmp_path, "layouts", "bomb.yaml", text)
    )


def test_values_may_stand_for_others_a_few_times(tmp_path: Path) -> None:
    """As the examples of built-in rules do."""
    message = complaint(pack(tmp_path, "layouts", "few.yaml", tenfold(4).replace("name: bomb", "name: few")))
    assert "few.yaml:2: v0: there is no such key" in message
    assert "repeat" not in message


def test_numbers_beyond_all_measure_are_refused(tmp_path: Path) -> None:
    """An example of a billion rows would take all memory; a window of a billion days begins before the calendar."""
    rule = RULE.read_text(encoding="utf-8").replace("CS01", "ZZ01", 1).replace("reply-within-30s", "mine", 1)
    assert "repeat: 10\n" in rule
    pack(tmp_path, "rules", "mine.yaml", rule.replace("repeat: 10\n", "repeat: 1000000000\n", 1))
    walmart = (PACKAGE / "platforms" / "walmart.yaml").read_text(encoding="utf-8")
    assert "days: 30" in walmart
    moon = walmart.replace("name: walmart", "name: moon").replace("days: 30", "days: 999999999", 1)
    message = complaint(pack(tmp_path, "platforms", "moon.yaml", moon))
    assert re.search(r"mine\.yaml:\d+: examples\.\d+\.repeat: must be at most 1,000", message)
    assert re.search(r"moon\.yaml:\d+: windows\.\w+\.days: must be at most 3,660", message)


def test_a_data_file_that_is_deleted_meanwhile_is_named(tmp_path: Path) -> None:
    """A pack on a shared disk can lose a file while an audit runs; the digest is taken at its end."""
    path = tmp_path / "layouts" / "own_orders.yaml"
    path.parent.mkdir()
    path.write_bytes(
        (FOLDERS["layouts"] / "generic_orders.yaml").read_bytes().replace(b"generic_orders", b"own_orders")
    )
    catalogue = load_catalogue((tmp_path,))
    before = catalogue.compute_digest("layouts")
    path.unlink()
    with pytest.raises(CatalogueError, match="own_orders"):
        catalogue.compute_digest("layouts")
    assert load_catalogue().compute_digest("layouts") != before
