"""Surgery on the boxes of MP4 files: what no encoder at hand would write."""

import struct


def with_display_matrix(path, matrix):
    """Put a display matrix, 2x2 of whole numbers, into the track header."""
    content = bytearray(path.read_bytes())
    at = content.index(_matrix(((1, 0), (0, 1))), content.index(b"tkhd"))
    content[at : at + 36] = _matrix(matrix)
    path.write_bytes(content)
    return path


def with_edit_list(path, entries, rate):
    """Replace the edit list by (first frame or None for nothing shown, frames).

    The movie box must be the last one of the file, as it is by default.
    """
    content = path.read_bytes()
    media_scale = _scale(content, b"mdhd")
    movie_scale = _scale(content, b"mvhd")
    first_time = _first_time(content)
    body = struct.pack(">II", 0, len(entries))
    for start, frames in entries:
        at = -1 if start is None else first_time + round(start * media_scale / rate)
        body += struct.pack(">IiI", round(frames * movie_scale / rate), at, 1 << 16)
    new = _box(b"edts", _box(b"elst", body))
    path.write_bytes(_replaced(content, (b"moov", b"trak", b"edts"), new))
    return path


def _matrix(turn):
    (a, b), (c, d) = turn
    values = (a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    return b"".join((v % 2**32).to_bytes(4, "big") for v in values)


def _box(kind, body):
    return struct.pack(">I", 8 + len(body)) + kind + body


def _scale(content, kind):
    at = content.index(kind) + 4
    return struct.unpack(">I", content[at + 12 : at + 16])[0]


def _first_time(content):
    """Media time of the first frame shown: B-frames delay it."""
    at = content.index(b"elst") + 4
    return struct.unpack(">i", content[at + 12 : at + 16])[0]


def _replaced(content, way, new):
    result, at = b"", 0
    while at < len(content):
        size, kind = struct.unpack(">I4s", content[at : at + 8])
        body = content[at + 8 : at + size]
        if kind == way[0]:
            result += (
                new if len(way) == 1 else _box(kind, _replaced(body, way[1:], new))
            )
        else:
            result += content[at : at + size]
        at += size
    return result
