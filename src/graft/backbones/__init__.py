"""Name -> Backbone: pretrained networks, their cards and their stages."""

from graft.backbones.backbone import Backbone, Loaded
from graft.backbones.catalogue import DEFAULT, open_backbone
from graft.backbones.packaged import DEFAULTS
from graft.backbones.stage import Stage

__all__ = ["DEFAULT", "DEFAULTS", "Backbone", "Loaded", "Stage", "open_backbone"]
