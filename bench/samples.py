"""The samples of some tasks as one writes them first: a Python loop, one row at a time.

Each function takes a :class:`random.Random` and returns a row of tokens and the positions whose
outputs are scored.
"""


def haystack_sample(rng):
    n = rng.randint(1, 30)
    keys = rng.sample(range(128, 158), n)
    values = [rng.randint(1, 127) for _ in keys]
    i = rng.randrange(n)
    row = [t for pair in zip(keys, values) for t in pair] + [keys[i] + 30, values[i]]
    return row + [0] * (63 - len(row)), [2 * n]


def addition_sample(rng, digits=5, order=1):
    a, b = (rng.randint(10 ** (digits - 1), 10**digits - 1) for _ in range(2))
    x, y, z = (str(v)[::order] for v in (a, b, a + b))
    row = [int(c) for c in x] + [10] + [int(c) for c in y] + [11] + [20 + int(c) for c in z] + [30]
    row += [12] * (3 * digits + 4 - len(row))
    return row, [p for p in range(len(row) - 1) if row[p] >= 20]


def sorting_sample(rng):
    values = [rng.randint(1, 99) for _ in range(16)]
    return values + [0] + sorted(values), list(range(16, 32))


def dyck_sample(rng, k=16, length=128):
    row, stack = [], []
    for t in range(length):
        if not stack or (len(stack) < length - t and rng.random() < 0.5):
            stack.append(rng.randrange(k))
            row.append(stack[-1])
        else:
            row.append(k + stack.pop())
    return row, list(range(length - 1))


def identity_sample(rng):
    values = [rng.randint(1, 20) for _ in range(rng.randint(2, 20))]
    return values + [21] + values + [0] * (41 - 1 - 2 * len(values)), list(
        range(len(values), 2 * len(values))
    )


def set_sample(rng):
    values = [rng.randint(1, 20) for _ in range(rng.randint(2, 20))]
    row = values + [21] + list(dict.fromkeys(values))
    return row + [0] * (41 - len(row)), list(range(len(values), len(row) - 1))


SAMPLES = {
    "haystack": haystack_sample,
    "addition": addition_sample,
    "reversed_addition": lambda rng: addition_sample(rng, 10, -1),
    "sorting": sorting_sample,
    "dyck": dyck_sample,
    "identity": identity_sample,
    "set": set_sample,
}
