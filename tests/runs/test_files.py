"""A file in a store is whole or absent, whoever writes it."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from procmod_lib.runs import files

RACES = 100


def test_of_two_who_write_one_file_neither_removes_the_others(tmp_path):
    for race in range(RACES):
        together = Barrier(2)

        def write(content: bytes, stem: str = f"run{race}", together: Barrier = together):
            together.wait()
            files.write(tmp_path, stem, "parquet", content)

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(write, (b"one", b"two")))
        assert files.read(tmp_path, f"run{race}", "parquet") in (b"one", b"two")


def test_a_new_version_takes_the_place_of_the_old(tmp_path):
    files.write(tmp_path, "run", "parquet", b"old")
    new = files.write(tmp_path, "run", "parquet", b"new")
    assert list(tmp_path.iterdir()) == [new]
