"""A strategy as plain JSON, for run.json and model.json, and back: an audit does again what made a model."""

import json
from dataclasses import asdict, is_dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from graft.adaptation.strategy import Full, LoRA, Partial, Probe, Scratch, Strategy
from graft.errors import RequestError
from graft.records import Json

KINDS: dict[str, Any] = {one.__name__: one for one in (Probe, Partial, Full, LoRA, Scratch)}


def recorded(how: Strategy) -> Json:
    """The kind of a strategy and all of its settings."""
    settings = asdict(how) if is_dataclass(how) and not isinstance(how, type) else {"name": how.name}
    read_back: Json = json.loads(json.dumps({"kind": type(how).__name__, **settings}))  # tuples become lists
    return read_back


def restored(record: Json) -> Strategy:
    """The strategy of a record; raises `RequestError` for one that is not graft's own, or was changed."""
    from graft.adaptation.contrastive import Contrastive  # needs torch

    kinds = {**KINDS, Contrastive.__name__: Contrastive}
    settings = {name: value for name, value in record.items() if name != "kind"}
    try:
        strategy: Strategy = TypeAdapter(kinds[record["kind"]]).validate_python(settings)
    except (KeyError, ValidationError) as error:
        raise RequestError(
            f"The model was made by the strategy {record.get('kind')!r}, which this graft cannot repeat. "
            f"It repeats: {', '.join(kinds)}."
        ) from error
    return strategy
