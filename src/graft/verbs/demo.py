"""graft demo: the main job from nothing, on samples that come with installed packages or are made on the spot."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from graft.data import LoadOptions
from graft.errors import MissingExtraError
from graft.progress import SILENT, Watch
from graft.records import Prediction
from graft.run_folder import RunFolder
from graft.serving import Predictor
from graft.verbs.evaluate import Evaluated, evaluate, part_of_run
from graft.verbs.fit import Effort, FitOptions, Fitted, fit

Kind = Literal["image", "text", "audio"]
PACKAGE = "conformal_clip_data"
PICTURES = "data/textile_images/simulated"


@dataclass(frozen=True, slots=True)
class Demonstration:
    """All that the demonstration did, step by step."""

    data: Path
    fitted: Fitted
    evaluated: Evaluated
    predictions: tuple[tuple[str, Prediction], ...]  # with the true class


def demo(
    out: str | Path | None = None, watch: Watch = SILENT, effort: Effort = "quick", kind: Kind = "image"
) -> Demonstration:
    """Fit, evaluate, and predict three samples of the test part.

    On 2,000 pictures of textile with and without defects, on some 1,400 lines of conversation by topic, or on ten
    words spoken by forty artificial voices, of which some are kept for the test. Raises `MissingExtraError` where a
    package is not installed.
    """
    data, group = find_samples(kind, watch)
    options = FitOptions(effort=effort, replace=True, load=LoadOptions(group=group))
    fitted = fit(data, out or Path("runs") / "demo", options, watch)
    evaluated = evaluate(fitted.run, watch=watch)
    folder = RunFolder.open(fitted.run)
    test = part_of_run(folder, "test")
    first = {name: number for number, name in reversed([*enumerate(test.names)])}
    shown = [first[name] for name in sorted(first)][:3]
    contents = [test.contents[number] for number in shown]
    inputs = [one.decode() if isinstance(one, bytes) else one for one in contents]
    answers = Predictor(fitted.run).predict(inputs, watch=watch)
    named = tuple((test.names[number], answer) for number, answer in zip(shown, answers, strict=True))
    return Demonstration(data, fitted, evaluated, named)


def find_samples(kind: Kind, watch: Watch = SILENT) -> tuple[Path, str | None]:
    """The data of a demonstration, and what names its groups."""
    if kind == "text":
        from graft.verbs.demo_data import topics

        return topics(), "conversation"
    if kind == "audio":
        from graft.verbs.demo_data import spoken_words

        return spoken_words(watch), "voice"
    return find_pictures(), None


def find_pictures() -> Path:
    """The folder of pictures inside the installed package, without importing it."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError("conformal-clip-data", "demo")
    return Path(next(iter(spec.submodule_search_locations))) / PICTURES
