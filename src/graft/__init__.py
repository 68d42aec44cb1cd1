"""Transfer learning you can trust: point at labelled pictures, get a model, an honest number and a way to use it."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graft.backbones import open_backbone
    from graft.data import LoadOptions, load
    from graft.errors import GraftError
    from graft.serving import Predictor
    from graft.verbs.demo import demo
    from graft.verbs.evaluate import evaluate
    from graft.verbs.fit import FitOptions, fit
    from graft.verbs.models import models
    from graft.verbs.predict import predict

__all__ = [
    "FitOptions",
    "GraftError",
    "LoadOptions",
    "Predictor",
    "demo",
    "evaluate",
    "fit",
    "load",
    "models",
    "open_backbone",
    "predict",
]

_PLACES = {
    "FitOptions": "graft.verbs.fit",
    "GraftError": "graft.errors",
    "LoadOptions": "graft.data",
    "Predictor": "graft.serving",
    "demo": "graft.verbs.demo",
    "evaluate": "graft.verbs.evaluate",
    "fit": "graft.verbs.fit",
    "load": "graft.data",
    "models": "graft.verbs.models",
    "open_backbone": "graft.backbones",
    "predict": "graft.verbs.predict",
}


def __getattr__(name: str) -> Any:
    """Find a public word where it lives, when it is first used: importing graft imports nothing else."""
    if name not in _PLACES:
        raise AttributeError(f"graft has no {name!r}. It has: {', '.join(__all__)}.")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return __all__
