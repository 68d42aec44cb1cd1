"""Which candidate to take, and the sentence that says why (science, R7)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graft.errors import listing
from graft.ranking.evidence import Evidence
from graft.ranking.rank_estimate import PRACTICALLY, RankEstimate, clustered_error, needed_samples, order

TOLERATED_RISK = 0.1  # of losing more than a point by taking the cheaper, as on the ladder
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
    estimates: Sequence[RankEstimate],
    costs: Sequence[float],
    groups: NDArray[np.intp] | None,
) -> Choice:
    """Take the leader, or what costs least of those that lose more than a point to it with a risk of 10% at most.

    That none can be told from the leader is no reason to take the cheapest: on few samples nothing can. `costs` are of
    any one unit, such as milliseconds.
    """
    if len(names) == 1:
        return Choice(0, f"{names[0]} is the only candidate: there was nothing to choose between.")
    ranked = order(estimates)
    leader = max(ranked, key=lambda number: estimates[number].posterior)
    losses = [estimates[leader].posterior - one.posterior for one in estimates]
    level = [number for number in ranked if estimates[number].level and number != leader]
    near = [number for number in ranked if estimates[number].risk <= TOLERATED_RISK or number == leader]
    chosen = min(near, key=lambda number: (costs[number], losses[number]))
    cheaper = [number for number in level if costs[number] < costs[leader]]
    if chosen == leader and not level:
        gap = min(losses[number] for number in ranked if number != leader)
        return Choice(leader, f"{names[leader]} is better than every other, by {points(gap)} or more once trained.")
    if chosen == leader and not cheaper:
        others = listing([names[number] for number in level], 3)
        return Choice(leader, f"{names[leader]} leads, and what cannot be told from it costs more: {others}.")
    rival = chosen if chosen != leader else min(cheaper, key=lambda number: (costs[number], losses[number]))
    difference = pool[leader].right - pool[rival].right
    gap, error = float(difference.mean()), clustered_error(difference, groups)
    if chosen != leader and (not estimates[chosen].level or abs(gap) + 1.645 * error < PRACTICALLY):
        return Choice(
            chosen,
            f"{names[chosen]} and {names[leader]} are practically equal (within 1 point): the cheaper is chosen.",
        )
    needed = needed_samples(float((difference != 0).mean()), gap) if gap > 0 else None
    needed = needed if needed and needed < MOST_NEEDED else None
    told = f"; about {needed:,} labelled samples would be needed" if needed else ""
    unclear = f"{names[leader]} and {names[rival]} cannot be told apart with {len(difference):,} samples{told}. "
    if chosen == leader:
        saved = f"{costs[leader] / costs[rival]:.1f} times" if costs[rival] > 0 else "far"
        why = (
            f"{names[leader]} is chosen: it is expected to be {points(losses[rival])} better once trained. "
            f"{names[rival]} costs {saved} less, if that matters more."
        )
    else:
        risk = f"{100 * estimates[chosen].risk:.0f}%"
        why = f"The cheaper, {names[chosen]}, is chosen: the risk of losing more than a point by it is {risk}."
    return Choice(chosen, unclear + why, needed, open=True)


def points(share: float) -> str:
    """A difference in accuracy as people read it: 0.012 -> "1.2 points"."""
    return f"{100 * share:.1f} points"
