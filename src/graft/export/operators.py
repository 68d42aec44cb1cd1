"""Naming the operator that a format cannot express, and the stage of the network in which it sits."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from graft.errors import WorkError

if TYPE_CHECKING:
    from torch.export import ExportedProgram
    from torch.fx import Node

TRUNK = "trunk.1."  # where the backbone stands in the classifier, behind its entry


@contextmanager
def told_where(exported: "ExportedProgram", target: str) -> Iterator[None]:
    """Turn a converter's failure into a `WorkError` that names operator and stage, where its words allow it."""
    try:
        yield
    except Exception as error:
        chain, words = error, []
        while chain is not None:
            words.append(str(chain))
            chain = chain.__cause__ or chain.__context__  # type: ignore[assignment]
        node = _named_in(exported, "\n".join(words))
        what = "this network" if node is None else f"operator {node.target}, in {stage_of(node)}"
        reason = next((one.strip().splitlines()[0] for one in words if one.strip()), type(error).__name__)
        raise WorkError(
            f"{target} cannot express {what} ({reason[:300]}). Choose another --to, or another backbone for the run."
        ) from error


def _named_in(exported: "ExportedProgram", text: str) -> "Node | None":
    """The first node of the graph whose name or operator a converter's words hold."""
    calls = [node for node in exported.graph.nodes if node.op == "call_function"]
    names = {name: node for node in calls for name in (node.name, str(node.target))}
    found = [names[word] for word in re.findall(r"[\w.]+", text) if word in names]
    return found[0] if found else None


def stage_of(node: "Node") -> str:
    """The path of the module in which a node sits, as the network's own author named it."""
    stack = node.meta.get("nn_module_stack") or {}
    paths = [path for path, _ in stack.values() if path]
    inside = paths[-1].removeprefix(TRUNK) if paths else ""
    return f"stage {inside}" if inside else "the model's head"
