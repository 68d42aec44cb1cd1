"""All scores of a ranking beside a direct transcription of their published formulas, on the same features.

    python benchmarks/scores.py [--samples 10000] [--width 1280] [--classes 100]

Prints seconds, the ratio, and how far the values are apart. The transcriptions do what the formulas say, with numpy and
scikit-learn: a covariance and its inverse for the H-score, one fixed point per class for LogME, a refit for each fold
and penalty of the ridge probe, scikit-learn's nearest neighbours for each fold and number of neighbours.
"""

import argparse
import time
from collections.abc import Callable
from datetime import date

import numpy as np
from sklearn.covariance import ledoit_wolf
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsClassifier

from graft import machine
from graft.heads.basis import Basis
from graft.heads.folds import make_folds
from graft.heads.ridge import PENALTIES, one_hot
from graft.ranking.evidence import gather_evidence


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--classes", type=int, default=100)
    arguments = parser.parse_args()
    features, labels, source = task(arguments.samples, arguments.width, arguments.classes)
    classes = arguments.classes
    folds = make_folds(labels, None, 0)
    seconds, found = timed(lambda: gather_evidence(features, labels, classes, folds, source))
    ours = {
        "ridge probe": found.accuracy,
        "kNN": found.knn,
        "shrunk H-score": found.h_score,
        "LogME": found.log_evidence,
        "NCE": found.nce,
    }
    wide = features.astype(np.float64)
    direct: dict[str, tuple[float, float]] = {
        "ridge probe": timed(lambda: ridge_by_refits(wide, labels, classes, folds)),
        "kNN": timed(lambda: neighbours_by_folds(wide, labels, folds[0])),
        "shrunk H-score": timed(lambda: shrunk_h(wide, labels, classes)),
        "LogME": timed(lambda: logme(wide, labels, classes)),
        "NCE": timed(lambda: nce(source, labels)),
    }
    print(f"{arguments.samples:,} x {arguments.width:,} features, {classes} classes, {folds.max() + 1} folds")
    print("| score | direct, s | value | graft's value |")
    print("| --- | --- | --- | --- |")
    for name, (took, value) in direct.items():
        print(f"| {name} | {took:.2f} | {value:.5f} | {ours[name]:.5f} |")
    total = sum(took for took, _ in direct.values())
    print(f"| all | {total:.2f} | | in {seconds:.2f} s: {total / seconds:.1f} times faster |")
    about = machine.describe()
    print(f"{date.today()}; {about['cores']} cores, {about['processor']}, Python {about['python']}")


def task(samples: int, width: int, classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features with a decaying spectrum, as networks have them, and a source head that is often right."""
    rng = np.random.default_rng(0)
    labels = (np.arange(samples) % classes).astype(np.int32)
    spectrum = 1 / np.sqrt(1 + np.arange(width))
    features = (rng.normal(size=(samples, width)) + 1.2 * rng.normal(size=(classes, width))[labels]) * spectrum
    source = np.where(rng.random(samples) < 0.6, labels, rng.integers(classes, size=samples))
    return features.astype(np.float16), labels, source


def timed(work: Callable) -> tuple:
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def ridge_by_refits(features: np.ndarray, labels: np.ndarray, classes: int, folds: np.ndarray) -> float:
    scaled = features - features.mean(axis=0)
    scaled /= np.sqrt((scaled**2).mean())
    targets = one_hot(labels, classes)
    unit = Basis.of(features).squares.mean()
    best = (np.inf, 0.0)
    for penalty in PENALTIES:
        scores = np.zeros_like(targets)
        for repeat in folds:
            for fold in range(repeat.max() + 1):
                out = repeat == fold
                head = Ridge(alpha=penalty * unit).fit(scaled[~out], targets[~out])
                scores[out] += head.predict(scaled[out]) / len(folds)
        best = min(best, (((scores - targets) ** 2).mean(), (scores.argmax(axis=1) == labels).mean()))
    return best[1]


def neighbours_by_folds(features: np.ndarray, labels: np.ndarray, folds: np.ndarray) -> float:
    centred = features - features.mean(axis=0)
    best = 0.0
    for neighbours in (1, 5, 20):
        right = 0
        for fold in range(folds.max() + 1):
            out = folds == fold
            weights = lambda distance: 1 - distance + 1e-6  # noqa: E731
            known = KNeighborsClassifier(neighbours, metric="cosine", weights=weights).fit(centred[~out], labels[~out])
            right += (known.predict(centred[out]) == labels[out]).sum()
        best = max(best, right / len(labels))
    return best


def shrunk_h(features: np.ndarray, labels: np.ndarray, classes: int) -> float:
    """Ibrahim et al. (2021)."""
    covariance, shrinkage = ledoit_wolf(features)
    expected = np.zeros_like(features)
    for label in range(classes):
        expected[labels == label] = features[labels == label].mean(axis=0)
    between = np.cov(expected, rowvar=False, bias=True)
    return (1 - shrinkage) * np.trace(np.linalg.pinv(covariance) @ between) / (classes - 1)


def logme(features: np.ndarray, labels: np.ndarray, classes: int) -> float:
    """You et al. (2021), algorithm 1 on centred features: one fixed point per class."""
    features = features - features.mean(axis=0)
    count, width = features.shape
    left, singular, right = np.linalg.svd(features, full_matrices=False)
    squares = singular**2
    found = []
    for label in range(classes):
        target = (labels == label).astype(float)
        alpha, beta = 1.0, 1.0
        projected = left.T @ target
        for _ in range(200):
            gamma = (beta * squares / (alpha + beta * squares)).sum()
            mean = right.T @ (beta * singular * projected / (alpha + beta * squares))
            before = alpha / beta
            alpha = gamma / (mean @ mean)
            beta = (count - gamma) / ((target - features @ mean) ** 2).sum()
            if abs(alpha / beta - before) < 1e-6 * before:
                break
        error = ((target - features @ mean) ** 2).sum()
        evidence = width * np.log(alpha) + count * np.log(beta) - count * np.log(2 * np.pi)
        evidence -= np.log(alpha + beta * squares).sum() + beta * error + alpha * mean @ mean
        found.append(evidence / 2 / count)
    return float(np.mean(found))


def nce(source: np.ndarray, labels: np.ndarray) -> float:
    total = 0.0
    for answer in np.unique(source):
        there = labels[source == answer]
        for label in np.unique(there):
            share = (there == label).mean()
            total += (there == label).sum() / len(labels) * np.log(share)
    return total


if __name__ == "__main__":
    main()
