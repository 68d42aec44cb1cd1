"""graft demo: the main job from nothing, on pictures that come with an installed package."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from graft.errors import MissingExtraError
from graft.progress import SILENT, Watch
from graft.records import Prediction
from graft.run_folder import RunFolder
from graft.serving import Predictor
from graft.verbs.evaluate import Evaluated, evaluate
from graft.verbs.fit import Effort, FitOptions, Fitted, fit

PACKAGE = "conformal_clip_data"
PICTURES = "data/textile_images/simulated"


@dataclass(frozen=True, slots=True)
class Demonstration:
    """All that the demonstration did, step by step."""

    data: Path
    fitted: Fitted
    evaluated: Evaluated
    predictions: tuple[tuple[str, Prediction], ...]  # with the true class


def demo(out: str | Path | None = None, watch: Watch = SILENT, effort: Effort = "quick") -> Demonstration:
    """Fit on 2,000 pictures of textile with and without defects, evaluate, and predict three test pictures.

    Raises `MissingExtraError` where the package with the pictures is not installed.
    """
    data = find_pictures()
    fitted = fit(data, out or Path("runs") / "demo", FitOptions(effort=effort, replace=True), watch)
    evaluated = evaluate(fitted.run, watch=watch)
    rows = [row for row in RunFolder.open(fitted.run).read_split() if row["part"] == "test"]
    first = {row["class"]: row for row in reversed(rows)}
    shown = [first[name] for name in sorted(first)][:3]
    answers = Predictor(fitted.run).predict([data / row["source"] for row in shown], watch=watch)
    named = tuple((row["class"], answer) for row, answer in zip(shown, answers, strict=True))
    return Demonstration(data, fitted, evaluated, named)


def find_pictures() -> Path:
    """The folder of pictures inside the installed package, without importing it."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError("conformal-clip-data", "demo")
    return Path(next(iter(spec.submodule_search_locations))) / PICTURES
