"""Transfer learning you can trust: point at labelled pictures, get a model, an honest number and a way to use it."""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str

    from graft.adaptation.contrastive import Contrastive
    from graft.adaptation.strategy import Full, LoRA, Partial, Probe, Scratch
    from graft.backbones import open_backbone
    from graft.data import LoadOptions, load
    from graft.errors import GraftError
    from graft.ranking.ranker import RankOptions
    from graft.serving import Predictor, Transcriber
    from graft.training.place import Place
    from graft.training.plan import Plan
    from graft.verbs.adapt import adapt
    from graft.verbs.audit import audit
    from graft.verbs.demo import demo
    from graft.verbs.embed import embed
    from graft.verbs.evaluate import evaluate
    from graft.verbs.export import ExportOptions, export
    from graft.verbs.fit import FitOptions, fit, resume
    from graft.verbs.models import models
    from graft.verbs.predict import predict
    from graft.verbs.pretrain import pretrain
    from graft.verbs.rank import rank
    from graft.verbs.search import SearchOptions, search

__all__ = [
    "Contrastive",
    "ExportOptions",
    "FitOptions",
    "Full",
    "GraftError",
    "LoRA",
    "LoadOptions",
    "Partial",
    "Place",
    "Plan",
    "Predictor",
    "Probe",
    "RankOptions",
    "Scratch",
    "SearchOptions",
    "Transcriber",
    "adapt",
    "audit",
    "demo",
    "embed",
    "evaluate",
    "export",
    "fit",
    "load",
    "models",
    "open_backbone",
    "predict",
    "pretrain",
    "rank",
    "resume",
    "search",
]

_PLACES = {
    "Contrastive": "graft.adaptation.contrastive",
    "ExportOptions": "graft.verbs.export",
    "FitOptions": "graft.verbs.fit",
    "Full": "graft.adaptation.strategy",
    "GraftError": "graft.errors",
    "LoRA": "graft.adaptation.strategy",
    "LoadOptions": "graft.data",
    "Partial": "graft.adaptation.strategy",
    "Place": "graft.training.place",
    "Plan": "graft.training.plan",
    "Predictor": "graft.serving",
    "Probe": "graft.adaptation.strategy",
    "RankOptions": "graft.ranking.ranker",
    "Scratch": "graft.adaptation.strategy",
    "SearchOptions": "graft.verbs.search",
    "Transcriber": "graft.serving",
    "adapt": "graft.verbs.adapt",
    "audit": "graft.verbs.audit",
    "demo": "graft.verbs.demo",
    "embed": "graft.verbs.embed",
    "evaluate": "graft.verbs.evaluate",
    "export": "graft.verbs.export",
    "fit": "graft.verbs.fit",
    "load": "graft.data",
    "models": "graft.verbs.models",
    "open_backbone": "graft.backbones",
    "predict": "graft.verbs.predict",
    "pretrain": "graft.verbs.pretrain",
    "rank": "graft.verbs.rank",
    "resume": "graft.verbs.fit",
    "search": "graft.verbs.search",
}


def __getattr__(name: str) -> Any:
    """Find a public word where it lives, when it is first used: importing graft imports nothing else."""
    if name == "__version__":
        return import_module("importlib.metadata").version("graft-ml")
    if name not in _PLACES:
        raise AttributeError(f"graft has no {name!r}. It has: {', '.join(__all__)}.")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return __all__


class _Graft(ModuleType):
    """Some words name a function and a folder too; whichever folder is imported, the word stays the function."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _PLACES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Graft
