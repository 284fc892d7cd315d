import pytest
from recordings import CLIPS


@pytest.fixture
def clips():
    if not CLIPS.is_dir():
        pytest.skip("the shared clips are not here")
    return CLIPS
