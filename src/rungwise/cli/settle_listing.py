"""What came of settling claims, as JSON."""

from typing import Any

from rungwise.runs.settle_states import Settlement, State


def as_json(settlement: Settlement) -> dict[str, Any]:
    """As JSON types, schema 1: each claim with its verdict, at how many seeds it was settled or what it would take, and
    how many seeds each chapter has now."""
    study = settlement.run.study
    return {
        "schema": 1,
        "title": study.title,
        "ended": settlement.ended,
        "seconds": settlement.seconds,
        "seeds": {chapter.name: len(study.seeds_of(chapter)) for chapter in study.chapters},
        "claims": [_claim(state, settlement) for state in settlement.states],
        "report": str(settlement.page),
    }


def _claim(state: State, settlement: Settlement) -> dict[str, Any]:
    judgement, prospects = settlement.judgements[state.id], settlement.prospects.get(state.id)
    return {
        "id": state.id,
        "chapter": state.aim.chapter,
        "verdict": judgement.verdict,
        "why": judgement.why,
        "n": state.course.n,
        "settled": state.course.settled,
        "given_up": state.given_up,
        "stuck": state.stuck,
        "expected_seeds": prospects and prospects.seeds,
        "expected_s": prospects and prospects.needs_s,
    }
