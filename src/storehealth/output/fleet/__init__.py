"""Reports of a fleet: one module per format, see ``storehealth.output``."""

from __future__ import annotations

from storehealth.model.fleet import FleetReport
from storehealth.output import Registry

FLEET_FORMATS: Registry[FleetReport] = Registry(__name__)
