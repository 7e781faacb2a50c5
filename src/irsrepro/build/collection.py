"""How often Python looks for cyclic garbage in processes that plan, compile and compute.

Plans and compiled kernels are hundreds of thousands of objects that stay. Python's own settings
look through them again and again: a tenth of the time of compiling kernels, an eighth of that of a
plan.
"""

import gc


def collect_rarely() -> None:
    """Let this process, and those forked from it, collect after 50 000 new objects, not 700.

    What a job has in large arrays hangs on few objects and is rarely part of a cycle.
    """
    gc.set_threshold(50_000, 20, 100)
