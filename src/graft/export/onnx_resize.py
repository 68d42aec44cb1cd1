"""Pillow's way to resize and crop, as a piece of an ONNX graph.

A resized row is a weighted sum of a few neighbouring rows, and so are columns: each side is one product of matrices,
and because the weights of far rows are zero, one small product for each block of outputs. ONNX has a `Resize` that does
the same, but one value at a time: on a picture of 348 pixels it took twice as long (3.0 and 1.4 ms), a fifth of what
EfficientNet-Lite0 itself takes. OpenVINO reads its filter as another one.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from graft.records import ImagePreprocess

WIDEST = 40  # outputs in a block: more would multiply more zeros, fewer would call more products
NARROWEST = 8
REACH = {"bilinear": 1.0, "bicubic": 2.0}  # of a filter, in pixels of the smaller of the two pictures
CONSTANTS = {"bilinear": "", "bicubic": "float[1] two = {2}, float[1] four = {4}, "}
FILTERS = {
    "bilinear": """
        {axis}_near = Sub(one, {axis}_away)
        {axis}_filter = Relu({axis}_near)""",
    # Keys 1981 with a = -0.5, times two: u²(u - 1) + v²(2 - 4v) of u = max(0, 2 - |x|) and v = max(0, 1 - |x|)
    "bicubic": """
        {axis}_to_two = Sub(two, {axis}_away)
        {axis}_u = Relu({axis}_to_two)
        {axis}_to_one = Sub({axis}_u, one)
        {axis}_v = Relu({axis}_to_one)
        {axis}_uu = Mul({axis}_u, {axis}_u)
        {axis}_outer = Mul({axis}_uu, {axis}_to_one)
        {axis}_vv = Mul({axis}_v, {axis}_v)
        {axis}_four_v = Mul({axis}_v, four)
        {axis}_rest = Sub(two, {axis}_four_v)
        {axis}_inner = Mul({axis}_vv, {axis}_rest)
        {axis}_filter = Add({axis}_outer, {axis}_inner)""",
}


@dataclass(frozen=True)
class Blocks:
    """The outputs of one side, cut into blocks of equal size."""

    count: int
    size: int


def resize_and_crop_text(preprocess: ImagePreprocess) -> str:
    """Text of a graph: (batch, height, width, 3) of any size -> (batch, crop, crop, 3), both of bytes.

    As in Pillow, columns come first and are rounded to bytes. Only what the crop needs is read at all, and widened to
    floats one block at a time, so that a large photo or a long panorama stays small.
    """
    crop, blocks = preprocess.crop, blocks_of(preprocess.crop)
    reach, constants = REACH[preprocess.interpolation], CONSTANTS[preprocess.interpolation]
    places = ", ".join(str(float(place)) for place in range(crop))
    firsts = ", ".join(str(float(place)) for place in range(0, crop, blocks.size))
    return f"""
    front (uint8[batch, height, width, 3] pictures) => (uint8[batch, {crop}, {crop}, 3] prepared)
    <int64[1] short_side = {{{preprocess.resize}}}, int64[1] crop = {{{crop}}}, int64[1] spare_rows = {{2}},
     int64[1] nothing = {{0}}, int64[1] single = {{1}}, int64[2] both = {{1, 2}}, int64[1] last_axis = {{3}},
     int64[1] minus_one = {{-1}}, int64 start = {{0}}, int64 unit = {{1}},
     int64[4] whole_picture = {{0, 0, {crop}, {crop}}}, float[1] reach = {{{reach}}},
     float[1] reaches = {{{2 * reach}}}, float[1] block = {{{float(blocks.size)}}},
     float[1] half = {{0.5}}, float[1] one = {{1}}, {constants}float least = {{0}}, float most = {{255}},
     float[{blocks.count}, {blocks.size}, 1] places = {{{places}}}, float[{blocks.count}, 1] firsts = {{{firsts}}}>
    {{
        sides = Shape<start=1, end=3>(pictures)
        shorter = ReduceMin<keepdims=1>(sides)
        scaled = Mul(sides, short_side)
        whole = Div(scaled, shorter)
        full = Max(whole, single)
        spare = Sub(full, crop)
        sides_float = Cast<to=1>(sides)
        full_float = Cast<to=1>(full)
        spare_float = Cast<to=1>(spare)
        steps = Div(sides_float, full_float)
        spreads = Max(steps, one)
        halved = Mul(spare_float, half)
        first = Round(halved)
        first_middle = Add(first, half)
        first_pixel = Mul(first_middle, steps)
        origins = Sub(first_pixel, half)
        wides = Mul(spreads, reach)
        block_span = Mul(steps, block)
        filter_span = Mul(spreads, reaches)
        span = Add(block_span, filter_span)
        span_whole = Ceil(span)
        span_count = Cast<to=7>(span_whole)
        span_rows = Add(span_count, spare_rows)
        counts = Min(span_rows, sides)
        lasts = Sub(sides, counts)
        {_for_each_side("steps", "spreads", "origins", "wides", "counts", "lasts")}
        {_weights("down", preprocess.interpolation)}
        {_weights("across", preprocess.interpolation)}
        top = ReduceMin<keepdims=1>(down_starts)
        lowest = ReduceMax<keepdims=1>(down_starts)
        leftmost = ReduceMin<keepdims=1>(across_starts)
        rightmost = ReduceMax<keepdims=1>(across_starts)
        bottom = Add(lowest, down_counts)
        right = Add(rightmost, across_counts)
        upper_left = Concat<axis=0>(top, leftmost)
        lower_right = Concat<axis=0>(bottom, right)
        needed = Slice(pictures, upper_left, lower_right, both)
        planes = Transpose<perm=[0, 3, 1, 2]>(needed)
        {"".join(_columns(blocks))}
        columns = Concat<axis=3>({", ".join(f"columns_{block}" for block in range(blocks.count))})
        {_as_bytes("columns")}
        columns_float = Cast<to=1>(columns_bytes)
        down_rows = Sub(down_pixels, top)
        bands_all = Gather<axis=2>(columns_float, down_rows)
        rows = MatMul(down_weights, bands_all)
        rows_joined = Reshape(rows, whole_picture)
        {_as_bytes("rows_joined")}
        prepared = Transpose<perm=[0, 2, 3, 1]>(rows_joined_bytes)
    }}"""


def blocks_of(crop: int) -> Blocks:
    """Equal blocks of at most `WIDEST` outputs; a single one where the number of outputs has no such divisor."""
    size = max(size for size in range(1, WIDEST + 1) if crop % size == 0)
    return Blocks(crop // size, size) if size >= NARROWEST else Blocks(1, crop)


def _for_each_side(*names: str) -> str:
    return "\n".join(f"down_{name}, across_{name} = Split<axis=0, num_outputs=2>({name})" for name in names)


def _weights(axis: str, interpolation: str) -> str:
    """The pixels of each block (blocks, pixels) and their weights (blocks, outputs, pixels), which sum to one."""
    return f"""
        {axis}_firsts_scaled = Mul(firsts, {axis}_steps)
        {axis}_firsts = Add({axis}_firsts_scaled, {axis}_origins)
        {axis}_earliest = Sub({axis}_firsts, {axis}_wides)
        {axis}_floor = Floor({axis}_earliest)
        {axis}_before = Cast<to=7>({axis}_floor)
        {axis}_early = Min({axis}_before, {axis}_lasts)
        {axis}_starts_each = Max({axis}_early, nothing)
        {axis}_starts = Squeeze({axis}_starts_each, single)
        {axis}_count = Squeeze({axis}_counts)
        {axis}_range = Range(start, {axis}_count, unit)
        {axis}_pixels = Add({axis}_starts_each, {axis}_range)
        {axis}_pixels_float = Cast<to=1>({axis}_pixels)
        {axis}_pixels_wide = Unsqueeze({axis}_pixels_float, single)
        {axis}_places = Mul(places, {axis}_steps)
        {axis}_centres = Add({axis}_places, {axis}_origins)
        {axis}_signed = Sub({axis}_pixels_wide, {axis}_centres)
        {axis}_apart = Abs({axis}_signed)
        {axis}_away = Div({axis}_apart, {axis}_spreads){FILTERS[interpolation].format(axis=axis)}
        {axis}_sums = ReduceSum<keepdims=1>({axis}_filter, minus_one)
        {axis}_weights = Div({axis}_filter, {axis}_sums)"""


def _columns(blocks: Blocks) -> Iterator[str]:
    """Each block of columns: (batch, 3, height, pixels) @ (pixels, outputs)."""
    names = [f"block_{block}" for block in range(blocks.count)]
    yield f"""
        across_turned = Transpose<perm=[0, 2, 1]>(across_weights)
        across_local = Sub(across_starts, leftmost)
        across_ends = Add(across_local, across_counts)
        {", ".join(f"{name}_from" for name in names)} = Split<axis=0, num_outputs={blocks.count}>(across_local)
        {", ".join(f"{name}_to" for name in names)} = Split<axis=0, num_outputs={blocks.count}>(across_ends)
        {", ".join(f"{name}_three" for name in names)} = Split<axis=0, num_outputs={blocks.count}>(across_turned)"""
    for number, name in enumerate(names):
        yield f"""
        {name}_weights = Squeeze({name}_three, nothing)
        {name}_bytes = Slice(planes, {name}_from, {name}_to, last_axis)
        {name}_float = Cast<to=1>({name}_bytes)
        columns_{number} = MatMul({name}_float, {name}_weights)"""


def _as_bytes(name: str) -> str:
    """Rounded as Pillow does, halves up, and kept within a byte."""
    return f"""
        {name}_raised = Add({name}, half)
        {name}_kept = Clip({name}_raised, least, most)
        {name}_bytes = Cast<to=2>({name}_kept)"""
