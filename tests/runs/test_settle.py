"""Seeds are added until claims are settled: which, how many, and what becomes of what cannot be."""

import io
import json

import numpy as np
import pytest
from rich.console import Console

from rungwise.errors import UserError
from rungwise.records.errors import StoreError
from rungwise.runs.run import TrialsFailedWarning, open_run, run_study
from rungwise.runs.settle import settle_study
from rungwise.runs.settle_plan import duration
from rungwise.runs.settle_words import told_end
from rungwise.study.reading import parse_study
from tests.runs.settling import without_computing, write_noise

STUDY = """
title = "own"
seeds = 2
[[chapter]]
kind = "mlps"
data = { source = %r }
fit = { epochs = 1, batch = 20, rate = 0.01, evaluate = "end" }
nets = { A = { hidden = [16] }, B = { hidden = [2] } }
[[chapter.claim]]
id = "better"
says = "A is better"
test = { metric = "test_accuracy", better = "A", than = "B" }
[[chapter.claim]]
id = "small"
says = "A has fewer parameters"
test = { metric = "parameters", lower = "A" }
[[chapter]]
kind = "mlps"
name = "others"
data = { source = %r }
fit = { epochs = 1, batch = 20, rate = 0.02, evaluate = "end" }
nets = { C = { hidden = [3] }, D = { hidden = [4] } }
[[chapter.claim]]
id = "other"
says = "C is better"
test = { metric = "test_accuracy", better = "C", than = "D" }
[[chapter.claim]]
id = "across"
says = "D is better than B"
test = { metric = "test_accuracy", better = "D", than = "mlps/B" }
""".replace('lower = "A"', 'lowest = "A"')


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("settle")
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        yield write_noise(folder / "noise")


@pytest.fixture
def study(images):
    return parse_study(STUDY % (str(images), str(images)), "own.toml")


def values(**means):
    """How many images each net has right: so many in the mean, with a deviation of about 2."""

    def right(trial):
        random = np.random.default_rng([ord(trial.label), trial.seed])
        return int(np.clip(round(random.normal(means[trial.label], 2)), 0, 60))

    return right


EFFECTS = values(A=50, B=40, C=30, D=30.5)


def seeds_of(run):
    return {chapter.name: len(run.study.seeds_of(chapter)) for chapter in run.study.chapters}


def found(settlement):
    return {id: (each.verdict, each.n, each.design) for id, each in settlement.judgements.items()}


def test_seeds_are_added_until_all_is_settled(study, tmp_path, monkeypatch):
    asked = without_computing(monkeypatch, EFFECTS)
    out = io.StringIO()
    done = settle_study(
        study, tmp_path, claims=["better", "small"], quiet=False, console=Console(file=out, width=200), workers=2
    )
    n = done.judgements["better"].n
    assert found(done) == {"better": ("supported", n, "settled"), "small": ("not supported", 1, "settled")}
    assert 5 <= n < 10
    assert (done.ended, seeds_of(done.run)["mlps"]) == ("settled", n)
    assert sorted(asked) == [(label, seed) for label in "AB" for seed in range(n)]
    said = out.getvalue().splitlines()
    assert said[0] == "2 claims to be settled:"
    assert said[1].startswith(
        "  better: 0 seeds so far; nothing is known before 3, and nothing is settled before 5; 3 take about "
    )
    looks = [line for line in said if line.startswith("better, ")]
    assert [line.split(":")[0] for line in looks] == [f"better, {k} seeds" for k in range(3, n + 1)]
    assert looks[0].endswith("(any value), not distinguishable")
    assert looks[-1].endswith("), supported")
    assert told_end(done)[1:] == [
        f"  better: supported, settled at {n} seeds",
        "  small: not supported, settled at 1 seed",
    ]


def test_what_is_settled_is_not_run_again_and_stays(study, tmp_path, monkeypatch):
    without_computing(monkeypatch, EFFECTS, report=True)
    first = settle_study(study, tmp_path, claims=["better"])
    report = (tmp_path / "report.md").read_bytes()
    asked = without_computing(monkeypatch, EFFECTS, report=True)
    again = settle_study(study, tmp_path, claims=["better"])
    assert asked == []
    assert found(again) == found(first)
    assert (tmp_path / "report.md").read_bytes() == report
    assert open_run(tmp_path).claims == first.run.claims


def test_the_study_in_the_folder_says_that_it_was_settled(study, tmp_path, monkeypatch):
    without_computing(monkeypatch, EFFECTS, report=True)
    done = settle_study(study, tmp_path, claims=["better"])
    kept = json.loads((tmp_path / "study.json").read_text())
    assert kept["settle"] == {
        "claims": ["better"],
        "before": {"mlps": 0, "others": 0},
        "rule": "e-values at every look",
    }
    assert [chapter["seeds"] for chapter in kept["chapter"]] == [done.judgements["better"].n, None]
    findings = json.loads((tmp_path / "findings.json").read_text())
    claim = findings["chapters"][0]["claims"][0]
    assert (claim["design"], len(claim["numbers"][0]["looks"])) == ("settled", done.judgements["better"].n - 2)
    for name in ("report.md", "report.html"):
        text = (tmp_path / name).read_text()
        assert "Interval at every look" in text
        assert "Seeds were added with a look after each, by a rule that is valid at every look." in text


def test_other_claims_rest_on_the_seeds_that_there_were_before(study, tmp_path, monkeypatch):
    without_computing(monkeypatch, EFFECTS)
    before = run_study(study, tmp_path).claims
    done = settle_study(study, tmp_path, claims=["better"])
    assert done.judgements["better"].n > 2
    after = done.run.claims
    assert after["mlps"][1] == before["mlps"][1]
    assert after["others"] == before["others"]
    assert (after["others"][0].design, after["others"][0].n) == ("fixed", 2)


def test_a_run_in_the_same_folder_keeps_what_was_settled(study, tmp_path, monkeypatch):
    without_computing(monkeypatch, EFFECTS)
    done = settle_study(study, tmp_path, claims=["better"])
    run = run_study(study, tmp_path)
    assert run.claims["mlps"][0] == done.judgements["better"]
    assert [(each.design, each.n) for each in run.claims["others"]] == [("fixed", 2)] * 2
    assert seeds_of(run) == {"mlps": done.judgements["better"].n, "others": 2}
    assert run.notes[0].startswith(f"{tmp_path} holds a study that was settled: better stays judged at every look")
    assert run.study == open_run(tmp_path).study
    wider = run_study(study.with_seeds(12), tmp_path)
    assert wider.claims["mlps"][0] == done.judgements["better"]
    assert {each.n for each in wider.claims["others"]} == {12}


def test_a_claim_of_two_chapters_has_seeds_of_both(study, tmp_path, monkeypatch):
    asked = without_computing(monkeypatch, values(A=50, B=20, C=30, D=40))
    done = settle_study(study, tmp_path, claims=["across"])
    n = done.judgements["across"].n
    assert found(done) == {"across": ("supported", n, "settled")}
    assert seeds_of(done.run) == {"mlps": n, "others": n}
    assert sorted(asked) == [(label, seed) for label in "ABCD" for seed in range(n)]


def test_seeds_go_where_they_help_most(study, tmp_path, monkeypatch):
    """The clear claim is settled before the other chapter has a seed beyond its first look."""
    asked = without_computing(monkeypatch, values(A=50, B=40, C=30, D=29))
    done = settle_study(study, tmp_path, claims=["better", "other"], most_seeds=8)
    last_of_better = max(i for i, (label, _) in enumerate(asked) if label in "AB")
    beyond = [i for i, (label, seed) in enumerate(asked) if label in "CD" and seed >= 3]
    assert done.judgements["better"].verdict == "supported"
    assert beyond
    assert last_of_better < min(beyond)


def test_what_cannot_be_settled_is_told_and_given_up(study, tmp_path, monkeypatch):
    """C and D differ by one image up and one down in turn: no 12 seeds tell them apart, and that is clear early."""
    flat = {"C": lambda seed: 30 + seed % 2, "D": lambda seed: 31 - seed % 2}
    asked = without_computing(monkeypatch, lambda trial: flat[trial.label](trial.seed))
    out = io.StringIO()
    done = settle_study(
        study, tmp_path, claims=["other"], most_seeds=12, quiet=False, console=Console(file=out, width=200)
    )
    (state,) = done.states
    assert (done.ended, state.given_up, done.judgements["other"].verdict) == (
        "nothing left",
        state.course.n,
        "not distinguishable",
    )
    assert 5 <= state.course.n < 12
    assert len(asked) == 2 * state.course.n
    assert f"  other: open after {state.course.n} seeds, cannot be settled: " in told_end(done)[1]
    asked.clear()
    again = settle_study(
        study, tmp_path, claims=["other"], most_seeds=12, quiet=False, console=Console(file=out, width=200)
    )
    assert (asked, again.ended) == ([], "nothing left")
    assert f"  other: {state.course.n} seeds so far, cannot be settled: after " in out.getvalue()


def test_no_claim_has_more_seeds_than_are_allowed(study, tmp_path, monkeypatch):
    asked = without_computing(monkeypatch, values(C=38, D=30))
    done = settle_study(study, tmp_path, claims=["other"], most_seeds=6)
    assert max(seed for _, seed in asked) == 5
    assert told_end(done)[1] == "  other: open after 6 seeds, which are all that --most-seeds allows"
    more = settle_study(study, tmp_path, claims=["other"], most_seeds=7)
    assert more.judgements["other"].n == 7


@pytest.mark.filterwarnings("ignore::rungwise.runs.run.TrialsFailedWarning")
def test_a_seed_that_fails_ends_what_is_looked_at_until_it_is_done(study, tmp_path, monkeypatch):
    asked = without_computing(
        monkeypatch, lambda trial: None if (trial.label, trial.seed) == ("B", 3) else EFFECTS(trial)
    )
    done = settle_study(study, tmp_path, claims=["better"])
    assert (done.judgements["better"].n, done.ended, done.states[0].stuck) == (3, "nothing left", True)
    assert asked.count(("B", 3)) == 1
    assert told_end(done)[1].startswith("  better: open after 3 seeds, stuck: its seed 3 failed or has no value")
    without_computing(monkeypatch, EFFECTS)
    mended = settle_study(study, tmp_path, claims=["better"])
    assert mended.judgements["better"].verdict == "supported"


def test_a_failed_trial_is_warned_of(study, tmp_path, monkeypatch):
    without_computing(monkeypatch, lambda trial: None)
    with pytest.warns(TrialsFailedWarning) as warned:
        settle_study(study, tmp_path, claims=["better"])
    assert [each.filename for each in warned] == [__file__]


def test_a_round_that_was_cut_short_is_finished(study, tmp_path, monkeypatch):
    """As after a kill: the folder's study asks for a seed of which one record is missing."""
    without_computing(monkeypatch, EFFECTS)
    done = settle_study(study, tmp_path, claims=["better"])
    n = done.judgements["better"].n
    store = done.run.store
    lost = next(r for r in done.run.records.values() if (r.label, r.spec["seed"]) == ("B", n - 1))
    store.move_out(lost.id, "elsewhere")
    asked = without_computing(monkeypatch, EFFECTS)
    again = settle_study(study, tmp_path, claims=["better"])
    assert asked == [("B", n - 1)]
    assert found(again) == found(done)


# Refusals ----------------------------------------------------------------------------------------------------------


def refusal(study, folder, **options):
    with pytest.raises(UserError) as error:
        settle_study(study, folder, **options)
    assert not (folder / "study.json").exists()
    assert not (folder / "trials").exists()
    return str(error.value)


def changed(study, claim, **update):
    """The study with a claim of its first chapter changed."""
    first = study.chapters[0]
    claims = tuple(each.model_copy(update=update) if each.id == claim else each for each in first.claims)
    chapters = (first.model_copy(update={"claims": claims}), *study.chapters[1:])
    return study.model_copy(update={"chapters": chapters})


def test_all_that_is_wrong_is_said_at_once(study, tmp_path):
    says = refusal(
        changed(study, "small", test=()),
        tmp_path,
        claims=["beter", "small"],
        budget="soon",
        most_seeds=4,
    )
    assert says.splitlines() == [
        "--claims: no claim has the id 'beter'; did you mean 'better'? Known: across, better, other, small",
        "claim small cannot be settled: nothing tests it, so that no seed settles it: give it a test",
        "--budget should be a duration, as 90s, 30m, 2h or 1h30m; got 'soon'",
        "--most-seeds should be 5 or more, for nothing is settled before; got 4",
    ]


def test_claims_that_cannot_be_settled_are_refused_with_what_can(study, tmp_path):
    says = refusal(changed(study, "better", holds_for="new images"), tmp_path)
    assert says.splitlines()[0].startswith('claim better cannot be settled: it says holds_for = "new images", and ')
    assert says.splitlines()[1] == "The others can be settled: --claims small,other,across"


@pytest.mark.parametrize("source", ["digits", "per seed"])
def test_seeds_that_split_one_pool_are_refused(images, tmp_path, source):
    data = '{ source = "digits" }' if source == "digits" else f'{{ source = "{images}/train", split = "per seed" }}'
    text = STUDY.replace("{ source = %r }", data)
    says = refusal(parse_study(text, "own.toml"), tmp_path, claims=["better", "small"])
    assert says == (
        "claims better and small cannot be settled: each seed splits one pool of images anew, so that seeds are not "
        'independent: split own images once (split = "once"), or take a data set with a test part, as mnist, instead '
        "of digits"
    )


def test_a_study_without_claims_is_refused(study, tmp_path):
    none = tuple(chapter.model_copy(update={"claims": ()}) for chapter in study.chapters)
    says = refusal(study.model_copy(update={"chapters": none}), tmp_path)
    assert says == "the study declares no claims, so there is nothing to settle"


def test_a_budget_that_holds_no_look_is_refused(study, tmp_path, monkeypatch):
    assert refusal(study, tmp_path, budget=1e-3).startswith("--budget holds no look: the first 3 seeds take about ")
    without_computing(monkeypatch, EFFECTS)
    run_study(study.with_seeds(3), tmp_path)
    with pytest.raises(UserError, match="--budget holds no look: the next seed takes about "):
        settle_study(study, tmp_path, claims=["better"], budget=1e-3)
    settle_study(study, tmp_path, claims=["better"])
    settle_study(study, tmp_path, claims=["better"], budget=1e-3)  # there is nothing left to do


def test_another_study_and_a_damaged_one_are_refused(study, tmp_path, monkeypatch):
    without_computing(monkeypatch, EFFECTS)
    settle_study(study, tmp_path, claims=["better"])
    with pytest.raises(StoreError, match="another study"):
        settle_study(study.model_copy(update={"title": "else"}), tmp_path)
    kept = json.loads((tmp_path / "study.json").read_text())
    (tmp_path / "study.json").write_text(json.dumps(kept | {"settle": {"claims": 3}}))
    with pytest.raises(StoreError, match="is damaged: expected a study with chapters, their seeds"):
        settle_study(study, tmp_path)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("1h30m", 5400), ("1.5 h", 5400), ("1d", 86400)]
)
def test_durations(text, seconds):
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "m", "soon", "-3m", "0s", "3m later", "3 x", "1e3s"])
def test_what_is_no_duration(text):
    with pytest.raises(ValueError, match="should be a duration"):
        duration(text)
