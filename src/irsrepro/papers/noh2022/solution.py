"""What a solution of noh2022 holds: reflections of modulus one, for whole drops."""

from irsrepro.build.solution_format import SolutionFormat, UnitModulus, Variable

MODEL = """
A design holds for a whole drop and knows the statistics of its channels: lines of sight
(`..._response`, `..._departure`, `..._arrival`), mean powers (`..._gain`), Rician factors, and
which access points a surface is `visible` to. Surfaces in use are every `irs_sites / surfaces`-th
of those drawn. Zero forcing and one power for all users follow from the reflection, eqs. (8) and
(9), with expectations over `channels_per_drop` channels. Designs for every single channel are not
taken.
"""

SOLUTION = SolutionFormat(
    variables={
        "reflection": Variable(("irs", "element"), "1", "reflection coefficient", UnitModulus())
    },
    sizes=lambda p: {"irs": p["surfaces"], "element": p["elements"]},
    axes={"irs": "`surfaces`", "element": "`elements` of each surface"},
    model=MODEL,
)
