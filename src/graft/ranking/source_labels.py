"""What the source head's own answers say about the target labels: NCE, and LEEP for comparison."""

import numpy as np
from numpy.typing import NDArray


def nce(source: NDArray[np.intp], labels: NDArray[np.int32]) -> float:
    """-H(Y|Z) in nats, from -log classes to 0, for source labels Z (Tran et al. 2019). (samples,) each."""
    joint = np.zeros((int(source.max()) + 1, int(labels.max()) + 1))
    np.add.at(joint, (source, labels), 1 / len(labels))
    return _negative_conditional_entropy(joint)


def leep(probabilities: NDArray[np.floating], labels: NDArray[np.int32]) -> float:
    """Mean log sum_z P(y|z) P(z|x), in nats, for the source head's probabilities (samples, source classes).

    Nguyen et al. (2020). Reported, not ranked by: a head that is too sure or too smooth moves it.
    """
    joint = np.zeros((int(labels.max()) + 1, probabilities.shape[1]))
    np.add.at(joint, labels, probabilities / len(labels))
    given_source = joint / np.maximum(joint.sum(axis=0), 1e-300)
    expected = (probabilities * given_source[labels]).sum(axis=1)
    return float(np.log(np.maximum(expected, 1e-300)).mean())


def _negative_conditional_entropy(joint: NDArray[np.float64]) -> float:
    marginal = joint.sum(axis=1, keepdims=True)
    there = joint > 0
    return float((joint[there] * np.log((joint / np.maximum(marginal, 1e-300))[there])).sum())
