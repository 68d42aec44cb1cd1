"""Reference code for what is left to do before an artifact that takes prepared samples."""

REFERENCE = {
    "image": """
```python
import json, numpy
from PIL import Image, ImageOps

settings = json.load(open("manifest.json", encoding="utf-8"))["preprocess"]
picture = ImageOps.exif_transpose(Image.open("PICTURE.jpg")).convert("RGB")
short, crop = min(picture.size), settings["crop"]
full = [max(1, settings["resize"] * side // short) for side in picture.size]
method = Image.Resampling[settings["interpolation"].upper()]  # one that smooths what it shrinks
left, top = (round((side - crop) / 2) for side in full)
prepared = numpy.asarray(picture.resize(full, method).crop((left, top, left + crop, top + crop)))  # uint8
```
""",
    "text": """
```python
import json, numpy, tokenizers

settings = json.load(open("manifest.json", encoding="utf-8"))["preprocess"]
tokenizer = tokenizers.Tokenizer.from_file("tokenizer.json")
tokenizer.no_padding(), tokenizer.no_truncation()
tokens = tokenizer.encode("A TEXT").ids[: settings["tokens"]]
tokens += [settings["pad"]] * max(0, (settings["fixed"] or 0) - len(tokens))
prepared = numpy.array(tokens, numpy.int64)  # (tokens,)
```
""",
    "audio": """
```python
import json, numpy, soundfile

settings = json.load(open("manifest.json", encoding="utf-8"))["preprocess"]
wave, rate = soundfile.read("RECORDING.wav", dtype="float32", always_2d=True)
assert rate == settings["rate"], "resample first"
wave, room = wave.mean(axis=1), settings["samples"]
start, missing = max(0, len(wave) - room) // 2, max(0, room - len(wave))
wave = numpy.pad(wave[start : start + room], (missing // 2, missing - missing // 2))
prepared = numpy.clip(numpy.rint(wave * 32767), -32768, 32767).astype(numpy.int16)  # (samples,)
```
""",
}
