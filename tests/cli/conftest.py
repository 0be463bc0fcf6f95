"""A command line whose audit is given beforehand."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.checkups import checkup

from storehealth.cli import main
from storehealth.model import Checkup


@dataclass
class Faked:
    """Stands in for ``storehealth.audit``: hands out a checkup, or raises, and keeps what it was asked."""

    checkup: Checkup = field(default_factory=checkup)
    error: BaseException | None = None
    warn: Callable[[], None] | None = None
    asked: Any = None

    def audit(self, exports: Path, request: Any) -> Checkup:
        """The audit that was agreed on."""
        self.asked = request
        request.tell(f"reading {exports.name}")
        if self.warn:
            self.warn()
        if self.error:
            raise self.error
        return self.checkup

    @contextmanager
    def open_audit(self, exports: Path, request: Any) -> Iterator[Any]:
        """The same, as the command line calls it."""
        made = self.audit(exports, request)
        yield types.SimpleNamespace(checkup=made, build_pending=lambda: None)


@pytest.fixture
def faked(monkeypatch: pytest.MonkeyPatch) -> Faked:
    """An audit whose result the test sets."""
    module, fake = types.ModuleType("storehealth.audit"), Faked()
    module.audit, module.open_audit = fake.audit, fake.open_audit
    module.AuditRequest = types.SimpleNamespace
    monkeypatch.setitem(sys.modules, "storehealth.audit", module)
    return fake


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    """A folder with one file in it."""
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "orders.csv").write_text("order_id\n1\n", encoding="utf-8")
    return folder


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    """Run the command line; gives exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> types.SimpleNamespace:
        capfd.readouterr()
        code = main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return types.SimpleNamespace(code=code, out=out, err=err)

    return call
