"""Leaks and shortcuts: what can make a model look better on its test part than it is."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from graft.errors import listing, plural
from graft.records import Alarm

ALIKE = 0.98  # cosine between features above which two pictures are near duplicates
MUCH_ALIKE = 0.05  # share of the test part with a near duplicate in train that blocks a verdict
CHANCE_TIMES = 3  # a shortcut this many times above chance in cross-validation ...
FALL = 0.5  # ... that loses this share on the test part was a shortcut of the session, not of the task
SHARE_OF_GAIN = 0.5  # of what the model gains over chance: a predictor without pictures that gets there says it all
CHUNK = 1024


def near_duplicates(train: NDArray[np.floating], test: NDArray[np.floating], sources: Sequence[str]) -> list[Alarm]:
    """Test pictures that the network sees as one with a training picture; `sources` name the test pictures."""
    rows = [one / np.maximum(np.linalg.norm(one, axis=1, keepdims=True), 1e-12) for one in _centred(train, test)]
    found = [
        start + int(number)
        for start in range(0, len(test), CHUNK)
        for number in np.flatnonzero((rows[1][start : start + CHUNK] @ rows[0].T).max(axis=1) > ALIKE)
    ]
    if not found:
        return []
    message = (
        f"{plural(len(found), 'test sample')} of {len(test):,} can hardly be told from a training sample: "
        f"{listing([sources[number] for number in found], 3)}."
    )
    return [Alarm("near-duplicates", message, len(found) > MUCH_ALIKE * len(test))]


def _centred(train: NDArray[np.floating], test: NDArray[np.floating]) -> list[NDArray[np.float32]]:
    mean = np.asarray(train, np.float32).mean(axis=0)
    return [np.asarray(one, np.float32) - mean for one in (train, test)]


def shortcut(folded: float, tested: float, chance: float) -> list[Alarm]:
    """What a probe without a network says: accuracies by cross-validation within train, and on the test part."""
    if folded > CHANCE_TIMES * chance and tested < (1 - FALL) * folded:
        message = (
            f"Without any network, thumbnails reach {100 * folded:.0f}% in cross-validation and {100 * tested:.0f}% on "
            "the test set: samples within train resemble each other. Cross-validation flatters here; the test set, "
            "kept apart, does not."
        )
        return [Alarm("session", message, blocks=False)]
    if tested > max(CHANCE_TIMES * chance, 0.5):
        message = (
            f"Without any network, thumbnails tell {100 * tested:.0f}% of the test set right. Either the task is "
            "easy, or the same scenes are in train and test."
        )
        return [Alarm("shortcut", message, blocks=False)]
    return []


def permuted_labels(permuted: NDArray[np.bool_], chance: float) -> list[Alarm]:
    """A pipeline that tells the test part from labels that mean nothing has seen it: (permutations, judged).

    The permutations are the sample, not the pictures: where pictures of a class are alike, one permutation that agrees
    with the true labels by chance is right about all of them at once.
    """
    from scipy.stats import ttest_1samp

    accuracies = permuted.mean(axis=1)
    if accuracies.min() <= chance or (np.ptp(accuracies) > 0 and ttest_1samp(accuracies, chance).pvalue > 0.02):
        return []
    message = (
        f"Trained on permuted labels the pipeline still gets {100 * permuted.mean():.1f}% right, and the majority "
        f"class alone {100 * chance:.1f}%: answers leak from test to train."
    )
    return [Alarm("permuted-labels", message, blocks=True)]


def margin(what: str, alone: float, delivered: float, chance: float) -> list[Alarm]:
    """What the delivered model says where all is hidden that should tell the class; `what` names what is left.

    It blocks nothing: a fruit that fills its picture lies in the margin too.
    """
    if alone - chance <= SHARE_OF_GAIN * max(delivered - chance, 0.0) or alone <= 1.5 * chance:
        return []
    message = (
        f"From {what} the delivered model tells {100 * alone:.0f}% right, from all of it {100 * delivered:.0f}%: it "
        "may go by the surroundings, which will be others elsewhere."
    )
    return [Alarm("surroundings", message, blocks=False)]


def earlier_models(readings: int) -> list[Alarm]:
    """The test set was measured and the model changed afterwards; `readings` are those of earlier models.

    Measuring one and the same model again chooses nothing, so those readings do not count.
    """
    if not readings:
        return []
    message = (
        f"The test set was read {plural(readings, 'time')} for an earlier model, and the model was changed afterwards. "
        "If what was seen there led to the change, the test set flatters this model: new samples would tell."
    )
    return [Alarm("chosen-after-test", message, blocks=False)]


def metadata(
    train: Sequence[tuple[float, ...]],
    train_labels: NDArray[np.int32],
    test: Sequence[tuple[float, ...]],
    test_labels: NDArray[np.int32],
    delivered: float,
) -> list[Alarm]:
    """Classes that are given away by how samples were made (their file size, say), without a look at them."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    known, asked = np.array(train), np.array(test)
    if known.size == 0 or (known == known[0]).all():
        return []
    chance = float((test_labels == np.bincount(train_labels).argmax()).mean())
    forest = HistGradientBoostingClassifier(max_iter=30, random_state=0, early_stopping=False)
    right = forest.fit(known, train_labels).predict(asked) == test_labels
    tested = float(right.mean())
    if tested - chance <= SHARE_OF_GAIN * max(delivered - chance, 0.0) or tested <= 1.5 * chance:
        return []
    message = (
        f"How the files were made (size, shape, rate) alone tells {100 * tested:.0f}% right (the model "
        f"{100 * delivered:.0f}%): it may have learnt that, and not what they show."
    )
    return [Alarm("metadata", message, blocks=True)]
