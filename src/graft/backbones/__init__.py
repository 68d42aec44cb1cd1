"""Name -> Backbone: pretrained networks, their cards and their stages."""

from graft.backbones.backbone import Backbone, Loaded, Stage
from graft.backbones.catalogue import DEFAULT, open_backbone

__all__ = ["DEFAULT", "Backbone", "Loaded", "Stage", "open_backbone"]
