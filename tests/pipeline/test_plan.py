import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgen.geometry.grid import VoxelGrid
from voxgen.pipeline.config import BuildConfig, SplitConfig
from voxgen.pipeline.duplicates import Columns
from voxgen.pipeline.plan import choose_scale, comparison_pitches, decide, with_training
from voxgen.pipeline.report import Reason, Row

sizes = st.lists(st.tuples(*[st.floats(1.0, 90.0)] * 3), min_size=1, max_size=40)


@given(sizes)
def test_a_chosen_pitch_is_round_and_nineteen_in_twenty_fit(extents):
    scale = choose_scale(np.array(extents), BuildConfig(resolution=(32, 32, 16)))
    assert scale.fits.mean() >= 0.95
    assert scale.pitch == float(f"{scale.pitch:.3g}")
    # A round pitch is not much coarser than it must be.
    needed = np.quantile((np.array(extents) / [32, 32, 16]).max(axis=1), 0.95, method="inverted_cdf")
    assert scale.pitch <= needed * 4 / 3 + 1e-6
    assert scale.notes


@given(sizes)
def test_with_fit_each_building_fills_its_grid(extents):
    scale = choose_scale(np.array(extents), BuildConfig(fit=True))
    filled = (np.array(extents) / scale.each[:, None] / 32).max(axis=1)
    assert filled == pytest.approx(1.0)
    assert scale.fits.all()


def test_a_building_as_large_as_the_grid_fits():
    config = BuildConfig(pitch=0.75)
    assert choose_scale(np.array([[24.0, 10.0, 24.0], [24.01, 10.0, 5.0]]), config).fits.tolist() == [
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("pitch", "compared"),
    [
        (0.1, (0.5, 0.75)),
        (0.5, (0.5, 0.75)),
        (0.6, (0.5, 0.75)),
        (0.75, (0.75, 0.5)),
        (2.0, (0.75, 0.5)),
    ],
)
def test_shapes_are_compared_at_fixed_pitches_and_merged_at_one_no_coarser_than_the_grid(pitch, compared):
    config = BuildConfig(pitch=pitch)
    assert comparison_pitches(choose_scale(np.ones((1, 3)), config), config) == compared


def blocks(heights):
    return Columns.join(Columns.of(VoxelGrid(np.ones((4, 4, h), bool))) for h in heights)


def rows(count):
    return [Row("f.json", f"id{n:02d}", size=(4.0, 4.0, 4.0)) for n in range(count)]


def plan(fits, comparisons, **settings):
    config = BuildConfig.parse({"pitch": 0.5, **settings})
    extents = np.where(np.array(fits)[:, None], 10.0, 100.0) * np.ones(3)
    return decide(rows(len(fits)), comparisons, choose_scale(extents, config), config)


def test_one_of_each_shape_is_kept_and_the_others_say_whose_it_is():
    made = plan([True] * 3, [blocks([5, 9, 5])])
    assert made.kept.tolist() == [0, 1]
    assert made.rows[2].reason is Reason.DUPLICATE
    assert "id00" in made.rows[2].detail


def test_procedural_buildings_change_nothing_for_real_ones():
    """Real ones are merged among themselves, and lie where they lie without the procedural ones."""
    heights = [5, 9, 5, 16, 23, 30]
    alone = plan([True] * 6, [blocks(heights)])
    config = BuildConfig.parse({"pitch": 0.5})
    scale = choose_scale(np.full((9, 3), 10.0), config)
    procedural = np.arange(9) >= 6
    mixed = decide(rows(9), [blocks([*heights, 5, 9, 9])], scale, config, procedural)
    assert [k for k in mixed.kept.tolist() if k < 6] == alone.kept.tolist()
    assert mixed.split[:6].tolist() == alone.split.tolist()
    assert [k for k in mixed.kept.tolist() if k >= 6] == [6, 7]
    assert "id07" in mixed.rows[8].detail


def test_a_shape_is_not_lost_with_a_twin_that_is_too_large():
    made = plan([False, True], [blocks([5, 5])])
    assert made.kept.tolist() == [1]
    assert made.rows[0].reason is Reason.GRID
    assert made.rows[1].reason is None


def test_what_is_kept_is_trained_on_even_where_all_dealt_to_training_is_left_out():
    heights = [5 + 7 * n for n in range(6)]
    dealt = plan([True] * 6, [blocks(heights)])
    other = plan((dealt.split != 0).tolist(), [blocks(heights)])
    assert 0 not in other.split[other.kept]
    assert 0 in with_training(other, SplitConfig()).split[other.kept]
    assert with_training(dealt, SplitConfig()) is dealt


def test_all_of_a_shape_lie_on_one_side():
    heights = [5 + n % 9 for n in range(60)]
    made = plan([True] * 60, [blocks([h * 7 for h in heights])], duplicates={"keep": "all"})
    assert len(made.kept) == 60
    for height in set(heights):
        members = [n for n, h in enumerate(heights) if h == height]
        assert len(set(made.split[members].tolist())) == 1


def test_shapes_alike_at_another_pitch_are_kept_apart_yet_on_one_side():
    own = blocks([4 + 2 * n for n in range(40)])
    other = blocks([4] * 40)
    made = plan([True] * 40, [own, other])
    assert len(made.kept) > 1
    assert len(set(made.split.tolist())) == 1


def test_both_resolutions_put_a_building_on_the_same_side():
    rng = np.random.default_rng(1)
    fine, coarse = rng.integers(4, 60, 200), rng.integers(4, 30, 200)
    at_fine, at_coarse = blocks(fine.tolist()), blocks(coarse.tolist())
    small = plan([True] * 200, [at_coarse, at_fine], pitch=0.75)
    large = plan([n % 3 > 0 for n in range(200)], [at_fine, at_coarse], pitch=0.5)
    assert np.array_equal(small.split, large.split)


def test_what_is_too_large_can_be_clipped_instead():
    made = plan([False, True], [blocks([5, 9])], oversize="clip")
    assert made.kept.tolist() == [0, 1]
    assert made.rows[0].warnings[0].startswith("clipped: ")
