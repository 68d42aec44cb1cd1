"""Verbs of features: what a network sees in samples, and what lies near in that."""

from pathlib import Path
from typing import Annotated

import typer

from graft.cli.app import AsJson, CacheGb, Encoding, File, Label, Root, Text, app
from graft.errors import RequestError

AnySamples = Annotated[
    Path,
    typer.Argument(
        help="A folder of files, with one sub-folder per class or without; or a table (CSV, TSV, JSON lines, Parquet) "
        "with a text, or the path of a file, in each row, with a label or without.",
        show_default=False,
    ),
]
BackboneName = Annotated[
    str | None,
    typer.Option(
        help="A pretrained network; graft models lists them, and run:RUN is that of a model.  [default: the packaged "
        "one for this kind of sample; of a run its own]",
        show_default=False,
    ),
]
Replace = Annotated[bool, typer.Option("--replace", help="Write over a file that is already there.")]


@app.command()
def embed(
    data: AnySamples,
    to: Annotated[Path, typer.Option(help="The file to write: NAME.parquet or NAME.npz.", show_default=False)],
    backbone: BackboneName = None,
    text: Text = None,
    label: Label = None,
    file: File = None,
    encoding: Encoding = None,
    root: Root = None,
    replace: Replace = False,
    cache_gb: CacheGb = 5.0,
    as_json: AsJson = False,
) -> None:
    """Write what a network sees in each sample (its features) to a file for other programs."""
    from graft import terminal
    from graft.data import LoadOptions
    from graft.verbs.embed import embed as run_embed

    load = LoadOptions(text=text, label=label, file=file, encoding=encoding, root=root)
    embedded = run_embed(data, to, backbone, load, replace, cache_gb, terminal.Terminal())
    raise typer.Exit(1 if terminal.show_embedded(embedded, as_json) else 0)


@app.command()
def search(
    where: Annotated[
        Path,
        typer.Argument(
            metavar="RUN|DATA",
            help="A run, whose own data is searched without its test set; or a folder or a table of samples.",
            show_default=False,
        ),
    ],
    queries: Annotated[
        list[Path] | None,
        typer.Argument(metavar="QUERY", help="Files, folders of files, or tables.", show_default=False),
    ] = None,
    text: Annotated[
        list[str] | None,
        typer.Option("--text", help="A text itself, where texts are searched; may be repeated.", show_default=False),
    ] = None,
    top: Annotated[int, typer.Option(help="How many samples to name for each query.", min=1)] = 5,
    backbone: BackboneName = None,
    page: Annotated[
        Path | None, typer.Option(help="Write what was found to this HTML file, with pictures.", show_default=False)
    ] = None,
    label: Label = None,
    file: File = None,
    encoding: Encoding = None,
    root: Root = None,
    replace: Replace = False,
    cache_gb: CacheGb = 5.0,
    as_json: AsJson = False,
) -> None:
    """Find the samples that are most alike to others, by what a network sees in them."""
    from graft import terminal
    from graft.data import LoadOptions
    from graft.verbs.search import Searcher, SearchOptions

    named: list[Path | str] = [*(queries or ()), *(text or ())]
    if not named:
        raise RequestError('Nothing to search for: name files, or give texts with --text "WORDS".')
    load = LoadOptions(label=label, file=file, encoding=encoding, root=root)
    load.check()
    options = SearchOptions(backbone, load, cache_gb, page, replace)
    searcher = Searcher(where, options, terminal.Terminal())
    if text and searcher.dataset.modality.name != "text":
        raise RequestError(f"--text is for texts, and {where} holds {searcher.dataset.modality.noun}s. Name files.")
    found = searcher.search(named, top)
    failed = terminal.show_found(found, as_json)
    if page is not None and not as_json:
        terminal.point_to("Page:   ", terminal.escape(str(page)))
    raise typer.Exit(1 if failed else 0)
