"""A contract for import-linter, which pyproject.toml names: no circle of imports between files.

Its own `acyclic_siblings` compares the children of a package, and so overlooks a circle through an `__init__.py`.
"""

from graphlib import CycleError, TopologicalSorter

import grimp
from importlinter import Contract, ContractCheck, output


class NoCircles(Contract):
    """Broken by the first circle that is found, which it names file by file."""

    type_name = "no_circles"

    def check(self, graph: grimp.ImportGraph, verbose: bool) -> ContractCheck:
        imports = {module: graph.find_modules_directly_imported_by(module) for module in sorted(graph.modules)}
        try:
            TopologicalSorter(imports).prepare()
        except CycleError as error:
            # Each in the list is imported by the next.
            return ContractCheck(kept=False, metadata={"circle": error.args[1][::-1]})
        return ContractCheck(kept=True)

    def render_broken_contract(self, check: ContractCheck) -> None:
        output.print_error(" -> ".join(check.metadata["circle"]))
