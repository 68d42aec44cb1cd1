"""A head with many labels: graft's probe beside scikit-learn's logistic regression, one label at a time.

    python benchmarks/labels.py [--samples 20000] [--width 1280] [--labels 80] [--peer-labels 1]

Features are drawn at random, labels from a linear rule with noise. scikit-learn (OneVsRestClassifier over
LogisticRegressionCV with its defaults, five folds and ten penalties, on all cores) takes so long that it gets
`--peer-labels` of the labels; its time a label is what is compared. Both choose their penalty by cross-validation.
Mean average precision is that of the labels that both have, on samples that neither has seen.
"""

import argparse
import resource
import time
from datetime import date

import numpy as np
from sklearn.linear_model import LogisticRegressionCV
from sklearn.metrics import average_precision_score
from sklearn.multiclass import OneVsRestClassifier

from graft import machine
from graft.heads.probe import Samples, fit_probe
from graft.heads.sigmoid import Sigmoid


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=20_000)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--labels", type=int, default=80)
    parser.add_argument("--peer-labels", type=int, default=1)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    count, few = arguments.samples + 4_000, arguments.peer_labels
    features = rng.normal(size=(count, arguments.width)).astype(np.float32)
    rule = rng.normal(size=(arguments.width, arguments.labels)) / 5
    targets = (features @ rule + rng.normal(0, 3, (count, arguments.labels)) > 5).astype(np.int8)
    train, test = slice(0, arguments.samples), slice(arguments.samples, count)

    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    inside = np.ones(arguments.samples, bool)
    probe = fit_probe(Samples(features[train], targets[train]), inside, False, Sigmoid(arguments.labels), 0)
    ours = time.perf_counter() - began
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1e6
    scores = probe.head.scores(features[test])[:, :few]
    began = time.perf_counter()
    peer = OneVsRestClassifier(LogisticRegressionCV(n_jobs=-1)).fit(features[train], targets[train, :few])
    theirs = time.perf_counter() - began
    others = peer.decision_function(features[test]).reshape(-1, few)
    figures = [average_precision_score(targets[test, :few], one) for one in (scores, others)]

    print(f"{date.today()}, {machine.describe()}")
    print(f"{arguments.samples:,} samples, {arguments.width:,} features, {arguments.labels} labels")
    told = f"{probe.chosen.kind}, {grown:.2f} GB more, mean average precision {figures[0]:.3f}"
    print(f"graft: {ours:.1f} s for all ({told})")
    print(f"scikit-learn: {theirs:.1f} s for {few} (mean average precision {figures[1]:.3f})")
    one, other = theirs / few, ours / arguments.labels
    print(f"a label: {one:.2f} s and {other:.3f} s, {one / other:.0f} times")


if __name__ == "__main__":
    main()
