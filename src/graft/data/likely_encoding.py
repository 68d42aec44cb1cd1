"""Which encoding bytes that are no UTF-8 are likely to be in: only ever named to a person, never used unasked."""

import unicodedata
from dataclasses import dataclass

LOOKED_AT = 4000  # bytes beyond ASCII that are looked at, with what stands around them
CLEAR = 0.15  # the least score of a guess that is worth naming

HAN = set(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去法学如都同现当没动面起"
    "看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政美"
    "相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神"
    "总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象完设式"
    "色路记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带导争运灯音乐关歌播请客厅标签类别文本内容"
)
HAN_TRADITIONAL = set(
    "這個們來為國說時會對於過發後裡種經麼學現當沒動還進樣開從實軍無與長機關點業將兩間問並應戰頭體見產東話給門員論處義幾條係氣題爾變總電數報結務場計資許統區"
    "隊決馬書則聽卻達強難權設記類據邊張該規萬覺術領確傳師觀讓識帶導爭運燈樂請廳標籤內"
)
HANGUL = set(
    "이다는을의에가고도하지한로사기어은나리를인그시자서해들아대수정있과일으라보게니면부전장스주안구제적음상여만고동성러그선화오원신유국조학생조말았했습요세"
    "공우경때와마위소개연년방문계모교음악불켜줘틀어노래"
)
WESTERN = set("éèêëàâäáãåçñîïíìôöóòõøùûüúßæœÿýÉÈÊÀÂÄÁÅÇÑÖØÓÜÚÆ’‘“”–—…€«»°¿¡")


@dataclass(frozen=True, slots=True)
class Likely:
    """An encoding by the name that Python knows it by, who writes it, and how a piece of the bytes reads in it."""

    name: str
    language: str
    sample: str


ENCODINGS = {  # in order of preference where two fit equally well
    "cp1252": "Western European, as Windows and Excel write it",
    "gb18030": "Chinese; GBK and GB2312 are part of it",
    "cp932": "Japanese, Shift-JIS",
    "big5": "traditional Chinese",
    "euc_kr": "Korean",
    "euc_jp": "Japanese",
    "cp1251": "Cyrillic",
    "latin-1": "Western European",
}


def likely_encoding(content: bytes) -> Likely | None:
    """The encoding that bytes which are no UTF-8 most likely have; None where nothing fits."""
    wide = _wide(content)
    if wide is not None:
        return Likely(wide, "as Windows writes Unicode", _sample(content[:400].decode(wide, "replace")))
    excerpt = b"\n".join(line for line in content[: 50 * LOOKED_AT].split(b"\n") if not line.isascii())[:LOOKED_AT]
    best, most = None, CLEAR
    for name, language in ENCODINGS.items():
        text = _decoded(excerpt, name)
        score = _score(text, name) if text else 0.0
        if text and score > most:
            best, most = Likely(name, language, _sample(text)), score
    return best


def _wide(content: bytes) -> str | None:
    """UTF-16 without a mark at its beginning: every other byte of most scripts' commas and digits is zero."""
    head = content[:2000]
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if max(even, odd) < 0.2 * max(1, len(head) // 2) or 10 * min(even, odd) > max(even, odd):
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _decoded(excerpt: bytes, name: str) -> str | None:
    for cut in range(4):  # the excerpt may end within a character
        try:
            return excerpt[: len(excerpt) - cut].decode(name)
        except UnicodeDecodeError:
            continue
    return None


def _score(text: str, name: str) -> float:
    """How much of what is no ASCII is usual writing: from -1 to 1."""
    worths = [_worth(text, place, name) for place, sign in enumerate(text) if ord(sign) > 127]
    return sum(worths) / len(worths) if worths else 0.0


def _worth(text: str, place: int, name: str) -> float:
    sign = text[place]
    if name in ("cp1252", "latin-1"):
        alone = text[place - 1 : place].isascii() and text[place + 1 : place + 2].isascii()
        return 0.9 if sign in WESTERN and alone else 0.2 if sign in WESTERN else -0.5
    if name == "cp1251":
        before = text[place - 1 : place]
        broken = (sign.isupper() and before.islower()) or (before.isascii() and before.isalpha())
        return 0.8 if "\u0400" <= sign <= "\u045f" and not broken else -0.8
    if "\u3041" <= sign <= "\u30fe" or "\u3001" <= sign <= "\u3011" or "\uff01" <= sign <= "\uff1f":
        return 1.0 if name in ("cp932", "euc_jp") else 0.5
    if "\uac00" <= sign <= "\ud7a3":
        return 1.0 if sign in HANGUL else 0.5
    if "\u4e00" <= sign <= "\u9fff":
        return 1.0 if sign in HAN or sign in HAN_TRADITIONAL else 0.1
    return -0.5 if unicodedata.category(sign) in ("Co", "Cc", "Cn", "So") or "\uff61" <= sign <= "\uff9f" else 0.0


def _sample(text: str) -> str:
    line = next((one for one in text.splitlines() if not one.isascii()), text.partition("\n")[0])
    return "".join(sign for sign in " ".join(line.split()) if sign.isprintable())[:40]
