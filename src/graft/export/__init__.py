"""Model -> Artifact: files that give the same answers elsewhere, each compared with the model before it may exist."""
