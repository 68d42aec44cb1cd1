"""Files of another format than their names say, told by how they begin."""

from pathlib import Path

from graft.errors import DataError

BEGINNINGS: tuple[tuple[bytes, str, str], ...] = (
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)", "Save it as CSV UTF-8 from the program that made it."),
    (b"\x1f\x8b", "compressed with gzip", "Unpack it first: gunzip."),
    (b"BZh", "compressed with bzip2", "Unpack it first: bunzip2."),
    (b"\xfd7zXZ\0", "compressed with xz", "Unpack it first: unxz."),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "Unpack it first: unzstd."),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "Unpack it first."),
    (b"Rar!", "a RAR archive", "Unpack it first."),
    (b"SQLite format 3\0", "an SQLite database", "Export the table from it as CSV."),
    (b"PAR1", "Parquet", "Rename it so that it ends in .parquet."),
    (b"ARROW1", "Arrow (Feather)", "Save it as Parquet or CSV."),
    (b"Obj\x01", "Avro", "Save it as Parquet or CSV."),
    (b"ORC", "ORC", "Save it as Parquet or CSV."),
    (b"\x89HDF", "HDF5", "Save it as Parquet or CSV."),
    (b"\x93NUMPY", "a numpy array", "Save it as CSV."),
    (b"\x80\x02", "a pickle", "Save it as Parquet or CSV."),
    (b"\x80\x03", "a pickle", "Save it as Parquet or CSV."),
    (b"\x80\x04", "a pickle", "Save it as Parquet or CSV."),
    (b"\x80\x05", "a pickle", "Save it as Parquet or CSV."),
    (b"%PDF", "a PDF", "Export the table from its source as CSV."),
    (b"{\\rtf", "a text document (RTF)", "Save it as plain text in CSV."),
    (b"\x89PNG", "a picture (PNG)", "Name a table."),
    (b"\xff\xd8\xff", "a picture (JPEG)", "Name a table."),
    (b"version https://git-lfs", "a pointer of Git LFS and not the file itself", "Fetch it with: git lfs pull"),
)
WEB = (b"<!doctype", b"<html", b"<?xml")
SEEN = 4096  # bytes of the beginning that are looked at


def refuse_foreign(path: Path, content: bytes) -> None:
    """Raise `DataError` with what a file really is and what to do, where its beginning says so."""
    head = content[:SEEN]
    kind = path.suffix.lower().lstrip(".")
    for begins, name, remedy in BEGINNINGS:
        if head.startswith(begins) and name.lower() != kind:
            raise DataError(path, [f"It is {name}, whatever its name says. {remedy}"])
    if head.startswith(b"PK\x03\x04"):
        raise DataError(path, [_zip(content)])
    if head.lstrip().lower().startswith(WEB):
        raise DataError(path, ["It is a web page or XML, whatever its name says. Download the table itself, as CSV."])
    if kind in ("csv", "tsv") and head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b'{"', b'[{"', b"[\n", b"{\n")):
        raise DataError(path, ["It holds JSON. With one object in each line, rename it so that it ends in .jsonl."])


def _zip(content: bytes) -> str:
    excel = b"xl/" in content or b"[Content_Types].xml" in content
    name = "an Excel workbook or a zip archive" if not excel else "an Excel workbook (.xlsx)"
    remedy = "Save a workbook as CSV UTF-8 from the program that made it; unpack an archive first."
    return f"It is {name}, whatever its name says. {remedy}"
