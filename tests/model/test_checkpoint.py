"""Checkpoints are read strictly, and a misfit is explained."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from napari_cotracker.errors import ModelError
from napari_cotracker.model.arithmetic import gains_from_bf16
from napari_cotracker.model.build import build_network
from napari_cotracker.model.config import PRESETS
from napari_cotracker.model.cotracker3 import CoTracker3
from napari_cotracker.sample import sample_clip
from napari_cotracker.tracking import TrackingOptions, track
from napari_cotracker.tracking.models import load_model, pick_device, pick_dtype


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return CoTracker3(PRESETS["compact"])


@pytest.fixture
def weights(network):
    return {key: value.clone() for key, value in network.state_dict().items()}


def test_safetensors_round_trip(tmp_path, network, weights):
    save_file(weights, tmp_path / "mine.safetensors")
    loaded = load_model(tmp_path / "mine.safetensors", device="cpu")
    for key, value in loaded.state_dict().items():
        torch.testing.assert_close(value, weights[key], atol=0, rtol=0)
    assert not loaded.training


@pytest.mark.parametrize("wrapping", ["model", "state_dict"])
@pytest.mark.parametrize("prefix", ["", "module.", "model."])
def test_known_wrappings_are_removed(tmp_path, weights, wrapping, prefix):
    wrapped = {wrapping: {prefix + key: value for key, value in weights.items()}}
    torch.save(wrapped | {"total_steps": 3}, tmp_path / "w.pth")
    loaded = load_model(tmp_path / "w.pth", device="cpu")
    assert loaded.config == PRESETS["compact"]


def test_analytic_tables_may_be_absent(tmp_path, weights):
    del weights["time_emb"]
    torch.save(weights, tmp_path / "w.pth")
    assert load_model(tmp_path / "w.pth", device="cpu").time_emb.shape[1] == 16


def test_missing_keys_are_listed(tmp_path, weights):
    del weights["fnet.conv3.bias"]
    torch.save(weights, tmp_path / "w.pth")
    with pytest.raises(ModelError, match=r"1 keys missing \(fnet\.conv3\.bias\)"):
        load_model(tmp_path / "w.pth")


def test_unexpected_keys_are_listed(tmp_path, weights):
    weights["extra"] = torch.zeros(1)
    torch.save(weights, tmp_path / "w.pth")
    with pytest.raises(ModelError, match=r"1 keys unexpected \(extra\)"):
        load_model(tmp_path / "w.pth")


def test_checkpoint_of_another_network(tmp_path):
    torch.save({"layer.weight": torch.zeros(3, 3)}, tmp_path / "other.pth")
    with pytest.raises(ModelError, match=r"other\.pth is not a checkpoint of a known"):
        load_model(tmp_path / "other.pth")


def test_not_weights_at_all(tmp_path):
    torch.save({"epoch": 3, "text": "hello"}, tmp_path / "no.pth")
    with pytest.raises(ModelError, match="does not hold network weights"):
        load_model(tmp_path / "no.pth")


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"\x00" * 4096])
def test_damaged_files_say_so(tmp_path, suffix, content):
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=f"broken{suffix} cannot be read"):
        load_model(path)


class Malicious:
    def __reduce__(self):
        return (print, ("code ran",))


def test_code_inside_a_checkpoint_is_not_run(tmp_path, capsys):
    torch.save({"x": Malicious()}, tmp_path / "evil.pth")
    with pytest.raises(ModelError, match="other things than weights") as told:
        load_model(tmp_path / "evil.pth")
    assert "weights_only" not in str(told.value), "torch advises to run the code"
    assert "code ran" not in capsys.readouterr().out


def test_published_networks_stay_in_float32(tmp_path):
    network = build_network(PRESETS["cotracker3_online"])
    torch.save(network.state_dict(), tmp_path / "w.pth")
    assert load_model(tmp_path / "w.pth", "cpu").arithmetic is torch.float32


def test_the_bundled_network_follows_the_sample_clip_in_either_arithmetic():
    clip = sample_clip()
    options = TrackingOptions(last_frame=20, direction="forward")
    answers = {}
    for dtype in ("float32", "bfloat16"):
        network = load_model("compact", "cpu", dtype)
        queries = clip.queries.txy[clip.queries.frame == 0]
        answers[dtype] = track(clip.video, queries, network, options).xy[:21]
    moved = np.linalg.norm(answers["float32"] - answers["bfloat16"], axis=-1)
    assert np.median(moved) < 0.05
    truth_xy = clip.truth.xy[:21, clip.queries.frame == 0]
    error = np.linalg.norm(answers["bfloat16"] - truth_xy, axis=-1)
    assert np.median(error) < 2


def test_missing_file_and_unknown_name(tmp_path):
    with pytest.raises(ModelError, match="no checkpoint file"):
        load_model(tmp_path / "absent.pth")
    with pytest.raises(ModelError, match="Known models: "):
        load_model("compcat")


def test_absent_device_names_what_is_there():
    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    with pytest.raises(ModelError, match="cpu"):
        pick_device("cuda")


def test_dtype_names():
    fast = gains_from_bf16(torch.device("cpu"))
    expected = torch.bfloat16 if fast else torch.float32
    assert pick_dtype("auto", torch.device("cpu")) is expected
    assert pick_dtype("auto", torch.device("cpu"), exact=True) is torch.float32
    assert pick_dtype("bfloat16", torch.device("cpu")) is torch.bfloat16
    with pytest.raises(ModelError, match="float32"):
        pick_dtype("int8", torch.device("cpu"))


@pytest.mark.parametrize("preset", ["cotracker2v1", "cotracker1_stride_4_wind_12"])
def test_older_generations_are_recognised(tmp_path, preset):
    weights = build_network(PRESETS[preset]).state_dict()
    if preset.startswith("cotracker2"):
        weights["pos_emb"] = torch.zeros(1, 456, 96, 128)  # published files have it
    torch.save(weights, tmp_path / f"{preset}.pth")
    assert load_model(tmp_path / f"{preset}.pth", "cpu").config == PRESETS[preset]


def test_networks_that_only_their_name_tells_apart_ask_for_it(tmp_path):
    weights = build_network(PRESETS["cotracker1_stride_4_wind_8"]).state_dict()
    torch.save(weights, tmp_path / "mine.pth")
    with pytest.raises(ModelError, match="let it contain stride_4_wind_8 or"):
        load_model(tmp_path / "mine.pth")
