"""The app in a real browser: the labels of Python, without a network, and usable by everyone."""

import json
import os
import shutil
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import graft
from graft.modalities.image import IMAGE
from graft.serving.host import host
from graft.verbs.export import ExportOptions, export
from graft.verbs.fit import FitOptions

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
PICTURES, SIDE, REPEATED, RATE = 100, 480, 3, 6  # frames, pixels, frames a picture, frames a second
GRID = 24
LISTEN = """
window.answers = [];
document.addEventListener('graft:answer', ({ detail }) => {
  const seen = [];
  if (detail.frame) {
    const { data, width, height } = detail.frame;
    for (let y = 0; y < GRID; y++) for (let x = 0; x < GRID; x++) {
      const at = (Math.floor(((y + 0.5) * height) / GRID) * width + Math.floor(((x + 0.5) * width) / GRID)) * 3;
      seen.push(data[at], data[at + 1], data[at + 2]);
    }
  }
  window.answers.push({ name: detail.top[0].name, seen });
});
""".replace("GRID", str(GRID))


@contextmanager
def browser(camera: Path | None = None):
    """A headless Chromium that must not warn, with a camera that shows a clip; and what it asked for."""
    if CHROMIUM is None:
        if os.environ.get("GRAFT_REQUIRE_DATA"):
            pytest.fail("chromium is not installed")
        pytest.skip("chromium is not installed")
    from playwright.sync_api import sync_playwright

    arguments = ["--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    if camera is not None:
        arguments.append(f"--use-file-for-fake-video-capture={camera}")
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, args=arguments)
        context = running.new_context(viewport={"width": 390, "height": 844}, permissions=["camera", "microphone"])
        asked: list[str] = []
        context.on("request", lambda request: asked.append(request.url))
        page = context.new_page()
        page.add_init_script(LISTEN)
        yield page, asked
        running.close()


def opened(page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector("#progress", state="hidden", timeout=60_000)


def until(page, holds: str, seconds: float = 60) -> None:
    """Wait for an expression; the page's policy forbids what the driver's own way to wait does."""
    ends = time.monotonic() + seconds
    while not page.evaluate(holds):
        assert time.monotonic() < ends, f"still not: {holds}"
        page.wait_for_timeout(100)


def barriers(page) -> list[str]:
    """What axe finds."""
    from axe_playwright_python.sync_playwright import Axe

    return [f"{one['id']}: {one['help']}" for one in Axe().run(page).response["violations"]]


def outside(asked: list[str], address: str) -> list[str]:
    return [one for one in asked if not one.startswith((address, f"blob:{address}", "data:"))]


@pytest.fixture(scope="module")
def fruit_app(fruit, tmp_path_factory) -> Path:
    """The fruit data set in the app, its trunk frozen."""
    root = tmp_path_factory.mktemp("fruit")
    run = graft.fit(fruit, root / "run", FitOptions(effort="quick")).run
    return export(run, "app", root / "app").recommended


@pytest.fixture(scope="module")
def shown(fruit) -> list[Image.Image]:
    """Pictures of the official test part, square."""
    files = sorted((fruit / "test").glob("*/*.jpg"))
    squares = []
    for at in np.linspace(0, len(files) - 1, PICTURES).astype(int):
        picture = IMAGE.decode(files[at])
        short = min(picture.size)
        left, top = (picture.width - short) // 2, (picture.height - short) // 2
        square = picture.crop((left, top, left + short, top + short))
        squares.append(square.resize((SIDE, SIDE), Image.Resampling.LANCZOS))
    return squares


@pytest.fixture(scope="module")
def clip(shown, tmp_path_factory) -> Path:
    """The pictures one after the other, as cameras give them: YCbCr of limited range, half the colour."""
    path = tmp_path_factory.mktemp("clip") / "clip.y4m"
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{SIDE} H{SIDE} F{RATE}:1 Ip A1:1 C420jpeg\n".encode())
        for picture in shown:
            file.write((b"FRAME\n" + planes(picture)) * REPEATED)
    return path


WEIGHTS = np.array([[65.738, 129.057, 25.064], [-37.945, -74.494, 112.439], [112.439, -94.154, -18.285]]) / 256


def planes(picture: Image.Image) -> bytes:
    """ITU-R BT.601."""
    rgb = np.asarray(picture, np.float64)
    y, *colours = np.moveaxis(rgb @ WEIGHTS.T + (16, 128, 128), 2, 0)
    halves = [one.reshape(SIDE // 2, 2, SIDE // 2, 2).mean(axis=(1, 3)) for one in colours]
    return b"".join(np.clip(np.rint(one), 0, 255).astype(np.uint8).tobytes() for one in (y, *halves))


def as_given(picture: Image.Image) -> Image.Image:
    """What is left of a picture behind the camera; half the colour alone changes the label of 2 of these 100."""
    content = np.frombuffer(planes(picture), np.uint8)
    y, quarter = content[: SIDE * SIDE].reshape(SIDE, SIDE), SIDE * SIDE // 4
    halves = [content[SIDE * SIDE + at * quarter :][:quarter].reshape(SIDE // 2, SIDE // 2) for at in range(2)]
    colours = [np.asarray(Image.fromarray(one).resize((SIDE, SIDE), Image.Resampling.BILINEAR)) for one in halves]
    rgb = (np.stack([y, *colours], axis=2) - (16.0, 128.0, 128.0)) @ np.linalg.inv(WEIGHTS).T
    return Image.fromarray(np.clip(np.rint(rgb), 0, 255).astype(np.uint8))


def visible(page, picture: Image.Image) -> Image.Image:
    """The part of the camera's picture that a person sees, and the model; browsers count in whole pixels."""
    width, height = (page.evaluate(f"document.querySelector('video').client{side}") for side in ("Width", "Height"))
    scale = max(width / SIDE, height / SIDE)
    across, down = width / scale, height / scale
    left, top = int((SIDE - across) / 2), int((SIDE - down) / 2)
    return picture.crop((left, top, left + int(across), top + int(down)))


def grid(picture: Image.Image) -> np.ndarray:
    pixels = np.asarray(picture, int)
    rows, columns = (((np.arange(GRID) + 0.5) * size / GRID).astype(int) for size in pixels.shape[:2])
    return pixels[rows][:, columns].reshape(-1)


def agreement(page, app: Path, shown: list[Image.Image]) -> tuple[int, int]:
    """For how many of the pictures that were seen page and Python give the same label."""
    page.get_by_test_id("start").click()
    page.wait_for_timeout(1000 * (PICTURES * REPEATED / RATE + 8))
    seen = [one for one in page.evaluate("window.answers") if one["seen"]]
    parts = [visible(page, as_given(picture)) for picture in shown]
    grids = np.stack([grid(part) for part in parts])
    names: dict[int, list[str]] = {}
    for one in seen:
        nearest = int(np.abs(grids - np.array(one["seen"])).mean(axis=1).argmin())
        names.setdefault(nearest, []).append(one["name"])
    python = [one.classes[0] for one in graft.predict(app, parts, top=1)]
    same = sum(max(set(said), key=said.count) == python[at] for at, said in names.items())
    return same, len(names)


def test_the_camera_gets_the_labels_of_python_and_again_without_a_network(fruit_app, shown, clip, tmp_path):
    hosted = host(fruit_app, 0, network=False)
    with browser(clip) as (page, asked):
        opened(page, hosted.here)
        assert barriers(page) == []
        same, seen = agreement(page, fruit_app, shown)
        assert seen == PICTURES
        assert same >= 99
        assert barriers(page) == []
        page.screenshot(path=tmp_path / "camera.png")
        until(page, "document.body.innerText.includes('works without a network now')")
        hosted.close()  # nobody answers any more
        page.reload()
        page.wait_for_selector("#progress", state="hidden", timeout=60_000)
        same, seen = agreement(page, fruit_app, shown)
        assert same >= 0.99 * seen
        assert seen >= 0.95 * PICTURES
        assert outside(asked, hosted.here) == []
    page_files = json.loads((fruit_app / "files.json").read_text())["files"]
    assert sum(one["bytes"] for one in page_files.values()) < 25e6


def test_golden_inputs_agree_in_the_browser_for_each_kind(run_of_a_kind, tmp_path):
    kind = json.loads((run_of_a_kind / "run.json").read_text())["modality"]
    app = export(run_of_a_kind, "app", tmp_path / "app", ExportOptions("fp32")).recommended
    golden = json.loads((app / "model" / "golden" / "golden.json").read_text())["inputs"]
    hosted = host(app, 0, network=False)
    with browser() as (page, asked):
        opened(page, hosted.here)
        assert barriers(page) == []
        page.get_by_test_id("about").click()
        page.locator("#check").click()
        until(page, "document.querySelector('#checked').textContent.includes('agree')")
        assert f"{len(golden)} of {len(golden)}" in page.locator("#checked").inner_text()
        assert barriers(page) == []
        page.keyboard.press("Escape")
        first = golden[0]
        if kind == "text":
            page.get_by_test_id("text").fill((app / "model" / "golden" / first["file"]).read_text())
            page.get_by_test_id("classify").click()
        else:
            where = "photo" if kind == "image" else "audio-file"
            page.get_by_test_id(where).set_input_files(app / "model" / "golden" / first["file"])
        until(page, "window.answers.length > 0")
        assert page.evaluate("window.answers.at(-1).name") == first["label"]
        assert outside(asked, hosted.here) == []
    hosted.close()


def test_photos_of_any_shape_and_kind_get_the_label_of_python(run_of_a_kind, tmp_path):
    """Turned by EXIF, a 4:1 panorama, one pixel high, 50 megapixels, grey, CMYK, transparent."""
    if json.loads((run_of_a_kind / "run.json").read_text())["modality"] != "image":
        pytest.skip("for pictures")
    app = export(run_of_a_kind, "app", tmp_path / "app", ExportOptions("fp32")).recommended
    rng = np.random.default_rng(1)

    def grain(height: int, width: int, colour=(220, 200, 40)) -> Image.Image:
        small = rng.normal(0, 40, (min(height, 800), min(width, 800), 3)) + colour
        return Image.fromarray(np.clip(small, 0, 255).astype(np.uint8)).resize((width, height))

    turned = Image.Exif()
    turned[0x0112] = 6
    grain(300, 400).save(tmp_path / "turned.jpg", exif=turned)
    grain(200, 800, (90, 30, 110)).save(tmp_path / "panorama.jpg")
    grain(1, 200).save(tmp_path / "line.png")
    grain(5800, 8700, (90, 30, 110)).save(tmp_path / "large.jpg")
    grain(300, 300).convert("L").save(tmp_path / "grey.jpg")
    grain(300, 300, (90, 30, 110)).convert("CMYK").save(tmp_path / "printed.jpg")
    clear = grain(300, 300).convert("RGBA")
    clear.putalpha(120)
    clear.save(tmp_path / "clear.png")
    files = sorted(one for one in tmp_path.iterdir() if one.suffix in {".jpg", ".png"})
    expected = [one.classes[0] for one in graft.predict(run_of_a_kind, files, top=1)]
    hosted = host(app, 0, network=False)
    with browser() as (page, _):
        opened(page, hosted.here)
        for file, label in zip(files, expected, strict=True):
            before = page.evaluate("window.answers.length")
            page.get_by_test_id("photo").set_input_files(file)
            until(page, f"window.answers.length > {before}")
            assert page.evaluate("window.answers.at(-1).name") == label, file.name
    hosted.close()
