"""The bytes of a table as text. Nothing is guessed: UTF-8, what a byte order mark says, or what was asked for."""

import codecs
from pathlib import Path

from graft.data.likely_encoding import likely_encoding
from graft.errors import DataError, plural

MARKS = (  # the longer ones first: the mark of UTF-32 begins like that of UTF-16
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
FEW = 0.01  # of the lines: with no more of them broken, and no line to show another encoding, they are told alone


def text_of(path: Path, content: bytes, encoding: str | None) -> str:
    """The content of a table as text, without a byte order mark.

    Bytes in a few lines that are no UTF-8 stay in the text as surrogates, to be told of those rows alone. Raises
    `DataError` that names the likely encoding where most of what is not ASCII is no UTF-8.
    """
    mark, named = next(((mark, name) for mark, name in MARKS if content.startswith(mark)), (b"", None))
    if encoding is None and named not in (None, "utf-8"):
        return _strict(path, content[len(mark) :], named or "")
    if encoding is not None and codecs.lookup(encoding).name != "utf-8":
        text = _strict(path, content, encoding)
        return text.removeprefix("\ufeff")
    content = content.removeprefix(codecs.BOM_UTF8)
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        _refuse_another(path, content, error)
        return content.decode(errors="surrogateescape")
    if _is_wide(content):
        raise DataError(path, [_told(content, "It holds a zero byte beside every letter, as UTF-16 has them.")])
    return text


def way_out(content: bytes) -> str:
    """What to do about bytes that are no UTF-8, with the encoding that they are likely to have."""
    likely = likely_encoding(content)
    if likely is None:
        return "Save the table as UTF-8, or name its encoding, for example: --encoding cp1252"
    return (
        f"It is probably {likely.name} ({likely.language}), in which it reads: {likely.sample!r}. If that is right, "
        f"add --encoding {likely.name}; or save the table as UTF-8."
    )


def _strict(path: Path, content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except (UnicodeError, ValueError) as error:
        start = getattr(error, "start", 0)
        line = content.count(b"\n", 0, start) + 1
        raise DataError(
            path,
            [f"It is not {encoding}: what stands in line {line:,} cannot be read so. Name the right --encoding."],
        ) from error


def _is_wide(content: bytes) -> bool:
    return content[:2000].count(0) > 0.2 * len(content[:2000]) > 0 and likely_encoding(content) is not None


def _refuse_another(path: Path, content: bytes, error: UnicodeDecodeError) -> None:
    """Raise `DataError` where a table seems to be in another encoding, and not merely broken in a few lines."""
    lines = content.split(b"\n")
    beyond = [line for line in lines if not line.isascii()]
    broken = [line for line in beyond if not _is_utf8(line)]
    whole = len(beyond) - len(broken)
    head_broken = not _is_utf8(next((line for line in lines if line.strip()), b""))
    if not head_broken and (len(broken) <= whole or len(broken) <= max(1, FEW * len(lines))):
        return
    line = content.count(b"\n", 0, error.start) + 1
    byte = content[error.start]
    message = f"It is not UTF-8 in {plural(len(broken), 'line')} (the first: line {line:,}, byte {byte:#04x})."
    raise DataError(path, [_told(content, message)])


def _told(content: bytes, message: str) -> str:
    return f"{message} {way_out(content)}"


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
