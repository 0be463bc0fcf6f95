"""Reports of a checkup: one module per format, see ``storehealth.output``."""

from __future__ import annotations

from storehealth.model import Checkup
from storehealth.output import Registry

CHECKUP_FORMATS: Registry[Checkup] = Registry(__name__)
