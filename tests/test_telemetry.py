"""Every import of a library that reports to its maker has the report switched off before; the code is read for it."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import graft
from graft.telemetry import LIBRARIES

SOURCE = Path(graft.__file__).parent
SILENCERS = {"without_telemetry", "without_notes"}
Function = ast.FunctionDef | ast.Module


def inside(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes of a function but those of functions in it, and of what is read for types alone."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
            continue
        yield child
        yield from inside(child)


def imported(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name.partition(".")[0] for alias in node.names}
    return {(node.module or "").partition(".")[0]} if isinstance(node, ast.ImportFrom) else set()


def silences(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SILENCERS


def offences(source: str) -> list[int]:
    """Lines that import such a library without switching its reports off before."""
    tree = ast.parse(source)
    functions: list[ast.AST] = [
        tree,
        *(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)),
    ]
    found = []
    for function in functions:
        nodes = list(inside(function))
        silent = min((node.lineno for node in nodes if silences(node)), default=sys.maxsize)  # type: ignore[attr-defined]
        found += [node.lineno for node in nodes if imported(node) & LIBRARIES and node.lineno < silent]  # type: ignore[attr-defined]
    return found


def test_reports_are_off_before_every_import() -> None:
    found = {str(file): lines for file in SOURCE.rglob("*.py") if (lines := offences(file.read_text()))}
    assert found == {}


def test_an_import_without_that_is_found() -> None:
    assert offences("def f():\n    import openvino") == [2]
    assert offences("import openvino.frontend") == [1]
    assert offences("def f():\n    from onnxruntime import quantization\n    without_telemetry()") == [2]
    assert offences("def f():\n    without_telemetry()\n    import openvino") == []
