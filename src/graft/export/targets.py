"""The kinds of artifacts there are, by name."""

from importlib.util import find_spec

from graft.errors import RequestError
from graft.export.target import Target
from graft.export.to_coreml import COREML
from graft.export.to_executorch import EXECUTORCH
from graft.export.to_litert import LITERT
from graft.export.to_onnx import ONNX
from graft.export.to_openvino import OPENVINO

TARGETS: dict[str, Target] = {one.name: one for one in (ONNX, OPENVINO, EXECUTORCH, COREML, LITERT)}


def target_of(name: str) -> Target:
    """The target of this name; raises `RequestError` for any other."""
    if name not in TARGETS:
        raise RequestError(f"{name!r} is nothing that graft exports to. Expected: {', '.join(TARGETS)}, app.")
    return TARGETS[name]


def lacking(target: Target) -> str | None:
    """The first package that a target needs and that is not installed."""
    return next((package for package in target.packages if find_spec(package) is None), None)
