"""ZIP archives, as back offices and chat tools write them. Members are unpacked one by one, by their position."""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from pathlib import Path

from storehealth.errors import FileRefused
from storehealth.intake.containers import Claim, Head, Member, is_workbook
from storehealth.intake.discover import is_hidden
from storehealth.support.message import Message, message

NAME = "zip_archive"
VERSION = 1
MARKS = (b"PK\x03\x04", b"PK\x05\x06")
WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".xlsb")
OFFICE = ("[Content_Types].xml", "mimetype")
IWORK_PARTS = ("Index.zip", "index.xml", "index.apxl")
"""Parts of such documents of older versions; newer ones hold ``Index/*.iwa``."""
MOST_MEMBERS = 10_000
MOST_BYTES = 8 << 30
MOST_RATIO = 200
"""Largest compression ratio of a member; chat logs reach 10 to 40."""
RATIO_FROM = 64 << 20
"""Size in bytes below which the ratio does not matter."""
IS_UTF8, IS_ENCRYPTED = 0x800, 0x1


def claim(head: Head) -> Claim:
    """Claim a zip that is not a workbook and does not have a workbook's extension."""
    has_suffix = head.path.suffix.lower() in WORKBOOKS
    return Claim.SURE if head.data.startswith(MARKS) and not has_suffix and not is_workbook(head.path) else Claim.NO


def list_members(path: Path) -> list[Member]:
    """List the files of an archive; those that must not be read have a note."""
    try:
        with zipfile.ZipFile(path) as archive:
            infos = [(place, info) for place, info in enumerate(archive.infolist()) if not info.is_dir()]
    except (zipfile.BadZipFile, OSError):
        broken = message("intake.broken_archive")
        raise FileRefused(broken, message("intake.export_and_copy_again")) from None
    _refuse_implausible(path, [info for _, info in infos])
    entries = [(place, info, _decode_name(info)) for place, info in infos]
    files = [
        Member(_clean_path(name), str(place), _explain_refusal(info, name))
        for place, info, name in entries
        if not any(is_hidden(part) for part in name.split("/") if part.strip("."))
    ]
    if not files:
        raise FileRefused(message("intake.empty_archive"), message("intake.export_again"))
    return files


def _refuse_implausible(path: Path, infos: list[zipfile.ZipInfo]) -> None:
    if any(info.orig_filename.lower().endswith(".iwa") or info.orig_filename in IWORK_PARTS for info in infos):
        is_numbers = path.suffix.lower() == ".numbers"
        document = message("intake.numbers_document" if is_numbers else "intake.iwork_document")
        raise FileRefused(document, message("intake.open_in_numbers"))
    if any(info.orig_filename in OFFICE for info in infos):
        raise FileRefused(message("intake.no_workbook"), message("intake.save_table"))
    if len(infos) > MOST_MEMBERS:
        excess = message("intake.too_many_members", count=len(infos), most=MOST_MEMBERS)
        raise FileRefused(excess, message("intake.unpack_files"))
    size = sum(info.file_size for info in infos)
    if size > MOST_BYTES:
        raise FileRefused(message("intake.too_large", size=size >> 20), message("intake.unpack_files"))


def _decode_name(info: zipfile.ZipInfo) -> str:
    """Decode a name; without the UTF-8 flag it may be UTF-8 all the same (macOS), or GBK (Chinese Windows)."""
    name = info.orig_filename
    if not info.flag_bits & IS_UTF8:
        raw = name.encode("cp437", "replace")  # zipfile decodes unflagged names as CP437
        try:
            name = raw.decode("utf-8")
        except UnicodeDecodeError:
            name = raw.decode("gb18030", "replace")
    return name.replace("\\", "/")


def _clean_path(name: str) -> str:
    """Remove steps that lead nowhere or out of the archive; for display only."""
    return "/".join(part for part in name.split("/") if part not in ("", ".", "..")) or "without a name"


def _explain_refusal(info: zipfile.ZipInfo, name: str) -> Message | None:
    """Say why a member must not be read; None where it may."""
    if name.startswith("/") or ".." in name.split("/") or name[1:2] == ":":
        return message("intake.leads_out")
    if stat.S_ISLNK(info.external_attr >> 16):
        return message("intake.link")
    if info.flag_bits & IS_ENCRYPTED:
        return message("intake.refused", problem=message("intake.protected"), remedy=message("intake.unpack_files"))
    if info.file_size > max(RATIO_FROM, MOST_RATIO * info.compress_size):
        large = message("intake.too_large", size=info.file_size >> 20)
        return message("intake.refused", problem=large, remedy=message("intake.unpack_files"))
    return None


def unpack(path: Path, member: Member, target: Path) -> None:
    """Write a member into a file; size and checksum must be those stated in the archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            info = archive.infolist()[int(member.key)]
            with archive.open(info) as packed, target.open("wb") as out:
                shutil.copyfileobj(packed, out, 1 << 20)
            if target.stat().st_size != info.file_size:
                raise EOFError("its end is missing")
    except (zipfile.BadZipFile, zlib.error, EOFError):
        broken = message("intake.broken_archive")
        raise FileRefused(broken, message("intake.export_and_copy_again")) from None
    except (NotImplementedError, RuntimeError):
        packing = message("intake.unknown_packing")
        raise FileRefused(packing, message("intake.unpack_files")) from None
