"""Simulations on data whose truth is known: how often the intervals and verdicts of rungwise are right."""
