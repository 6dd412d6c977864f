"""The date that a report bears."""

import datetime

import pytest

from rungwise.dates import DateError, source_date


@pytest.mark.parametrize(
    ("value", "day"), [("0", "1970-01-01"), ("86400", "1970-01-02"), ("253402300799", "9999-12-31")]
)
def test_the_day_of_seconds_since_1970(value: str, day: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", value)
    assert source_date() == datetime.date.fromisoformat(day)


def test_none_where_it_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    assert source_date() is None
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "")
    assert source_date() is None


@pytest.mark.parametrize("value", ["abc", "-1", "1.5", "253402300800", "1" + 20 * "0", "9" * 5000, "²", "1 "])
def test_what_is_no_date_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", value)
    with pytest.raises(DateError, match=r"SOURCE_DATE_EPOCH should be whole seconds .*correct or unset it") as caught:
        source_date()
    assert len(str(caught.value)) < 200
