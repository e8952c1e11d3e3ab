"""An independent statement of every rule, by which samples are checked."""

from procmod_lib.tasks import DIAGNOSTICS, SOURCES


def split_list(task, row):
    """(payload, output) of a list task's row, checked to be payload, separator, output, padding."""
    row, pad = list(row), task.symbols + 1
    cut = row.index(task.symbols)
    tail = row[cut + 1 :]
    output = [t for t in tail if t != pad]
    assert tail == output + [pad] * (len(tail) - len(output))
    assert all(1 <= t < task.symbols for t in row[:cut] if t)
    assert len(row) == task.length
    return row[:cut], output


def check_identity(task, row):
    payload, output = split_list(task, row)
    return output == payload


def check_set(task, row):
    payload, output = split_list(task, row)
    return output == list(dict.fromkeys(payload))


def check_reverse(task, row):
    payload, output = split_list(task, row)
    return output == payload[::-1]


def check_sort(task, row):
    payload, output = split_list(task, row)
    return output == sorted(payload)


def check_union(task, row):
    payload, output = split_list(task, row)
    middle = payload.index(0)
    return middle == len(payload) // 2 and output == list(
        dict.fromkeys(payload[:middle] + payload[middle + 1 :])
    )


def check_delete(task, row):
    payload, output = split_list(task, row)
    *before, divider, gone = payload
    return divider == 0 and 0 not in before and output == [t for t in before if t != gone]


def check_stack(task, row):
    payload, output = split_list(task, row)
    stack = []
    for i, token in enumerate(payload):
        must_push = len(stack) <= 1
        if token == 0:
            if must_push:
                return False
            stack.pop()
        else:
            if token in stack or (i == len(payload) - 1 and not must_push):
                return False
            stack.append(token)
    return output == stack[::-1] and len(payload) == task.operations


def check_dyck(task, row):
    stack = []
    for token in row:
        if token < task.k:
            stack.append(token)
        elif not stack or stack.pop() != token - task.k:
            return False
    return not stack


def check_dyck_shuffle(task, row):
    count = [0] * task.k
    for token in row:
        count[token % task.k] += 1 if token < task.k else -1
        if min(count) < 0 or sum(count) > task.max_depth:
            return False
    return True


def check_eca(task, rows):
    """Inside the crop every bit follows from the three above it; the crop's edges see cells that
    are not shown.
    """
    for above, row in zip(rows, rows[1:]):
        for i in range(1, task.cells - 1):
            if row[i] != task.rule >> int(4 * above[i - 1] + 2 * above[i] + above[i + 1]) & 1:
                return False
    return True


def check_haystack(task, row):
    row = list(row)
    while row[-1] == 0:
        row.pop()
    *pairs, query, value = row
    context = dict(zip(pairs[::2], pairs[1::2]))
    good = all(
        task.values < k <= task.values + task.pairs and 1 <= v <= task.values
        for k, v in context.items()
    )
    return (
        good
        and len(context) == len(pairs) // 2
        and len(row) % 2 == 0
        and context.get(query - task.pairs) == value
    )


def check_arithmetic(task, row):
    text = "".join("0123456789+=_"[t] if t < 13 else "." if t == 30 else str(t - 20) for t in row)
    body, _, rest = text.partition(".")
    left, answer = body.split("=")
    a, b = left.split("+")
    order = -1 if task.name == "reversed_addition" else 1
    x, y, z = (int(n[::order]) for n in (a, b, answer))
    right = x * y if task.name == "multiplication" else x + y
    exact = all(len(n) == task.digits and n[::order][0] != "0" for n in (a, b))
    return (
        exact
        and z == right
        and len(answer) == len(str(right))
        and set(rest) <= {"_"}
        and all(t >= 20 for t in row[2 * task.digits + 2 :][: len(answer)])
    )


def check_sorting(task, row):
    payload, separator, output = (
        list(row[: task.items]),
        row[task.items],
        list(row[task.items + 1 :]),
    )
    return (
        separator == 0 and output == sorted(payload) and all(1 <= t <= task.values for t in payload)
    )


check_addition = check_reversed_addition = check_multiplication = check_arithmetic


NAMES = [n for n in [*SOURCES, *DIAGNOSTICS] if n != "language_modeling"]


CHECKS = {n: globals()[f"check_{n}"] for n in NAMES if f"check_{n}" in globals()}
