"""JSON lines: text becomes records, each of its own line. A line that is no object is told, and the others are read."""

import json
from typing import Any

from graft.data.delimited import Fault

Objects = tuple[list[int], list[dict[str, Any]], list[Fault]]


def json_records(text: str) -> Objects:
    """The objects of a text with their lines, and the lines that hold none; only line feeds end lines."""
    lines, objects, faults = [], [], []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            found: Any = json.loads(line)
        except RecursionError:
            faults.append(Fault(number, "no JSON that can be read: lists or objects inside each other without end"))
        except ValueError as error:
            faults.append(Fault(number, f"no JSON: {error}"))
        else:
            if isinstance(found, dict):
                lines.append(number)
                objects.append(found)
            else:
                faults.append(Fault(number, f"no JSON object with the columns as names, but {_kind(found)}"))
    return lines, objects, faults


def whole_document(text: str) -> str:
    """What a file that holds no object a line holds instead, in words; empty where that is not plain."""
    begins = text.lstrip()[:1]
    if begins == "[":
        return (
            "It begins as a JSON array. Expected JSON lines: one object a line, without brackets and commas around "
            "them. pandas writes them with: frame.to_json('table.jsonl', orient='records', lines=True)"
        )
    if begins == "{" and "\n" in text.strip():
        return "It looks like JSON that is spread over lines. Expected JSON lines: one object in each line."
    return "" if begins == "{" else "It holds no JSON. If it is CSV, rename it so that it ends in .csv."


def _kind(found: Any) -> str:
    names = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(found), "a number")
