"""Reading configurations, and every error in one line."""

import dataclasses
import typing

import pytest

from nasnet_tf import InputError
from nasnet_tf.configuration.files import config_path, save_config
from nasnet_tf.training.config import ExperimentConfig
from nasnet_tf.training.config_files import first_difference, read_config

FOLDER = config_path("digits").parent


def error_of(call, *arguments, **keywords):
    with pytest.raises(InputError) as caught:
        call(*arguments, **keywords)
    message = str(caught.value)
    assert message.isprintable()
    return message


def override(text):
    return error_of(read_config, override=text)


@pytest.fixture
def file(tmp_path):
    def write(text, name="job.yaml"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("recipe.stepz=3", "recipe.stepz is unknown; did you mean "
         "'recipe.steps'? choose one of recipe: batch_size, epochs, steps,"),
        ("stepz=3", "stepz is unknown; did you mean 'recipe.steps'? choose "
         "one: model, data, recipe, runtime"),
        ("recipe.seed=3",
         "recipe.seed is unknown; did you mean 'runtime.seed'?"),
        ("mdoel.preset=x", "mdoel is unknown; did you mean 'model'?"),
        ("data.qqq=3", "data.qqq is unknown; choose one of data: source,"),
        ("_locked=1", "is malformed"),
        ("recipe.steps=abc", "recipe.steps: 'abc' is not a positive integer"),
        ("recipe.steps=0", "recipe.steps: 0 is not a positive integer"),
        ("recipe.steps=3.5", "recipe.steps: 3.5 is not a positive integer"),
        ("recipe.steps=true", "recipe.steps: True is not a positive integer"),
        ("recipe.steps=[3]", "recipe.steps: [3] is not a positive integer"),
        ("recipe.steps.x=3",
         "recipe.steps: {'x': 3} is not a positive integer"),
        ("recipe.batch_size=null",
         "recipe.batch_size: None is not a positive integer"),
        ("model.input_size=31", "model.input_size: 31 is not an integer >= 32"),
        ("recipe.rho=abc", "recipe.rho: 'abc' is not a number in [0, 1)"),
        ("recipe.rho=1", "recipe.rho: 1.0 is not a number in [0, 1)"),
        ("recipe.rho=true", "recipe.rho: True is not a number in [0, 1)"),
        ("model.stem_multiplier=.nan",
         "model.stem_multiplier: nan is not a number in (-inf, inf)"),
        ("recipe.learning_rate=" + 400 * "9",
         "recipe.learning_rate: inf is not a number in (0, inf)"),
        ("data.flip=maybe", "data.flip: 'maybe' is neither True nor False"),
        ("data.flip=1", "data.flip: 1 is neither True nor False"),
        ("data.name=10",
         "data.name: 10 is not a text; put it in quotes if it is one"),
        ("data.train_split=null", "data.train_split: None is not a text"),
        ("recipe.optimizer=adamx",
         "recipe.optimizer: 'adamx' is unknown; did you mean 'adam'? choose "
         "one of sgd, rmsprop, adam, adamw"),
        ("recipe=3", "recipe: 3 is not a section; name a field of it, such as "
         "recipe.batch_size"),
        ("recipe.steps", "'recipe.steps' is malformed; write recipe.steps=3"),
        ("data.train_split=train[:90%]", "is malformed"),
        ("data.data_dir=a: b", "is malformed"),
        ("[1, 2]", "is malformed"),
        ("=3", "is malformed"),
    ],
)  # fmt: skip
def test_override_errors(text, message):
    told = override(text)
    assert told.startswith("params_override: ")
    assert message in told


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("recipe:\n  stepz: 3\n",
         "recipe.stepz is unknown; did you mean 'recipe.steps'?"),
        ("recipe:\n  steps: 1e3\n",
         "recipe.steps: '1e3' is not a positive integer"),
        ("recipe:\n  ? \"a\\nb\"\n  : 3\n", "recipe.'a\\nb' is unknown"),
        ("1: 2\n", "1 is unknown; choose one: model"),
        ("data:\n  name: 2020-01-01\n",
         "data.name: datetime.date(2020, 1, 1) is not a text"),
        ("recipe:\n  steps: 3\nrecipe:\n  epochs: 1\n",
         "line 3: 'recipe' is there twice; mend the YAML"),
        ("recipe: [1\n", "line 2: "),
        ("? [1]\n: 2\n", "line 1: found unhashable key"),
        ("a: !thing 3\n", "line 1: could not determine a constructor"),
        ("a: 2020-13-45\n", "month must be in 1..12; mend the YAML"),
        ("- 1\n- 2\n", "holds no sections; write 'recipe:'"),
        ("text\n", "holds no sections"),
        ("a: \x00", "mend the YAML"),
        ("[" * 5000, "recursion"),
    ],
)  # fmt: skip
def test_file_errors(file, text, message):
    path = file(text)
    told = error_of(read_config, [path])
    assert told.startswith(f"{path}: ")
    assert message in told


def test_unreadable_files(tmp_path):
    path = tmp_path / "job.yaml"
    path.write_bytes(b"recipe: \xff\n")
    assert "can't decode byte 0xff" in error_of(read_config, [path])
    told = error_of(read_config, [tmp_path / "digits.yaml"])
    assert told.startswith(f"config_file: {tmp_path}/digits.yaml is not a file")
    assert "cifar10_small" in told
    assert "is not a file" in error_of(read_config, [tmp_path / "a\nb"])
    assert "did you mean 'digits'?" in error_of(read_config, ["digitz"])
    assert "is unknown" in error_of(read_config, [500 * "a"])


def test_paths_and_texts_in_overrides():
    for path in (
        "../shared/x",
        "/data/my sets/a=b",
        "gs://bucket/sets",
        "hdfs://host:9000/x",
        "~/sets",
        "./it's",
    ):
        config = read_config(override=f"data.data_dir={path},recipe.steps=3")
        assert config.data.data_dir == path
        assert config.recipe.steps == 3
    config = read_config(
        override="data.train_split='train[:90%]',data.name=\"a,b\""
    )
    assert config.data.train_split == "train[:90%]"
    assert config.data.name == "a,b"
    config = read_config(override="{data: {name: cifar10}, recipe: {rho: 0}}")
    assert (config.data.name, config.recipe.rho) == ("cifar10", 0.0)
    for empty in ("", None):
        assert read_config(override=empty) == ExperimentConfig()


def test_values_have_the_declared_type(file):
    path = file(
        "recipe:\n  learning_rate: 1e-3\n  epochs: 2\n  rho: '0.5'\n"
        "model:\n  preset: 1e5\n  stem_multiplier: 3\ndata:\n"
    )
    config = read_config(
        [path], "recipe.clip_norm=5,recipe.epsilon=1e-3,recipe.momentum=1.5e-1"
    )
    recipe = config.recipe
    values = (
        recipe.learning_rate,
        recipe.epochs,
        recipe.rho,
        recipe.clip_norm,
        recipe.epsilon,
        recipe.momentum,
        config.model.stem_multiplier,
    )
    assert values == (0.001, 2, 0.5, 5, 0.001, 0.15, 3)
    assert {type(value) for value in values} == {float}
    assert config.model.preset == "1e5"
    assert_types(config)
    for none in ("null", "None", "~", ""):
        config = read_config(override=f"recipe.epochs={none}", base=config)
        assert config.recipe.epochs is None


def assert_types(config):
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(field.type):
            assert type(value) is field.type
            assert_types(value)
        else:
            kinds = typing.get_args(field.type) or (field.type,)
            assert type(value) in kinds, field.name


def test_files_stack_below_the_override(file):
    first = file("recipe:\n  steps: 1\n  rho: 0.1\n  momentum: 0.1\n", "1.yaml")
    second = file("recipe:\n  steps: 2\n  rho: 0.2\n", "2.yaml")
    base = read_config(override="recipe.clip_norm=7,recipe.momentum=0.7")
    config = read_config([first, second], "recipe.steps=3", base)
    recipe = config.recipe
    assert (recipe.steps, recipe.rho, recipe.momentum) == (3, 0.2, 0.1)
    assert (recipe.clip_norm, recipe.batch_size) == (7.0, 32)
    assert (base.recipe.steps, base.recipe.momentum) == (None, 0.7)


def test_names_and_paths(file, monkeypatch, tmp_path):
    # Another folder named configs does not hide them.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    assert config_path("digits").samefile(FOLDER / "digits.yaml")
    assert config_path("digits.yaml").samefile(FOLDER / "digits.yaml")
    own = file("recipe:\n  steps: 3\n", "digits.yaml")
    assert config_path("digits.yaml").samefile(own)
    assert read_config(["digits.yaml"]).recipe.steps == 3
    assert read_config(["digits"]).recipe.epochs == 8.0


def test_saved_configuration_is_read_as_it_was(tmp_path):
    config = read_config(["nasnet_a_large"], "recipe.weight_decay=1.5e-7")
    config.model.initial_weights = "1e5"
    config.data.data_dir = "données/é: #x"
    path = tmp_path / "config.yaml"
    save_config(config, path)
    again = read_config([path])
    assert again == config
    assert_types(again)
    assert first_difference(config, again) is None
    assert list(tmp_path.iterdir()) == [path]
    told = error_of(save_config, config, tmp_path / "none" / "config.yaml")
    assert told.startswith("model_dir: ")


def test_first_difference():
    saved = read_config(["digits"], "recipe.learning_rate=0.1")
    now = read_config(["digits"], "recipe.learning_rate=0.2,runtime.seed=3")
    assert first_difference(saved, now) == (
        "recipe.learning_rate: 0.1 in the checkpoint's configuration, 0.2 now"
    )
    for name, value, told in (
        ("runtime.seed", 1, "0 in the checkpoint's configuration, 1 now"),
        ("runtime.synchronized_batch_norm", True, "False in"),
        ("model.preset", "nasnet_a_mobile", "None in"),
        ("data.name", "cifar10", "None in"),
        ("data.data_dir", "elsewhere", None),
        ("data.cache_mib", 3, "1024 in"),
        ("runtime.strategy", "mirrored", None),
        ("runtime.jit_compile", False, None),
        ("runtime.log_every_steps", 3, None),
        ("runtime.keep_checkpoints", 5, None),
    ):
        now = read_config(override=f"{name}={value}", base=saved)
        difference = first_difference(saved, now)
        if told is None:
            assert difference is None, name
        else:
            assert difference.startswith(f"{name}: {told}")
