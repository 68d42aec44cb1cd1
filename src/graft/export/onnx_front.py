"""What an ONNX graph does before the network: from what a device has in hand to a prepared sample.

Both parts were compared with what Python prepares: pictures differ by one grey level at most, two where the resized
picture is all but as large as it was, where a half rounds the other way; waves do not differ.
"""

from typing import TYPE_CHECKING

from graft.export.onnx_resize import resize_and_crop_text
from graft.modalities.audio import FULL
from graft.records import AudioPreprocess, ImagePreprocess, Preprocess

if TYPE_CHECKING:
    import onnx

OPSET = 18
IR = 10
NAMES = {"image": "pictures", "text": "tokens", "audio": "waves"}


def front(preprocess: Preprocess) -> "onnx.ModelProto | None":
    """The part of the graph that prepares samples; None where samples come prepared, as numbers of tokens do."""
    import onnx

    match preprocess:
        case ImagePreprocess():
            text = resize_and_crop_text(preprocess)
        case AudioPreprocess():
            text = _waves(preprocess)
        case _:
            return None
    model = onnx.parser.parse_model(f'<ir_version: {IR}, opset_import: ["": {OPSET}]>\n{text}')
    onnx.checker.check_model(model)
    return model


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
