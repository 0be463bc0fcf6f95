"""Many stores: one audit each, on this machine or on several, and one report over all of them.

::

    STORES ── stores ──▶ tasks ── pool (processes here) | dask_engine (other machines) ──▶ results ── report ──▶ FleetReport
                                   └── work: one store, in its own process ──┘

``work.audit_task`` is the one function that an engine runs; an engine only decides where and when.
"""
