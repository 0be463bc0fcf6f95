"""Many machines: the same function on a Dask cluster, one task per store; Dask repeats the stores of a lost worker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from storehealth.errors import UsageError
from storehealth.fleet.remote import RemoteTask, audit_remote, check_url
from storehealth.fleet.work import describe_failure
from storehealth.model.fleet import StoreResult
from storehealth.support.message import Name, message, verbatim

CONNECT_SECONDS = 30.0


def run_on_dask(tasks: Sequence[RemoteTask], scheduler: str) -> Iterator[StoreResult]:
    """Audit stores on a cluster and yield each result as it comes back, once per store.

    Args:
        tasks: The stores; their workers need storehealth, fsspec, and access to exports and states.
        scheduler: Address of the cluster's scheduler, such as ``tcp://10.0.0.5:8786``.

    Raises:
        UsageError: Dask is not installed, or no scheduler answers.
    """
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise UsageError(message("fleet.no_dask"), message("fleet.install_dask")) from None
    try:
        client = Client(check_url(scheduler), timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        reason = verbatim(type(error).__name__)
        raise UsageError(
            message("fleet.no_scheduler", address=Name(scheduler), reason=reason), message("fleet.start_scheduler")
        ) from None
    with client:
        futures = {client.submit(audit_remote, task, pure=False, key=f"store-{task.task.name}"): task for task in tasks}
        for future in as_completed(futures, loop=client.loop):
            yield _take(future, futures[future])


def _take(future: object, task: RemoteTask) -> StoreResult:
    """The result of a store; one that has killed several workers is not tried again."""
    error = future.exception()  # type: ignore[attr-defined]
    if error is None:
        result: StoreResult = future.result()  # type: ignore[attr-defined]
        return result
    from datetime import UTC, datetime

    reason = message("fleet.lost", error=verbatim(type(error).__name__))
    return describe_failure(task.task, datetime.now(UTC), "crashed", reason)
