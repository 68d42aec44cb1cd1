"""What columns are called that hold texts, files, labels and parts, in the way that `simple` writes names."""

import re

TEXTS = (
    *("text", "sentence", "utterance", "request", "question", "message", "content", "review", "document", "query"),
    *("transcript", "transcription", "文本", "内容", "句子"),
)
FILES = (
    *("file", "path", "filename", "filepath", "image", "picture", "audio", "recording", "img", "photo", "imagepath"),
    *("imagefile", "imagename", "imgpath", "imgfile", "audiopath", "audiofile", "audiofilename", "audiofilepath"),
    *("wav", "wavfile", "clip", "文件", "文件名", "路径", "图片"),
)
LABELS = (
    *("label", "class", "category", "intent", "target", "species", "topic", "sentiment", "labels", "classname"),
    *("classlabel", "labelname", "categoryname", "emotion", "genre", "标签", "类别", "分类"),
)
PARTS_COLUMNS = ("split", "part", "subset")
KNOWN = frozenset((*TEXTS, *FILES, *LABELS, *PARTS_COLUMNS))


def simple(name: str) -> str:
    """A name without what people write differently: capitals, spaces, underscores and hyphens."""
    return re.sub(r"[\s_\-]+", "", name.casefold())
