"""Why the system refused something, as a message: its own words are in the language of the machine."""

from __future__ import annotations

import errno

from storehealth.support.message import Message, message, verbatim

KNOWN = frozenset(
    {"EACCES", "EDQUOT", "EEXIST", "EIO", "EISDIR", "ENAMETOOLONG", "ENOENT", "ENOSPC", "ENOTDIR", "EPERM", "EROFS"}
)
"""Names of the errors that the catalogues have a text for."""


def describe_os_error(error: OSError) -> Message:
    """The reason alone, without the path, for use inside another message: ``permission denied``."""
    name = errno.errorcode.get(error.errno or 0, "")
    if name in KNOWN:
        return message(f"system.{name}")
    return verbatim(error.strerror or type(error).__name__)
