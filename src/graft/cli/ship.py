"""Verbs that take a model elsewhere."""

from pathlib import Path
from typing import Annotated

import typer

from graft.cli.app import AsJson, Run, app


@app.command()
def export(
    run: Run,
    to: Annotated[
        str, typer.Option(help="What it shall run on: onnx, openvino, executorch, coreml, litert or app.")
    ] = "onnx",
    variant: Annotated[
        str | None,
        typer.Option(
            help="fp32, fp16 (half the size), int8 (a third or a quarter), or all.  [default: fp32; for an app the "
            "smallest that passes]",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The folder to write.  [default: RUN/export/...]", show_default=False)
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option(help="Files to compare on, instead of the run's held-out ones.", show_default=False),
    ] = None,
    golden: Annotated[
        Path | None,
        typer.Option(
            help="Files of which up to six go into the artifact, with the answers to expect.  [default: of the run's "
            "val part; never of its test part]",
            show_default=False,
        ),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Move an older artifact aside.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write files that give the same answers elsewhere. What does not pass the comparison is not written."""
    from graft import terminal
    from graft.verbs.export import ExportOptions
    from graft.verbs.export import export as run_export

    options = ExportOptions(variant, check, replace, golden)  # type: ignore[arg-type]
    exported = run_export(run, to, out, options, terminal.Terminal())
    terminal.print_json(exported) if as_json else terminal.show_exported(exported)


@app.command()
def serve(
    folder: Annotated[
        Path, typer.Argument(metavar="APP", help="An app, as graft export --to app writes it.", show_default=False)
    ],
    port: Annotated[
        int, typer.Option(help="Where this machine finds it; phones find it one higher.", min=0, max=65535)
    ] = 8080,
    network: Annotated[bool, typer.Option(help="Let other devices on the network see it, over https.")] = True,
) -> None:
    """Host an app for this machine and for phones on its network, until Ctrl-C."""
    from graft import terminal
    from graft.verbs.serve import serve as run_serve

    run_serve(folder, port, network, terminal.show_hosted)
