"""How a data set is read."""

from dataclasses import dataclass

from graft.errors import RequestError

MOST_SEED = 2**31 - 1


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How a data set is read.

    `seed` deals the parts where none are given. `group` names what a sample belongs to, and samples of one group stay
    in one part: a column of a table, or a regular expression whose first group (or whole match) in a sample's path
    says it. Classes with fewer than `min_per_class` samples are left out, and listed. `text` and `label` are columns
    of a table, where their names do not say what they hold.
    """

    seed: int = 0
    group: str | None = None
    min_per_class: int = 1
    text: str | None = None
    label: str | None = None

    def check(self) -> None:
        """Raise `RequestError` with all that is out of range."""
        problems = []
        if not 0 <= self.seed <= MOST_SEED:
            problems.append(f"The seed is {self.seed}. Expected a whole number from 0 to {MOST_SEED:,}.")
        if self.min_per_class < 1:
            problems.append(f"min_per_class is {self.min_per_class}. Expected 1 or more.")
        if problems:
            raise RequestError("\n".join(problems))
