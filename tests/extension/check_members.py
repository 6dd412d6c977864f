"""Run by `pytest check_members.py` where the package is installed: its members pass what rungwise asks of its own."""

import pytest
from rungwise_example import strip
from rungwise_example.centroids import Settings
from rungwise_example.separable import SeparableSettings

from rungwise.balancing import read_balancer
from rungwise.data.settings import Data
from rungwise.testing import balancer_checks, chapter_checks, format_checks, net_checks, source_checks

CHECKS = [
    *net_checks(SeparableSettings(width=8)),
    *balancer_checks(read_balancer("largest")),
    *chapter_checks(Settings(data=Data(source="digits", train_images=300))),
    *source_checks("stripes"),
    *format_checks("strip", strip.write, channels=(1,)),
]


@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_member(check):
    check()
