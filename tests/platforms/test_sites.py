"""Sites, bands, what a score counts, days left out: each platform by its own rules, and no other's words."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from storehealth.audit import AuditRequest, audit
from storehealth.catalogue import load_catalogue
from storehealth.catalogue.platform import Bands, Platform
from storehealth.commands.prepare import resolve_platform
from storehealth.commands.rejudge import translate_checkup
from storehealth.errors import CatalogueError, UsageError
from storehealth.i18n import LANGUAGES, translate
from storehealth.model import Checkup
from storehealth.output.terminal import DisplayOptions, render
from storehealth.settings import Settings
from storehealth.support.message import message

CATALOGUE = load_catalogue()
MELI = CATALOGUE.platforms["mercado_libre"]
NAMES = {
    "jd": "JD|京东|咚咚|店铺星级|风向标",
    "tmall": "Tmall|Taobao|天猫|淘宝|旺旺",
    "douyin": "Douyin|抖店|抖音|飞鸽",
    "pdd": "Pinduoduo|拼多多",
    "amazon": "Amazon|亚马逊",
    "etsy": "Etsy",
    "walmart": "Walmart|沃尔玛",
}
"""What a platform is called in any language."""


@pytest.mark.parametrize(
    ("currencies", "provinces", "site"),
    [
        ({"MXN"}, set(), "MX"),
        ({"BRL"}, set(), "BR"),
        ({"CLP"}, set(), "CL"),
        ({"MXN", "BRL"}, set(), None),
        ({"EUR"}, set(), None),
        (set(), set(), None),
    ],
)
def test_the_site_follows_from_the_currency_of_all_orders(
    currencies: set[str], provinces: set[str], site: str | None
) -> None:
    assert MELI.find_site(currencies, provinces) == site


def test_without_currencies_provinces_decide_and_else_the_default() -> None:
    walmart = CATALOGUE.platforms["walmart"]
    ontario = walmart.sites["CA"].model_copy(update={"provinces": ("Ontario",)})
    known = walmart.model_copy(update={"sites": {**walmart.sites, "CA": ontario}})
    assert (known.find_site(set(), {"Ontario"}), known.find_site(set(), {"Texas"})) == ("CA", "US")


def test_a_site_changes_what_differs_and_leaves_the_rest() -> None:
    mexico = CATALOGUE.find_platform("mercado_libre", None, "MX")
    assert (mexico.site, mexico.zone, mexico.limits["OP01"].limit) == ("MX", "America/Mexico_City", 0.03)
    assert mexico.windows == MELI.windows
    assert mexico.facts["session_gap"] == CATALOGUE.platforms["generic"].facts["session_gap"]
    america = CATALOGUE.find_platform("tiktok_shop", None, "US")
    assert america.limits["LG05"].limit == 0.96, "seller-us.tiktok.com asks for a late dispatch rate of 4 % or less"
    assert america.scored["LG05"].value is False, "it is no part of the score there"
    assert "LG05" in CATALOGUE.platforms["tiktok_shop"].limits


def test_settings_come_before_the_files_and_a_site_there_is_not_is_refused() -> None:
    chosen = resolve_platform("mercado_libre", Settings(site="BR"), CATALOGUE, None)
    assert chosen.limits["OP01"].limit == 0.04
    with pytest.raises(UsageError, match="has no site XX"):
        resolve_platform("mercado_libre", Settings(site="XX"), CATALOGUE, None)
    assert resolve_platform("jd", Settings(site="XX"), CATALOGUE, None).site is None, "it may be meant for another"


@pytest.mark.parametrize(
    ("value", "band"),
    [(0.10, "green"), (0.1001, "yellow"), (0.15, "yellow"), (0.1501, "orange"), (0.22, "orange"), (0.2201, "red")],
)
def test_a_band_ends_exactly_at_its_number_in_either_direction(value: float, band: str) -> None:
    assert Bands(green=0.10, yellow=0.15, orange=0.22).name_band(value) == band
    assert Bands(green=0.90, yellow=0.85, orange=0.78).name_band(round(1 - value, 4)) == band


def write_orders(folder: Path, currency: str, late: int, cancelled: int, total: int = 400) -> Path:
    """Paid orders with a promise, of which some left late and some the seller cancelled over the price."""
    folder.mkdir()
    head = (
        "order_id,status,created_at,paid_at,ship by,shipped_at,cancelled_at,cancelled_by,cancel_reason,total,currency\n"
    )
    rows = []
    for number in range(total):
        day = f"2026-03-{1 + number % 28:02}"
        sent = f"{day} 20:00:00" if number >= late else "2026-03-31 20:00:00"
        base = f"o{number},{{}},{day} 08:00:00,{day} 08:05:00,{day} 23:00:00"
        if number >= total - cancelled:
            rows.append(base.format("cancelled") + f",,{day} 12:00:00,seller,wrong price,100,{currency}")
        else:
            rows.append(base.format("shipped") + f",{sent},,,,100,{currency}")
    (folder / "orders.csv").write_text(head + "\n".join(rows) + "\n", "utf-8")
    return folder


def run(folder: Path, platform: str | None, tmp_path: Path) -> Checkup:
    return audit(folder, AuditRequest(state=tmp_path / "state", platform=platform, window="all"))


def test_mexico_is_judged_by_its_bands(tmp_path: Path) -> None:
    """18 % late is orange, which is watched; 5 % cancelled by the seller is beyond orange, which fails."""
    checkup = run(write_orders(tmp_path / "mx", "MXN", late=72, cancelled=20), "mercado_libre", tmp_path)
    found = {finding.code: finding for finding in checkup.findings}
    assert checkup.site == "MX"
    assert (found["LG05"].band, found["LG05"].status) == ("orange", "watch")
    assert (found["OP01"].band, found["OP01"].status, found["OP01"].scored) == ("red", "fail", True)


def test_a_platform_says_what_its_score_counts(tmp_path: Path) -> None:
    """Same-day pick-up counts on JD and nowhere else."""
    folder = write_orders(tmp_path / "cn", "CNY", late=0, cancelled=0)
    scored = {name: CATALOGUE.platforms[name].is_scored("LG01", default=False) for name in ("jd", "tmall", "generic")}
    assert scored == {"jd": True, "tmall": False, "generic": False}
    found = {finding.code: finding for finding in run(folder, "jd", tmp_path).findings}
    assert (found["LG01"].scored, found["LG04"].scored, found["LG02"].scored) == (True, True, False)


def test_days_that_a_platform_leaves_out_become_exemptions_with_a_name_in_every_language() -> None:
    jd = CATALOGUE.find_platform("jd", None)
    listed = CATALOGUE.list_exemptions(jd)
    assert {item.code for item in listed} == set(jd.exempt_days[0].codes)
    assert (listed[0].from_, listed[0].to) == (date(2024, 2, 4), date(2024, 2, 17))
    assert listed[0].describe().id == "platform.jd.exempt_days.0.name"


def test_another_name_finds_the_platform_and_an_unknown_one_is_refused() -> None:
    assert (CATALOGUE.require_platform("taobao"), CATALOGUE.require_platform("tmall")) == ("tmall", "tmall")
    with pytest.raises(UsageError):
        CATALOGUE.require_platform("taobap")
    aliases = [alias for platform in CATALOGUE.platforms.values() for alias in platform.aliases]
    assert not set(aliases) & set(CATALOGUE.platforms)


@pytest.mark.parametrize("platform", ["generic", "mercado_libre", "jd", "amazon", "shopify"])
def test_an_audit_of_one_platform_speaks_of_no_other(platform: str, tmp_path: Path) -> None:
    """Neither norms nor advice nor words, in any language; a menu's path of a file may name the program that exports it."""
    folder = write_orders(tmp_path / "shop", "BRL", late=120, cancelled=60)
    checkup = run(folder, platform, tmp_path)
    texts = [checkup.headline, *checkup.method.caveats]
    texts += [text for finding in checkup.findings for text in (finding.title, finding.why, finding.note) if text]
    texts += [text for action in checkup.recommendations for text in (action.name, action.text) if text]
    others = "|".join(pattern for name, pattern in NAMES.items() if name != platform)
    for language in LANGUAGES:
        shown = "\n".join(translate(text, language) for text in texts)
        assert not re.findall(rf"\b(?:{others})\b", shown), language


def test_mail_is_not_held_to_the_seconds_of_live_chat() -> None:
    helpdesk = CATALOGUE.platforms["helpdesk"]
    assert {"CS01", "CS02", "CS08"} <= set(helpdesk.not_applicable)
    assert helpdesk.facts["answer_within"].value == 8 * 3600


def pack(folder: Path, kind: str, name: str, text: str) -> Path:
    (folder / kind).mkdir(parents=True, exist_ok=True)
    (folder / kind / name).write_text(text, "utf-8")
    return folder


@pytest.mark.parametrize(
    ("kind", "name", "old", "new"),
    [
        ("layouts", "generic_orders.yaml", "name: generic_orders\n", "name: generic_orders\nplatform: moon\n"),
        ("rules", "reply-within-30s.yaml", "    platform: jd\n", "    platform: moon\n"),
    ],
)
def test_a_platform_that_does_not_exist_is_a_mistake(tmp_path: Path, kind: str, name: str, old: str, new: str) -> None:
    path = next(file for key, file in CATALOGUE.paths.items() if key.startswith(f"{kind}/") and file.name == name)
    text = path.read_text("utf-8")
    assert old in text
    with pytest.raises(CatalogueError, match="there is no platform moon"):
        load_catalogue([pack(tmp_path, kind, name, text.replace(old, new, 1))])


def test_a_limit_gives_either_bands_or_both_ends() -> None:
    """Green is the target, orange the limit."""
    sourced = {"source": "a source", "verified": "official"}
    limit = Platform.model_validate(
        {
            "name": "moon",
            "title": {"en": "Moon", "zh": "月", "es": "Luna"},
            "limits": {"LG05": {**sourced, "bands": {"green": 0.9, "yellow": 0.85, "orange": 0.8}}},
        }
    ).limits["LG05"]
    assert (limit.target, limit.limit) == (0.9, 0.8)
    with pytest.raises(ValueError, match="between green and orange"):
        Bands(green=0.9, yellow=0.7, orange=0.8)


def test_what_a_platform_counts_may_weigh_more_there(tmp_path: Path) -> None:
    """JD judges logistics by same-day pick-up and next-day arrival: failing them caps the score there, and only there."""
    folder = write_orders(tmp_path / "cn", "CNY", late=0, cancelled=0)
    shipments = "waybill_no,order_id,picked_up_at,delivered_at\n" + "".join(
        f"w{number},o{number},2026-03-{1 + number % 28:02} 20:00:00,2026-04-10 10:00:00\n" for number in range(400)
    )
    (folder / "parcels.csv").write_text(shipments, "utf-8")
    jd, tmall = run(folder, "jd", tmp_path), run(folder, "tmall", tmp_path)
    severities = [next(one.severity for one in made.findings if one.code == "LG04") for made in (jd, tmall)]
    assert severities[0] == "high" != severities[1]
    assert jd.score.value < tmall.score.value


def test_the_command_line_takes_other_names_of_platforms(tmp_path: Path) -> None:
    """Files are read only for a name that is none of theirs."""
    from storehealth.cli._options import CatalogueNames

    names = CatalogueNames(())
    assert (names.require_platform("taobao"), names.require_platform("jd")) == ("tmall", "jd")
    names.check_platform_setting("meli")
    own = pack(tmp_path, "platforms", "moon.yaml", "name: moon\naliases: [luna]\ntitle: {en: M, zh: M, es: M}\n")
    assert CatalogueNames((own,)).require_platform("luna") == "moon"
    with pytest.raises(UsageError):
        names.require_platform("luna")


def test_the_screen_names_site_and_band(tmp_path: Path) -> None:
    folder = write_orders(tmp_path / "mx", "MXN", late=72, cancelled=20)
    checkup = run(folder, "mercado_libre", tmp_path)
    for language in LANGUAGES:
        shown = " ".join(render(translate_checkup(checkup, language), DisplayOptions(width=200)).split())
        assert "mercado_libre/MX" in shown
        assert translate(message("platform_band.red"), language) in shown
