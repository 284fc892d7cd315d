"""What the published networks compute on the way, where the reference lies at hand."""

from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch
from published import published_network
from recipe import queries, video_tensor

REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "golden"
# Architecture, clip and queries of every case with intermediate values.
CASES = {
    "v1s4w8_bare": (
        "cotracker1_stride_4_wind_8",
        (19, 96, 128, 40),
        [0, 2, 4, 8, 11, 17],
    ),
    "v2_bare": ("cotracker2", (19, 96, 128, 20), [0, 2, 4, 8, 11, 17]),
    "v2v1_bare": ("cotracker2v1", (21, 64, 96, 30), [0, 2, 8, 16, 19, 20]),
    "v3off_bare": ("cotracker3_offline", (24, 96, 128, 1), [0, 5, 11, 23, 0, 5]),
    "v3on_bare": (
        "cotracker3_online",
        (40, 96, 128, 11),
        [0, 5, 8, 15, 16, 24, 30, 39],
    ),
}
pytestmark = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason="the reference does not lie beside this checkout"
)


class Calls:
    """Inputs and outputs of modules, call by call."""

    def __init__(self, network):
        self.inputs, self.outputs = {}, {}
        for name, module in network.named_modules():
            module.register_forward_hook(
                lambda _, args, out, n=name: self.add(n, args, out)
            )

    def add(self, name, args, out):
        self.inputs.setdefault(name, []).append(args[0].detach())
        # The encoder answers with all of its maps; published ones have one.
        first = out[0] if isinstance(out, list) else out
        self.outputs.setdefault(name, []).append(first.detach())


@pytest.fixture(scope="module", params=sorted(CASES))
def case(request):
    with pytest.MonkeyPatch.context() as patch:
        # All points at once, so that one call holds them all.
        patch.setattr("napari_cotracker.model.cotracker3.ROWS_AT_ONCE", 10_000)
        return answer_of(request.param)


def answer_of(name):
    architecture, (n_frames, height, width, seed), frames = CASES[name]
    network = deepcopy(published_network(architecture))  # it gets hooks
    calls = Calls(network)
    queries_txy = queries(len(frames), height, width, frames, seed)[0]
    clip = video_tensor(n_frames, height, width, seed)[0]
    with torch.inference_mode():
        network.predict(clip, torch.from_numpy(queries_txy), iterations=2)
        features = network.encode(clip[None])
        points = network.sample(features, torch.from_numpy(queries_txy)[None])
    golden = np.load(REFERENCE / f"{name}_mid.npz")
    calls.is_frame_major = not architecture.startswith("cotracker3")
    return golden, calls, points


def close(actual, expected, atol=2e-4):
    # Features and tokens reach some tens: a relative tolerance of float32 kernels.
    np.testing.assert_allclose(actual, expected, rtol=2e-4, atol=atol)


def test_encoder(case):
    golden, calls, _ = case
    features = torch.cat(calls.outputs["fnet"])
    close(features[3, :16], golden["fnet_out_frame3_ch0to15"])
    if "fnet_out_frame0" in golden:
        close(features[0], golden["fnet_out_frame0"])


def test_support_patches(case):
    golden, _, points = case
    levels = [k for k in golden if k.startswith("track_feat_support_level")]
    if not levels:
        pytest.skip("CoTracker 1 and 2 have one feature per point")
    for level in range(len(levels)):
        expected = golden[f"track_feat_support_level{level}_query1"][0, :, 0]
        close(points[0, 1, level], expected)


@pytest.mark.parametrize("call", [0, 1])
def test_tokens_and_updates(case, call):
    golden, calls, _ = case
    tokens = calls.inputs["updateformer.input_transform"][call][0]  # (N, S, D)
    if calls.is_frame_major:
        tokens = tokens.transpose(0, 1)
    name = f"updateformer_call{call}_in_"
    (key,) = [k for k in golden if k.startswith(name)]
    expected = golden[key][0]
    # The second call embeds displacements of its own with sines of up to 968 rad per
    # feature pixel, which make 1e-6 px of rounding visible.
    atol = 2e-3 if call else 2e-4
    close(tokens[: expected.shape[0], : expected.shape[1]], expected, atol)
    update = calls.outputs["updateformer"][call][0].transpose(0, 1)
    close(update, golden[f"updateformer_call{call}_out"][0])


def test_blocks_of_the_transformer(case):
    golden, calls, _ = case
    keys = [k for k in golden if "_blocks." in k]
    assert keys
    for key in keys:
        module = "updateformer." + key.removeprefix("call0_").split("_out_")[0]
        expected = golden[key]
        out = calls.outputs[module][0]
        close(out[: expected.shape[0], : expected.shape[1]], expected)


def test_embeddings_of_the_correlation(case):
    golden, calls, _ = case
    keys = [k for k in golden if k.startswith("call0_corr_emb_level")]
    if not keys:
        pytest.skip("only CoTracker 3 embeds the correlation")
    for level in range(len(keys)):
        # Frame 0, points 1 and 2.
        volume = calls.inputs["corr_mlp"][level][0, 1:3, 0]
        close(volume, golden[f"call0_corr_volume_level{level}_rows12"])
        embedding = calls.outputs["corr_mlp"][level][0, 1:3, 0]
        close(embedding, golden[f"call0_corr_emb_level{level}_rows12"])
