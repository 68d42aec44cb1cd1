import errno
import os
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import soundfile

from conftest import COLOURS, draw, hash_of, sounds
from graft.data import LoadOptions, load
from graft.errors import DataError, RequestError
from graft.records import PARTS


def kinds(dataset) -> set[str]:
    return {finding.kind for finding in dataset.findings}


def finding(dataset, kind):
    return next(finding for finding in dataset.findings if finding.kind == kind)


class TestLayouts:
    def test_one_folder_per_class(self, folder):
        dataset = load(folder(lemon=10, plum=20))
        assert dataset.classes == ("lemon", "plum")
        assert dataset.split == "made"
        assert dataset.counts().tolist() == [[7, 1, 2], [14, 2, 4]]

    def test_given_parts_are_respected(self, folder):
        folder("train", lemon=4, plum=3)
        folder("val", lemon=2)
        dataset = load(folder("test", lemon=1, plum=2))
        assert dataset.split == "given"
        assert dataset.counts().tolist() == [[4, 2, 1], [3, 0, 2]]
        assert finding(dataset, "class-missing-from-val").sources == ("plum",)

    def test_part_folders_may_be_called_training_and_Validation(self, folder):
        folder("Training", lemon=3, plum=3)
        dataset = load(folder("Validation", lemon=1, plum=1))
        assert [dataset.count(part) for part in PARTS] == [6, 2, 0]

    def test_a_class_without_training_pictures_is_set_aside_and_told(self, folder):
        folder("train", lemon=3, plum=3)
        dataset = load(folder("test", lemon=1, plum=1, quince=2))
        assert dataset.classes == ("lemon", "plum")
        assert dataset.count("test") == 2
        assert finding(dataset, "class-not-in-train").sources == ("quince",)

    def test_folders_beside_the_parts_are_told(self, folder):
        folder("train", lemon=3, plum=3)
        folder("holiday", lemon=1)
        dataset = load(folder("test", lemon=1))
        assert finding(dataset, "beside-parts").sources == ("holiday",)
        assert len(dataset) == 7

    def test_pictures_lie_as_deep_as_they_like(self, folder):
        root = folder(lemon=3, plum=3)
        draw(root / "lemon" / "shop" / "monday" / "x.PNG", COLOURS["lemon"], 1)
        assert "lemon/shop/monday/x.PNG" in load(root).sources

    def test_unicode_names_and_capital_endings(self, folder):
        root = folder(plum=3)
        for number in range(3):
            draw(root / "苹果" / f"苹果{number}.png", (200, 30, 30), number).rename(root / "苹果" / f"苹果{number}.JPG")
        assert load(root).classes == ("plum", "苹果")

    def test_the_same_name_composed_in_two_ways_is_one_class(self, folder):
        root = folder("train", plum=3)
        name = "Crème"
        for part, form in (("train", "NFC"), ("test", "NFD")):
            for number in range(3):
                draw(
                    root / part / unicodedata.normalize(form, name) / f"{number}.png",
                    (9, 9, 9),
                    100 * len(part) + number,
                )
        assert load(root).counts().tolist() == [[3, 0, 3], [3, 0, 0]]


class TestSplit:
    def test_the_same_seed_deals_the_same(self, folder):
        root = folder(lemon=30, plum=30)
        first, second, other = (load(root, LoadOptions(seed=seed)).parts for seed in (1, 1, 2))
        assert np.array_equal(first, second)
        assert not np.array_equal(first, other)

    def test_renaming_and_adding_files_moves_few_others(self, folder):
        root = folder(lemon=30, plum=30)
        before = load(root)
        (root / "lemon" / "0.png").rename(root / "lemon" / "zzz.png")
        draw(root / "plum" / "new.png", (1, 2, 3), 77)
        after = load(root)
        place = {before.key(row): before.parts[row] for row in range(len(before))}
        moved = sum(place.get(after.key(row), after.parts[row]) != after.parts[row] for row in range(len(after)))
        assert moved <= 2

    def test_groups_stay_in_one_part(self, folder):
        root = folder(lemon=40, plum=40)
        for name in ("lemon", "plum"):
            for number in range(40):
                (root / name / f"{number}.png").rename(root / name / f"tree{number % 10}_{number}.png")
        dataset = load(root, LoadOptions(group=r"(tree\d+)_"))
        parts = {
            group: {dataset.parts[row] for row in range(len(dataset)) if dataset.groups[row] == group}
            for group in dataset.groups
        }
        assert all(len(seen) == 1 for seen in parts.values())
        assert set().union(*parts.values()) == {0, 1, 2}

    def test_groups_on_both_sides_of_a_given_split_are_told(self, folder):
        folder("train", lemon=4, plum=4)
        root = folder("test", lemon=2, plum=2)
        told = finding(load(root, LoadOptions(group=r"(\d)\.png")), "group-across-parts")
        assert "2 groups" in told.message
        assert told.sources == ("0", "1")

    def test_a_group_pattern_that_misses_some_paths_is_refused(self, folder):
        with pytest.raises(RequestError, match="does not match 4 paths"):
            load(folder(lemon=4, plum=4), LoadOptions(group="plum"))

    def test_a_group_pattern_that_is_no_pattern(self, folder):
        with pytest.raises(RequestError, match="not a regular expression"):
            load(folder(lemon=4, plum=4), LoadOptions(group="(plum"))

    def test_the_test_part_is_locked(self, folder):
        dataset = load(folder(lemon=10, plum=10))
        with pytest.raises(RequestError, match="locked"):
            dataset.rows("train", "test")


class TestDuplicates:
    def test_copies_across_given_parts_stay_in_the_later_part(self, folder):
        folder("train", lemon=4, plum=4)
        root = folder("test", lemon=2, plum=2)
        (root / "train" / "lemon" / "copy.png").write_bytes((root / "test" / "lemon" / "0.png").read_bytes())
        dataset = load(root)
        assert dataset.counts().tolist() == [[4, 0, 2], [4, 0, 2]]
        assert finding(dataset, "duplicate-across-parts").sources == ("train/lemon/copy.png = test/lemon/0.png",)

    def test_a_copy_in_train_of_a_val_picture_gives_way(self, folder):
        folder("train", lemon=4, plum=4)
        root = folder("val", lemon=2, plum=2)
        (root / "train" / "lemon" / "copy.png").write_bytes((root / "val" / "lemon" / "0.png").read_bytes())
        assert load(root).counts().tolist() == [[4, 2, 0], [4, 2, 0]]

    def test_the_same_picture_in_two_classes_is_set_aside_whole(self, folder):
        root = folder(lemon=5, plum=5)
        (root / "plum" / "copy.png").write_bytes((root / "lemon" / "0.png").read_bytes())
        dataset = load(root)
        assert len(dataset) == 9
        assert "contradictory" in kinds(dataset)
        assert "lemon/0.png" not in dataset.sources

    def test_copies_within_a_class_count_once(self, folder):
        root = folder(lemon=5, plum=5)
        (root / "plum" / "copy.png").write_bytes((root / "plum" / "0.png").read_bytes())
        assert len(load(root)) == 10


class TestFingerprint:
    def test_does_not_depend_on_place_or_file_names(self, folder, tmp_path):
        root = folder(lemon=5, plum=5)
        before = load(root).fingerprint
        (root / "lemon" / "0.png").rename(root / "lemon" / "z.png")
        assert load(root.rename(tmp_path / "elsewhere")).fingerprint == before

    def test_depends_on_contents_labels_and_parts(self, folder):
        root = folder(lemon=6, plum=6)
        before = load(root)
        assert load(root, LoadOptions(seed=5)).fingerprint != before.fingerprint
        draw(root / "lemon" / "0.png", (0, 0, 0), 5)
        assert load(root).fingerprint != before.fingerprint


class TestBadInput:
    def test_a_path_that_does_not_exist(self, tmp_path):
        with pytest.raises(RequestError, match="does not exist") as caught:
            load(tmp_path / "photos" / "fruit")
        assert str(tmp_path) in str(caught.value)

    def test_a_file_instead_of_a_folder(self, tmp_path):
        draw(tmp_path / "x.png", (1, 1, 1), 0)
        with pytest.raises(RequestError, match="is a file"):
            load(tmp_path / "x.png")

    def test_an_empty_folder(self, tmp_path):
        with pytest.raises(DataError, match="No pictures found. Expected one sub-folder per class"):
            load(tmp_path)

    def test_one_class_only(self, folder):
        with pytest.raises(DataError, match="only one class, lemon"):
            load(folder(lemon=5))

    def test_classes_too_small_to_split_are_all_named(self, folder):
        with pytest.raises(DataError) as caught:
            load(folder(lemon=5, plum=5, quince=1, medlar=2))
        assert "2 classes cannot be split: quince (1 picture), medlar (2)." in str(caught.value)
        assert "--min-per-class 3" in str(caught.value)

    def test_small_classes_can_be_left_out(self, folder):
        dataset = load(folder(lemon=5, plum=5, quince=1), LoadOptions(min_per_class=3))
        assert dataset.classes == ("lemon", "plum")
        assert finding(dataset, "small-class").sources == ("quince",)

    def test_a_class_with_one_picture_in_a_given_train_part_is_kept(self, folder):
        folder("train", lemon=5, quince=1)
        assert load(folder("test", lemon=1)).classes == ("lemon", "quince")

    def test_a_text_file_among_pictures_is_listed(self, folder):
        root = folder(lemon=5, plum=5)
        (root / "lemon" / "notes.txt").write_text("ripe")
        dataset = load(root)
        assert len(dataset) == 10
        assert finding(dataset, "other-kind").sources == ("lemon/notes.txt",)

    def test_unreadable_pictures_are_set_aside_and_listed_with_reasons(self, folder):
        root = folder(lemon=5, plum=5)
        (root / "lemon" / "empty.jpg").write_bytes(b"")
        whole = (root / "plum" / "0.png").read_bytes()
        (root / "plum" / "half.png").write_bytes(whole[: len(whole) // 2])
        (root / "plum" / "text.jpg").write_text("not a picture")
        dataset = load(root)
        assert len(dataset) == 10
        reasons = finding(dataset, "unreadable").sources
        assert [reason.split(":")[0] for reason in reasons] == ["lemon/empty.jpg", "plum/half.png", "plum/text.jpg"]

    def test_a_recording_that_was_made_too_loud_is_used_and_told_again_when_it_is_known(self, tmp_path):
        root = sounds(tmp_path / "sounds")
        soundfile.write(root / "low" / "loud.wav", np.sign(np.sin(np.arange(4000) / 5)), 8000)
        for _ in range(2):  # the second time from the index
            dataset = load(root)
            assert len(dataset) == 33
            assert finding(dataset, "flawed").sources == (
                "low/loud.wav: clipped (at full volume for 100% of its length)",
            )

    def test_nothing_but_unreadable_pictures(self, tmp_path):
        for name in ("lemon", "plum"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "a.jpg").write_bytes(b"")
        with pytest.raises(DataError, match="none of its 2 pictures can be read"):
            load(tmp_path)

    def test_a_folder_without_read_permission(self, folder, monkeypatch):
        """Simulated, because a superuser may read everything."""
        root = folder(lemon=5, plum=5)
        listed = Path.iterdir

        def closed(path):
            if path.name == "plum":
                raise PermissionError(errno.EACCES, "Permission denied")
            return listed(path)

        monkeypatch.setattr(Path, "iterdir", closed)
        with pytest.raises(DataError, match="The folder plum cannot be read .permission denied.*chmod"):
            load(root)

    def test_a_root_without_read_permission(self, folder, monkeypatch):
        root = folder(lemon=5, plum=5)

        def closed(path):
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr(Path, "iterdir", closed)
        with pytest.raises(RequestError, match="cannot be read"):
            load(root)

    def test_links_in_a_circle_are_told_and_not_followed(self, folder):
        root = folder(lemon=5, plum=5)
        os.symlink(root / "lemon", root / "lemon" / "again")
        os.symlink("nowhere-and-back", root / "plum" / "nowhere-and-back")
        dataset = load(root)
        assert len(dataset) == 10
        assert finding(dataset, "link-loop").sources == ("lemon/again",)

    def test_a_link_to_the_root_brings_no_other_class_in(self, folder):
        root = folder(lemon=5, plum=5)
        os.symlink(root, root / "lemon" / "up")
        os.symlink(root, root / "everything")
        dataset = load(root)
        assert dataset.counts().sum(axis=1).tolist() == [5, 5]

    def test_folders_that_link_to_each_other_are_each_read_once(self, folder):
        root = folder(lemon=5, plum=5)
        for number in range(9):
            (root / "lemon" / f"mesh{number}").mkdir()
        for number in range(9):
            for other in range(9):
                os.symlink(root / "lemon" / f"mesh{other}", root / "lemon" / f"mesh{number}" / f"to{other}")
        assert len(load(root)) == 10

    def test_a_class_called_train_beside_others_is_a_class(self, folder):
        assert load(folder(train=5, car=5)).classes == ("car", "train")

    def test_pictures_straight_in_train_and_test_are_no_classes(self, folder):
        with pytest.raises(DataError, match="directly in"):
            load(folder(train=5, test=5))

    def test_links_to_folders_elsewhere_are_followed(self, folder, tmp_path):
        root = folder(lemon=5, plum=5)
        (root / "plum").rename(tmp_path / "plums")
        os.symlink(tmp_path / "plums", root / "plum")
        assert len(load(root)) == 10

    def test_classes_that_differ_only_in_letter_case(self, folder):
        with pytest.raises(DataError, match=r"Lemon \(5\) and lemon \(5\) differ only in letter case"):
            load(folder(lemon=5, Lemon=5, plum=5))

    def test_pictures_beside_the_class_folders(self, folder):
        root = folder(lemon=5, plum=5)
        draw(root / "loose.png", (5, 5, 5), 3)
        with pytest.raises(DataError, match="1 picture directly in the folder itself"):
            load(root)

    def test_all_problems_come_in_one_report(self, folder):
        root = folder(lemon=5, Lemon=5, plum=5, quince=1)
        draw(root / "loose.png", (5, 5, 5), 3)
        (root / "plum" / "empty.jpg").write_bytes(b"")
        with pytest.raises(DataError) as caught:
            load(root)
        report = str(caught.value)
        for part in ("directly in", "letter case", "quince (1 picture)", "1 picture cannot be read"):
            assert part in report

    def test_ten_thousand_classes_get_one_short_message(self, tmp_path):
        for number in range(10_000):
            (tmp_path / f"{number:05}").mkdir()
            (tmp_path / f"{number:05}" / "a.gif").write_bytes(b"GIF89a" + number.to_bytes(4, "big"))
        picture = tmp_path / "00000"
        for number in range(3):
            draw(picture / f"{number}.png", (1, 1, 1), number)
        with pytest.raises(DataError) as caught:
            load(tmp_path)
        assert "10,000" in str(caught.value) or "9,999" in str(caught.value)
        assert len(str(caught.value)) < 2000

    def test_thousands_of_tiny_classes_are_questioned(self, folder):
        from dataclasses import replace

        from graft.tasks.class_checks import too_many_classes

        dataset = load(folder(lemon=5, plum=5))
        many = replace(dataset, classes=tuple(str(number) for number in range(10_000)))
        told = too_many_classes(many)
        assert told is not None
        assert "If the folders are not classes" in told.message

    def test_wrong_options_come_in_one_report(self, folder):
        with pytest.raises(RequestError) as caught:
            load(folder(lemon=5, plum=5), LoadOptions(seed=-1, min_per_class=0))
        assert "The seed is -1" in str(caught.value)
        assert "min_per_class is 0" in str(caught.value)

    def test_files_whose_names_are_not_utf_8_are_left_out_and_named(self, folder):
        root = folder(lemon=5, plum=5)
        (root / "plum" / "0.png").rename(root / "plum" / "caf\udce9.png")
        dataset = load(root)
        assert len(dataset) == 9
        told = next(one for one in dataset.findings if one.kind == "unspeakable")
        assert "1 name is not valid UTF-8" in told.message
        assert "plum/caf?.png" in told.message

    def test_a_class_whose_name_is_not_utf_8_does_not_stop_the_others(self, folder):
        root = folder(lemon=5, plum=5, lime=5)
        (root / "lime").rename(root / "caf\udce9")
        dataset = load(root)
        assert dataset.classes == ("lemon", "plum")
        assert any(one.kind == "unspeakable" for one in dataset.findings)

    def test_a_test_folder_without_train(self, folder):
        with pytest.raises(DataError, match="no train folder beside test"):
            load(folder("test", lemon=5, plum=5))

    def test_a_pipe_named_like_a_picture_is_set_aside(self, folder):
        root = folder(lemon=5, plum=5)
        os.mkfifo(root / "lemon" / "pipe.jpg")
        assert finding(load(root), "unreadable").sources == ("lemon/pipe.jpg: not a regular file",)

    def test_nothing_to_hold_out(self, folder):
        with pytest.raises(DataError, match="nothing can be held out"):
            load(folder("train", lemon=1, plum=1))


class TestIndex:
    def test_an_unchanged_file_is_not_read_again(self, folder, own_cache, monkeypatch):
        root = folder(lemon=5, plum=5)
        before = load(root)
        monkeypatch.setattr(Path, "read_bytes", lambda path: pytest.fail(f"{path} was read again"))
        assert load(root).fingerprint == before.fingerprint

    def test_a_changed_file_is_checked_again(self, folder, own_cache):
        root = folder(lemon=5, plum=5)
        load(root)
        (root / "lemon" / "0.png").write_bytes(b"broken now")
        assert len(load(root)) == 9

    def test_a_damaged_index_costs_only_time(self, folder, own_cache):
        root = folder(lemon=5, plum=5)
        load(root)
        (own_cache / "index.sqlite").write_bytes(b"this is no database" * 100)
        assert len(load(root)) == 10


def test_a_class_whose_name_cannot_be_shown_is_told(tmp_path):
    """It could be fitted, and the model's own file could then not be read again."""
    for name in ("plum", "le\nmon", "li\x1b[31mme"):
        for number in range(3):
            draw(tmp_path / name / f"{number}.png", (90, 30, 110), hash_of(f"{name}{number}"))
    with pytest.raises(DataError, match=r"2 classes with control characters.*le\\nmon.*Rename the folders"):
        load(tmp_path)


def test_files_whose_names_would_act_on_a_terminal_are_left_out_and_told(folder):
    root = folder(plum=4, lemon=4)
    for name in ("a\nb.png", "\x1b]0;t\x07.png", "folder\x1b/a.png"):
        draw(root / "plum" / name, COLOURS["plum"], len(name))
    dataset = load(root)
    assert len(dataset) == 8
    told = finding(dataset, "unspeakable")
    assert len(told.sources) == 3
    assert all(one.isprintable() for one in (told.message, *told.sources))


def test_an_empty_path_is_not_the_current_folder(folder, monkeypatch):
    monkeypatch.chdir(folder(plum=4, lemon=4))
    with pytest.raises(RequestError, match="empty"):
        load("")
