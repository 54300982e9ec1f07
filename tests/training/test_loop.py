"""A run: what it leaves, how it goes on, how it stops."""

from __future__ import annotations

import json
import signal
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from training_toys import ADDRESS, Game, Toy, ToyConfig, ToyData, settings, toy

from voxgen import checkpoint
from voxgen.errors import DataError, UsageError
from voxgen.training.create import create_model, model_config
from voxgen.training.health import Health
from voxgen.training.loop import train
from voxgen.training.metrics import read_metrics
from voxgen.training.players import DivergedError
from voxgen.training.run import Run, find_model, run_path
from voxgen.training.state import read_position

DATA = ToyData()
GAME = "training_toys:Game"


def test_a_run_leaves_all_that_its_folder_promises(tmp_path):
    steps = list(train(tmp_path / "r", DATA, toy(), settings()))
    run = Run(tmp_path / "r")
    assert [s.step for s in steps] == list(range(1, 21))
    assert [s.finished for s in steps] == [False] * 19 + [True]
    assert steps[-1].progress == 1
    assert steps[-1].sheet == run.sheet(20)
    assert sorted(p.name for p in run.samples.iterdir()) == ["000010.png", "000020.png"]
    columns, rows = read_metrics(run.metrics)
    assert [int(row["step"]) for row in rows] == list(range(1, 21))
    assert {"loss/error", "gradient/norm", "validation/error", "validation/iou", "health/overlap"} <= {
        *columns
    }
    session = json.loads(run.environment.read_text(encoding="utf-8"))["sessions"][0]
    assert session["threads"] == 1
    card = run.card.read_text(encoding="utf-8")
    assert "CC0" in card
    assert "Boxes by Nobody" in card
    assert not [p for p in run.path.rglob("*") if p.name.startswith(".writing")]


def test_the_model_file_says_what_it_is(tmp_path):
    list(train(tmp_path / "r", DATA, toy(), settings(steps=3)))
    card = checkpoint.read_card(tmp_path / "r" / "model.safetensors")
    assert card["family"] == ADDRESS
    assert card["pitch"] == 0.5
    assert card["data"]["licence"] == ["CC0"]
    assert card["training"]["finished"] is True
    assert card["training"]["step"] == 3


def test_training_learns(tmp_path):
    config = settings(steps=150, learning_rate=3e-2, reports=3, save_seconds=60.0)
    steps = list(train(tmp_path / "r", DATA, toy(), config))
    assert steps[-1].measured["validation/iou"] > 0.6
    assert steps[-1].losses["loss/error"] < 0.3 * steps[0].losses["loss/error"]


@pytest.mark.parametrize("address", [ADDRESS, GAME])
@pytest.mark.parametrize("stop", [1, 3, 13])
def test_a_run_left_and_taken_up_ends_with_the_same_weights(tmp_path, address, stop):
    whole = list(train(tmp_path / "whole", DATA, toy(address=address), settings()))
    parts = train(tmp_path / "parts", DATA, toy(address=address), settings(save_seconds=1e9))
    for step in parts:
        if step.step == stop:
            break
    parts.close()
    # Other first weights on purpose: those of the folder count.
    rest = list(train(tmp_path / "parts", DATA, toy(address=address, seed=9), settings()))
    assert [s.step for s in rest] == list(range(stop + 1, 21))
    assert [s.losses for s in rest] == [s.losses for s in whole[stop:]]
    _assert_same_run(tmp_path / "whole", tmp_path / "parts")
    assert len(read_metrics(tmp_path / "parts" / "metrics.csv")[1]) == 20


def test_reports_change_nothing_of_what_is_learnt(tmp_path):
    list(train(tmp_path / "few", DATA, toy(), settings(reports=1)))
    list(train(tmp_path / "many", DATA, toy(), settings(reports=20, samples=2, validation=3)))
    _assert_same_run(tmp_path / "few", tmp_path / "many")


def test_a_killed_last_report_is_made_up_for(tmp_path):
    list(train(tmp_path / "r", DATA, toy(), settings(steps=4)))
    run = Run(tmp_path / "r")
    run.model.unlink()
    (step,) = train(run.path, DATA, toy(), settings(steps=4))
    assert step.finished
    assert run.model.exists()


def test_a_finished_run_says_so_and_does_nothing(tmp_path):
    list(train(tmp_path / "r", DATA, toy(), settings(steps=4)))
    before = {p: p.read_bytes() for p in (tmp_path / "r").rglob("*") if p.is_file()}
    (step,) = train(tmp_path / "r", DATA, toy(), settings(steps=4))
    assert step.finished
    assert "is finished (4 steps" in step.notes[0]
    assert before == {p: p.read_bytes() for p in (tmp_path / "r").rglob("*") if p.is_file()}


def test_a_larger_budget_goes_on(tmp_path):
    list(train(tmp_path / "r", DATA, toy(), settings(steps=4)))
    steps = list(train(tmp_path / "r", DATA, toy(), settings(steps=8)))
    assert [s.step for s in steps] == [5, 6, 7, 8]
    assert json.loads((tmp_path / "r" / "config.json").read_text(encoding="utf-8"))["train"]["steps"] == 8


def test_other_settings_than_the_runs_are_refused_with_the_difference(tmp_path):
    list(train(tmp_path / "r", DATA, toy(), settings(steps=2)))
    with pytest.raises(UsageError) as caught:
        train(tmp_path / "r", DATA, toy(), settings(steps=2, learning_rate=0.5, batch_size=4, threads=2))
    said = str(caught.value)
    assert "train.learning_rate: 0.002 in the run, 0.5 now" in said
    assert "train.batch_size: 8 in the run, 4 now" in said
    assert "another name" in said
    assert "threads:" not in said


def test_a_run_goes_on_with_other_settings_of_sampling(tmp_path):
    list(train(tmp_path / "r", DATA, toy(feedback=0), settings(steps=2)))
    steps = list(train(tmp_path / "r", DATA, toy(feedback=1), settings(steps=4)))
    assert [s.step for s in steps] == [3, 4]


@pytest.mark.parametrize(
    ("data", "address"), [(ToyData(seed=1), ADDRESS), (ToyData(), GAME)], ids=["data", "family"]
)
def test_other_data_or_another_family_than_the_runs_are_refused(tmp_path, data, address):
    list(train(tmp_path / "r", DATA, toy(), settings(steps=2)))
    with pytest.raises(UsageError, match="started with other settings"):
        train(tmp_path / "r", data, toy(address=address), settings(steps=2))


def test_a_folder_that_is_no_run_is_left_alone(tmp_path):
    (tmp_path / "thesis.docx").write_text("precious", encoding="utf-8")
    with pytest.raises(DataError, match="no run"):
        train(tmp_path, DATA, toy(), settings())


def test_a_run_is_trained_by_one_at_a_time(tmp_path):
    first = train(tmp_path / "r", DATA, toy(), settings())
    next(first)
    with pytest.raises(UsageError, match="being trained by another process"):
        next(train(tmp_path / "r", DATA, toy(), settings()))
    first.close()
    next(train(tmp_path / "r", DATA, toy(), settings()))


def test_a_nan_stops_the_run_and_keeps_the_last_good_weights(tmp_path):
    steps = train(tmp_path / "r", DATA, toy(poison=15), settings(reports=2))
    assert [next(steps).step for _ in range(14)][-1] == 14
    with pytest.raises(DivergedError, match=r"became nan \(error\) after step 14, .* of step 10 .* lower"):
        next(steps)
    run = Run(tmp_path / "r")
    assert checkpoint.read_card(run.model)["training"]["step"] == 10
    for file in (run.model, run.state):
        assert all(value.isfinite().all() for value in load_file(file).values())


def test_a_nan_before_the_first_report_still_leaves_a_model(tmp_path):
    with pytest.raises(DivergedError, match="of step 2 "):
        list(train(tmp_path / "r", DATA, toy(poison=3), settings(reports=1)))
    checkpoint.load(tmp_path / "r" / "model.safetensors", allow=[ADDRESS])


def test_weights_that_are_not_finite_are_never_saved(tmp_path):
    steps = train(tmp_path / "r", DATA, model := toy(), settings(save_seconds=1e9))
    next(steps)
    steps.close()
    before = (tmp_path / "r" / "state.safetensors").read_bytes()
    steps = train(tmp_path / "r", DATA, model, settings(save_seconds=1e9))
    next(steps)
    with torch.no_grad():
        model.get_parameter("up.bias").fill_(torch.inf)
    with pytest.raises(DivergedError):
        steps.close()
    assert (tmp_path / "r" / "state.safetensors").read_bytes() == before


def test_a_damaged_state_says_what_to_do(tmp_path):
    list(train(tmp_path / "r", DATA, toy(), settings(steps=2)))
    state = tmp_path / "r" / "state.safetensors"
    state.write_bytes(state.read_bytes()[:-100])
    with pytest.raises(DataError, match="delete it to train from the start"):
        next(train(tmp_path / "r", DATA, toy(), settings(steps=3)))


def test_sheets_and_rows_beyond_the_step_resumed_from_are_dropped(tmp_path):
    steps = train(tmp_path / "r", DATA, toy(), settings(save_seconds=1e9))
    for step in steps:
        if step.step == 5:
            break
    steps.close()
    run = Run(tmp_path / "r")
    run.sheet(7).write_bytes(b"from a session that was killed")
    with run.metrics.open("a", encoding="utf-8") as file:
        file.write(
            run.metrics.read_text(encoding="utf-8").splitlines()[-1].replace("5,", "6,", 1) + "\n7,0.3"
        )
    next(train(run.path, DATA, toy(), settings()))
    assert not run.sheet(7).exists()
    assert [int(row["step"]) for row in read_metrics(run.metrics)[1]] == [1, 2, 3, 4, 5, 6]


def test_a_budget_of_minutes_ends(tmp_path):
    steps = list(train(tmp_path / "r", DATA, toy(), settings(steps=None, minutes=0.02)))
    assert steps[-1].finished
    assert steps[-1].seconds >= 1.2
    assert all(a.progress < b.progress for a, b in pairwise(steps))


def test_there_is_one_clock(tmp_path):
    steps = train(tmp_path / "r", DATA, toy(), settings(save_seconds=1e9))
    before = [next(steps) for _ in range(7)]
    steps.close()
    run = Run(tmp_path / "r")
    assert read_position(run.state).seconds == before[-1].seconds
    after = list(train(tmp_path / "r", DATA, toy(), settings()))
    assert all(a.seconds < b.seconds for a, b in pairwise([*before, *after]))
    card = checkpoint.read_card(run.model)["training"]
    assert card["seconds"] == pytest.approx(after[-1].seconds, abs=0.051)
    assert read_position(run.state).seconds == after[-1].seconds
    rows = read_metrics(run.metrics)[1]
    assert [float(row["seconds"]) for row in rows] == pytest.approx(
        [step.seconds for step in (*before, *after)], rel=1e-5
    )


def test_a_critic_that_rests_leaves_empty_cells(tmp_path):
    list(train(tmp_path / "r", DATA, toy(address=GAME), settings()))
    rows = read_metrics(tmp_path / "r" / "metrics.csv")[1]
    assert rows[0]["loss/critic/hinge"] == ""
    assert float(rows[-1]["loss/critic/hinge"]) > 0


def test_each_player_learns_from_its_own_loss_alone(tmp_path):
    model = create_model(ToyConfig(), GAME)
    assert isinstance(model, Game)
    before = model.critic.weight.detach().clone()
    steps = train(tmp_path / "r", DATA, model, settings())
    for _ in range(3):
        assert "loss/critic/hinge" not in next(steps).losses
    assert torch.equal(before, model.critic.weight)
    steps.close()


def test_nobody_is_warned_of_samples_before_a_model_can_have_learnt(tmp_path, monkeypatch):
    monkeypatch.setattr(Health, "warnings", lambda self: ("all alike",))
    monkeypatch.setattr("voxgen.training.loop._REPORT_SHARE", float("inf"))
    monkeypatch.setattr("voxgen.training.report.building_sheet", lambda *_, **__: Image.new("RGB", (8, 8)))
    data = ToyData(n=80)
    few = list(train(tmp_path / "few", data, toy(data), settings(steps=6, save_seconds=1e9)))
    assert [step.warnings for step in few[:-1]] == [()] * 5
    assert len(few[-1].warnings) == 1
    assert few[-1].warnings[0].startswith("6 steps in all: expect shapeless samples")
    many = settings(steps=240, reports=24, warm_up=0.9, save_seconds=1e9, validation=4, fit=16)
    warned = [step.step for step in train(tmp_path / "many", data, toy(data), many) if step.warnings]
    assert warned == [220, 230, 240]


def test_a_small_data_set_trains_with_a_warning(tmp_path):
    data = ToyData(n=4)
    steps = list(train(tmp_path / "r", data, toy(data), settings(steps=2)))
    assert "only 4 training buildings" in steps[0].warnings[0]
    assert "no validation buildings" in steps[0].notes[0]


def test_a_model_for_another_resolution_is_refused(tmp_path):
    model = create_model(ToyConfig(resolution=(16, 16, 16)), ADDRESS)
    with pytest.raises(DataError, match="make the model for the data"):
        train(tmp_path / "r", DATA, model, settings())


def test_tensorboard_writes_events_where_it_is_installed(tmp_path):
    pytest.importorskip("tensorboard")
    list(train(tmp_path / "r", DATA, toy(), settings(steps=2, tensorboard=True)))
    assert list((tmp_path / "r" / "tensorboard").glob("events*"))


def test_an_interrupt_in_a_step_lets_it_end_and_saves_it(tmp_path, monkeypatch):
    steps = train(tmp_path / "r", DATA, toy(), settings(save_seconds=1e9))
    next(steps)
    whole_loss = Toy.loss

    def interrupted(self, batch, player="model"):
        signal.raise_signal(signal.SIGINT)
        return whole_loss(self, batch, player)

    monkeypatch.setattr(Toy, "loss", interrupted)
    with pytest.raises(KeyboardInterrupt):
        next(steps)
    monkeypatch.undo()
    assert read_position(tmp_path / "r" / "state.safetensors").step == 2
    list(train(tmp_path / "whole", DATA, toy(), settings()))
    list(train(tmp_path / "r", DATA, toy(), settings()))
    _assert_same_run(tmp_path / "whole", tmp_path / "r")


def test_a_run_that_ends_before_its_first_step_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    for existing in (False, True):
        if existing:
            (tmp_path / "r").mkdir()
            (tmp_path / "r" / ".mine").write_text("stays", encoding="utf-8")
        with monkeypatch.context() as patch:
            patch.setattr("voxgen.training.loop.Reporter", interrupted)
            with pytest.raises(KeyboardInterrupt):
                next(train(tmp_path / "r", DATA, toy(), settings()))
        assert (tmp_path / "r").exists() == existing
    assert [path.name for path in (tmp_path / "r").iterdir()] == [".mine"]
    list(train(tmp_path / "r", DATA, toy(), settings(seed=3, steps=1)))


def test_a_run_that_was_killed_before_anything_was_saved_binds_nobody(tmp_path):
    whole = tmp_path / "whole"
    list(train(whole, DATA, toy(seed=3), settings(seed=3)))
    list(train(tmp_path / "r", DATA, toy(), settings(steps=5)))
    for name in ("model.safetensors", "state.safetensors"):
        (tmp_path / "r" / name).unlink()
    list(train(tmp_path / "r", DATA, toy(seed=3), settings(seed=3)))
    _assert_same_run(whole, tmp_path / "r")


def test_the_threads_are_given_back(tmp_path):
    before = torch.get_num_threads()
    steps = train(tmp_path / "r", DATA, toy(), settings(threads=before + 1))
    next(steps)
    assert torch.get_num_threads() == before + 1
    steps.close()
    assert torch.get_num_threads() == before


def test_a_run_is_found_by_name_path_or_file(tmp_path, monkeypatch):
    monkeypatch.setenv("VOXGEN_RUNS", str(tmp_path))
    list(train("houses", DATA, toy(), settings(steps=1)))
    model = tmp_path / "houses" / "model.safetensors"
    assert run_path("houses") == tmp_path / "houses"
    assert find_model("houses") == find_model(tmp_path / "houses") == find_model(model) == model
    with pytest.raises(UsageError, match=r"did you mean 'houses'.*there are: houses"):
        find_model("house")
    with pytest.raises(UsageError, match="no name for a run"):
        run_path("my run?")


def _assert_same_run(a: Path, b: Path) -> None:
    for name in ("model.safetensors", "state.safetensors"):
        one, other = load_file(a / name), load_file(b / name)
        assert one.keys() == other.keys()
        for key, value in one.items():
            assert torch.equal(value, other[key]), (name, key)


def test_a_game_on_a_fitted_prior_goes_on_as_if_never_stopped(tmp_path):
    """Stopped in the warm-up, right after the fit and in the game: the prior is part of the state."""
    small = ("widths=[8]", "plan=8", "fine=8", "depth=1", "rank=4", "neighbours=3", "critic_widths=[8]")

    def game():
        config = model_config(DATA, "gan", overrides=small, attributes=("height",))
        return create_model(config, "gan", seed=0)

    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    list(train(whole, DATA, game(), settings(steps=12)))
    for last in (3, 7, 9):
        steps = train(stopped, DATA, game(), settings(steps=12))
        for step in steps:
            if step.step >= last:
                break
        steps.close()
    list(train(stopped, DATA, game(), settings(steps=12)))
    one, other = (load_file(path / "state.safetensors") for path in (whole, stopped))
    assert int(one["model/generator.density.count"]) > 0
    assert one.keys() == other.keys()
    assert all(torch.equal(value, other[key]) for key, value in one.items())


def diffusion():
    small = ("widths=[8]", "plan=8", "fine=8", "depth=1", "directions=4", "field_width=16", "field_depth=1")
    config = model_config(DATA, "diffusion", overrides=small, attributes=("height",))
    return create_model(config, "diffusion", seed=0)


def test_players_that_learn_one_after_the_other_go_on_as_if_never_stopped(tmp_path):
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    list(train(whole, DATA, diffusion(), settings(steps=12)))
    for last in (3, 8, 10):
        steps = train(stopped, DATA, diffusion(), settings(steps=12))
        for step in steps:
            if step.step >= last:
                break
        steps.close()
    list(train(stopped, DATA, diffusion(), settings(steps=12)))
    one, other = (load_file(path / "state.safetensors") for path in (whole, stopped))
    assert one.keys() == other.keys()
    assert all(torch.equal(value, other[key]) for key, value in one.items())


def test_each_player_learns_in_its_span_only_and_at_a_schedule_of_its_own(tmp_path):
    model = diffusion()
    rates: dict[str, list[float]] = {"autoencoder": [], "velocity": []}
    before: dict[str, torch.Tensor] = {}
    for step in train(tmp_path / "r", DATA, model, settings(steps=20)):
        moved = {name.split("/")[1] for name in step.losses}
        assert len(moved) == 1
        rates[moved.pop()].append(step.learning_rate)
        if len(rates["velocity"]) == 1:
            before = {k: v.clone() for k, v in model.autoencoder.named_parameters()}
    assert len(rates["autoencoder"]) == 13  # 65 % of the budget
    assert len(rates["velocity"]) == 7
    for own in rates.values():  # each rises and falls
        assert max(own) > 2 * own[-1]
    after = dict(model.autoencoder.named_parameters())
    assert all(torch.equal(value, after[name]) for name, value in before.items())
