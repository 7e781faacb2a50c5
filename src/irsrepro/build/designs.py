"""What schemes design for one chunk of channels, each stamped with what it was made from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import xarray as xr

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

    def solutions(
        self, plans: Mapping[str, Mapping[str, Any]], hashes: Mapping[str, str]
    ) -> Iterator[tuple[str, xr.Dataset]]:
        """Run schemes and yield their names and solutions, in the order of the plans.

        Args:
            plans: by scheme, see `Paper.plan_of`, and as ``library`` the digest of its code.
            hashes: of everything that its solution depends on, by scheme.
        """
        about, sweep = self.identity, self.sweep
        stream = RandomStream(about["seed"]).child(about["paper"], self.ensemble, "scheme")
        calls = [
            partial(
                solve,
                self.channels,
                stream.child(scheme),
                plan,
                self.system,
                about["engine"],
                sweep,
            )
            for scheme, plan in plans.items()
        ]
        for (scheme, plan), solution in zip(plans.items(), solve_each(calls), strict=True):
            identity = {**about, "scheme": scheme, "inputs_hash": hashes[scheme]}
            parameters = plan["section"] | {sweep["parameter"]: sweep["values"]}
            yield scheme, stamp(solution, identity, parameters, plan["library"])
