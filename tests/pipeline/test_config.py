import pytest

from voxgen.errors import UsageError
from voxgen.pipeline.config import PRESETS, BuildConfig


def test_one_number_is_a_cube():
    assert BuildConfig.parse({"resolution": 48}).resolution == (48, 48, 48)
    assert BuildConfig.parse({"resolution": [160, 160, 80]}).resolution == (160, 160, 80)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"resolution": 0}, "resolution"),
        ({"resolution": [32, 32]}, "resolution"),
        ({"pitch": -1.0}, "pitch"),
        ({"pitch": float("inf")}, "pitch"),
        ({"pitch": 0.5, "fit": True}, "leave out either"),
        ({"pich": 0.5}, "did you mean 'pitch'"),
        ({"filters": {"min_hight": 2}}, "did you mean"),
        ({"split": {"train": 0.9}}, "add up to"),
        ({"duplicates": {"threshold": 2}}, "threshold"),
        ({"read": {"unit": "furlong"}}, "unit"),
    ],
)
def test_a_wrong_setting_is_named(values, told):
    with pytest.raises(UsageError, match=told):
        BuildConfig.parse(values)


def test_overrides_reach_the_filters():
    config = BuildConfig.preset("standard").with_overrides(["filters.min_height=4.5", "read.unit=mm"])
    assert config.filters.min_height == 4.5
    assert config.filters.closed
    assert config.read.unit == "mm"


def test_every_preset_is_valid_and_an_unknown_one_is_named():
    for name in PRESETS:
        assert BuildConfig.preset(name).resolution
    with pytest.raises(UsageError, match="did you mean 'standard'"):
        BuildConfig.preset("standart")


def test_both_standard_presets_ask_the_same_of_buildings():
    small, large = BuildConfig.preset("standard"), BuildConfig.preset("standard64")
    assert small.fingerprint("filters", "split", "duplicates") == large.fingerprint(
        "filters", "split", "duplicates"
    )
    assert small.fingerprint() != large.fingerprint()
