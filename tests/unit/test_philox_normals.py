"""Normal numbers by position: the published generator, the distribution, nothing shared."""

import numpy as np
import pytest
import scipy.stats
from numpy.typing import NDArray

from irsrepro.channels.philox_normals import normals, philox

# Known answers of Philox4x32-10 that come with the authors' own library.
PI = [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344, 0xA4093822, 0x299F31D0]


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
        ([2**32 - 1] * 4, [2**32 - 1] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
        (PI[:4], PI[4:], [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1]),
    ],
)
def test_the_generator_gives_the_known_answers(
    counter: list[int], key: list[int], expected: list[int]
) -> None:
    words = philox(np.array(counter, np.uint32), np.array(key, np.uint32))
    assert words.tolist() == expected


def test_numbers_are_standard_complex_normal() -> None:
    drawn = np.concatenate([normals(7, 1, 2, 3, t, 8, 25).ravel() for t in range(200)])
    for part in (drawn.real, drawn.imag):
        assert scipy.stats.kstest(part * np.sqrt(2), "norm").pvalue > 1e-3
    assert abs(np.mean(drawn**2)) < 4 / np.sqrt(drawn.size)
    assert abs(np.mean(np.abs(drawn) ** 4) - 2) < 4 * np.sqrt(20 / drawn.size)


def test_neighbours_of_every_kind_are_uncorrelated() -> None:
    """The seed, the link, the channel, the row and the column each lead to other numbers."""
    base = np.array([7, 1, 2, 3, 5])

    def at(place: NDArray[np.int64]) -> NDArray[np.complex128]:
        seed, kind, first, second, channel = map(int, place)
        return normals(seed, kind, first, second, channel, 40, 50)

    drawn = at(base)
    steps = np.vstack([np.eye(5, dtype=np.int64), [2**32, 0, 0, 0, 0]])
    others = [at(base + step) for step in steps]
    others += [drawn[::-1], drawn[:, ::-1], np.roll(drawn, 1, 1)]
    for other in others:
        assert abs(np.vdot(drawn, other)) / drawn.size < 4 / np.sqrt(drawn.size)


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (3, 4), (5, 2), (2, 7)])
def test_a_larger_array_begins_with_the_smaller(rows: int, columns: int) -> None:
    small, large = normals(1, 0, 0, 0, 0, rows, columns), normals(1, 0, 0, 0, 0, 6, 9)
    np.testing.assert_array_equal(large[:rows, :columns], small)


def test_a_known_number_stays_what_it_is() -> None:
    """The numbers are part of the contract: whoever changes them changes every result."""
    expected = [
        -0.02624074719021307 - 0.8786373701231371j,
        -1.3296003519792312 - 0.8674728311581844j,
    ]
    np.testing.assert_allclose(normals(2**40 + 17, 2, 3, 4, 5, 1, 2)[0], expected, rtol=1e-14)


def test_a_number_is_box_and_muller_s_of_its_words() -> None:
    """Column 5 of row 3: the second half of the block 2; series good to 1e-13."""
    seed, kind, first, second, channel = (9 << 32) + 4, 1, 7, 8, 6
    counter = np.array([3, channel, (first << 16) | second, (kind << 16) | 2], np.uint32)
    words = philox(counter, np.array([4, 9], np.uint32)).astype(np.int64)
    for column, (chance, turn) in ((4, words[:2]), (5, words[2:])):
        quadrant, within = divmod(int(turn), 2**30)
        angle = np.pi / 2 * (quadrant + within * 2.0**-30 - 0.5)
        expected = np.sqrt(-np.log((chance + 0.5) * 2.0**-32)) * np.exp(1j * angle)
        drawn = normals(seed, kind, first, second, channel, 4, 6)[3, column]
        assert abs(drawn - expected) < 1e-13


def test_the_series_hold_everywhere() -> None:
    """Moduli and angles over many numbers, against the functions themselves."""
    drawn = normals(11, 0, 0, 0, 0, 50, 1001)
    words = np.array(
        [philox(np.array([i, 0, 0, b], np.uint32), np.array([11, 0], np.uint32)) for i in range(50)
         for b in range(501)]
    ).astype(np.int64).reshape(50, 501, 2, 2).reshape(50, 1002, 2)[:, :1001]  # fmt: skip
    radius = np.sqrt(-np.log((words[..., 0] + 0.5) * 2.0**-32))
    angle = 2 * np.pi * words[..., 1] * 2.0**-32 - np.pi / 4
    np.testing.assert_allclose(drawn, radius * np.exp(1j * angle), rtol=0, atol=2e-13)
    assert radius.max() > 3.0 and radius.min() < 0.01
