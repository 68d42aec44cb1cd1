"""Arms -> Verdict: whether the knowledge of the pretraining really transferred."""
