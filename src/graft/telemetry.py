"""Libraries that report to their makers, kept from it before they are imported."""

import os
import sys

LIBRARIES = frozenset(
    {"datasets", "huggingface_hub", "keras", "onnxruntime", "openvino", "optuna", "ray", "timm", "transformers"}
)  # `without_telemetry` comes before an import of these, and of what imports them; a test reads the code

OPT_OUTS = {
    "ORT_DISABLE_TELEMETRY": "1",  # onnxruntime 1.29 and newer: no event, no device id, no cache of events
    "HF_HUB_DISABLE_TELEMETRY": "1",  # huggingface_hub, and transformers and datasets through it
    "DO_NOT_TRACK": "1",  # huggingface_hub and others
    "RAY_USAGE_STATS_ENABLED": "0",  # ray
}
REPORTERS = ("openvino_telemetry",)  # openvino takes an empty stand-in where this cannot be imported


def without_telemetry() -> None:
    """Switch off the reports of libraries that are imported from now on, in this process and those that it starts.

    A variable that the user has set, or a reporter that the user has imported, stays as it is.
    """
    for name, value in OPT_OUTS.items():
        os.environ.setdefault(name, value)
    for name in REPORTERS:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # None makes an import of it fail
