"""An audit of one platform shows no other platform's name, norm, tool or word, in any language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import pytest

from storehealth.catalogue import Catalogue, load_catalogue
from storehealth.catalogue.common import LocalizedText
from storehealth.catalogue.platform import Platform
from storehealth.catalogue.rule import Rule

WORDS = {
    "jd": r"JD|Jingdong|京东|咚咚|京麦|京准通|店铺星级|风向标",
    "tmall": r"Tmall|Taobao|天猫|淘宝|旺旺|千牛|协商发货|真实体验分",
    "douyin": r"Douyin|抖音|抖店|飞鸽|福袋",
    "pdd": r"Pinduoduo|PDD|拼多多",
    "kuaishou": r"Kuaishou|快手",
    "xiaohongshu": r"Xiaohongshu|小红书",
    "amazon": r"Amazon|亚马逊|A-to-z|ODR",
    "ebay": r"eBay|Top Rated",
    "walmart": r"Walmart|沃尔玛",
    "etsy": r"Etsy|Star Seller",
    "shopee": r"Shopee|虾皮",
    "lazada": r"Lazada|LazMall",
    "tiktok_shop": r"TikTok",
    "mercado_libre": r"Mercado Li[bv]re",
    "ozon": r"Ozon",
    "coupang": r"Coupang|쿠팡",
    "allegro": r"Allegro",
    "temu": r"Temu",
    "shopify": r"Shopify",
    "woocommerce": r"WooCommerce",
}
"""What is only said to stores of a platform. Words are whole: ``Ozon`` is not in ``horizonte``.

Of a platform that is not listed they are its titles, so that one more file needs no entry here.
"""
NO_MARKETPLACES = frozenset({"generic", "helpdesk"})
LANGUAGES = ("en", "zh", "es")


@cache
def book() -> Catalogue:
    return load_catalogue()


def list_words() -> dict[str, str]:
    """The words of each marketplace; plain shops and help desks are none."""
    titles = {
        platform.name: "|".join(re.escape(platform.title.in_language(language)) for language in LANGUAGES)
        for platform in book().platforms.values()
        if platform.name not in NO_MARKETPLACES
    }
    return titles | WORDS


def test_every_list_of_words_is_of_a_platform() -> None:
    assert WORDS.keys() <= {platform.name for platform in book().platforms.values()}


def list_texts(rule: Rule, platform: str) -> Iterator[LocalizedText]:
    """All that the rule says to a store of the platform."""
    yield from filter(None, (rule.title, rule.about, rule.why, rule.why_on.get(platform)))
    yield from (figure.title for figure in rule.measure.beside)
    yield from (cause.name for cause in rule.causes)
    for advice in rule.advice:
        if not advice.only_on or platform in advice.only_on:
            yield from filter(None, (advice.name, advice.do, advice.do_on.get(platform), advice.note))


def list_platform_texts(platform: Platform) -> Iterator[LocalizedText]:
    """All that the platform's own file says, but for its sources, which cite whom they must."""
    yield platform.title
    yield from platform.notes
    yield from (limit.note for limit in platform.limits.values() if isinstance(limit.note, LocalizedText))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", sorted(load_catalogue().platforms))
def test_a_store_reads_no_other_platforms_words(key: str, language: str) -> None:
    """Titles, reasons, advice, causes and notes, of every rule that applies."""
    platform = book().platforms[key]
    others = "|".join(words for name, words in list_words().items() if name != platform.name)
    foreign = re.compile(rf"(?<![A-Za-z])({others})(?![a-z])")
    texts = list(list_platform_texts(platform))
    for rule in book().rules.values():
        if rule.code not in platform.not_applicable:
            texts += list_texts(rule, platform.name)
    found = {text for text in (getattr(text, language) for text in texts) if foreign.search(text)}
    assert not found
