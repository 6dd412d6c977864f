"""The ways to balance tasks by name. A new one is one file here and one line, or an entry point."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from rungwise.balancing.balancer import BalancerSettings
from rungwise.errors import nearest
from rungwise.extensions import Registry, settings_of


def _settings(name: str, found: Any) -> type[BalancerSettings]:
    settings: type[BalancerSettings] = settings_of(found, BalancerSettings, "method", name)
    return settings


METHODS = Registry(
    "balancing",
    "method",
    {
        "fixed": "rungwise.balancing.fixed:Settings",
        "uncertainty": "rungwise.balancing.uncertainty:Settings",
        "dwa": "rungwise.balancing.dwa:Settings",
        "random": "rungwise.balancing.random_weights:Settings",
        "gradnorm": "rungwise.balancing.gradnorm:Settings",
        "auto-lambda": "rungwise.balancing.auto_lambda:Settings",
        "adatask": "rungwise.balancing.adatask:Settings",
        "mgda": "rungwise.balancing.mgda:Settings",
        "pcgrad": "rungwise.balancing.pcgrad:Settings",
        "cagrad": "rungwise.balancing.cagrad:Settings",
        "imtl-g": "rungwise.balancing.imtl_g:Settings",
        "nash-mtl": "rungwise.balancing.nash_mtl:Settings",
        "aligned-mtl": "rungwise.balancing.aligned_mtl:Settings",
        "famo": "rungwise.balancing.famo:Settings",
        "upgrad": "rungwise.balancing.upgrad:Settings",
    },
    _settings,
)
"""Other packages add theirs under the entry point ``rungwise.balancing``: the address of a `BalancerSettings`, or of a
module that has it as ``Settings``."""


def balancing_methods() -> dict[str, str]:
    """The address of each method's settings."""
    return METHODS.addresses()


def read_balancer(raw: Any) -> BalancerSettings:
    """A method's settings from a table, as ``{ method = "dwa", temperature = 2 }``, or from its name alone.

    Raises ValueError: what is wrong, in plain words.
    """
    if isinstance(raw, BalancerSettings):
        return raw
    raw = {"method": raw} if isinstance(raw, str) else raw
    if not isinstance(raw, Mapping) or not isinstance(raw.get("method"), str):
        raise ValueError(f'a way to balance tasks needs its method, as {{ method = "dwa" }}, got {raw!r}')
    settings = METHODS.find(raw["method"])
    try:
        return settings.model_validate(raw)
    except ValidationError as error:
        raise ValueError("; ".join(_told(fault, settings) for fault in error.errors())) from None


def _told(fault: Any, settings: type[BalancerSettings]) -> str:
    name = ".".join(str(step) for step in fault["loc"])
    if fault["type"] == "extra_forbidden":
        return f"unknown setting {name!r}; {nearest(name, settings.model_fields)}"
    says = fault["msg"].removeprefix("Value error, ")
    return f"{name}: {says}, got {fault['input']!r}" if fault["type"] != "value_error" else f"{name}: {says}"
