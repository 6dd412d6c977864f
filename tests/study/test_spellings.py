"""Settings by the names that other tools give them."""

import pytest

from rungwise.settings import Settings
from rungwise.study.reading import parse_study
from rungwise.study.spellings import SPELLINGS, right_word
from rungwise.study.study import StudyError
from tests.study.test_faults import CNNS, MLPS
from tests.test_settings import every


def test_each_right_word_is_a_setting_and_no_other_spelling_is_right_beside_it() -> None:
    fields = [set(kind.model_fields) for kind in every(Settings)]
    for name, others in SPELLINGS.items():
        having = [own for own in fields if name in own]
        assert having, f"no settings have {name}"
        assert not set.intersection(*having) & set(others.split())


@pytest.mark.parametrize(
    ("text", "put", "says"),
    [
        (MLPS, ("epochs = 1", "epochs = 1, lr = 0.1"), "it is called 'rate' here"),
        (MLPS, ("epochs = 1", 'epochs = 1, optimizer = "sgd"'), "it is called 'optimiser' here"),
        (MLPS, ("epochs = 1", "epochs = 1, early_stopping = true"), "it is called 'stop' here"),
        (MLPS, ("epochs = 1", 'epochs = 1, class_weight = "balanced"'), "it is called 'class_weights' here"),
        (MLPS, ("epochs = 1", 'epochs = 1, optimiser = "AdamW"'), 'as optimiser = "adam", weight_decay = 0.01'),
        (CNNS, ("filters = [8]", "channels = [8]"), "it is called 'filters' here"),
    ],
)
def test_a_study_in_another_tools_words_is_told_the_right_one(text: str, put: tuple[str, str], says: str) -> None:
    with pytest.raises(StudyError) as error:
        parse_study(text.replace(*put, 1), "x.toml")
    assert says in str(error.value)


def test_weight_decay_goes_with_sgd() -> None:
    study = parse_study(MLPS.replace("epochs = 1", 'epochs = 1, optimiser = "sgd", weight_decay = 0.1'), "x.toml")
    assert study.chapters[0].fit.weight_decay == 0.1


def test_an_unknown_word_is_nobodys() -> None:
    assert right_word("colour", ["rate", "batch"]) == ""
    assert right_word("lr", ["batch"]) == ""


@pytest.mark.parametrize(
    ("put", "says"),
    [
        ("stop = { patience = 0 }", "patience: input should be greater than or equal to 1, got 0"),
        ("stop = { patience = 3 }", "set validation_images in the data"),
        ('class_weights = { "11" = 2 }', "class_weights: digits has no class '11'"),
        ('class_weights = "even"', "'balanced'"),
        ("clip_norm = 0", "clip_norm: input should be greater than 0, got 0"),
    ],
)
def test_a_wrong_value_gets_one_message(put: str, says: str) -> None:
    with pytest.raises(StudyError) as error:
        parse_study(MLPS.replace("epochs = 1", f"epochs = 1, {put}", 1), "x.toml")
    assert says in str(error.value)
    assert len(str(error.value).splitlines()) == 1, str(error.value)
