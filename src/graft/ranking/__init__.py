"""Features -> scores: how well a linear head would do on a frozen network, by cross-validation."""
