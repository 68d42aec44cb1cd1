"""Model x Dataset -> Evaluation: how good, how sure, where it errs, and a page that shows it."""

from graft.evaluation.evaluate import evaluate_probabilities

__all__ = ["evaluate_probabilities"]
