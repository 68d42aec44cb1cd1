"""The trunk of a model that graft made, as a backbone for another task."""

from dataclasses import replace
from pathlib import Path

from graft.backbones.backbone import Backbone, Loaded, hash_of_weights
from graft.backbones.from_checkpoint import build_for, fill, read_weights
from graft.backbones.model_folder import WEIGHTS, read_description
from graft.backbones.names import FRAMES
from graft.errors import WorkError
from graft.records import Card, Json
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


def saved_backbone(folder: Path, description: Json) -> Backbone:
    """The backbone inside a model folder whose files were checked; raises `WorkError` for another trunk's name."""
    from pydantic import TypeAdapter
    from safetensors.numpy import load_file

    saved = load_file(folder / WEIGHTS)
    weights = {name.removeprefix(TRUNK): value for name, value in saved.items() if name.startswith(TRUNK)}
    if hash_of_weights(weights) != description["trunk"]:
        # Its name decides which kept graph answers for this trunk, so it must be its own.
        raise WorkError(f"The model in {folder} does not hold the trunk that its description names. Do not use it.")
    card = TypeAdapter(Card).validate_python(description["backbone"])

    def load() -> Loaded:
        loaded = build_for(card)
        saved = read_weights(folder / WEIGHTS)
        own = {key.removeprefix(TRUNK): value for key, value in saved.items() if key.startswith(TRUNK)}
        if hash_of_weights(own) != description["trunk"]:
            raise WorkError(f"The model in {folder} was replaced while it was in use. Open it again.")
        fill(loaded, own, str(folder))
        return replace(loaded, source_head=None)

    return Backbone(card, load, description["trunk"])
