"""Text from other people's files, made safe to show: names, reasons, values, exception texts."""

import json
import re
from typing import Any

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ud800-\udfff]")
"""What moves a cursor, sets a colour or a title, or turns the direction of writing; and halves of characters."""

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def printable(text: str) -> str:
    """Text that no terminal takes for a command; tabs and line ends stay."""
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def spreadsheet_cell(text: str) -> str:
    """Printable text that no spreadsheet takes for a formula."""
    return printable(f"'{text}" if text.startswith(FORMULA) else text)


def escaped_json(document: Any, *, indent: int | None = None, ascii_only: bool = False) -> str:
    """JSON that any reader turns into the same text, though nothing in it steers the terminal it is shown on."""
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only, allow_nan=False)
    return CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
