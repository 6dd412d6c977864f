"""Where the records of models that are compared come from: a difference of code or machine is not one of models.

What stands in the spec, or follows from it on one machine, does not count: a perceptron never uses the GPU, and a CNN's
kernels are not an MLP's. So a device is compared between records of one work only, and a precision where it was "auto".
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from rungwise.records.record import Record
from rungwise.words import listed

Origin = Mapping[str, frozenset[str]]
"""What was found of each fact, as of "device of WORK"; facts that only one side has are not compared."""
Side = Mapping[int, Sequence[Record]]
"""The records behind one model's values, by seed."""

LIBRARIES = ("torch", "numpy", "scipy", "scikit-learn")


class Fact(NamedTuple):
    """One sort of fact, and what it means where two sides differ in it."""

    says: str
    decides: bool
    """Whether a claim is not judged where no record of one side has what a record of the other has."""
    always: bool = False
    """Whether it is not judged where any seed differs."""


FACTS = {
    "version": Fact("versions of the results of their code", decides=True, always=True),
    "machine": Fact("machines", decides=True),
    "device": Fact("devices", decides=True),
    "precision": Fact("number formats chosen by the machine", decides=True),
    "code": Fact("code", decides=False),
    "libraries": Fact("versions of libraries", decides=False),
    "data": Fact("data files", decides=False),
}


def origin(records: Sequence[Record]) -> Origin:
    """The facts of where some records come from, each as "fact of what"."""
    found: dict[str, set[str]] = {}
    for record in records:
        for key, value in _facts(record):
            found.setdefault(key, set()).add(value)
    return {key: frozenset(values) for key, values in found.items()}


def _facts(record: Record) -> Iterator[tuple[str, str]]:
    environment, spec = record.environment, record.spec
    work = str(spec.get("work", ""))
    versions = spec.get("versions")
    for part, name in _parts(spec):
        yield f"version of {name}", str(versions.get(part, 1) if isinstance(versions, dict) else 1)
    yield "machine", environment.processor
    yield f"device of {work}", environment.hardware
    fit = spec.get("fit")
    if isinstance(fit, dict) and fit.get("precision") == "auto" and "precision" in record.choices:
        yield "precision", record.choices["precision"]
    for package, digest in environment.code.items():
        yield f"code of {package}", digest
    if not environment.code:
        yield "code of rungwise", environment.commit or environment.rungwise
    for name in LIBRARIES:
        if name in environment.libraries:
            yield f"libraries of {name}", f"{name} {environment.libraries[name]}"
    for name, digest in record.data_sha256.items():
        yield f"data of {name}", f"{name} {digest[:12]}"


def _parts(spec: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """The parts of a spec that have versions of their own: the key that versions have, and what the part is."""
    yield "work", str(spec.get("work", ""))
    for part, kind in (("net", "family"), ("balance", "method"), ("data", "source")):
        settings = spec.get(part)
        if isinstance(settings, dict) and kind in settings:
            yield "source" if part == "data" else part, str(settings[kind])


# Two or more sides ----------------------------------------------------------------------------------------------


class Difference(NamedTuple):
    """One fact in which the records of two models differ."""

    fact: str
    """A key of `FACTS`."""
    says: str
    """In words, with what each side has."""
    apart: bool
    """Whether the two sides have nothing in common, so that models and origin cannot be told from each other."""


def differences(sides: Mapping[str, Side]) -> list[Difference]:
    """In what the records of models that are compared, by name, differ where they should not; each fact once."""
    found: dict[str, Difference] = {}
    names = list(sides)
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            for one in _between(first, sides[first], second, sides[second]):
                if one.fact not in found or (one.apart and not found[one.fact].apart):
                    found[one.fact] = one
    return [found[fact] for fact in FACTS if fact in found]


def _between(first: str, a: Side, second: str, b: Side) -> Iterator[Difference]:
    seeds = sorted(a.keys() & b.keys())
    pairs = [(origin(a[seed]), origin(b[seed])) for seed in seeds]
    for key in sorted({key for ours, theirs in pairs for key in ours.keys() & theirs.keys()}):
        both = [(ours[key], theirs[key]) for ours, theirs in pairs if key in ours and key in theirs]
        if all(x == y for x, y in both):
            continue
        all_a, all_b = (frozenset().union(*(pair[side] for pair in both)) for side in (0, 1))
        fact = key.partition(" of ")[0]
        yield Difference(
            fact,
            f"{first} has {_told(all_a)}, {second} has {_told(all_b)}"
            + (f" ({key.partition(' of ')[2]})" if fact in ("version", "code") else ""),
            apart=not all_a & all_b,
        )


def _told(values: frozenset[str]) -> str:
    return listed([value[:40] for value in sorted(values)])


def warnings(found: Sequence[Difference]) -> tuple[str, ...]:
    """A sentence for each difference."""
    return tuple(f"The records compared come from different {FACTS[one.fact].says}: {one.says}." for one in found)


def not_judged(found: Sequence[Difference]) -> str:
    """Why nothing can be said of the models; empty where no difference forbids it."""
    for one in found:
        fact = FACTS[one.fact]
        if fact.decides and (one.apart or fact.always):
            return (
                f"The records compared come from different {fact.says}: {one.says}. So their difference is not one of "
                "the models alone. Compute both on one machine with one version of the code, or set mixed = true in "
                "the study to have it judged all the same."
            )
    return ""
