"""How objects show themselves in a notebook: not a matter of theirs. The report registers a view of each kind."""

from functools import singledispatch

from rungwise import extensions

VIEWS = ("rungwise.report.notebook", "rungwise.runs.run")
"""The modules that register views by `html_view.register`; they are imported when something is first shown."""


@singledispatch
def html_view(thing: object) -> str:
    """The HTML of a thing, which needs nothing from outside. TypeError where nobody registered a view of its kind."""
    raise TypeError(f"no view is registered for {type(thing).__name__}; expected one of {', '.join(VIEWS)} to do so")


class Shown:
    """What has this base shows itself in notebooks by its view."""

    def _repr_html_(self) -> str:
        for module in VIEWS:
            extensions.load(module)
        return html_view(self)
