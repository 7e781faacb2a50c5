"""Random streams keyed by names, so that a draw depends on what it is and on nothing else.

A stream is a root seed and a path of names. Names enter by a stable hash, never by their order in a
listing, so adding an ensemble, a scheme or a node changes no other draw. A realisation's stream is
the same whatever chunk, number of realisations or number of cores it is computed with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np


@lru_cache(maxsize=4096, typed=True)
def _key(name: str | int) -> bytes:
    """Two words of 32 bits."""
    return hashlib.blake2b(f"{type(name).__name__}:{name}".encode(), digest_size=8).digest()


def spawn_key(words: bytes) -> tuple[int, ...]:
    """Return numbers that NumPy takes for words of 32 bits, the lowest byte of each first.

    One large number is split into its words several times faster than a number for each word is
    read. It says nothing of zeros at its end, which follow on their own.
    """
    number = int.from_bytes(words, "little")
    told = max(1, -(-number.bit_length() // 32))
    return (number, *[0] * (len(words) // 4 - told)) if words else ()


@dataclass(frozen=True)
class RandomStream:
    """A named source of random numbers.

    Attributes:
        seed: root seed of the project, a non-negative integer.
        path: names from the general to the particular, for example
            ``("he2020", "fixed", "realisation", 17, "source to IRS", 0, 3)``.
    """

    seed: int
    path: tuple[str | int, ...] = ()

    def child(self, *names: str | int) -> RandomStream:
        """Return the stream one or more names further down the path."""
        return RandomStream(self.seed, self.path + names)

    def generator(self) -> np.random.Generator:
        """Return a fresh generator at the beginning of this stream."""
        key = spawn_key(b"".join([_key(name) for name in self.path]))
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))


def realisation_streams(stream: RandomStream, realisations: Sequence[int]) -> list[RandomStream]:
    """Return one stream per realisation, keyed by its number in the whole ensemble."""
    return [stream.child("realisation", int(realisation)) for realisation in realisations]


def children(streams: Sequence[RandomStream], *names: str | int) -> list[RandomStream]:
    """Return the same child of every stream."""
    return [stream.child(*names) for stream in streams]
