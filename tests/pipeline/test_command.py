"""The command line that a card records remakes the data set."""

import json
import shlex

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from voxgen.cli import cli

from voxgen.pipeline.command import command_line
from voxgen.pipeline.config import PRESETS, BuildConfig

pitches = st.one_of(st.none(), st.floats(0.1, 9).map(lambda pitch: round(pitch, 3)))
changes = st.fixed_dictionaries(
    {},
    optional={
        "resolution": st.one_of(st.integers(4, 96), st.tuples(*[st.integers(4, 96)] * 3).map(list)),
        "pitch": pitches,
        "oversize": st.sampled_from(["reject", "clip"]),
        "align": st.booleans(),
        "storey_height": st.floats(2, 5),
        "read": st.fixed_dictionaries(
            {},
            optional={
                "unit": st.sampled_from(["ft", None]),
                "up": st.sampled_from(["y", None]),
                "lod": st.sampled_from([2.2, None]),
                "split": st.booleans(),
                "limits": st.fixed_dictionaries({"vertices": st.integers(1, 10**6)}),
            },
        ),
        "filters": st.fixed_dictionaries(
            {}, optional={"closed": st.booleans(), "max_extent": pitches, "max_triangles": st.none()}
        ),
        "duplicates": st.fixed_dictionaries(
            {}, optional={"keep": st.sampled_from(["one", "all"]), "pitches": st.just([0.25, 1.0])}
        ),
        "split": st.fixed_dictionaries({}, optional={"seed": st.integers(0, 9)}),
    },
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(PRESETS)), changes, st.booleans())
def test_it_gives_the_same_settings_when_typed(preset, changed, fit):
    values = BuildConfig.preset(preset).model_dump(mode="json")
    for key, value in changed.items():
        values[key] = {**values[key], **value} if isinstance(value, dict) else value
    if fit:
        values |= {"fit": True, "pitch": None}
    config = BuildConfig.parse(values)
    words = shlex.split(command_line(["my houses/*.obj"], "out dir", config))
    assert words[:6] == ["voxgen", "data", "build", "my houses/*.obj", "-o", "out dir"]
    result = CliRunner().invoke(cli, [*words[1:], "--dry-run", "--json"], prog_name="voxgen")
    assert result.exit_code == 0, result.stderr
    assert BuildConfig.parse(json.loads(result.stdout)["config"]) == config


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({}, ""),
        ({"resolution": 64, "pitch": 0.5}, " --resolution 64 --pitch 0.5"),
        ({"resolution": [32, 32, 16], "fit": True}, " --resolution 32x32x16 --fit"),
        (PRESETS["standard"], " --preset standard"),
    ],
)
def test_it_is_short(told, words):
    assert command_line(["A"], "DS", BuildConfig.parse(told)) == f"voxgen data build A -o DS{words}"
