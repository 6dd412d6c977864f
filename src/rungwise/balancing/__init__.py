"""The ways to balance tasks by name. A new one is one file here and one line, or an entry point."""

import importlib
import importlib.metadata
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from rungwise.balancing.balancer import BalancerSettings
from rungwise.errors import nearest

_MODULES = {
    "fixed": "rungwise.balancing.fixed",
    "uncertainty": "rungwise.balancing.uncertainty",
    "dwa": "rungwise.balancing.dwa",
    "random": "rungwise.balancing.random_weights",
    "gradnorm": "rungwise.balancing.gradnorm",
    "auto-lambda": "rungwise.balancing.auto_lambda",
    "adatask": "rungwise.balancing.adatask",
    "mgda": "rungwise.balancing.mgda",
    "pcgrad": "rungwise.balancing.pcgrad",
    "cagrad": "rungwise.balancing.cagrad",
    "imtl-g": "rungwise.balancing.imtl_g",
    "nash-mtl": "rungwise.balancing.nash_mtl",
    "aligned-mtl": "rungwise.balancing.aligned_mtl",
    "famo": "rungwise.balancing.famo",
    "upgrad": "rungwise.balancing.upgrad",
}


def balancing_methods() -> dict[str, str]:
    """The module of each method; other packages add theirs under the entry point ``rungwise.balancing``.

    A module has ``Settings``, a `BalancerSettings` with the method's name as the default (or a choice) of ``method``.
    """
    others = importlib.metadata.entry_points(group="rungwise.balancing")
    return {**{point.name: point.value for point in others}, **_MODULES}


def read_balancer(raw: Any) -> BalancerSettings:
    """A method's settings from a table, as ``{ method = "dwa", temperature = 2 }``, or from its name alone.

    Raises ValueError: what is wrong, in plain words.
    """
    if isinstance(raw, BalancerSettings):
        return raw
    raw = {"method": raw} if isinstance(raw, str) else raw
    if not isinstance(raw, Mapping) or not isinstance(raw.get("method"), str):
        raise ValueError(f'a way to balance tasks needs its method, as {{ method = "dwa" }}, got {raw!r}')
    known = balancing_methods()
    if raw["method"] not in known:
        raise ValueError(f"no method is called {raw['method']!r}; {nearest(raw['method'], known)}")
    settings: type[BalancerSettings] = importlib.import_module(known[raw["method"]]).Settings
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
