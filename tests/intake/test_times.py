"""Times in every spelling people have: the whole file decides what a date means, and a cell without a time is blank."""

# ruff: noqa: DTZ001 - a time of the store has no zone
from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from storehealth.catalogue import Catalogue
from storehealth.errors import FileRefused
from storehealth.intake import IntakeOptions
from storehealth.intake.draft import LayoutTrial, try_layout
from storehealth.model import Intake
from tests.effort import examples
from tests.intake.conftest import layout, rows

SHOP = layout(
    "shop",
    ["orders"],
    {
        "order_id": {"headers": ["id"], "required": True},
        "created_at": {"headers": ["created"]},
        "shipped_at": {"headers": ["shipped"]},
    },
)
MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "id": "Januari Februari Maret April Mei Juni Juli Agustus September Oktober November Desember",
    "pl": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
    "tr": "Ocak Şubat Mart Nisan Mayıs Haziran Temmuz Ağustos Eylül Ekim Kasım Aralık",
    "ru": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    "es, short": "ene. feb. mar. abr. may. jun. jul. ago. sept. oct. nov. dic.",
    "fr, short": "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.",
    "de, short": "Jän. Feb. März Apr. Mai Jun. Jul. Aug. Sep. Okt. Nov. Dez.",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
}
CLOCKS = ["%H:%M:%S", "%I:%M:%S %p", "%H.%M.%S"]
DATES = [
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d/%m/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%d/%m/%y",
    "%m/%d/%Y",
    "%m-%d-%Y",
    "%m/%d/%y",
    "%Y%m%d",
    "{d} {month} %Y",
    "{d}. {month} %Y",
    "{d} de {month} de %Y",
    "{month} {d}, %Y",
    "{d}-{month}-%y",
    "{month}-{d}-%y",
]


def read(catalogue: Catalogue, cells: list[str], created: str = "", **more: object) -> LayoutTrial:
    """Orders with these cells below ``shipped``."""
    lines = [f"{number}\t{created}\t{cell.rstrip(chr(9))}" for number, cell in enumerate(cells)]
    shop = SHOP.model_copy(update=more)
    return try_layout(shop, "\n".join(["id\tcreated\tshipped", *lines, ""]), catalogue, "UTC")


def shipped(trial: LayoutTrial) -> list[datetime | None]:
    return [row["shipped_at"] for row in trial.tables["orders"]]


def spell(moment: datetime, date: str, clock: str, language: str) -> str:
    month = MONTHS[language].split()[moment.month - 1]
    return moment.strftime(f"{date} {clock}".format(d=moment.day, month=month))


@examples(80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.datetimes(datetime(2015, 1, 1), datetime(2030, 12, 31)), min_size=1, max_size=8),
    st.sampled_from(DATES),
    st.sampled_from(CLOCKS),
    st.sampled_from(sorted(MONTHS)),
)
def test_a_file_reads_the_same_in_another_spelling(
    catalogue: Catalogue, moments: list[datetime], date: str, clock: str, language: str
) -> None:
    """One date of the file is beyond the twelfth, so that it settles the order of the others."""
    moments = [moment.replace(microsecond=0) for moment in [*moments, datetime(2026, 4, 25, 15, 4, 5)]]
    trial = read(catalogue, [spell(moment, date, clock, language) for moment in moments])
    assert trial.rejects == []
    assert shipped(trial) == moments


IN_THE_AFTERNOON = [
    "2026/4/25 下午3:04",
    "2026年4月25日 下午 3:04",
    "25/04/2026 3:04 p. m.",
    "Saturday, April 25, 2026 3:04 PM",
    "25 April 2026 15h04",
    "25. April 2026 15:04 Uhr",
    "Sat, 25 Apr 2026 15:04 GMT",
    "25 avril 2026 à 15:04",
    "25/04/2026, 15:04",
    "04/25/2026 3:04\u202fPM",
    "25/04/2026 23:04 +08:00",
    "2026-04-25 08:04 PDT",
    "25/04/2026 17:04 (UTC+2)",
    "1777129440",
    "1777129440000",
    "20260425 15:04",
    "25th April 2026 15:04",
    "2026/4/25 PM 03:04",
    "2026. 4. 25. 오후 3:04",
    "2026/4/25 午後3:04",
    "2026年4月25日 15時04分",
    "25/04/2569 15:04",
    "15:04 25/04/2026",
    "15:04:00, 25 de abril de 2026",
    "Sat Apr 25 15:04:00 2026",
    "Sat Apr 25 2026 23:04:00 GMT+0800 (China Standard Time)",
    "20260425T150400Z",
    "202604251504",
    "2026/04/25-15:04:00",
    "2026-04-25 15:4:0",
    "2026-04-25 15:04:00,000",
    "25/04/2026 - 15:04",
    "25/04/2026 15:04h",
    "2026.04.25. 15:04",
    "25.4.2026 klo 15.04",
    "25-04-2026 om 15:04 uur",
    "25.04.2026, godz. 15:04",
    "25.04.2026 в 15:04",
    "25/04/2026 15:04 น.",
    "20260425T230400+0800",
    "2026-04-25-15-04-00",
    "2026-04-25_15:04:00",
    "25/04/2026 15:04 hs.",
    "dim. 25/04/2026 15:04",
    "Sa., 25.04.2026 15:04",
    "2026/04/25(土) 15:04",
    "2026-04-25T23:04:00+08:00[Asia/Shanghai]",
    "1777129440000000",
]


def test_times_with_halves_of_the_day_zones_and_words(catalogue: Catalogue) -> None:
    """All in one file: each cell settles itself, or is settled by the others."""
    cells = [cell for cell in IN_THE_AFTERNOON if not cell.startswith("04/25")]
    found = dict(zip(cells, shipped(read(catalogue, cells)), strict=True))
    assert {cell: at for cell, at in found.items() if at != datetime(2026, 4, 25, 15, 4)} == {}
    assert shipped(read(catalogue, ["04/25/2026 3:04\u202fPM"])) == [datetime(2026, 4, 25, 15, 4)]


FORMS = [
    "{d} {month} %Y %H:%M", "{d} de {month} de %Y %H:%M hs.", "{month} {d}, %Y %I:%M %p", "{d}-{month}-%Y %H:%M",
    "{d}-{month}-%y %H:%M", "{d}/{month}/%Y %H:%M:%S", "{d}. {month} %Y, %H:%M Uhr", "%Y {month} {d} %H:%M",
    "{d}{month}%Y %H:%M", "{d} {month} %Y à %H:%M", "{d} {month} %Y - %H:%M", "%H:%M {d} {month} %Y", "%H:%M, {d} {month} %Y",
]  # fmt: skip


@pytest.mark.parametrize("language", sorted(MONTHS))
def test_every_month_of_a_language_is_read_in_every_form(catalogue: Catalogue, language: str) -> None:
    """Twelve months times thirteen forms in one file, in capitals too."""
    names, when = MONTHS[language].split(), datetime(2026, 1, 25, 15, 4)
    moments = [when.replace(month=number + 1) for number in range(12) for _ in FORMS]
    cells = [
        moment.strftime(form.format(d=moment.day, month=names[moment.month - 1]))
        for moment, form in zip(moments, FORMS * 12, strict=True)
    ]
    for spelt in (cells, [cell.upper() for cell in cells] if language != "tr" else cells):
        found = zip(spelt, shipped(read(catalogue, spelt)), moments, strict=True)
        assert [(cell, at) for cell, at, moment in found if at != moment] == []


def test_a_year_of_two_digits_may_come_first(catalogue: Catalogue) -> None:
    """It hardly changes in a file, and the day behind it does."""
    cells = [f"26-10-{day:02d} 10:00" for day in range(1, 29)]
    assert shipped(read(catalogue, cells)) == [datetime(2026, 10, day, 10) for day in range(1, 29)]
    cells = [f"{day:02d}-10-26 10:00" for day in range(1, 29)]
    assert shipped(read(catalogue, cells)) == [datetime(2026, 10, day, 10) for day in range(1, 29)]


@pytest.mark.parametrize(("order", "month"), [("day_first", 4), ("month_first", 3)])
def test_where_no_date_settles_the_order_the_layout_does(catalogue: Catalogue, order: str, month: int) -> None:
    assert shipped(read(catalogue, ["03/04/2026 10:00"], date_order=order))[0] == datetime(2026, month, 7 - month, 10)


def test_where_nothing_settles_the_order_the_file_is_refused_with_the_option(catalogue: Catalogue) -> None:
    """Nothing is guessed."""
    with pytest.raises(FileRefused) as caught:
        read(catalogue, ["03/04/2026", "01/02/2026"])
    assert "01/02/2026" in str(caught.value.message)
    assert "--date-order" in str(caught.value.hint)


def test_another_column_may_settle_the_order(catalogue: Catalogue) -> None:
    assert shipped(read(catalogue, ["03/04/2026"], created="31/03/2026")) == [datetime(2026, 4, 3)]


def test_dots_stand_behind_the_day(catalogue: Catalogue) -> None:
    assert shipped(read(catalogue, ["03.04.2026"])) == [datetime(2026, 4, 3)]


def test_dates_in_both_orders_refuse_the_file(catalogue: Catalogue) -> None:
    """One cell in many is a slip, and is listed."""
    with pytest.raises(FileRefused):
        read(catalogue, ["25/04/2026", "04/25/2026"])
    trial = read(catalogue, [*["25/04/2026"] * 50, "04/25/2026"])
    assert shipped(trial) == [*[datetime(2026, 4, 25)] * 50, None]
    assert [(reject["value"], reject["row_lost"]) for reject in trial.rejects] == [("04/25/2026", False)]
    assert trial.tables["orders"][-1]["unread"] == ["shipped_at"]


@pytest.mark.parametrize("damaged", [["6-09-08 08:00:00"], ["03/04/2026"], ["25/04/2026", "04/25/2026"]])
def test_a_few_damaged_times_cost_their_cells_and_not_the_file(catalogue: Catalogue, damaged: list[str]) -> None:
    """Where nearly all of a column is plain, no order is asked for; where more is left, it is another spelling."""
    trial = read(catalogue, [*["2026-04-25 10:00:00"] * 30, *damaged])
    assert shipped(trial) == [*[datetime(2026, 4, 25, 10)] * 30, *[None] * len(damaged)]
    assert [(reject["value"], reject["row_lost"]) for reject in trial.rejects] == [(cell, False) for cell in damaged]
    with pytest.raises(FileRefused):
        read(catalogue, [*["2026-04-25 10:00:00"] * 4, *damaged])


@pytest.mark.parametrize(
    "slip", ["2426-09-07 10:00:00", "24260907", "2426年09月07日", "0226-09-07", "7 Sep 2426", "27/09/2426"]
)
def test_a_year_of_another_century_is_a_slip(catalogue: Catalogue, slip: str) -> None:
    """Else an audit would compare every row with a day four hundred years ahead, and count each day until then."""
    trial = read(catalogue, ["2026-04-25 10:00:00", slip], created="2026-04-13 10:00")
    assert shipped(trial) == [datetime(2026, 4, 25, 10), None]
    assert [reject["value"] for reject in trial.rejects] == [slip]


NOT_YET = [
    "-",
    "--",
    "—",
    "N/A",
    "n.a.",
    "null",
    "None",
    "Not shipped",
    "not yet",
    "Unshipped",
    "Pending",
    "Awaiting pickup",
    "未发货",
    "待发货",
    "暂无",
    "尚未发货",
    "sin enviar",
    "Pendiente",
    "Não enviado",
    "aguardando envio",
    "nicht versandt",
    "noch offen",
    "non expédié",
    "in attesa",
    "0000-00-00",
    "0000-00-00 00:00:00",
    "1970-01-01",
    "1970-01-01 08:00:00",
    "01/01/1970",
    "01/01/1753",
    "1900-01-00",
    "1899-12-30",
    "00:00",
    "00:00:00",
    "0",
    "0001-01-01T00:00:00",
    "1969-12-31 19:00:00",
]
IN_WORDS = """Not shipped yet|Unfulfilled|To ship|Awaiting Fulfillment|Ready to ship|RTS|Backordered|in warehouse
yet to be shipped|未出库|暂未发货|待揽收|无发货时间|不适用|aún no enviado|todavía no enviado|Por enviar
listo para enviar|En preparación|ainda não enviado|A enviar|a caminho do envio|Pronto para enviar|unversandt
k. A.|entfällt|Noch nicht verschickt|pas encore expédié|En cours de préparation|à expédier|S/O|Belum dikirim
Perlu dikirim|Tidak ada|ยังไม่ได้จัดส่ง|ที่ต้องจัดส่ง|รอจัดส่ง|ไม่มี|da spedire|non ancora spedito|N/D|s/d
nog niet verzonden|nie wysłano|Не отправлено|нет|未発送|発送前|미발송|배송준비중|chưa giao|Chờ lấy hàng
gönderilmedi|NaT|#N/A|(null)|(blank)|<NA>|undefined|0000/00/00|12:00 AM|24:00|1/0/1900|12/31/9999
1/1/0001 12:00:00 AM|2099-12-31|2000-01-01 00:00:00|Jan 1, 1970|1970年1月1日|31 Dec 1969 19:00
1970-01-01 07:00:00+07:00|-62135596800|30.12.1899""".replace("\n", "|").split("|")


def test_a_cell_that_says_not_yet_is_blank(catalogue: Catalogue) -> None:
    """Such rows are the ones that wait: they stay, and nothing about them is in doubt. Twenty languages, one file."""
    cells = [*NOT_YET, *IN_WORDS]
    trial = read(catalogue, [*cells, "2026-04-25 10:00"], created="2026-04-24")
    found = dict(zip(cells, shipped(trial), strict=False))
    assert {cell: at for cell, at in found.items() if at is not None} == {}
    assert shipped(trial)[-1] == datetime(2026, 4, 25, 10)
    assert [reject["value"] for reject in trial.rejects] == []
    assert {str(row["unread"]) for row in trial.tables["orders"]} == {"None"}


DONE = """Shipped|sent|dispatched|yes|done|OK|已出库|今日发货|昨天|enviado|despachado|entregue|versandt|verschickt
expédié|envoyé|Sudah dikirim|จัดส่งแล้ว|spedito|verzonden|wysłano|отправлено|発送済み|배송완료|đã giao
gönderildi|Delivered|无锡仓发出|Nov|May|x|X|1|✓|*|?|unknown|不详|unbekannt""".replace("\n", "|").split("|")


def test_a_word_for_done_is_no_blank(catalogue: Catalogue) -> None:
    """It happened, at a time that nobody told: the cell is unread, and its row stays."""
    trial = read(catalogue, DONE, created="2026-04-24")
    assert [reject["value"] for reject in trial.rejects] == DONE
    assert (trial.kept, {str(row["unread"]) for row in trial.tables["orders"]}) == (len(DONE), {"['shipped_at']"})


@pytest.mark.parametrize(
    "cell",
    ["shipped", "已发货", "yes", "2026-02-30", "week 17", "31/04/2026", "25/04/2026 15:04 CST", "2026-04-25 25:00"],
)
def test_a_cell_that_is_no_time_leaves_its_row_in_and_is_named(catalogue: Catalogue, cell: str) -> None:
    """It may well have happened; what rests on it cannot be judged."""
    trial = read(catalogue, [cell], created="2026-04-24")
    assert (trial.kept, trial.rejected, shipped(trial)) == (1, 0, [None])
    assert [row["unread"] for row in trial.tables["orders"]] == [["shipped_at"]]
    assert [(reject["value"], reject["row_lost"]) for reject in trial.rejects] == [(cell, False)]


def test_the_time_a_row_begins_with_is_needed(catalogue: Catalogue) -> None:
    """An order whose creation is no time has a blank there only if the layout does not require it."""
    required = layout("shop", ["orders"], SHOP.columns | {"created_at": {"headers": ["created"], "required": True}})
    trial = try_layout(required, "id\tcreated\n1\tweek 17\n2\t2026-04-25\n", catalogue, "UTC")
    assert (trial.kept, trial.rejected) == (1, 1)


def test_a_later_hour_stays_later_by_the_same(catalogue: Catalogue) -> None:
    """Twelve at night and at noon are the traps of the twelve-hour clock."""
    start = datetime(2026, 4, 25)
    hours = [start + timedelta(hours=hour) for hour in range(24)]
    assert shipped(read(catalogue, [f"{hour:%m/%d/%Y %I:%M %p}" for hour in hours])) == hours


TODAY = datetime(2026, 11, 30)
SLIPS = ["2096-04-10 09:00", "10/04/2096 09:00", "2027-01-01", "12 Apr 2062", "2050/4/10 9:00", "20960410090000", "4081996800",
         "71688.375", "2096-04-10T09:00:00Z", "10.04.2036 09:00"]  # fmt: skip


@pytest.mark.parametrize("slip", SLIPS)
def test_an_event_after_today_is_unread_and_ends_nothing(take: Callable[..., Intake], slip: str) -> None:
    """However it is spelled: its row stays, the cell is listed, and the last event is that of the others."""
    days = [f"25/04/2026 {hour:02}:00" if slip[2] in "/." else f"2026-04-25 {hour:02}:00" for hour in range(20)]
    cells = "\n".join(f"{number},{day},{slip if number == 7 else ''}" for number, day in enumerate(days))
    intake = take({"orders.csv": f"Order,Created,shipped_at\n{cells}\n"}, IntakeOptions(latest=TODAY))
    assert [(source.kept, source.rejected) for source in intake.sources] == [(20, 0)]
    assert max(table.last for table in intake.tables if table.last) == datetime(2026, 4, 25, 19)
    (orders,) = (table for table in intake.tables if table.table == "orders")
    assert [row["order_id"] for row in rows(orders) if row["unread"] == ["shipped_at"]] == ["7"]


def test_a_store_ahead_of_the_clock_keeps_its_times(take: Callable[..., Intake]) -> None:
    """Where most events are later than today, the clock is wrong, not the file."""
    cells = "\n".join(f"{number},2027-04-{number + 1:02} 10:00,2027-04-{number + 2:02}" for number in range(20))
    intake = take({"orders.csv": f"Order,Created,shipped_at\n{cells}\n"}, IntakeOptions(latest=TODAY))
    assert max(table.last for table in intake.tables if table.last) == datetime(2027, 4, 21)
