"""The sentences of the chapter, computed from records."""

from rungwise.chapters.multitask.weights import MOST_TOLD
from rungwise.chapters.sentences import compared, in_words, paired_in_words
from rungwise.chapters.transfer.names import TRUNK, WAYS, model_name, percent
from rungwise.chapters.transfer.results import Results
from rungwise.evidence.estimate import Estimate
from rungwise.findings import Statement
from rungwise.words import listed


def statements(results: Results) -> tuple[Statement, ...]:
    reached = (found for way in WAYS[:-1] for found in _reached(results, way))
    return (*_of_trunk(results), *_against_new(results), *reached, *_learnt(results), *_time(results))


def _of_trunk(results: Results) -> tuple[Statement, ...]:
    found = {task: results.estimate(f"test_accuracy_{task}", TRUNK) for task in results.settings.tasks}
    known = {task: accuracy for task, accuracy in found.items() if accuracy}
    if not known:
        return ()
    if len(known) > MOST_TOLD:
        low, high = (pick(known, key=lambda task: known[task].mean) for pick in (min, max))
        each = listed([f"{in_words(known[task], 4)} on {task}" for task in (low, high)])
        text = f"Of the trunk's {len(known)} tasks, the lowest and the highest test accuracy are {each}."
    else:
        each = listed([f"{in_words(accuracy, 4)} on {task}" for task, accuracy in known.items()])
        text = f"The trunk's own test accuracy is {each}."
    return (Statement(text=text, trials=results.record_ids(TRUNK)),)


def _against_new(results: Results) -> list[Statement]:
    """For each share of the labels, the frozen and the fine-tuned net against the new one."""
    found = []
    for share in results.shares:
        new = model_name("new", share)
        for way in WAYS[:-1]:
            model = model_name(way, share)
            if lead := results.lead(model, new):
                text = f"With {percent(share)} of the labels, the {way} net is {_lead_in_words(lead, 'a new one')}."
                found.append(Statement(text=text, trials=results.record_ids(model, new)))
    return found


def _reached(results: Results, way: str) -> tuple[Statement, ...]:
    """The smallest share of the labels with which a way does as well as a new net does with the most labels."""
    full, most = model_name("new", results.shares[-1]), percent(results.shares[-1])
    leads = {share: lead for share in results.shares if (lead := results.lead(model_name(way, share), full))}
    if len(results.shares) < 2 or len(leads) < len(results.shares):
        return ()
    share = next((share for share, lead in leads.items() if lead.mean >= 0), None)
    if share is None:
        share = max(leads, key=lambda share: leads[share].mean)
        start = f"At no share of the labels is the {way} net as accurate as a new one with {most}: nearest, at "
        start += f"{percent(share)},"
    else:
        start = f"The {way} net needs {percent(share)} of the labels to be as accurate as a new one with {most}: there"
    text = f"{start} it is {_lead_in_words(leads[share], 'that one')}."
    return (Statement(text=text, trials=results.record_ids(model_name(way, share), full)),)


def _learnt(results: Results) -> tuple[Statement, ...]:
    """How many parameters each way learns: the same with any share and seed."""
    for model in (model_name("frozen", share) for share in results.shares):
        for record in results.runs[model].values():
            learnt, every = (int(record.summary[key]) for key in ("parameters_learnt", "parameters"))
            text = (
                f"The frozen net learns {learnt:,} of its {every:,} parameters ({learnt / every:.1%}), the others "
                "all of theirs."
            )
            return (Statement(text=text, trials=results.record_ids(model)),)
    return ()


def _time(results: Results) -> tuple[Statement, ...]:
    """Training time with the most labels, and that of the trunk before."""
    most = results.shares[-1]
    models = {f"the {way} net": model_name(way, most) for way in WAYS}
    times = {name: time for name, model in models.items() if (time := results.estimate("time_s", model))}
    trunk = results.estimate("time_s", TRUNK)
    if len(times) < len(models) or trunk is None:
        return ()
    parts = listed([f"{name} {time.mean:.1f} s" for name, time in times.items()])
    text = (
        f"Learning {results.task} from {percent(most)} of the labels took {parts}; training the trunk before took "
        f"{trunk.mean:.1f} s."
    )
    return (Statement(text=text, trials=results.record_ids(*models.values(), TRUNK)),)


def _lead_in_words(lead: Estimate, other: str) -> str:
    """ "more accurate by 0.0120 than a new one (paired by seed, ...)"."""
    words = compared(lead, "more accurate", "less accurate", "exactly as accurate")
    return f"{words} {'than' if lead.mean else 'as'} {other} {paired_in_words(lead)}"
