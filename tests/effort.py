"""How many examples a property test tries: few in CI, all of them by night.

The profile is chosen by ``HYPOTHESIS_PROFILE``: ``ci`` (the default) tries a twentieth of what a test asks for, ``nightly``
all of it. ``make test-nightly`` runs the latter. In CI the examples are the same for the same code, so that no change is
refused by chance; the nights try new ones.
"""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, settings

SHARES = {"ci": 0.05, "nightly": 1.0}
LEAST = 5
"""Examples that a property test tries at least."""
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "ci")
settings.register_profile(f"storehealth-{PROFILE}", derandomize=PROFILE == "ci")
settings.load_profile(f"storehealth-{PROFILE}")


def examples(most: int, **options: Any) -> settings:
    """Hypothesis settings for a test that deserves ``most`` examples when there is all the time in the world.

    A test's first run builds caches, so there is no deadline; folders made per function are refilled by each example.
    """
    count = max(min(LEAST, most), round(most * SHARES[PROFILE]))
    fixed: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}
    fixed["database"] = None  # what failed is reported whole; nothing is kept in the folder
    return settings(**(fixed | options), max_examples=count)
