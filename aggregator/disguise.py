"""Reads through disguises: "ѕlоt gасоr" in Cyrillic letters, "S L O T", "G4C0R", mathematical bold, accents. Pure.

Spammers spell their bait so that filters miss it and readers do not. `undisguise` gives the words as they are meant,
in lower case; which characters look alike is known for the scripts that are used so (Cyrillic, Greek), the rest is
Unicode's own compatibility folding.
"""

from __future__ import annotations

import re
import unicodedata

from aggregator.textfold import INVISIBLE

# Letters that look like a Latin one: from Unicode's confusables (UTS 39), those of Cyrillic and Greek; small capitals
# and letters with strokes, which no folding of Unicode's takes apart.
_LOOKALIKES = str.maketrans(
    dict(
        zip(
            "авеѕіјкмнорԛстухԝьгпԁһӏαβεηικνορτυχγωµσςяᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢłøđħıŧƚɍɨɵƶǥꞓȼ",
            "abesijkmhopqctyxwbrndhlabenikvoptuxywmocrabcdefghijklmnoprstuvwyzlodhitlriozgcc",
            strict=True,
        )
    )
)
# Letters on black squares and discs, and those of flags, each alphabet in its order.
_LOOKALIKES |= {first + at: chr(97 + at) for first in (0x1F150, 0x1F170, 0x1F1E6) for at in range(26)}
_LEET = str.maketrans("013457@$!|", "oieastasil")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")
# No letter is a sign between letters, too: a line of underscores would be tried in 3 to the 40 ways.
_SPACED = re.compile(r"(?<![^\s])(?:[^\W_][ .\-_*/]{1,3}){3,40}[^\W_](?![^\s])")
_MIXED = re.compile(r"(?<![\w@$!|])(?=[\w@$!|]{0,29}[a-z])(?=[\w@$!|]{0,29}[0-9@$!|])[\w@$!|]{3,30}")

# What neither is without: two single letters between signs; a digit, or a sign for a letter, right beside a letter.
_MAYBE_SPACED = re.compile(r"[ .\-_*/][^\W_][ .\-_*/]{1,3}[^\W_][ .\-_*/]")
_MAYBE_MIXED = re.compile(r"[0-9@$!|](?:(?=[^\W0-9])|(?<=[^\W0-9][0-9@$!|]))")
_ODD = re.compile("[^\x00-\x7f‘’“”–—]")  # what is left is never read in another way
_HUMP = re.compile(r"(?<=[a-z])[A-Z]")  # where a word is cut in two while its capital is one


def undisguise(text: str) -> str:
    """The text in lower case with lookalikes, accents, spaced letters and digits in words read as they are meant."""
    folded = unicodedata.normalize("NFKC", INVISIBLE.sub("", text)).lower()
    if not folded.isascii():
        folded = _BEYOND_ASCII.sub(_read_lookalikes, folded)
    if _MAYBE_SPACED.search(folded):
        folded = _SPACED.sub(_join_letters, folded)
    return _MIXED.sub(_read_leet, folded) if _MAYBE_MIXED.search(folded) else folded


def is_plain(text: str) -> bool:
    """Whether nothing in the text can be a disguise: most texts, which need no second look."""
    return text.isascii() and _is_spelt_plainly(text)


def is_straight(text: str) -> bool:
    """Whether the words of a text and those that it means are the same ones, cut alike."""
    return not _ODD.search(text) and not _HUMP.search(text) and _is_spelt_plainly(text)


def _is_spelt_plainly(text: str) -> bool:
    if _MAYBE_SPACED.search(text) and _SPACED.search(text):
        return False
    return not (_MAYBE_MIXED.search(text) and _MIXED.search(text.lower()))


def _read_lookalikes(match: re.Match[str]) -> str:
    apart = unicodedata.normalize("NFKD", match[0].translate(_LOOKALIKES))
    return apart if apart.isascii() else "".join(char for char in apart if not unicodedata.combining(char))


def _join_letters(match: re.Match[str]) -> str:
    """Two blanks between the letters are the gap between two words."""
    words = re.split(r"\s{2,}", match[0])
    joined = (re.sub(r"[ .\-_*/]", "", word) for word in words)
    return " ".join(joined)


def _read_leet(match: re.Match[str]) -> str:
    """Digits inside a word are letters; a number at its end is a brand's ("slot88") and stays."""
    word = match[0]
    end = len(word.rstrip("0123456789"))
    if len(word) - end >= 2:
        return word[:end].translate(_LEET) + word[end:]
    return word.translate(_LEET)
