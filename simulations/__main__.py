"""The command line of the simulations: `python -m simulations NAME [--full]`; without a name, it lists them.

A simulation is a module of this package with `rates(studies: int, seed: int) -> list[Row]` and two numbers of studies:
`SHORT`, at most 15 s on one core, and `FULL`, for the rates that the docs give.
"""

import importlib
import pkgutil
from types import ModuleType
from typing import Annotated

import typer

import simulations
from simulations.table import table

app = typer.Typer(pretty_exceptions_enable=False)


def names() -> list[str]:
    """The modules that are simulations: those that define `rates`."""
    found = [module.name for module in pkgutil.iter_modules(simulations.__path__) if module.name != "__main__"]
    return sorted(name for name in found if hasattr(load(name), "rates"))


def load(name: str) -> ModuleType:
    """The module of a simulation."""
    return importlib.import_module(f"simulations.{name}")


@app.command()
def main(
    name: Annotated[str, typer.Argument(help="Which simulation; without it, their names.")] = "",
    full: Annotated[bool, typer.Option("--full", help="As many studies as the rates in the docs come from.")] = False,
    seed: Annotated[int, typer.Option(help="All that is drawn follows from it.")] = 0,
) -> None:
    """Simulate studies whose truth is known. Exits with 1 where a rate is not what it should be."""
    known = names()
    if name not in known:
        if name:
            raise typer.BadParameter(f"there is no simulation {name!r}; there are {', '.join(known)}")
        typer.echo("\n".join(f"{each}: {(load(each).__doc__ or '').splitlines()[0]}" for each in known))
        return
    module = load(name)
    rows = module.rates(module.FULL if full else module.SHORT, seed)
    typer.echo(table(rows))
    if not all(row.holds() for row in rows):
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
