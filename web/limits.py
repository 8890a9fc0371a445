"""How much is taken: bytes of a request, and what is said under a field for files."""

from services.file_kinds import LARGEST, SUFFIXES
from services.file_writing import MOST

MEGABYTE = 1024 * 1024
LARGEST_BODY = 20 * MEGABYTE
"""Bytes of a request; a spreadsheet of 100,000 people has about 8 MB."""
LARGEST_JSON = MEGABYTE
"""Bytes of a request to the API that brings no file."""
FILE_TERMS = {
    "most": MOST,
    "each": LARGEST // MEGABYTE,
    "together": LARGEST_BODY // MEGABYTE,
    "suffixes": ", ".join(SUFFIXES),
    "accept": ",".join(SUFFIXES),
}
"""How many files, how many megabytes each and together, which kinds; as a sentence and as a browser has it."""
