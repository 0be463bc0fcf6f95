"""Files that are something else than their name says, told by their first bytes."""

from __future__ import annotations

from storehealth.errors import FileRefused
from storehealth.intake.containers import Head

KNOWN = {
    b"%PDF": ("a PDF", "Export the table itself as CSV or XLSX."),
    b"\x89PNG": ("a picture (PNG)", "Export the table itself as CSV or XLSX."),
    b"\xff\xd8\xff": ("a picture (JPEG)", "Export the table itself as CSV or XLSX."),
    b"GIF8": ("a picture (GIF)", "Export the table itself as CSV or XLSX."),
    b"RIFF": ("a picture or a recording", "Export the table itself as CSV or XLSX."),
    b"BM": ("a picture (BMP)", "Export the table itself as CSV or XLSX."),
    b"Rar!": ("an archive (RAR)", "Unpack it and put the files it holds into the folder."),
    b"7z\xbc\xaf": ("an archive (7z)", "Unpack it and put the files it holds into the folder."),
    b"PAR1": ("a Parquet file", "Export it as CSV or XLSX."),
}


def refuse_strangers(head: Head) -> None:
    """Check that a file may be a table at all.

    Raises:
        FileRefused: It is empty, a picture, a PDF, an XML document, an archive of a kind that is not read.
    """
    if not head.data.strip(b"\xef\xbb\xbf\xff\xfe \t\r\n"):
        raise FileRefused("empty", "Export it again.")
    for mark, (what, hint) in KNOWN.items():
        if head.data.startswith(mark) and not (mark == b"BM" and head.data[:64].isascii()):
            raise FileRefused(f"{what}, whatever its name says", hint)
    if head.text.lstrip("\ufeff \t\r\n").startswith("<?xml") and "<html" not in head.text.lower():
        raise FileRefused("an XML document, whatever its name says", "Open it in Excel and save it as XLSX or CSV.")
    if head.data[257:262] == b"ustar":
        raise FileRefused("an archive (tar)", "Unpack it and put the files it holds into the folder.")
