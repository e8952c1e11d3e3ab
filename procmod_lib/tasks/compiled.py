"""The two sources that are slow to draw step by step, compiled where numba is installed.

Each function gives the same integers as the NumPy lines that it stands in for.
"""

import numpy as np

try:
    from numba import njit
except ImportError:  # numba is optional; the sources have NumPy lines of their own
    njit = None  # type: ignore[assignment]


def is_compiled() -> bool:
    """Whether numba is there."""
    return njit is not None


def _window(words, start, rule, universe, tokens):
    """Run each row of packed cells for ``start`` steps, then write what ``tokens`` has room for.

    Args:
        words: (n, words) uint64, changed; cell i is bit i % 64 of its word.
        start: (n,) steps before the first row that is shown.
        rule: (8,) uint64, all ones where the rule, as an exclusive or of products, has that
            product of left (4), middle (2) and right (1), else 0.
        universe: cells.
        tokens: (n, rows, cells) uint8, written.
    """
    n, w = words.shape
    one, top = np.uint64(1), np.uint64((universe - 1) % 64)
    last = np.uint64(64 - 1)
    kept = ~np.uint64(0)
    if universe % 64:
        kept = (one << np.uint64(universe % 64)) - one
    new = np.empty(w, np.uint64)
    for r in range(n):
        row = words[r]
        for t in range(start[r] + tokens.shape[1]):
            if t >= start[r]:
                shown = tokens[r, t - start[r]]
                for c in range(len(shown)):
                    shown[c] = (row[c // 64] >> np.uint64(c % 64)) & one
            for j in range(w):
                x = row[j]
                left, right = x << one, x >> one  # neighbours at i - 1 and i + 1
                left |= row[j - 1] >> last if j else (row[w - 1] >> top) & one
                right |= row[j + 1] << last if j < w - 1 else (row[0] & one) << top
                both = x & right
                new[j] = rule[0] ^ (rule[1] & right) ^ (rule[2] & x) ^ (rule[3] & both)
                inner = rule[4] ^ (rule[5] & right) ^ (rule[6] & x) ^ (rule[7] & both)
                new[j] ^= left & inner
            new[w - 1] &= kept
            row[:] = new


def _interleave(uniforms, k, most, by_type, tokens):
    """Brackets of k types that interleave.

    Args:
        uniforms: (n, 2 T): whether each opens, and which it is.
        k: types.
        most: the greatest depth.
        by_type: whether a closing bracket chooses evenly among open types, not open brackets.
        tokens: (n, T) int32, written.
    """
    n, length = tokens.shape
    count = np.empty(k, np.int64)  # open brackets of each type
    for r in range(n):
        count[:] = 0
        depth, kinds = 0, 0
        for t in range(length):
            choice = uniforms[r, length + t]
            if (uniforms[r, t] < 0.5 or depth == 0) and depth < most:
                kind = int(choice * k)
                tokens[r, t] = kind
                kinds += count[kind] == 0
                count[kind] += 1
                depth += 1
                continue
            nth = int(choice * (kinds if by_type else depth))
            kind = 0
            while True:
                nth -= min(count[kind], 1) if by_type else count[kind]
                if nth < 0:
                    break
                kind += 1
            tokens[r, t] = k + kind
            count[kind] -= 1
            kinds -= count[kind] == 0
            depth -= 1


if njit is not None:
    window = njit(cache=True, nogil=True)(_window)
    interleave = njit(cache=True, nogil=True)(_interleave)
