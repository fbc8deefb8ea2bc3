"""The launch form covers every setting, and its recipes are those of the shipped models."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import pytest

from ml import catalogue
from ml.errors import MlError
from ml.networks.attention.base import MECHANISMS
from ml.train.config import TrainConfig
from ml.train.configure import configure, restored
from ml.train.form import form
from ml.train.tasks.clips.config import ClipConfig
from ml.train.tasks.photos.recipes import shipped
from tests.support import networks as nets

FORM = json.loads(json.dumps(form()))
RUN = {field["name"]: field for field in FORM["fields"]}


def test_every_field_is_there_and_says_what_it_is() -> None:
    assert {*RUN, "mechanism", "parameters", "stages"} == {f.name for f in fields(TrainConfig)}
    default = TrainConfig()
    for name, field in RUN.items():
        assert field["default"] == getattr(default, name)
        assert field["group"] in {"run", "optimiser", "data", "network"}
        assert field["title"]
        assert field["help"].endswith(".")
        assert field["type"] in {"int", "float", "bool", "choice"}
        assert ("choices" in field) == (field["type"] == "choice")
        assert field["type"] not in ("int", "float") or field["min"] < field["max"]


def test_clips_have_fields_of_their_own_and_a_recipe_a_mechanism() -> None:
    own = {field["name"]: field for field in FORM["clips"]["fields"]}
    every = {f.name for f in fields(ClipConfig)}
    assert {*own, *RUN, "mechanism", "parameters", "stages", "source"} == every
    assert not set(own) & set(RUN)
    assert own["architecture"]["default"] == "two_stream"
    assert set(FORM["clips"]["recipes"]) == set(MECHANISMS)
    for name, recipe in FORM["clips"]["recipes"].items():
        known = {**{f: RUN[f]["default"] for f in RUN}, **{f: own[f]["default"] for f in own}}
        config = restored({**known, "stages": ["early"], **recipe, "mechanism": name})
        assert isinstance(config, ClipConfig)


def test_every_mechanism_is_there_in_row_order_with_its_parameters() -> None:
    assert [m["name"] for m in FORM["mechanisms"]] == sorted(
        MECHANISMS, key=lambda name: MECHANISMS[name].default_row[1]
    )
    for mechanism in FORM["mechanisms"]:
        kind = MECHANISMS[mechanism["name"]].parameters
        assert [p["name"] for p in mechanism["parameters"]] == [f.name for f in fields(kind)]
        for parameter in mechanism["parameters"]:
            assert parameter["default"] == getattr(kind(), parameter["name"])
            assert parameter["help"].endswith(".")


@pytest.mark.parametrize("name", nets.names())
def test_a_recipe_is_what_the_shipped_model_was_trained_by(name: str) -> None:
    """Defaults and recipe together give the JSON's figures back, as far as it names them."""
    about = catalogue.find(name, catalogue.entries([])).about
    config = configure(name, shipped(name))
    for field, value in about["training"]["recipe"].items():
        mine = getattr(config, field)
        assert mine == value or (field == "batch_size" and (mine, value) == (0, 64)), field
    used = MECHANISMS[name].parameters(**config.parameters)
    assert {name: getattr(used, name) for name in about["parameters"]} == about["parameters"]


def test_recipes_say_only_what_differs() -> None:
    assert shipped("plain") == {}
    assert shipped("residual") == {
        "epochs": 2,
        "batch_size": 32,
        "size": 224,
        "lr": 1e-4,
        "new_lr_factor": 1.0,
        "label_smoothing": 0.0,
        "parameters": {
            "mask_start": "identity",
            "resampling": "centred",
            "unit_after": False,
            "biases": True,
        },
    }


@pytest.mark.parametrize("name", [n for n, f in RUN.items() if "max" in f])
def test_what_lies_outside_a_range_is_refused(name: str) -> None:
    for value in (RUN[name]["min"] - 1, RUN[name]["max"] + 1):
        with pytest.raises(MlError, match=name if name != "epochs" else "epochs"):
            replace(TrainConfig(), **{name: value})


def test_settings_are_read_with_care() -> None:
    with pytest.raises(MlError, match="Unknown setting 'speed'"):
        configure("plain", {"speed": 3})
    with pytest.raises(MlError, match="adamw, sgd"):
        configure("plain", {"optimiser": "lion"})
    with pytest.raises(MlError, match="do not fit"):
        configure("plain", {"epochs": "three"})
    scratch = configure("plain", {"start": "scratch", "epochs": 5})
    assert (scratch.frozen_blocks, scratch.optimiser, scratch.epochs) == (0, "sgd", 5)
    other = configure("plain", {"start": "scratch", "optimiser": "adamw"})
    assert (other.optimiser, other.lr < scratch.lr) == ("adamw", True)
