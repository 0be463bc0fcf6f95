"""docs/unattended.md says what is so: keys, codes, metrics, files; and what it tells to copy works as it stands."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from tests.checkups import checkup

from storehealth.errors import ExitCode
from storehealth.notify.services import Address, is_supported, read_addresses
from storehealth.output.checkup.prometheus import ScheduleMetrics
from storehealth.settings import NotifySettings

PAGE = (Path(__file__).parents[2] / "docs" / "unattended.md").read_text(encoding="utf-8")


def block(kind: str) -> str:
    """The first block of a kind that is to be copied."""
    found = re.search(rf"^```{kind}\n(.*?)^```", PAGE, re.M | re.S)
    assert found is not None
    return found[1]


def test_every_exit_code_has_its_row() -> None:
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, re.M)] == sorted(int(code) for code in ExitCode)


def test_every_key_of_notify_is_there_and_the_example_is_valid() -> None:
    given = tomllib.loads(block("toml"))["notify"]
    NotifySettings.model_validate(given)
    assert all(key in PAGE for key in NotifySettings.model_fields)


def test_every_address_of_the_example_is_one(tmp_path: Path) -> None:
    inside = re.search(r"<<'END'\n(.*?)^END", PAGE, re.M | re.S)
    assert inside is not None
    path = tmp_path / "notify.urls"
    path.write_text(inside[1].replace("TOKEN_A", "T1JJ3T3L2").replace("TOKEN_B", "A1BRTD4JD").replace(
        "TOKEN_C", "TIiajkdnlazkcOXrIdevi7FQ").replace("KEY", "k" * 36).replace("SECRET", "s" * 36).replace("TOKEN", "t" * 40),
        encoding="utf-8")  # fmt: skip
    path.chmod(0o600)
    found = read_addresses(NotifySettings(urls_file=path))
    assert found.problems == ()
    assert len(found.usable) == 6
    assert [address.place for address in found.usable if not is_supported(Address(address.url, address.place))] == []


def test_every_metric_is_named() -> None:
    names = set(re.findall(rb"^# TYPE storehealth_(\w+)", ScheduleMetrics("tea", None).render(checkup()), re.M))
    assert len(names) > 8
    for name in (found.decode() for found in names):
        stem = name.removesuffix("_timestamp_seconds").removesuffix("_judged")
        assert f"_{stem}" in PAGE, name


def test_prometheus_takes_the_alerts_as_they_stand(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not here: install Debian's package prometheus")
    rules = "groups:\n- name: storehealth\n  rules:\n" + "".join(f"  {line}\n" for line in block("yaml").splitlines())
    (tmp_path / "rules.yml").write_text(rules, encoding="utf-8")
    done = subprocess.run([promtool, "check", "rules", tmp_path / "rules.yml"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "2 rules found" in done.stdout
