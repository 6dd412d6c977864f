"""A net as training starts: its weights, its optimiser, and which tasks depend on which of its parameters."""

from collections.abc import Container, Iterator, Mapping

import torch
from torch import Tensor, nn

from rungwise.balancing.learner import Batch, Learner, Part
from rungwise.data.tasks import task_classes
from rungwise.models.dropout import seed_dropout
from rungwise.models.net import NetSettings, Shape, initialise
from rungwise.records.record import Record
from rungwise.seeding import stream_seed
from rungwise.training.batches import Resident
from rungwise.training.optimiser import build_optimiser
from rungwise.training.settings import Fit


def begin(trial: Fit, image: Shape, records: Mapping[str, Record]) -> nn.Module:
    """The trial's net with the weights it starts from, drawn from the seed's stream for initialisation. Its dropout
    draws from a stream of its own.

    Where there is a `trial.start`, `records` holds its record, and all that its tasks share is taken over from there:
    parameters and statistics. The heads stay as they were drawn. Where `trial.frozen`, what was taken over asks for no
    gradient and is in eval mode. Raises ValueError where the two nets share different parts.
    """
    net = trial.net.build(image, trial.outputs)
    initialise(net, torch.Generator().manual_seed(stream_seed(trial.seed, "initialisation")))
    seed_dropout(net, stream_seed(trial.seed, "dropout"))
    if trial.start is None:
        return net
    shapes = _shared_part(trial.start.net, image, trial.start.outputs)
    places = {name: tuple(value.shape) for name, value in net.state_dict().items()}
    wanted = _shared_part(trial.net, image, trial.outputs)
    if wrong := [n for n in shapes | wanted if not shapes.get(n) == wanted.get(n) == places.get(n)]:
        raise ValueError(
            f"the trained net {trial.start.label!r} and the new one {trial.label!r} do not share the same part: "
            f"{wrong[0]} is {_told(shapes, wrong[0])} in the one and {_told(places, wrong[0])} in the other. Give both "
            "the same net, of a family whose shared part is the same for any number of tasks"
        )
    known = records[trial.start.id].weights
    net.load_state_dict({**net.state_dict(), **{name: torch.tensor(known[name]) for name in shapes}})
    if trial.frozen:
        _freeze(net, shapes)
    return net


def _shared_part(settings: NetSettings, image: Shape, outputs: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """The shapes of all that the tasks of a net share, by their names in its `state_dict`: statistics too.

    A net of one task has nobody to share with; asked for is what it would share with another like it.
    """
    with torch.device("meta"):
        net = settings.build(image, outputs if len(outputs) > 1 else outputs * 2)
        own = {id(p) for task in dependence(net, image)[1] for p in task}
    heads = {name for name, module in net.named_modules() if any(id(p) in own for p in module.parameters(False))}
    return {name: tuple(v.shape) for name, v in net.state_dict().items() if name.rpartition(".")[0] not in heads}


def _told(shapes: Mapping[str, tuple[int, ...]], name: str) -> str:
    return f"of shape {shapes[name]}" if name in shapes else "absent"


def _freeze(net: nn.Module, names: Container[str]) -> None:
    """The parameters of these names ask for no gradient; a module that has no others is in eval mode."""
    for name, parameter in net.named_parameters():
        if name in names:
            parameter.requires_grad_(False)
    for module in net.modules():
        parameters = list(module.parameters())
        if parameters and not any(p.requires_grad for p in parameters):
            module.eval()


def dependence(net: nn.Module, image: Shape) -> tuple[tuple[nn.Parameter, ...], tuple[tuple[nn.Parameter, ...], ...]]:
    """The parameters that two tasks or more depend on, and for each task those that it alone depends on.

    Found by the gradients of each task's logits; a net of one task shares all it has.
    """
    parameters = tuple(p for p in net.parameters() if p.requires_grad)
    training = [module for module in net.modules() if module.training]
    net.eval()  # BatchNorm must not take this look for a batch
    first = next(net.parameters())
    logits = net(torch.zeros(1, *image, device=first.device))
    for module in training:
        module.training = True
    if len(logits) == 1:
        return parameters, ((),)
    found = [torch.autograd.grad(z.sum(), parameters, retain_graph=True, allow_unused=True) for z in logits]
    counts = [sum(task[i] is not None for task in found) for i in range(len(parameters))]
    own = tuple(
        tuple(p for p, g, n in zip(parameters, task, counts, strict=True) if n == 1 and g is not None) for task in found
    )
    return tuple(p for p, n in zip(parameters, counts, strict=True) if n > 1), own


def build_learner(trial: Fit, net: nn.Module, parts: Mapping[str, Resident], precision: str) -> Learner:
    """The net with a new optimiser, and the images of `parts` to draw from."""
    streams: dict[Part, Iterator[Batch]] = {}

    def draw(part: Part) -> Batch:
        if part not in streams:
            random = torch.Generator().manual_seed(stream_seed(trial.seed, "validation"))
            streams[part] = parts[part].endlessly(trial.fit.batch, random)
        return next(streams[part])

    shared, own = dependence(net, tuple(parts["train"].images.shape[1:]))  # type: ignore[arg-type]
    return Learner(
        net=net,
        optimiser=build_optimiser(trial.fit, net),
        rate=trial.fit.rate,
        weights=trial.loss_weights,
        shared=shared,
        own=own,
        draw=draw,
        random=torch.Generator().manual_seed(stream_seed(trial.seed, "balancing")),
        precision=precision,
        label_smoothing=trial.fit.label_smoothing,
        class_weights=_class_weights(trial, parts["train"]),
        clip_norm=trial.fit.clip_norm,
    )


def _class_weights(trial: Fit, train: Resident) -> tuple[Tensor, ...] | None:
    """Of each task, (classes,), float32, on the images' device (`Recipe.class_weights`)."""
    wanted = trial.fit.class_weights
    if wanted is None:
        return None
    if wanted == "balanced":
        found = [balanced(labels, classes) for labels, classes in zip(train.labels, trial.outputs, strict=True)]
    else:
        names = [task_classes(task, trial.data) for task in trial.tasks.values()]
        found = [torch.tensor([wanted.get(name, 1.0) for name in own]) for own in names]
    return tuple(weights.float().to(train.labels.device) for weights in found)


def balanced(labels: Tensor, classes: int) -> Tensor:
    """N / (K N_c) for each class c of K, by how many of the N labels are c: (K,), float64. A class that none has would
    weigh infinitely; it is of no account, and has 0."""
    counts = torch.bincount(labels.cpu(), minlength=classes).double()
    return torch.where(counts > 0, len(labels) / (classes * counts), 0.0)
