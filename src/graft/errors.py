"""The few exceptions of graft. Every message says what was expected, what came, and what to do."""

from collections.abc import Sequence

from graft.escaping import shortened, visible


class GraftError(Exception):
    """A problem graft can explain; `exit_code` is what the command line returns for it."""

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(visible(message, keep="\n"))  # whoever prints it, no name in it reaches a terminal raw


class RequestError(GraftError):
    """The request cannot be carried out as written: a wrong path, name, option or data set (exit code 2)."""

    exit_code = 2


class DataError(RequestError):
    """All problems of one data set, reported together."""

    def __init__(self, root: object, problems: Sequence[str], seen: Sequence[str] = ()) -> None:
        self.problems = tuple(problems)
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__(
            "\n".join(
                [
                    f"{visible(str(root))}: {count} to solve first.",
                    *(f"- {problem}" for problem in problems),
                    *(["Also seen:", *(f"- {one}" for one in seen)] if seen else []),
                ]
            )
        )


class WorkError(GraftError):
    """The request was right but the work failed: no network, a damaged file, a full disk (exit code 1)."""


class StoppedError(GraftError):
    """The person stopped the work."""

    exit_code = 130


class MissingExtraError(WorkError):
    """A library that only one extra needs is not installed."""

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(
            f"This needs {library}, which is not installed. Install it with: pip install 'graft-ml[{extra}]'"
        )


def listing(names: Sequence[str], most: int = 5) -> str:
    """Name the first few of many: "a, b, c and 12 more"."""
    shown = ", ".join(shortened(visible(name)) for name in names[:most])
    rest = len(names) - most
    return f"{shown} and {rest:,} more" if rest > 0 else shown


def plural(count: int, noun: str) -> str:
    """Count a noun: "1 picture", "2 pictures", "3 classes"."""
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} {noun}es" if noun.endswith("s") else f"{count:,} {noun}s"
