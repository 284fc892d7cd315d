"""The registry knows every checkpoint, its terms, and says what is wrong."""

import hashlib
import json

import pytest

from napari_cotracker.errors import ModelError
from napari_cotracker.weights import find_weights, list_models, registry


@pytest.fixture
def bundled(tmp_path, monkeypatch):
    """A folder of bundled models with one in it."""
    weights = b"not really numbers"
    card = {
        "name": "compact",
        "parameters": 6_000_000,
        "licence": "BSD-3-Clause",
        "data": "generated scenes",
        "steps": {"match": 100, "short": 1000},
        "clips": 4000,
        "seed": 1,
        "metrics": {"delta_avg": 0.5, "by": {"fur": 0.25}, "note": "text"},
        "sha256": hashlib.sha256(weights).hexdigest(),
        "config": {},
    }
    (tmp_path / "compact.safetensors").write_bytes(weights)
    (tmp_path / "compact.json").write_text(json.dumps(card))
    monkeypatch.setattr(registry, "BUNDLED_FOLDER", tmp_path)
    return tmp_path


def test_published_checkpoints_are_listed_with_address_and_licence():
    published = {r.name: r for r in list_models() if not r.is_here}
    assert {"cotracker3_online", "cotracker3_offline", "cotracker2"} <= set(published)
    assert all(r.licence == "CC-BY-NC-4.0" for r in published.values())
    assert all(r.origin.startswith("https://") for r in published.values())
    assert len({r.name for r in list_models()}) == len(list_models())


def test_a_bundled_model_is_described_by_its_card(bundled):
    record = list_models()[0]
    assert (record.name, record.parameters) == ("compact", 6_000_000)
    assert record.metrics == {"delta_avg": 0.5, "by.fur": 0.25}
    assert "100 steps 'match' + 1,000 steps 'short'" in record.origin
    assert find_weights("compact") == bundled / "compact.safetensors"


def test_an_unknown_name_lists_the_known_ones_closest_first(bundled):
    with pytest.raises(ModelError, match=r"Did you mean compact.*cotracker3_online"):
        find_weights("compakt")


def test_a_model_that_is_not_here_says_where_to_get_it():
    with pytest.raises(ModelError, match=r"https://.*scaled_online.pth.*path"):
        find_weights("cotracker3_online")


def test_damaged_weights_are_refused(bundled):
    (bundled / "compact.safetensors").write_bytes(b"half")
    with pytest.raises(ModelError, match=r"damaged.*reinstall"):
        find_weights("compact")


def test_missing_weights_are_named(bundled):
    (bundled / "compact.safetensors").unlink()
    assert not list_models()[0].is_here
    with pytest.raises(ModelError, match="missing from this installation"):
        find_weights("compact")


@pytest.mark.parametrize("text", ["{", "[]", '{"name": "compact"}'])
def test_a_damaged_card_is_named(bundled, text):
    (bundled / "compact.json").write_text(text)
    with pytest.raises(ModelError, match="reinstall"):
        list_models()
