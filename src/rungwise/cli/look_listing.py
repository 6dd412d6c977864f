"""What ``rungwise data look`` prints."""

import typer

from rungwise.data.look import Look

MOST_CLASSES, MOST_LINES = 60, 10


def print_look(look: Look) -> None:
    """In lines for people: what it is, the classes with their counts, columns, what is strange."""
    opened, facts = look.opened, look.opened.facts
    images = sum(sum(counts.values()) for counts in opened.counts.values())
    typer.echo(f"{facts.name}: {opened.format}, {images:,} images of {len(facts.classes):,} classes")
    typer.echo(facts.preparation)
    sizes = sorted(opened.sizes.items(), key=lambda one: -one[1])
    several = ", ".join(f"{count:,} of {size.height} x {size.width}" for size, count in sizes[:MOST_LINES])
    typer.echo(f"sizes: {several}{_more(len(sizes), MOST_LINES)}")
    for name, values in facts.columns.items():
        shown = ", ".join(values[:MOST_LINES]) + _more(len(values), MOST_LINES)
        typer.echo(f"column {name}, which can be a task: {shown}")
    typer.echo(f"digest of the files: {facts.digest}\n")
    _print_classes(look)
    for title, lines in (("Strange:", look.strange), ("Not used:", opened.unused)):
        if lines:
            typer.echo(f"\n{title}")
        for line in lines[:MOST_LINES]:
            typer.echo(f"  {line}")
        if more := _more(len(lines), MOST_LINES):
            typer.echo(f" {more}")


def _print_classes(look: Look) -> None:
    counts, names = look.opened.counts, look.opened.facts.classes
    width = min(40, max(len("class"), *(len(name) for name in names)))
    typer.echo(f"{'class':{width}}" + "".join(f"{part:>12}" for part in counts))
    for name in names[:MOST_CLASSES]:
        short = name if len(name) <= width else f"{name[: width - 1]}…"
        typer.echo(f"{short:{width}}" + "".join(f"{counts[part][name]:>12,}" for part in counts))
    if more := _more(len(names), MOST_CLASSES):
        typer.echo(more.strip())
    typer.echo(f"{'all':{width}}" + "".join(f"{sum(counts[part].values()):>12,}" for part in counts))


def _more(count: int, shown: int) -> str:
    return f" and {count - shown:,} more" if count > shown else ""
