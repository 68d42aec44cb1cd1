"""Which candidate to take, and the sentence that says why (science, R7)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graft.errors import listing
from graft.ranking.evidence import Evidence
from graft.ranking.standing import Standing, clustered_error, needed_samples, order

PRACTICALLY = 0.01  # of accuracy: a difference that does not matter
MOST_NEEDED = 1_000_000  # samples beyond which a number says nothing


@dataclass(frozen=True, slots=True)
class Choice:
    """The candidate to take, why, and how many samples would tell it from its nearest rival."""

    number: int
    why: str
    needed: int | None = None
    open: bool = False  # a race could still decide


def choose(
    names: Sequence[str],
    pool: Sequence[Evidence],
    standings: Sequence[Standing],
    costs: Sequence[float],
    groups: NDArray[np.intp] | None,
) -> Choice:
    """Take the leader where it stands alone or is the cheapest of those level with it, else the cheapest of them.

    `costs` are of any one unit, such as milliseconds.
    """
    ranked = order(standings)
    level = [number for number in ranked if standings[number].level]
    leader = max(level, key=lambda number: standings[number].posterior)
    if len(names) == 1:
        return Choice(0, f"{names[0]} is the only candidate: there was nothing to choose between.")
    if len(level) == 1:
        second = max((n for n in ranked if n != leader), key=lambda number: standings[number].posterior)
        gap = pool[leader].accuracy - pool[second].accuracy
        return Choice(leader, f"{names[leader]} is better than every other, by {100 * gap:.1f} points or more.")
    cheapest = min(level, key=lambda number: (costs[number], -standings[number].posterior))
    if cheapest == leader:
        others = listing([names[number] for number in level if number != leader], 3)
        return Choice(leader, f"{names[leader]} leads, and what cannot be told from it costs more: {others}.")
    difference = pool[leader].right - pool[cheapest].right
    gap, error = float(difference.mean()), clustered_error(difference, groups)
    samples = len(difference)
    if abs(gap) + 1.645 * error < PRACTICALLY:
        return Choice(
            cheapest,
            f"{names[cheapest]} and {names[leader]} are practically equal (within 1 point): the cheaper is chosen.",
        )
    needed = None
    if gap > 0:
        needed = needed_samples(float((difference != 0).mean()), gap)
        needed = needed if needed < MOST_NEEDED else None
    told = f"; about {needed:,} labelled samples would be needed" if needed else ""
    return Choice(
        cheapest,
        f"{names[leader]} and {names[cheapest]} cannot be told apart with {samples:,} samples{told}. "
        f"The cheaper, {names[cheapest]}, is chosen.",
        needed,
        open=True,
    )
