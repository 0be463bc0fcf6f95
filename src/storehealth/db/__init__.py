"""The checkup's database: canonical tables, variables and views in place, and nothing else in reach.

``raw`` holds what the files say, ``lake`` the same with duplicates merged, ``main`` what was known at ``as_of``:
tables, helper tables (``staff``, ``closers``, ``service_days``, ``conflicts``) and the views, stored as tables.
"""

from storehealth.db.store import Store, StoreSettings, open_store, store_from_rows

__all__ = ["Store", "StoreSettings", "open_store", "store_from_rows"]
