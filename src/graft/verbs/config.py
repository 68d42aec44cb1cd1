"""The settings of a fit as a file that people write and every run keeps: config.toml."""

import difflib
import json
import tomllib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from graft.dataset.options import LoadOptions
from graft.errors import RequestError
from graft.storage import explain
from graft.training.plan import PlanChanges

if TYPE_CHECKING:
    from graft.verbs.fit import FitOptions

CONFIG = "config.toml"


@dataclass(frozen=True, slots=True)
class Config:
    """What config.toml may hold: the data, the run to write, and every switch of graft fit by its name."""

    data: str | None = None
    out: str | None = None
    backbone: str | None = None
    effort: str = "good"
    minutes: float | None = None
    cache_gb: float = 5.0
    seed: int = 0
    group: str | None = None
    min_per_class: int = 1
    text: str | None = None
    label: str | None = None
    file: str | None = None
    encoding: str | None = None
    root: str | None = None
    task: str | None = None
    epochs: float | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    label_smoothing: float | None = None

    def options(self, replace: bool = False) -> "FitOptions":
        """The same as the options of `graft.fit`."""
        from graft.verbs.fit import FitOptions

        return FitOptions(
            backbone=self.backbone,
            effort=self.effort,  # type: ignore[arg-type]  # fit names what is wrong
            load=LoadOptions(**{one.name: getattr(self, one.name) for one in fields(LoadOptions)}),
            replace=replace,
            cache_gb=self.cache_gb,
            minutes=self.minutes,
            changes=PlanChanges(**{one.name: getattr(self, one.name) for one in fields(PlanChanges)}),
        )


def read_config(path: Path) -> dict[str, Any]:
    """The settings of a file, each of the type that it must have; relative paths are from its folder.

    Raises `RequestError` that names all unknown keys, with the nearest known ones, and all wrong values.
    """
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(
            f"{path} cannot be read: {explain(error) if isinstance(error, OSError) else error}"
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise RequestError(f"{path} is not TOML: {error}.") from error
    known = [one.name for one in fields(Config)]
    problems = [_unknown(key, known) for key in settings if key not in known]
    kinds = get_type_hints(Config)
    for key in settings.keys() & kinds:
        try:
            TypeAdapter(kinds[key]).validate_python(settings[key], strict=True)
        except ValidationError as error:
            problems.append(f"{key} is {settings[key]!r}: {error.errors()[0]['msg'].lower()}.")
    if problems:
        raise RequestError("\n".join([f"{path}:", *problems]))
    for key in ("data", "out", "root"):
        if key in settings:
            settings[key] = str(path.absolute().parent / settings[key])
    return settings


def _unknown(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key.replace("-", "_"), known, 1, 0.5)
    return f"{key} is no setting." + (f" Was {near[0]} meant?" if near else f" There are: {', '.join(known)}.")


def written_config(data: str, options: "FitOptions") -> str:
    """A run's settings as TOML, to be run from again; what is not set stands there as a comment."""
    values: dict[str, Any] = {"data": data, **asdict(options), **asdict(options.load), **asdict(options.changes)}
    lines = ["# graft fit --config config.toml does this again"]
    for one in fields(Config):
        if one.name == "out":
            continue
        value = values.get(one.name)
        lines.append(f"# {one.name} =" if value is None else f"{one.name} = {json.dumps(value, ensure_ascii=False)}")
    return "\n".join(lines) + "\n"
