"""Where an app is hosted: addresses, and a code that a phone's camera reads."""

import io

from graft.errors import MissingExtraError
from graft.serving.host import Hosted
from graft.terminal.console import out, point_to


def show_hosted(hosted: Hosted) -> None:
    """The addresses, and the one for phones as a QR code."""
    point_to("On this machine:  ", f"[bold]{hosted.here}[/]")
    if hosted.secure is not None:
        point_to("On a phone:       ", f"[bold]{hosted.secure}[/]", "(same network; point its camera here)\n")
        out.print(_code(hosted.secure), highlight=False, soft_wrap=True)
        out.print(
            "[dim]The phone warns of the certificate once, because this machine signed it itself: go on all the same.\n"
            "Without a network the app works where it is hosted with a certificate that browsers know.[/]"
        )
    out.print("Stop with Ctrl-C.")


def _code(address: str) -> str:
    try:
        import segno
    except ImportError as error:
        raise MissingExtraError("segno", "serve") from error
    drawn = io.StringIO()
    segno.make(address, error="m").terminal(drawn, compact=True)
    return drawn.getvalue()
