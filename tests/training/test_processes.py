"""Two processes train as one would on the clips of both."""

import pytest
import torch

from napari_cotracker.training.batches import make_batch
from napari_cotracker.training.checkpoints import load_checkpoint
from napari_cotracker.training.loop import Limits, Trainer, fast_arithmetic
from napari_cotracker.training.options import TrainOptions
from napari_cotracker.training.processes import run_processes
from napari_cotracker.training.windows import tracking_loss

OPTIONS = TrainOptions(stage="smoke", workers=0)


def train(folder, steps):
    torch.set_num_threads(1)
    Trainer(OPTIONS).run(Limits(steps=steps, cooldown=True), folder)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # as many as the processes have
    yield
    torch.set_num_threads(before)


def test_two_processes_step_along_the_mean_of_their_gradients(tmp_path):
    run_processes(2, train, tmp_path, 1)
    saved = load_checkpoint(tmp_path)
    assert saved["progress"].step == 1
    assert saved["progress"].history.clips == 2
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 1

    alone = Trainer(OPTIONS)
    for index in (0, 1):
        batch = make_batch(OPTIONS, index, 16)
        with fast_arithmetic(alone.device):
            loss, _ = tracking_loss(alone.model, batch, 2)
        (loss / 2).backward()
    torch.nn.utils.clip_grad_norm_(alone.model.parameters(), OPTIONS.clip_norm)
    alone.optimiser.param_groups[0]["lr"] = alone._learning_rate(1.0)
    alone.optimiser.step()
    state = saved["optimiser"]["state"]
    for k, parameter in enumerate(alone.model.parameters()):
        ours = alone.optimiser.state[parameter]["exp_avg"]
        torch.testing.assert_close(state[k]["exp_avg"], ours, rtol=1e-3, atol=1e-6)
