"""A viewer and a tracker read one recording at once, each through its own handle."""

import subprocess
import sys

from napari_cotracker.sample import sample_clip

# In a process of its own: sharing a converter of FFmpeg hangs or kills it.
SCRIPT = """
import sys
from threading import Thread
import numpy as np
from napari_cotracker.video import open_video

video = open_video(sys.argv[1])
truth = video.read(0, 40)
wrong = []

def read(source):
    for _ in range(12):
        wrong.extend(t for t in range(40) if not np.array_equal(source[t], truth[t]))

readers = [Thread(target=read, args=(each,)) for each in (video, video.duplicate())]
for reader in readers:
    reader.start()
for reader in readers:
    reader.join()
print(wrong)
"""


def test_a_duplicate_is_read_in_another_thread():
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", SCRIPT, sample_clip().video],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.stdout.strip() == "[]", done.stderr
