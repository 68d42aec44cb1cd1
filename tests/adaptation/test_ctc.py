"""The loss of transcripts against its definition, and what a small cache does."""

import math

import numpy as np
import pytest
import torch
from test_decoding import every_text

from graft.adaptation.ctc import ctc_loss, log_softmax, losses_of
from graft.adaptation.letters import Letters

TWO = Letters(("a", "b"))


def test_the_loss_is_minus_the_logarithm_of_the_sum_over_alignments():
    scores = np.random.default_rng(0).normal(0, 2, (3, 5, 3))
    texts = ["ab", "b", "aa"]
    expected = [-math.log(every_text(log_softmax(one), TWO)[text]) for one, text in zip(scores, texts, strict=True)]
    targets = TWO.targets(texts)
    np.testing.assert_allclose(losses_of(scores, targets), expected, rtol=1e-6)
    total = ctc_loss(torch.tensor(scores, dtype=torch.float32), torch.tensor(targets, dtype=torch.long))
    assert float(total) == pytest.approx(sum(expected), rel=1e-5)
