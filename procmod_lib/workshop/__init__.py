"""Exercises of the workshop that check themselves; see the part "Workshop" of the book."""
