"""The code in the README of every artifact runs as it is written, and gives the model's answers.

Only the placeholder of a file or a text is replaced. Core ML's Swift and LiteRT's Kotlin need a phone; their Python,
which prepares samples, is compared with what graft prepares.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import numpy as np
import pytest
import soundfile
from PIL import Image

from documents import blocks_of
from graft.adaptation.model import Model
from graft.export.targets import TARGETS, lacking
from graft.verbs.export import export

WEB = Path(__file__).parents[2] / "web" / "node_modules"
PLACEHOLDERS = ('"PICTURE.jpg"', '"RECORDING.wav"', '"A TEXT"')
TEXTS = ("where did the hammer go", "a dog again, " * 200, "Ein Säbel, 一个词 \N{DOG FACE}")


def pictures(root: Path) -> Iterator[Path]:
    """Pictures that a careless opening gets wrong: transparent, of 16 bits, turned by EXIF, CMYK, tiny."""
    rng = np.random.default_rng(0)
    plain = Image.fromarray(rng.integers(256, size=(90, 120, 3), dtype=np.uint8))
    alpha = Image.fromarray(np.tile(np.linspace(0, 255, 120, dtype=np.uint8), (90, 1)))
    kinds = {
        "plain.png": plain,
        "see-through.png": Image.merge("RGBA", (*plain.split(), alpha)),
        "grey-see-through.png": Image.merge("LA", (plain.convert("L"), alpha)),
        "16-bit.png": Image.fromarray(rng.integers(65536, size=(90, 120)).astype(np.uint16)),
        "bits.png": plain.convert("1"),
        "cmyk.jpg": plain.convert("CMYK"),
        "narrow.png": plain.crop((0, 0, 7, 90)),
    }
    for name, picture in kinds.items():
        picture.save(root / name)
        yield root / name
    plain.quantize(16).save(root / "palette.png", transparency=3)
    yield root / "palette.png"
    turned = Image.Exif()
    turned[0x0112] = 6
    plain.save(root / "turned.jpg", exif=turned)
    yield root / "turned.jpg"


def recordings(root: Path) -> Iterator[Path]:
    """Recordings with two channels, one of them dead, and of other rates and lengths than the network's."""
    rng = np.random.default_rng(0)
    for rate, seconds, channels in ((8000, 0.4, 1), (22_050, 0.7, 2), (44_100, 3.0, 1), (16_000, 0.2, 2)):
        wave = 0.2 * np.sin(2 * np.pi * 300 * np.arange(int(rate * seconds)) / rate)
        wave = wave[:, None] + rng.normal(0, 0.02, (len(wave), channels))
        if rate == 22_050:
            wave[:, 1] = 0
        soundfile.write(root / f"{rate}.wav", wave, rate)
        yield root / f"{rate}.wav"


@pytest.fixture(scope="module", params=TARGETS)
def artifact(request, run_of_a_kind, tmp_path_factory) -> tuple[Path, Model]:
    target, model = TARGETS[request.param], Model.load(run_of_a_kind / "model")
    if lacking(target) or target.name == "litert":
        pytest.skip(f"{lacking(target) or 'an environment of 5 GB'} is not installed")
    if target.refuses(model):
        pytest.skip(f"{target.name} takes no such model")
    return export(run_of_a_kind, target.name, tmp_path_factory.mktemp("made") / "artifact").recommended, model


def given(folder: Path, model: Model, root: Path) -> list[str]:
    """What the code is run on: paths of files, or texts."""
    kind = model.modality.name
    if kind == "text":
        return [*TEXTS, *(one.read_text("utf-8") for one in (folder / "golden").glob("*.txt"))]
    golden = [one for one in sorted((folder / "golden").iterdir()) if one.suffix in {".png", ".wav"}]
    return [str(one) for one in [*golden, *(pictures(root) if kind == "image" else recordings(root))]]


def ran(code: str, sample: str) -> dict:
    present = [one for one in PLACEHOLDERS if one in code]
    assert len(present) == 1
    names: dict = {}
    exec(compile(code.replace(present[0], repr(sample)), "README.md", "exec"), names)
    return names


def test_the_python_of_an_artifact_gives_the_answers_of_the_model(artifact, tmp_path, monkeypatch):
    folder, model = artifact
    (code,) = [one.text for one in blocks_of((folder / "README.md").read_text("utf-8")) if one.language == "python"]
    samples = given(folder, model, tmp_path)
    monkeypatch.chdir(folder)
    asked = [one if model.modality.name == "text" else Path(one) for one in samples]
    for sample, (row, expected) in zip(samples, model.predict(asked), strict=True):
        names = ran(code, sample)
        if "probabilities" in names:
            assert np.asarray(names["probabilities"])[0] == pytest.approx(expected, abs=5e-3), sample
        else:
            prepared = model._prepared(asked[row])
            assert names["sample"].dtype == prepared.dtype
            assert np.abs(names["sample"].astype(int) - prepared.astype(int)).max() <= 1, sample


@pytest.mark.skipif(which("node") is None, reason="node is not installed")
def test_the_javascript_of_an_artifact_is_javascript(artifact, tmp_path):
    folder, _ = artifact
    codes = [one.text for one in blocks_of((folder / "README.md").read_text("utf-8")) if one.language == "javascript"]
    assert bool(codes) == (TARGETS["onnx"].file == "model.onnx" and (folder / "model.onnx").is_file())
    for code in codes:
        (tmp_path / "code.mjs").write_text(code)
        command = ["node", "--check", tmp_path / "code.mjs"]
        checked = subprocess.run(command, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr


BROWSER = """
import {{ readFileSync }} from "node:fs";
const file = null, pixels = readFileSync("pixels.bin");  // composed on white, as the canvas would do
globalThis.createImageBitmap = async () => ({{ width: {width}, height: {height} }});
globalThis.OffscreenCanvas = class {{
  constructor(width, height) {{ Object.assign(this, {{ width, height }}); }}
  getContext() {{
    return {{
      fillRect() {{}}, drawImage() {{}},
      getImageData: (x, y, width, height) => ({{ data: new Uint8ClampedArray(pixels), width, height }}),
    }};
  }}
}};
"""


@pytest.mark.skipif(which("node") is None or not (WEB / "onnxruntime-web").is_dir(), reason="web/ is not installed")
def test_the_javascript_for_pictures_gives_the_answers_of_the_model(artifact, tmp_path):
    """In node, with the browser's canvas stood for by its pixels."""
    folder, model = artifact
    if not (folder / "model.onnx").is_file() or model.modality.name != "image":
        pytest.skip("pictures in ONNX Runtime only")
    (code,) = [one.text for one in blocks_of((folder / "README.md").read_text("utf-8")) if one.language == "javascript"]
    picture = next(pictures(tmp_path))
    pixels = Image.open(picture).convert("RGBA")
    (folder / "pixels.bin").write_bytes(pixels.tobytes())
    (folder / "node_modules").symlink_to(WEB)
    told = "console.log(JSON.stringify([...probabilities.data]));"
    (folder / "code.mjs").write_text(BROWSER.format(width=pixels.width, height=pixels.height) + code + told)
    done = subprocess.run(["node", "code.mjs"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    ((_, expected),) = model.predict([picture])
    assert np.array(eval(done.stdout)) == pytest.approx(expected, abs=5e-3)
