"""What can be wrong with numbers to estimate, and their scale."""

import numpy as np
from numpy.typing import NDArray

from graft.dataset.dataset import Dataset, groups_across_parts
from graft.errors import listing, plural
from graft.records import Finding, Json

FAR = 20.0  # quartile ranges from the median: what lies beyond is told as an outlier


def is_constant(column: NDArray[np.float64]) -> bool:
    known = column[np.isfinite(column)]
    return len(known) == 0 or bool((known == known[0]).all())


def quantiles(column: NDArray[np.float64]) -> Json:
    known = column[np.isfinite(column)]
    names = ("least", "quarter", "median", "three_quarters", "most")
    marks = np.quantile(known, (0, 0.25, 0.5, 0.75, 1)) if len(known) else [None] * 5
    return {"samples": len(known), **{n: None if m is None else float(m) for n, m in zip(names, marks, strict=True)}}


def _spread(train: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Median and range between the quartiles of each number."""
    low, middle, high = np.nanquantile(train, (0.25, 0.5, 0.75), axis=0)
    return middle, high - low


def scale_of(train: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean and deviation of each number; of one with far outliers its median and what the quartiles say."""
    mean, deviation = np.nanmean(train, axis=0), np.nanstd(train, axis=0)
    middle, reach = _spread(train)
    robust = reach / 1.349  # of a normal distribution this is the deviation
    far = (reach > 0) & (deviation > 5 * robust)
    return np.stack([np.where(far, middle, mean), np.where(far, robust, deviation)])


def findings_of_numbers(dataset: Dataset, train: NDArray[np.float64]) -> list[Finding]:
    found = []
    middle, reach = _spread(train)
    far = (np.abs(dataset.labels - middle) > FAR * np.where(reach > 0, reach, np.inf)).any(axis=1)
    if far.any():
        names = tuple(dataset.sources[int(row)] for row in np.flatnonzero(far))
        message = (
            f"{plural(len(names), dataset.modality.noun)} with a number far from all others: {listing(names, 3)}. They "
            "are kept; is it a slip of the pen?"
        )
        found.append(Finding("outlier", "warning", message, names))
    unknown = int(np.isnan(dataset.labels).sum())
    if unknown:
        message = f"{plural(unknown, 'number')} not known: they teach nothing and count nowhere."
        found.append(Finding("labels-not-known", "info", message))
    across = groups_across_parts(dataset)
    if across:
        message = f"{plural(len(across), 'group')} in more than one part, which flatters: {listing(across)}."
        found.append(Finding("group-across-parts", "warning", message, tuple(across)))
    return found
