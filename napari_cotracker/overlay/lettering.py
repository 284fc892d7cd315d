"""A font that has the letters of a name.

Pillow brings one font, for Latin letters. For others the usual fonts of the system
are tried; where none is installed, boxes are drawn.
"""

from __future__ import annotations

from functools import cache

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

# Pillow looks for these names where each system keeps its fonts.
_FALLBACKS = (
    "DejaVuSans.ttf",
    "NotoSansCJK-Regular.ttc",
    "NotoSansCJKsc-Regular.otf",
    "DroidSansFallbackFull.ttf",
    "wqy-microhei.ttc",
    "wqy-zenhei.ttc",
    "Arial Unicode.ttf",
    "PingFang.ttc",
    "AppleSDGothicNeo.ttc",
    "msyh.ttc",
    "YuGothR.ttc",
    "malgun.ttf",
)
# No font has a letter here, so every font draws its box.
_NO_LETTER = "\U0010ffff"


@cache
def font_for(text: str, size: int) -> Font:
    """Return the first font that has all letters of a text, else Pillow's own."""
    own = ImageFont.load_default(size=size)
    if covers(own, text):
        return own
    found = (_installed(name, size) for name in _FALLBACKS)
    return next((f for f in found if f is not None and covers(f, text)), own)


def covers(font: Font, text: str) -> bool:
    """Whether a font has a picture of its own for every letter."""
    box = bytes(font.getmask(_NO_LETTER))
    return all(
        letter.isspace() or bytes(font.getmask(letter)) != box for letter in set(text)
    )


@cache
def _installed(name: str, size: int) -> ImageFont.FreeTypeFont | None:
    try:
        return ImageFont.truetype(name, size)
    except OSError:
        return None
