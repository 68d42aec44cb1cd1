r"""How a string from outside is written where it could do harm: one function for each place it may end up in.

Names of files and classes, and everything else that a stranger may have chosen, are shown as they are wherever they
are harmless, and as escapes such as `\x1b` where they are not.
"""

import os
import re
import shlex
import unicodedata
from pathlib import PurePath

HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # control, format, lone surrogates, line and paragraph separators
NOT_PLAIN = HIDDEN - {"Cf"}
NEEDED = frozenset("\u200c\u200d\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f")  # in Persian, emoji, Arabic
MOST_CHARACTERS = 200  # of a name in a sentence or a table
FORMULA = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"  # beginnings that a spreadsheet would compute, in both widths
COMPUTED = re.compile(f"'*[{re.escape(FORMULA)}]")
PLAIN_WINDOWS = re.compile(r"[\w\-./\\:]+")
MARKUP = re.compile(
    r"[\\`*\[\]<>|~&$@]|(?<![^\W_])_|_(?![^\W_])|^\s*(?:#+|[-=]+|\+|\d+[.)])(?=\s|$)|:(?=//)|(?<=www)\.",
    re.IGNORECASE,
)


def visible(text: str, keep: str = "") -> str:
    r"""A text without anything that acts instead of being seen: control codes, bidirectional marks, lone surrogates.

    They are shown as escapes (`\x1b`, `\u202e`), line ends too unless `keep` holds them.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(one) if _acts(one) and one not in keep else one for one in text)


def is_plain(name: str) -> bool:
    """Whether a name says something and is one line without control characters or halves of pairs."""
    return bool(name.strip()) and not any(unicodedata.category(one) in NOT_PLAIN for one in name)


def _acts(character: str) -> bool:
    return unicodedata.category(character) in HIDDEN and character not in NEEDED


def _shown(character: str) -> str:
    return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character) or numbered(ord(character))


def numbered(code: int) -> str:
    """The escape of a character by its number, as Python writes it."""
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shortened(text: str, most: int = MOST_CHARACTERS) -> str:
    """A text of at most so many characters: of a longer one the beginning and the end, which often tell it apart."""
    if len(text) <= most:
        return text
    end = (most - 1) // 3
    return f"{text[: most - 1 - end]}…{text[len(text) - end :] if end else ''}"


def markdown(text: str) -> str:
    """A text inside a paragraph, a heading or a table of Markdown: no markup, no link, no HTML, on one line."""
    return MARKUP.sub(lambda found: _backslashed(found.group()), visible(text))


def _backslashed(found: str) -> str:
    return f"{found[:-1]}\\{found[-1]}"


def markdown_code(text: str) -> str:
    """A text as a span of code in Markdown, whatever backticks it holds."""
    shown = visible(text)
    fence = "`" * (1 + max((len(one) for one in re.findall("`+", shown)), default=0))
    room = " " if not shown.strip() or shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{room}{shown}{room}{fence}"


def command(*words: str | PurePath) -> str:
    """A command to type, each word quoted for the shell of this system where it needs it."""
    return " ".join(_quoted(word) for word in words)


def _quoted(word: str | PurePath) -> str:
    text = str(word)
    if isinstance(word, PurePath) and text.startswith("-"):  # it would be read as an option
        text = os.path.join(".", text)
    return _for_windows(text) if os.name == "nt" else _for_posix(text)


def _for_posix(text: str) -> str:
    if visible(text) == text:
        return shlex.quote(text)
    return "$'" + "".join(_in_dollar_quotes(one) for one in text) + "'"  # bash, zsh and ksh read it; sh does not


def _in_dollar_quotes(character: str) -> str:
    if character in "\\'":
        return f"\\{character}"
    if not _acts(character):
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))


def _for_windows(text: str) -> str:
    """In double quotes, which cmd and PowerShell both know; a backtick keeps PowerShell from computing a `$`."""
    if PLAIN_WINDOWS.fullmatch(text):
        return text
    return '"' + re.sub(r"([$`])", r"`\1", text) + '"'


def cell(text: str) -> str:
    """A cell of a CSV file that no spreadsheet computes: an apostrophe before what looks like a formula."""
    return f"'{text}" if COMPUTED.match(text) else text


def cell_text(written: str) -> str:
    """What `cell` was given."""
    return written[1:] if written.startswith("'") and COMPUTED.match(written) else written
