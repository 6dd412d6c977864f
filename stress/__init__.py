"""rungwise under what goes wrong: what is promised about faults, tried many times at random.

    python -m stress kills      runs and reports killed at random moments: nothing is lost or damaged
    python -m stress damage     damaged data, records, studies, options and environments: one message, no wrong number
    python -m stress together   ten runs on one folder at once: each trial is computed once
    python -m stress leaks      a hundred studies in one process: no memory, file, process or thread stays

`make stress` runs all four, which takes an hour or two on two cores; `tests/stress/` is a short form. Each says
what it tries as it goes, ends with a line that says how much was tried and what was found, and with exit code 1 where
something was. What is tried follows from `--seed`; when a kill falls depends on the machine besides.
"""
