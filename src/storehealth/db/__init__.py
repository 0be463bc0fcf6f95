"""The checkup's database: canonical tables, variables and views, with no access to anything else.

Schema ``raw`` holds the rows of the files, ``lake`` the same with duplicates merged, ``main`` what was known at ``as_of``:
tables, helper tables (``staff``, ``closers``, ``service_days``, ``conflicts``) and the views, stored as tables.
"""

from storehealth.db.store import Store, StoreSettings, find_as_of, open_store, open_store_from_rows

__all__ = ["Store", "StoreSettings", "find_as_of", "open_store", "open_store_from_rows"]
