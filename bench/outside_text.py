"""Text from other people's files, made safe to show: names, reasons, values, exception texts."""

import re

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What moves a cursor, sets a colour or a title, or turns the direction of writing."""

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def printable(text: str) -> str:
    """Text that no terminal takes for a command; tabs and line ends stay."""
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def spreadsheet_cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text
