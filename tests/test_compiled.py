"""Functions in machine code, where there is a folder to keep them in and where there is none."""

from rungwise import compiled


def test_a_machine_without_a_folder_for_compiled_code_compiles_each_time(monkeypatch):
    asked = []

    def njit(**options):
        asked.append(options.pop("cache", False))
        if asked[-1]:
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: function

    monkeypatch.setattr(compiled, "njit", njit)
    assert compiled.compiled()(len) is len
    assert asked == [True, False]
