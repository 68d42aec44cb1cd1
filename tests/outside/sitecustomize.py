"""Imported by every Python process of a test: what would reach the network is written down, and raises."""

import os
import sys
import traceback
from typing import Any

NAMED = ("socket.getaddrinfo", "socket.gethostbyname")
SENDING = ("socket.connect", "socket.sendto", "socket.sendmsg")


def refuse(event: str, arguments: tuple[Any, ...]) -> None:
    inside = event in SENDING and isinstance(arguments[-1], str | bytes)  # a path: a socket on this machine
    if event not in (*NAMED, *SENDING) or inside:
        return
    where = " < ".join(f"{one.filename}:{one.lineno}" for one in reversed(traceback.extract_stack()[:-1]))
    with open(os.environ["OUTSIDE_LOG"], "a") as log:
        log.write(f"{event} {arguments!r} {where[:2000]}\n")
    raise OSError(f"the network is closed in this test: {event} {arguments!r}")


if "OUTSIDE_LOG" in os.environ:
    sys.addaudithook(refuse)
