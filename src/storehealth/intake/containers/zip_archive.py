"""ZIP archives, as back offices and chat tools pack their exports. Members are unpacked one by one, by their place."""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from pathlib import Path

from storehealth.errors import FileRefused
from storehealth.intake.containers import Claim, Head, Member
from storehealth.intake.discover import is_hidden

NAME = "zip_archive"
VERSION = 1
MARKS = (b"PK\x03\x04", b"PK\x05\x06")
WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".xlsb")
OFFICE = ("[Content_Types].xml", "mimetype")
MOST_MEMBERS = 10_000
MOST_BYTES = 8 << 30
MOST_RATIO = 200
"""Times that a member may grow; chat logs grow 10 to 40 times."""
RATIO_FROM = 64 << 20
"""Bytes below which a member may grow as it likes."""
IS_UTF8, IS_ENCRYPTED = 0x800, 0x1
UNPACK_IT = "Unpack it and put the files it holds into the folder."
BROKEN = "the archive is cut off or broken"
TOO_LARGE = "it would be {size} MB when unpacked, more than is plausible for its size"


def claims(head: Head) -> Claim:
    """A zip that is no workbook, and is not named like one."""
    named = head.path.suffix.lower() in WORKBOOKS
    return Claim.SURE if head.data.startswith(MARKS) and not named and not _is_workbook(head.path) else Claim.NO


def _is_workbook(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.startswith("xl/workbook") for name in archive.namelist())
    except zipfile.BadZipFile:
        return False


def members(path: Path) -> list[Member]:
    """The files of an archive; those that must not be read have a note."""
    try:
        with zipfile.ZipFile(path) as archive:
            found = [(place, one) for place, one in enumerate(archive.infolist()) if not one.is_dir()]
    except (zipfile.BadZipFile, OSError) as error:
        raise FileRefused(f"{BROKEN} ({error})", "Export it again, and copy it anew.") from None
    _refuse_implausible([one for _, one in found])
    named = [(place, one, _name(one)) for place, one in found]
    kept = [
        Member(_inside(name), str(place), _note(one, name))
        for place, one, name in named
        if not any(is_hidden(part) for part in name.split("/") if part.strip("."))
    ]
    if not kept:
        raise FileRefused("the archive holds no files", "Export it again.")
    return kept


def _refuse_implausible(found: list[zipfile.ZipInfo]) -> None:
    if any(one.orig_filename in OFFICE for one in found):
        raise FileRefused("a document that is no Excel workbook", "Save its table as XLSX or CSV.")
    if len(found) > MOST_MEMBERS:
        raise FileRefused(f"the archive holds {len(found)} files, more than {MOST_MEMBERS}", UNPACK_IT)
    size = sum(one.file_size for one in found)
    if size > MOST_BYTES:
        raise FileRefused(TOO_LARGE.format(size=size >> 20), UNPACK_IT)


def _name(info: zipfile.ZipInfo) -> str:
    """The name with slashes; without the mark for UTF-8 it may be UTF-8 all the same, or GBK as on Chinese Windows."""
    name = info.orig_filename
    if not info.flag_bits & IS_UTF8:
        raw = name.encode("cp437", "replace")
        try:
            name = raw.decode("utf-8")
        except UnicodeDecodeError:
            name = raw.decode("gb18030", "replace")
    return name.replace("\\", "/")


def _inside(name: str) -> str:
    """The name without the steps that lead nowhere or out; only to be shown."""
    return "/".join(part for part in name.split("/") if part not in ("", ".", "..")) or "without a name"


def _note(info: zipfile.ZipInfo, name: str) -> str:
    """Why a member must not be read; empty where it may."""
    if name.startswith("/") or ".." in name.split("/") or name[1:2] == ":":
        return "its path leads out of the archive; not unpacked"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "a link; not followed"
    if info.flag_bits & IS_ENCRYPTED:
        return f"protected by a password. {UNPACK_IT}"
    if info.file_size > max(RATIO_FROM, MOST_RATIO * info.compress_size):
        return f"{TOO_LARGE.format(size=info.file_size >> 20)}. {UNPACK_IT}"
    return ""


def unpack(path: Path, member: Member, target: Path) -> None:
    """Write a member into a file; its size and checksum must be those the archive says."""
    try:
        with zipfile.ZipFile(path) as archive:
            info = archive.infolist()[int(member.key)]
            with archive.open(info) as packed, target.open("wb") as out:
                shutil.copyfileobj(packed, out, 1 << 20)
            if target.stat().st_size != info.file_size:
                raise EOFError("its end is missing")
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise FileRefused(f"{BROKEN} ({error})", "Export it again, and copy it anew.") from None
    except (NotImplementedError, RuntimeError) as error:
        raise FileRefused(f"packed in a way that is not read ({error})", UNPACK_IT) from None
