"""How a data set is read."""

from dataclasses import dataclass

from graft.errors import RequestError

MOST_SEED = 2**31 - 1


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How a data set is read.

    `seed` deals the parts where none are given. `group` names what a sample belongs to, and samples of one group stay
    in one part: a column of a table, or a regular expression whose first group (or whole match) in a sample's path
    says it. Classes with fewer than `min_per_class` samples are left out, and listed. `text`, `label` and `file` are
    columns of a table, where their names do not say what they hold (`label` may name several, with commas between
    them); `encoding` is the table's, where it is not UTF-8; `root` is the folder that the paths in it begin from, where
    it is not the table's own. `task` is what is predicted, where the labels alone do not say it.
    """

    seed: int = 0
    group: str | None = None
    min_per_class: int = 1
    text: str | None = None
    label: str | None = None
    file: str | None = None
    encoding: str | None = None
    root: str | None = None
    task: str | None = None

    def check(self) -> None:
        """Raise `RequestError` with all that is out of range."""
        problems = []
        if not 0 <= self.seed <= MOST_SEED:
            problems.append(f"The seed is {self.seed}. Expected a whole number from 0 to {MOST_SEED:,}.")
        if self.min_per_class < 1:
            problems.append(f"min_per_class is {self.min_per_class}. Expected 1 or more.")
        if self.encoding is not None and not _is_encoding(self.encoding):
            problems.append(
                f"There is no encoding of texts called {self.encoding!r}. Expected one that Python knows, such as "
                "utf-8, gb18030, cp932 (Shift-JIS), big5, euc_kr, cp1252 or utf-16."
            )
        if problems:
            raise RequestError("\n".join(problems))


def _is_encoding(name: str) -> bool:
    """Whether Python can read text in an encoding of this name."""
    try:
        return isinstance(b"a,b".decode(name), str)
    except (LookupError, UnicodeError, ValueError, TypeError):
        return False
