"""The trunk of a model that graft made, as a backbone for another task."""

from dataclasses import replace
from pathlib import Path

from graft.backbones.backbone import Backbone, Loaded, hash_of_weights
from graft.backbones.bounds import check_architecture, check_features, check_tokens, explained, no_larger_than
from graft.backbones.from_checkpoint import build_for, fill, read_weights
from graft.backbones.model_folder import WEIGHTS, Described, read_description, read_tensors
from graft.backbones.names import FRAMES
from graft.errors import WorkError
from graft.run_folder import RunFolder

TRUNK = "trunk."


def open_run(name: str) -> Backbone:
    """A backbone from `run:PATH`, where PATH is a run folder; raises as `read_description` does."""
    backbone = RunFolder(Path(name)).read_model(lambda folder: saved_backbone(folder, read_description(folder)))
    card = backbone.card
    stated = f"model.json of the run {name}" + (f", which names {card.licence_source}" if card.licence_source else "")
    backbone = replace(backbone, card=replace(card, id=f"run:{name}", licence_source=stated))
    if not backbone.card.architecture.startswith(FRAMES):
        return backbone
    from graft.backbones.frames import pooled

    return pooled(backbone)


def saved_backbone(folder: Path, described: Described) -> Backbone:
    """The backbone inside a model folder whose files were checked; raises `WorkError` for another trunk's name.

    The network is built when it is first asked for, and has to give features of the width that its card names.
    """
    weights = read_tensors(folder, TRUNK)
    if hash_of_weights(weights) != described.trunk:
        # Its name decides which kept graph answers for this trunk, so it must be its own.
        raise WorkError(f"The model in {folder} does not hold the trunk that its description names. Do not use it.")
    card = described.backbone
    check_architecture(card.architecture)
    check_tokens(card, weights)
    values = sum(value.size for value in weights.values())
    del weights

    def load() -> Loaded:
        with explained(f"The model in {folder}"):
            with no_larger_than(values):
                loaded = build_for(card)
            saved = read_weights(folder / WEIGHTS)
            own = {key.removeprefix(TRUNK): value for key, value in saved.items() if key.startswith(TRUNK)}
            if hash_of_weights(own) != described.trunk:
                raise WorkError(f"The model in {folder} was replaced while it was in use. Open it again.")
            fill(loaded, own, str(folder))
            check_features(loaded.module, card)
        return replace(loaded, source_head=None)

    return Backbone(card, load, described.trunk)
