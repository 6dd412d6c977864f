"""How much room names take, in any script."""

import pytest

from rungwise.report.figures.lettering import letters, shortened, wide, wrapped


@pytest.mark.parametrize(("text", "room"), [("cat", 3), ("кошка", 5), ("日本", 4), ("「あ」", 6), ("", 0)])
def test_chinese_and_japanese_letters_are_two_wide(text: str, room: int) -> None:
    assert letters(text) == room
    assert wide(text) == room - len(text)


@pytest.mark.parametrize(
    ("text", "most", "lines"),
    [
        ("true 1, said 2", 8, ["true 1,", "said 2"]),
        ("日本語の名前", 4, ["日本", "語の", "名前"]),
        ("the 日本語 cat", 8, ["the 日本", "語 cat"]),
        ("日本 a-long-word", 6, ["日本", "a-long-word"]),
        ("日", 1, ["日"]),
    ],
)
def test_lines_are_no_longer_than_there_is_room(text: str, most: int, lines: list[str]) -> None:
    assert wrapped(text, most) == lines


def test_a_name_is_cut_to_its_room() -> None:
    assert shortened("ankle boot", 10) == "ankle boot"
    assert shortened("ankle boots", 10) == "ankle boo…"
    assert shortened("a b c d e f", 7) == "a b c…"
    assert shortened("日本語の名前", 7) == "日本語…"
    assert letters(shortened("日本語の名前", 6)) <= 6
