"""A hostile origin of our own, and what must hold when Kabar Kota polls it.

    news, writing    made-up news on topic, as feeds and pages
    case             one attack: how its host answers, and what must come of it
    cases/           the attacks, a module for each family
    origin           the process that plays all hosts, each at a loopback address of its own, and counts who asks
    stage            `kabarkota serve` against the origin, its memory and time measured
    verdicts         what was expected beside what came

`python -m battery` in this folder's parent runs all and prints the table; `tests/test_battery.py` does the same.
"""
