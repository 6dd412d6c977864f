"""The machine: its measured rate, and the device that is asked for."""

import numpy as np
import pytest

from rungwise.cli.doctor import examine
from rungwise.engine.machine import DeviceError, choose_device, product_rate


def test_the_rate_is_that_of_a_product() -> None:
    assert 1e8 < product_rate("float32", seconds=0.01) < 1e14
    assert np.isfinite(product_rate("bfloat16", seconds=0.0))


def test_the_device_is_what_was_asked_for() -> None:
    assert choose_device("cpu") == "cpu"
    assert choose_device("auto") == "cpu"


def test_a_gpu_that_is_not_there_is_told() -> None:
    with pytest.raises(DeviceError, match=r"needs a GPU that torch can use.*Use --device cpu"):
        choose_device("cuda")


def test_the_doctor_tells_of_every_data_set() -> None:
    facts = examine()
    assert {"torch", "cores", "device", "float32_gflop_per_s", "data_digits"} <= set(facts)
    assert facts["data_digits"] == "scikit-learn"
