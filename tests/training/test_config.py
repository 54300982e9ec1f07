"""Budgets, schedules and devices."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from voxgen.errors import UsageError
from voxgen.training.config import TrainConfig, learning_rate_factor
from voxgen.training.devices import choose, make_fabric, physical_cores, thread_count


def test_lightning_says_nothing_of_the_precision(capfd, caplog):
    make_fabric("cpu", "bf16-mixed", 1)
    assert "Precision" not in "".join(capfd.readouterr()) + caplog.text


def test_a_budget_is_always_there():
    assert TrainConfig().minutes == 10
    assert TrainConfig(steps=5).minutes is None
    assert TrainConfig(minutes=2).budget() == "2 minutes"
    assert TrainConfig(steps=5, minutes=2).budget() == "5 steps or 2 minutes"
    assert TrainConfig.parse(TrainConfig(steps=5).model_dump()) == TrainConfig(steps=5)


SPENT = st.tuples(st.integers(0, 10**6), st.floats(0, 1e6))
BUDGET = st.tuples(st.integers(1, 10**6), st.floats(0.1, 1e4))


@given(SPENT, BUDGET)
def test_progress_is_what_is_used_up_first(spent, budget):
    (step, _), (steps, minutes) = spent, budget
    both = TrainConfig(steps=steps, minutes=minutes).progress(*spent)
    each = TrainConfig(steps=steps).progress(*spent), TrainConfig(minutes=minutes).progress(*spent)
    assert both == max(each)
    assert 0 <= both <= 1
    assert (each[0] >= 1) == (step >= steps)


@given(st.floats(0, 1), st.floats(0, 0.9))
def test_the_learning_rate_rises_then_falls_and_never_stops(progress, warm_up):
    factor = learning_rate_factor(progress, warm_up)
    assert 0.0099 <= factor <= 1
    later = learning_rate_factor(min(1.0, progress + 0.01), warm_up)
    assert later >= factor if progress + 0.01 <= warm_up else True
    assert later <= factor + 1e-12 if progress >= warm_up else True
    assert learning_rate_factor(warm_up, warm_up) == pytest.approx(1)


BAD = ({"steps": 0}, {"minutes": -1}, {"batch_size": 0}, {"ema": 1.0}, {"precision": "16"}, {"lr": 1})


@pytest.mark.parametrize("changes", BAD)
def test_settings_that_make_no_sense_are_refused(changes):
    with pytest.raises(UsageError):
        TrainConfig.parse(changes)


def test_a_device_that_is_not_there_is_refused_with_those_that_are():
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(UsageError, match=r"device 'cuda' is not on this machine; there is: .*cpu"):
        choose(TrainConfig(accelerator="cuda"))


def test_precision_can_be_chosen():
    assert choose(TrainConfig(accelerator="cpu", precision="bf16-mixed")) == ("cpu", "bf16-mixed")
    assert choose(TrainConfig(accelerator="cpu", precision="32")) == ("cpu", "32-true")


def test_threads_are_shared_by_processes():
    before = torch.get_num_threads()
    with thread_count(None, 1) as one:
        assert one == physical_cores() == torch.get_num_threads()
    with thread_count(None, 1000) as few:
        assert few == 1
    assert torch.get_num_threads() == before
