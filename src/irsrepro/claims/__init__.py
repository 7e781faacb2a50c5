"""Claims of a paper, checked on collated experiments.

A check becomes contrasts with bootstrap intervals (``contrasts``), or counts of realisations with
exact binomial intervals (``properties``). Each interval is held against a required range
(``bounds``): all inside is ``replicated``, any outside is ``not replicated``, and anything else is
``undecided``. A claim of several checks has the verdict of the worst. ``config.kinds``
lists the kinds of check.
"""

from irsrepro.claims.curves import traces_of
from irsrepro.claims.evaluation import evaluate
from irsrepro.claims.files import Verdicts, read_verdicts, write_verdicts
from irsrepro.claims.verdicts import (
    SOURCES,
    CheckResult,
    ClaimResult,
    Contrast,
)

__all__ = [
    "SOURCES",
    "CheckResult",
    "ClaimResult",
    "Contrast",
    "Verdicts",
    "evaluate",
    "read_verdicts",
    "traces_of",
    "write_verdicts",
]
