"""What is expected of networks before they are judged, and of training: assumptions until finished runs tell."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from graft.backbones.catalogue import Known, known_of, prior_of
from graft.ranking.history import Past, logit

PUBLIC = ("published", "public")

# All in logits of accuracy (0.1 is 2 points at 70%), and all assumptions, until there are enough runs.
TRANSFERS = 0.6  # of a difference in published accuracy arrives on another task (science, R4)
OFFSETS: dict[Known, float] = {"published": 0.0, "public": 0.0, "own": -0.7, "nothing": -1.4}  # between candidates
DEVIATIONS: dict[Known, float] = {"published": 0.15, "public": 0.35, "own": 0.7, "nothing": 0.7}  # around that
LARGE_GAIN = 0.35  # of fine-tuning, where a network learnt from a large public source; 0 for others (science, R6)
GAIN_SPREAD = 0.5  # standard deviation of the gain (science, R6)
OWN_SPREAD = 0.1  # the part of it that is a network's own, where networks learnt from a large public source
FALL = 0.7  # scale of how far accuracy falls on samples of another time: 11 to 14 points in Recht et al. (2019)

# Accuracy from which on gains and falls are not told: from 99.8 to 94.4% (spoken digits, another speaker) is 3.3 in
# logits, and of a network that is right for 96% such a fall would leave 45%.
CEILING = 0.98

ENOUGH = 9  # runs on other tasks from which 90% of the errors can be bounded
ENOUGH_POOLS = 30  # runs, of several networks on each of at least three tasks, that tell how networks differ
PENALTIES = (0.3, 1.0, 3.0, 10.0, 30.0)  # of the ridge regression, one of which is chosen with whole tasks left out
MOST_FOLDS = 20  # into which tasks are dealt: with more of them several are left out at once
NORMAL_90 = 1.645  # standard deviations on either side that hold 90%


@dataclass(frozen=True, slots=True)
class Expectation:
    """Of one candidate, in logits of accuracy."""

    offset: float  # of its accuracy once fine-tuned, against the rest of the pool
    offset_spread: "Spread"
    gain: float  # of fine-tuning over the frozen probe
    gain_spread: "Spread"
    fall: float = 0.0  # from held-out samples to new ones
    fall_own: float = 0.0  # standard deviation of the fall that is its own


@dataclass(frozen=True, slots=True)
class Spread:
    """Standard deviations: a network's own, and that which all networks of public sources have in common on a task."""

    own: float
    shared: float = 0.0


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is expected of all candidates of a pool, and from how many runs; 0 runs are the assumption.

    `fall_spread` is the standard deviation of the fall that all networks have in common on a task. While nothing was
    learnt a fall is half normal: accuracy on new samples may fall, but is not expected to rise.
    """

    candidates: tuple[Expectation, ...]
    fall_spread: float = FALL
    gain_runs: int = 0
    pool_runs: int = 0
    fall_runs: int = 0

    def of(self, numbers: Sequence[int]) -> "Outlook":
        """The same of some of the candidates."""
        return replace(self, candidates=tuple(self.candidates[number] for number in numbers))

    @property
    def regime(self) -> str:
        gains = f"learnt from {self.gain_runs} finished runs on other tasks"
        if self.gain_runs == 0:
            gains = "a rough prior, until runs on other tasks are finished"
        fall = f"learnt from {self.fall_runs} measured test sets" if self.fall_runs else "assumed as well"
        return f"{gains}; how far accuracy falls on samples of another time is {fall}"


def expect(names: Sequence[str], runs: Sequence[Past] = (), modality: str = "image", dataset: str = "") -> Outlook:
    """Expectations of a pool, from the runs of a modality on other data than this as far as they go."""
    told = [one for one in runs if one.modality == modality and one.dataset != dataset]
    outlook = Outlook(tuple(_assumed(names)))
    return _with_falls(_with_pools(_with_gains(outlook, names, told), names, told), names, told)


def _assumed(names: Sequence[str]) -> list[Expectation]:
    found = []
    for name, figure in zip(names, _published(names), strict=True):
        known = known_of(name)
        gain, spread = 0.0, Spread(GAIN_SPREAD)
        if known in PUBLIC:
            gain, spread = LARGE_GAIN, Spread(OWN_SPREAD, math.sqrt(GAIN_SPREAD**2 - OWN_SPREAD**2))
        found.append(Expectation(OFFSETS[known] + TRANSFERS * figure, Spread(DEVIATIONS[known]), gain, spread))
    return found


def _with_gains(outlook: Outlook, names: Sequence[str], runs: Sequence[Past]) -> Outlook:
    """The gain of each candidate."""
    if len(runs) < ENOUGH or len({one.dataset for one in runs}) < 2:
        return outlook
    assumed = _assumed([one.backbone for one in runs])
    gains = [_fall(one.fine_tuned, one.deciding, one.probe, one.deciding) for one in runs]
    found = _regress(runs, np.array(gains) - [one.gain for one in assumed], names)
    candidates = [
        replace(one, gain=one.gain + more, gain_spread=spread)
        for one, (more, spread) in zip(outlook.candidates, found, strict=True)
    ]
    return replace(outlook, candidates=tuple(candidates), gain_runs=len(runs))


def _with_pools(outlook: Outlook, names: Sequence[str], runs: Sequence[Past]) -> Outlook:
    """How candidates differ once fine-tuned, from runs of several networks on each of several tasks.

    The mean accuracy on other tasks orders networks better than any score of their features (science, "What was
    learnt first", 1).
    """
    count = Counter(one.dataset for one in runs)
    rows = [one for one in runs if count[one.dataset] > 1]
    tasks = np.array([one.dataset for one in rows])
    if len(rows) < ENOUGH_POOLS or len(set(tasks)) < 3:
        return outlook
    assumed = _assumed([one.backbone for one in rows])
    levels = np.array([logit(one.fine_tuned, one.deciding) for one in rows]) - [one.offset for one in assumed]
    for task in set(tasks):
        levels[tasks == task] -= levels[tasks == task].mean()
    found = _regress(rows, levels, names)
    candidates = [
        replace(one, offset=one.offset + more, offset_spread=spread)
        for one, (more, spread) in zip(outlook.candidates, found, strict=True)
    ]
    return replace(outlook, candidates=tuple(candidates), pool_runs=len(rows))


def _with_falls(outlook: Outlook, names: Sequence[str], runs: Sequence[Past]) -> Outlook:
    """How far accuracy falls from held-out samples to new ones, from the runs whose test part was measured."""
    rows, falls = [], []
    for one in runs:
        if one.foreseen is not None and one.met is not None:
            rows.append(one)
            falls.append(_fall(one.foreseen, one.deciding, one.met, one.tested))
    if len(rows) < ENOUGH or len({one.dataset for one in rows}) < 2:
        return outlook
    predicted, errors = _ridge(rows, np.array(falls), names)
    spread = _conformal(errors) / NORMAL_90
    own = _within(errors, np.array([one.dataset for one in rows]), spread)
    candidates = [
        replace(one, fall=fall, fall_own=own) for one, fall in zip(outlook.candidates, predicted, strict=True)
    ]
    common = math.sqrt(spread**2 - own**2)
    return replace(outlook, candidates=tuple(candidates), fall_spread=common, fall_runs=len(rows))


def _fall(first: float, of_first: int, second: float, of_second: int) -> float:
    """From one accuracy to another, in logits, as far as it can be told."""
    return logit(min(first, CEILING), of_first) - logit(min(second, CEILING), of_second)


def _regress(runs: Sequence[Past], wanted: NDArray[np.float64], names: Sequence[str]) -> list[tuple[float, Spread]]:
    """Predictions for `names`, each with its spread."""
    predicted, errors = _ridge(runs, wanted, names)
    spread = _conformal(errors) / NORMAL_90
    public = np.array([known_of(one.backbone) in PUBLIC for one in runs])
    own = _within(errors[public], np.array([one.dataset for one in runs])[public], spread)
    alike = Spread(own, math.sqrt(spread**2 - own**2))
    return [
        (one, alike if known_of(name) in PUBLIC else Spread(spread)) for name, one in zip(names, predicted, strict=True)
    ]


def _ridge(
    runs: Sequence[Past], wanted: NDArray[np.float64], names: Sequence[str]
) -> tuple[list[float], NDArray[np.float64]]:
    """Predictions for `names` by ridge regression on what is known of a network and on which it is.

    Also the errors on the runs, each with its whole task left out; the penalty is the one with the least of them.
    """
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import GroupKFold, cross_val_predict

    backbones, tasks = [one.backbone for one in runs], np.array([one.dataset for one in runs])
    inputs = _inputs([*backbones, *names], sorted(set(backbones)))
    past, new = inputs[: len(runs)], inputs[len(runs) :]
    by_task = GroupKFold(min(len(set(tasks)), MOST_FOLDS))
    tried = []
    for penalty in PENALTIES:
        errors = wanted - cross_val_predict(Ridge(penalty), past, wanted, groups=tasks, cv=by_task)
        tried.append((float((errors**2).mean()), penalty, errors))
    _, penalty, errors = min(tried, key=lambda one: one[0])
    return [float(one) for one in Ridge(penalty).fit(past, wanted).predict(new)], errors


def _inputs(names: Sequence[str], seen: Sequence[str]) -> NDArray[np.float64]:
    """What is known of each network, its published figure, and which of the `seen` it is: (networks, inputs)."""
    kinds = np.array([[known_of(name) == kind for kind in OFFSETS] for name in names], float)
    which = np.array([[name == one for one in seen] for name in names], float)
    return np.concatenate([kinds, np.array(_published(names))[:, None], which], axis=1)


def _published(names: Sequence[str]) -> list[float]:
    """The logit of each published accuracy, against their mean; 0 where there is none."""
    figures = [prior_of(name) for name in names]
    there = {name: math.log(one / (1 - one)) for name, one in zip(names, figures, strict=True) if one is not None}
    middle = sum(there.values()) / max(1, len(there))
    return [there[name] - middle if name in there else 0.0 for name in names]


def _conformal(errors: NDArray[np.float64]) -> float:
    """The bound that holds 90% of new errors, where they come like these (Vovk et al. 2005)."""
    ordered = np.sort(np.abs(errors))
    return float(ordered[min(math.ceil(0.9 * (len(ordered) + 1)), len(ordered)) - 1])


def _within(errors: NDArray[np.float64], tasks: NDArray[np.str_], spread: float) -> float:
    """The standard deviation of errors within a task, at most `spread`; a fifth of that where no task has two."""
    parts = [errors[tasks == task] for task in sorted(set(tasks)) if (tasks == task).sum() > 1]
    if not parts:
        return OWN_SPREAD / GAIN_SPREAD * spread
    freedom = sum(len(part) - 1 for part in parts)
    return min(spread, math.sqrt(sum(((part - part.mean()) ** 2).sum() for part in parts) / freedom))
