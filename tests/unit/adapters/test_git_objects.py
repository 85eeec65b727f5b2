"""Trees are read where they are, however many entries they have."""

from album_operator.adapters.git.objects import Entry, Tree, differences, parse_commit

FILE, LINK, FOLDER = "100644", "120000", "40000"


def tree(*entries: tuple[str, str, int]) -> Tree:
    """Give a tree of modes, names and numbers that stand for objects."""
    return Tree(
        b"".join(
            b"%b %b\0%b" % (mode.encode(), name.encode(errors="surrogateescape"), bytes([nth] * 20))
            for mode, name, nth in entries
        )
    )


def oid(nth: int) -> str:
    return bytes([nth] * 20).hex()


def test_an_entry_is_found_by_its_whole_name() -> None:
    made = tree((FILE, "a", 1), (FOLDER, "a b", 2), (FILE, "ab\udcff", 3))
    assert made.get("a") == Entry("100644", oid(1))
    assert made.get("a b") == Entry("040000", oid(2))
    assert made.get("ab\udcff") == Entry("100644", oid(3))
    assert made.get("b") is None
    assert [name for name, _ in made.items()] == ["a", "a b", "ab\udcff"]


def test_bytes_of_an_object_id_are_no_entry() -> None:
    made = Tree(b"100644 a\0" + b"100644 b\0".ljust(20, b"x"))
    assert made.get("b") is None
    assert made.get("a") is not None
    assert len(list(made.items())) == 1


def test_trees_differ_by_what_is_new_gone_or_another() -> None:
    old = tree((FILE, "a", 1), (FILE, "b", 1), (FILE, "c", 1), (FOLDER, "d", 1))
    new = tree((FILE, "a", 1), (FILE, "b", 2), (LINK, "c", 1), (FILE, "e", 1))
    assert list(differences(old, new)) == [
        ("b", [Entry("100644", oid(1)), Entry("100644", oid(2))]),
        ("c", [Entry("100644", oid(1)), Entry("120000", oid(1))]),
        ("d", [Entry("040000", oid(1)), None]),
        ("e", [None, Entry("100644", oid(1))]),
    ]
    assert list(differences(new, new)) == []


def test_a_file_that_became_a_folder_comes_twice_and_shifts_nothing() -> None:
    # `a.b` is between the file `a` and the folder `a/`.
    old = tree((FILE, "a", 1), (FILE, "a.b", 2), (FILE, "z", 3))
    new = tree((FILE, "a.b", 2), (FOLDER, "a", 1), (FILE, "z", 3))
    assert list(differences(old, new)) == [
        ("a", [Entry("100644", oid(1)), None]),
        ("a", [None, Entry("040000", oid(1))]),
    ]


def test_a_commit_of_another_committer_or_time_was_amended() -> None:
    bot, person = b"bot <b@example.org> 1700000000 +0000", b"me <m@example.org> 1700000000 +0000"
    commit = b"tree 0\nauthor %s\ncommitter %s\n\nrelease\n"

    assert not parse_commit(commit % (bot, bot)).is_amended
    assert parse_commit(commit % (bot, person)).is_amended
    assert parse_commit(commit % (bot, bot.replace(b"1700000000", b"1700000001"))).is_amended
