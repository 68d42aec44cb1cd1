"""What is known of files from one run to the next, and how much of it is kept."""

from graft.data.index import MOST_BYTES, NAME, Memory, bound_index, check_files, check_texts, index_bytes
from graft.modalities.image import IMAGE
from graft.modalities.samples import Checked
from graft.modalities.text import TEXT
from graft.progress import SILENT
from graft.storage import cache_folder


def test_the_table_is_bounded_and_the_newest_rows_stay(own_cache, tmp_path):
    memory = Memory(cache_folder() / NAME, "image-1")
    paths = [tmp_path / ("a" * 100) / f"{number}.png" for number in range(6_000)]
    for start in range(0, 6_000, 1_000):
        part = paths[start : start + 1_000]
        memory.remember({path: Checked(b"x" * 32, None, "y" * 100) for path in part}, [(1, 2)] * 1_000)
    before = index_bytes()
    assert bound_index(before) == 0
    assert bound_index(before // 2) > 0
    assert index_bytes() <= before // 2
    assert paths[-1] in memory.look_up([paths[-1]], [(1, 2)])
    assert not memory.look_up([paths[0]], [(1, 2)])
    assert before < MOST_BYTES


def test_a_damaged_table_is_no_obstacle(own_cache):
    (cache_folder()).mkdir(parents=True)
    (cache_folder() / NAME).write_bytes(b"no table" * 1_000)
    bound_index(10)
    assert index_bytes() == 0


def test_names_that_no_table_can_hold_are_checked_all_the_same(own_cache, tmp_path, folder):
    root = folder(lemon=2)
    (root / "lemon" / "0.png").rename(root / "lemon" / "caf\udce9.png")
    paths = [root / "lemon" / name for name in ("caf\udce9.png", "1.png", "a\0b.png", "\ud800.png")]
    found = check_files(paths, IMAGE, SILENT)
    assert [one.error is None for one in found] == [True, True, False, False]


def test_half_a_character_is_told_of_its_text_alone():
    assert [one.error is None for one in check_texts(["good", "bad \ud800", "bad \udce9", ""], TEXT)] == [True] + [
        False
    ] * 3
