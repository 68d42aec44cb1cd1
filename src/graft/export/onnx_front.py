"""What an ONNX graph does before the network: from what a device has in hand to a prepared sample.

Both parts were compared with what Python prepares: pictures differ by one grey level at most, where ONNX Runtime rounds
the other way, and by a few on pictures a few pixels wide that are made a hundred times longer; waves do not differ.
"""

from typing import TYPE_CHECKING

from graft.audio import FULL
from graft.records import AudioPreprocess, ImagePreprocess, Preprocess

if TYPE_CHECKING:
    import onnx

OPSET = 18  # the first whose Resize smooths what it shrinks
IR = 10
NAMES = {"image": "pictures", "text": "tokens", "audio": "waves"}
INTERPOLATION = {"bilinear": 'mode="linear"', "bicubic": 'mode="cubic", cubic_coeff_a=-0.5'}


def front(preprocess: Preprocess) -> "onnx.ModelProto | None":
    """The part of the graph that prepares samples; None where samples come prepared, as numbers of tokens do."""
    import onnx

    match preprocess:
        case ImagePreprocess():
            text = _pictures(preprocess)
        case AudioPreprocess():
            text = _waves(preprocess)
        case _:
            return None
    model = onnx.parser.parse_model(f'<ir_version: {IR}, opset_import: ["": {OPSET}]>\n{text}')
    onnx.checker.check_model(model)
    return model


def _pictures(preprocess: ImagePreprocess) -> str:
    """(batch, height, width, 3) of any size -> (batch, crop, crop, 3), with Pillow's way to resize.

    Width comes first, as in Pillow, and is cut before height is resized, so that a long panorama stays small.
    """
    crop = preprocess.crop
    resize = (
        f"Resize<{INTERPOLATION[preprocess.interpolation]}, antialias=1, exclude_outside=1, "
        'coordinate_transformation_mode="half_pixel">'
    )
    return f"""
    front (uint8[batch, height, width, 3] pictures) => (uint8[batch, {crop}, {crop}, 3] prepared)
    <int64[1] short_side = {{{preprocess.resize}}}, int64[1] crop = {{{crop}}}, float[1] half = {{0.5}},
     int64[1] zero = {{0}}, int64[1] one = {{1}}, int64[1] two = {{2}}, int64[1] three = {{3}}>
    {{
        planes = Transpose<perm=[0, 3, 1, 2]>(pictures)
        outer = Shape<start=0, end=2>(planes)
        sides = Shape<start=2>(planes)
        shorter = ReduceMin<keepdims=1>(sides)
        scaled = Mul(sides, short_side)
        whole = Div(scaled, shorter)
        full = Max(whole, one)
        spare = Sub(full, crop)
        spare_float = Cast<to=1>(spare)
        halved = Mul(spare_float, half)
        rounded = Round(halved)
        first = Cast<to=7>(rounded)
        last = Add(first, crop)
        top = Slice(first, zero, one)
        left = Slice(first, one, two)
        bottom = Slice(last, zero, one)
        right = Slice(last, one, two)
        height = Slice(sides, zero, one)
        full_height = Slice(full, zero, one)
        full_width = Slice(full, one, two)
        wide = Concat<axis=0>(outer, height, full_width)
        across = {resize}(planes, , , wide)
        columns = Slice(across, left, right, three)
        high = Concat<axis=0>(outer, full_height, crop)
        down = {resize}(columns, , , high)
        rows = Slice(down, top, bottom, two)
        prepared = Transpose<perm=[0, 2, 3, 1]>(rows)
    }}"""


def _waves(preprocess: AudioPreprocess) -> str:
    """(batch, any number), full volume 1 -> (batch, samples) of 16 bits: the middle, or the whole amid silence."""
    return f"""
    front (float[batch, time] waves) => (int16[batch, {preprocess.samples}] prepared)
    <int64[1] room = {{{preprocess.samples}}}, int64[1] zero = {{0}}, int64[1] one = {{1}}, int64[1] two = {{2}},
     float full = {{{FULL}}}, float least = {{{-FULL - 1}}}>
    {{
        length = Shape<start=1>(waves)
        excess = Sub(length, room)
        spare = Max(excess, zero)
        from = Div(spare, two)
        to = Add(from, room)
        middle = Slice(waves, from, to, one)
        missing = Sub(room, length)
        lacking = Max(missing, zero)
        before = Div(lacking, two)
        after = Sub(lacking, before)
        around = Concat<axis=0>(zero, before, zero, after)
        filled = Pad(middle, around)
        loud = Mul(filled, full)
        rounded = Round(loud)
        clipped = Clip(rounded, least, full)
        prepared = Cast<to=5>(clipped)
    }}"""
