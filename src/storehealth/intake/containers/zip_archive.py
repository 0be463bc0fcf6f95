"""ZIP archives, as back offices and chat tools write them. Members are unpacked one by one, by their position."""

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
IWORK = {
    ".numbers": "a Numbers document of Apple's", ".pages": "a Pages document of Apple's",
    ".key": "a Keynote document of Apple's",
}  # fmt: skip
IWORK_PARTS = ("Index.zip", "index.xml", "index.apxl")
"""Parts of such documents of older versions; newer ones hold ``Index/*.iwa``."""
MOST_MEMBERS = 10_000
MOST_BYTES = 8 << 30
MOST_RATIO = 200
"""Largest compression ratio of a member; chat logs reach 10 to 40."""
RATIO_FROM = 64 << 20
"""Size in bytes below which the ratio does not matter."""
IS_UTF8, IS_ENCRYPTED = 0x800, 0x1
UNPACK_BY_HAND = "Unpack it and put the files it holds into the folder."
BROKEN = "the archive is cut off or broken"
TOO_LARGE = "it would be {size} MB when unpacked, more than is plausible for its size"


def claim(head: Head) -> Claim:
    """Claim a zip that is no workbook and does not have a workbook's extension."""
    has_suffix = head.path.suffix.lower() in WORKBOOKS
    return Claim.SURE if head.data.startswith(MARKS) and not has_suffix and not _is_workbook(head.path) else Claim.NO


def _is_workbook(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.startswith("xl/workbook") for name in archive.namelist())
    except zipfile.BadZipFile:
        return False


def list_members(path: Path) -> list[Member]:
    """List the files of an archive; those that must not be read have a note."""
    try:
        with zipfile.ZipFile(path) as archive:
            infos = [(place, info) for place, info in enumerate(archive.infolist()) if not info.is_dir()]
    except (zipfile.BadZipFile, OSError) as error:
        raise FileRefused(f"{BROKEN} ({error})", "Export it again, and copy it anew.") from None
    _refuse_implausible(path, [info for _, info in infos])
    entries = [(place, info, _decode_name(info)) for place, info in infos]
    files = [
        Member(_clean_path(name), str(place), _explain_refusal(info, name))
        for place, info, name in entries
        if not any(is_hidden(part) for part in name.split("/") if part.strip("."))
    ]
    if not files:
        raise FileRefused("the archive holds no files", "Export it again.")
    return files


def _refuse_implausible(path: Path, infos: list[zipfile.ZipInfo]) -> None:
    document = next(
        (name for suffix, name in IWORK.items() if path.suffix.lower() == suffix), "an Apple iWork document"
    )
    if any(info.orig_filename.lower().endswith(".iwa") or info.orig_filename in IWORK_PARTS for info in infos):
        raise FileRefused(document, "Open it in Numbers and export it as CSV or XLSX.")
    if any(info.orig_filename in OFFICE for info in infos):
        raise FileRefused("a document that is no Excel workbook", "Save its table as XLSX or CSV.")
    if len(infos) > MOST_MEMBERS:
        raise FileRefused(f"the archive holds {len(infos)} files, more than {MOST_MEMBERS}", UNPACK_BY_HAND)
    size = sum(info.file_size for info in infos)
    if size > MOST_BYTES:
        raise FileRefused(TOO_LARGE.format(size=size >> 20), UNPACK_BY_HAND)


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


def _explain_refusal(info: zipfile.ZipInfo, name: str) -> str:
    """Say why a member must not be read; empty where it may."""
    if name.startswith("/") or ".." in name.split("/") or name[1:2] == ":":
        return "its path leads out of the archive; not unpacked"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "a link; not followed"
    if info.flag_bits & IS_ENCRYPTED:
        return f"protected by a password. {UNPACK_BY_HAND}"
    if info.file_size > max(RATIO_FROM, MOST_RATIO * info.compress_size):
        return f"{TOO_LARGE.format(size=info.file_size >> 20)}. {UNPACK_BY_HAND}"
    return ""


def unpack(path: Path, member: Member, target: Path) -> None:
    """Write a member into a file; size and checksum must be those stated in the archive."""
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
        raise FileRefused(f"packed in a way that is not read ({error})", UNPACK_BY_HAND) from None
