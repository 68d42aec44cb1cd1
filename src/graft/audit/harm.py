"""Which classes a fine-tuned model tells worse than the frozen probe did."""

import numpy as np
from numpy.typing import NDArray

from graft.audit.compare import mid_p
from graft.records import Json

LEVEL = 0.05  # share of false alarms among those told (Benjamini and Hochberg 1995)


def harmed(
    delivered: NDArray[np.bool_], probe: NDArray[np.bool_], labels: NDArray[np.int32], classes: tuple[str, ...]
) -> tuple[Json, ...]:
    """Classes whose recall fell, and by more than chance would explain in so many classes; (judged,) each."""
    found = []
    for label in np.unique(labels):
        rows = labels == label
        lost, gained = int((probe & ~delivered)[rows].sum()), int((delivered & ~probe)[rows].sum())
        found.append((mid_p(gained, lost), int(label), lost, gained, int(rows.sum())))
    found.sort()
    last = max((rank for rank, one in enumerate(found, 1) if one[0] <= LEVEL * rank / len(found)), default=0)
    return tuple(
        {"class": classes[label], "recall_fell_by": (lost - gained) / count, "samples": count, "p": p}
        for p, label, lost, gained, count in found[:last]
        if lost > gained
    )
