"""graft serve: an app on the local network, until somebody stops it."""

from collections.abc import Callable
from pathlib import Path

from graft.serving.host import Hosted, host


def serve(app: str | Path, port: int = 8080, network: bool = True, told: Callable[[Hosted], None] = print) -> None:
    """Host an app until Ctrl-C; `told` gets the addresses once it runs. Raises as `host` does."""
    import threading

    hosted = host(Path(app), port, network)
    try:
        told(hosted)
        threading.Event().wait()
    except KeyboardInterrupt:
        pass
    finally:
        hosted.close()
