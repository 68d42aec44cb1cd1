"""The measure by which benchmarks/ranker.py judges a score, on published tables of other people's scores.

The columns are those of the model selection page of the Transfer Learning Library (thuml, MIT): fine-tuned accuracy,
then H-score, LEEP, LogME and NCE of ten ImageNet networks, with the weighted tau that the page states.
"""

import pytest
from scipy.stats import weightedtau

CARS = (
    (91.0, 92.3, 91.7, 91.7, 92.0, 91.5, 91.5, 91.0, 91.0, 88.5),
    (41.47, 73.68, 72.94, 73.98, 76.17, 45.82, 63.40, 70.50, 51.12, 51.91),
    (-4.612, -4.268, -4.366, -4.281, -4.215, -4.437, -4.286, -4.319, -4.463, -4.423),
    (1.246, 1.259, 1.253, 1.255, 1.260, 1.249, 1.252, 1.251, 1.250, 1.254),
    (-4.312, -4.110, -4.221, -4.218, -4.142, -4.271, -4.175, -4.151, -4.306, -4.338),
)
CIFAR10 = (
    (96.2, 97.5, 96.8, 97.7, 97.9, 97.2, 97.4, 97.4, 95.7, 96.8),
    (5.911, 6.363, 6.567, 6.901, 6.945, 6.210, 6.547, 6.706, 5.928, 6.018),
    (-1.385, -1.259, -1.010, -0.829, -0.838, -1.035, -0.934, -0.888, -1.100, -1.066),
    (0.293, 0.349, 0.388, 0.463, 0.469, 0.302, 0.343, 0.369, 0.291, 0.304),
    (-1.139, -1.060, -1.007, -0.838, -0.851, -1.006, -0.946, -0.866, -1.089, -1.086),
)
SUN397 = (
    (62.0, 65.7, 64.7, 64.8, 66.0, 62.3, 63.0, 64.7, 60.5, 60.7),
    (71.35, 114.21, 110.39, 113.63, 116.51, 72.16, 95.80, 103.09, 75.90, 80.91),
    (-3.744, -3.372, -3.198, -3.103, -3.056, -3.311, -3.165, -3.205, -3.338, -3.234),
    (1.621, 1.648, 1.638, 1.642, 1.646, 1.614, 1.623, 1.624, 1.617, 1.625),
    (-3.055, -2.844, -2.894, -2.837, -2.822, -2.945, -2.903, -2.896, -2.968, -2.933),
)


@pytest.mark.parametrize(
    ("table", "stated"),
    [
        (CARS, (0.638, 0.703, 0.654, 0.750)),
        (CIFAR10, (0.800, 0.638, 0.785, 0.714)),
        (SUN397, (0.918, 0.581, 0.748, 0.873)),
    ],
)
def test_published_tables(table, stated):
    accuracy, *scores = table
    for score, value in zip(scores, stated, strict=True):
        assert weightedtau(score, accuracy).statistic == pytest.approx(value, abs=6e-4)
