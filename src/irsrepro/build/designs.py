"""What schemes design for one chunk of channels, each stamped with what it was made from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from irsrepro.build.external import solve
from irsrepro.build.jobs import stamp
from irsrepro.build.sweeps import solve_each
from irsrepro.channels.streams import RandomStream


@dataclass(frozen=True)
class Chunk:
    """An experiment of a paper, with some of its realisations.

    Attributes:
        identity: attributes of every solution; ``paper``, ``seed`` and ``engine`` among them.
        ensemble: whose channels these are.
        channels: realisations, numbered by the coordinate ``realisation``.
        system: dotted name of the module with ``evaluate`` and perhaps ``statistics``.
        sweep: see `sweeps.run`.
    """

    identity: Mapping[str, Any]
    ensemble: str
    channels: xr.Dataset
    system: str
    sweep: Mapping[str, Any]

    def designs(
        self,
        plans: Mapping[str, Mapping[str, Any]],
        numbers: Mapping[str, NDArray[np.int64]] | None = None,
    ) -> Iterator[tuple[str, xr.Dataset]]:
        """Run schemes and yield their names and designs, in the order of the plans.

        Args:
            plans: by scheme, see `Paper.plan_of`.
            numbers: realisations to design for, by scheme; all without it.
        """
        stream = RandomStream(self.identity["seed"]).child(self.identity["paper"], self.ensemble)

        def channels_of(scheme: str) -> xr.Dataset:
            return (
                self.channels if numbers is None else self.channels.sel(realisation=numbers[scheme])
            )

        calls = [
            partial(
                solve,
                channels_of(scheme),
                stream.child("scheme", scheme),
                plan,
                self.system,
                self.identity["engine"],
                self.sweep,
            )
            for scheme, plan in plans.items()
        ]
        yield from zip(plans, solve_each(calls), strict=True)

    def solutions(
        self, plans: Mapping[str, Mapping[str, Any]], hashes: Mapping[str, str]
    ) -> Iterator[tuple[str, xr.Dataset]]:
        """Run schemes and yield their names and stamped designs, in the order of the plans.

        Args:
            plans: by scheme, see `Paper.plan_of`, and as ``library`` the digest of its code.
            hashes: of everything that its solution depends on, by scheme.
        """
        for scheme, solution in self.designs(plans):
            identity = {**self.identity, "scheme": scheme, "inputs_hash": hashes[scheme]}
            swept = {self.sweep["parameter"]: self.sweep["values"]}
            section, library = plans[scheme]["section"], plans[scheme]["library"]
            yield scheme, stamp(solution, identity, section | swept, library)
