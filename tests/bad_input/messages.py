"""What an error message must be like, whatever went wrong."""

import re

# Words that only programmers want to read.
_INSIDE = re.compile(
    r"Traceback|\w+Error\b|\bNoneType\b|object at 0x|<class|\bassert\b"
)


def assert_clear(error, path):
    """One line, which names the file, without the words of a traceback."""
    text = str(error)
    assert text.strip() == text and len(text.splitlines()) == 1, text
    assert path.name[:40] in text, text
    assert not _INSIDE.search(text), text
    assert 20 < len(text) < 600, text
    assert text.endswith("."), text
