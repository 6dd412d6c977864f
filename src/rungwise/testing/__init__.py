"""What every architecture, balancing method, chapter, data set and format must do, as checks that anyone can run.

Rungwise's own members pass them. A check is called without arguments, and its text is its name:

    @pytest.mark.parametrize("check", net_checks(MySettings()), ids=str)
    def test_my_net(check):
        check()
"""

from rungwise.testing.balancers import balancer_checks
from rungwise.testing.chapters import chapter_checks
from rungwise.testing.check import Check
from rungwise.testing.formats import format_checks
from rungwise.testing.nets import net_checks
from rungwise.testing.sources import source_checks

__all__ = ["Check", "balancer_checks", "chapter_checks", "format_checks", "net_checks", "source_checks"]
