"""Transfer learning you can trust: point at labelled pictures, get a model, an honest number and a way to use it."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graft.adaptation.strategy import Full, LoRA, Partial, Probe, Scratch
    from graft.backbones import open_backbone
    from graft.data import LoadOptions, load
    from graft.errors import GraftError
    from graft.serving import Predictor
    from graft.training.plan import Plan
    from graft.verbs.adapt import adapt
    from graft.verbs.demo import demo
    from graft.verbs.evaluate import evaluate
    from graft.verbs.fit import FitOptions, fit, resume
    from graft.verbs.models import models
    from graft.verbs.predict import predict
    from graft.verbs.pretrain import pretrain

__all__ = [
    "FitOptions",
    "Full",
    "GraftError",
    "LoRA",
    "LoadOptions",
    "Partial",
    "Plan",
    "Predictor",
    "Probe",
    "Scratch",
    "adapt",
    "demo",
    "evaluate",
    "fit",
    "load",
    "models",
    "open_backbone",
    "predict",
    "pretrain",
    "resume",
]

_PLACES = {
    "FitOptions": "graft.verbs.fit",
    "Full": "graft.adaptation.strategy",
    "GraftError": "graft.errors",
    "LoRA": "graft.adaptation.strategy",
    "LoadOptions": "graft.data",
    "Partial": "graft.adaptation.strategy",
    "Plan": "graft.training.plan",
    "Predictor": "graft.serving",
    "Probe": "graft.adaptation.strategy",
    "Scratch": "graft.adaptation.strategy",
    "adapt": "graft.verbs.adapt",
    "demo": "graft.verbs.demo",
    "evaluate": "graft.verbs.evaluate",
    "fit": "graft.verbs.fit",
    "load": "graft.data",
    "models": "graft.verbs.models",
    "open_backbone": "graft.backbones",
    "predict": "graft.verbs.predict",
    "pretrain": "graft.verbs.pretrain",
    "resume": "graft.verbs.fit",
}


def __getattr__(name: str) -> Any:
    """Find a public word where it lives, when it is first used: importing graft imports nothing else."""
    if name not in _PLACES:
        raise AttributeError(f"graft has no {name!r}. It has: {', '.join(__all__)}.")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return __all__
