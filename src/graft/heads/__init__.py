"""Features and labels -> a linear head: ridge and logistic regression, folds, calibration, and how good scores are."""
