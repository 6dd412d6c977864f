"""The table of the sign-language digits, from the names of their files: `python -m docs.studies.sign_language ZIP`.

The ZIP holds ``sign-language-digits/DIGIT/IMG_NUMBER.JPG``. Each student showed the digits from 0 to 9 once, and the
camera numbered the files: a new student begins where, in the order of the numbers, the digit does not rise. That gives
220 groups; the authors tell of 218 students. The half says whether a student came in the first half of the series.
"""

import csv
import re
import sys
import zipfile
from pathlib import Path


def rows(names: list[str]) -> list[tuple[str, int, str]]:
    """File name, group and half of each photograph, in the order of the camera's numbers."""
    photographs = sorted((_number(name), name) for name in names if name.upper().endswith(".JPG"))
    found, group, last = [], -1, 10
    for _, name in photographs:
        digit = int(name.split("/")[-2])
        group += digit <= last
        last = digit
        found.append(("/".join(name.split("/")[-2:]), group))
    half = (group + 1) // 2
    return [(name, own, "first" if own < half else "second") for name, own in found]


def _number(name: str) -> int:
    found = re.search(r"(\d+)\.\w+$", name)
    if found is None:
        raise ValueError(f"expected names as 0/IMG_1118.JPG, got {name}")
    return int(found.group(1))


def main(path: Path) -> Path:
    """Write ``sign-language.csv`` beside the ZIP, and return where it is."""
    with zipfile.ZipFile(path) as archive:
        table = rows(archive.namelist())
    out = path.with_name("sign-language.csv")
    with out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("file_name", "group", "half"))
        writer.writerows(table)
    return out


if __name__ == "__main__":
    print(main(Path(sys.argv[1])))
