"""What does not go together in a condition: one sentence that names it."""

from procmod_lib.initial.words import PARTS, WORDS, Change, Copy, Words, Write, heads


def clash(c: Words) -> str:
    """Say what does not go together in a condition, or nothing."""
    copied, written, changes = c.of_kind(Copy), c.of_kind(Write), c.of_kind(Change)
    replaced = "".join(WORDS[n].parts for n in copied) + "".join(
        WORDS[n].parts(v) for n, v in written.items()
    )
    if "full" in copied and len(copied) > 1:
        return "full cannot be combined with attention, mlp or embeddings."
    if c.given and not replaced:
        return (
            "nothing is transferred; name a source with full=, attention=, mlp= or embeddings=, "
            "or write weights with loud= or fan_in=."
        )
    if len(set(replaced)) < len(replaced):
        return "a part is both copied and written by hand, or written twice."
    if len(changes) > 1:
        perturbations = [n for n, word in WORDS.items() if isinstance(word, Change)]
        return f"give one perturbation: {', '.join(perturbations)}."
    if changes and not copied:
        return f"{next(iter(changes))} changes what was copied, and nothing was."
    return _misplaced(c, replaced)


def _misplaced(c: Words, replaced: str) -> str:
    """Say which word is about something that is not transferred, or nothing."""
    if c["freeze"] and PARTS[c["freeze"]] not in replaced:
        return f"freeze={c['freeze']} needs {c['freeze']} to be transferred."
    if c["head"] and (replaced != "A" or c["layer"] >= 0):
        return "head needs attention= or loud= alone, without mlp or layer."
    if c["tensors"] and replaced != "A":
        return "tensors needs attention= or loud= alone."
    if c["quiet"] and "A" not in replaced:
        return "quiet needs attention to be transferred or written."
    for each in c["quiet"].split("+") if c["quiet"] else ():
        if not _is_replaced(c, *each.split(".")):
            return f"quiet={each} names a map that stays fresh anyway."
    if c["shape"] and not c.of_kind(Copy):
        return "shape is that of a source, and there is none."
    if c["fresh_positions"] and "E" not in replaced:
        return "fresh_positions needs full= or embeddings=."
    return _misdirected(c, replaced)


def _misdirected(c: Words, replaced: str) -> str:
    """Say which word about the place of a change is out of place, or nothing."""
    changes, is_by_hand = c.of_kind(Change), bool(c.of_kind(Write))
    copied = {part for word in c.of_kind(Copy) for part in WORDS[word].parts}
    touched = {PARTS[part] for part in c["on"].split("+")} if c["on"] else set(replaced)
    is_changed = bool(changes) or c["scale"] != 1 or c["even"]
    for word in ("on", "on_layer", "only"):
        if c[word] != WORDS[word].default and not is_changed:
            return f"{word} needs a perturbation, a scale or even."
        if word != "on" and c[word] != WORDS[word].default and not copied:
            return f"{word} is about what was copied, and nothing was."
    if c["only"] and is_by_hand:
        return "only is about what was copied alone; nothing may be written by hand beside it."
    if c["on_layer"] >= 0 and (c["layer"] >= 0 or c["head"]):
        return "on_layer names a layer of several that are transferred, without layer or head."
    if c["on_layer"] >= 0 and touched == {"E"}:
        return "on_layer is about attention, MLPs or norms; embeddings are in no layer."
    if c["only"] and touched == {"E"}:
        return "only is about attention, MLPs or norms; embeddings have no biases."
    if is_changed and not c["on"] and copied <= {"E"} and (changes or not is_by_hand):
        return "embeddings alone are changed with on=embeddings."
    if c["on"] and not touched <= set(replaced):
        return f"on={c['on']} needs {c['on']} to be transferred."
    if changes and not touched & copied:
        return f"on={c['on']} names what is written by hand; a perturbation changes what is copied."
    return _mischanged(c, changes, "A" in touched & copied)


def _mischanged(c: Words, changes: dict, is_of_attention: bool) -> str:
    """Say which word about the kind of a change has none of its kind, or nothing."""
    if c["each_head"] and not (changes and is_of_attention):
        return "each_head needs a perturbation of copied attention."
    if c["draw"] and not set(changes) - {"fresh_norm"}:
        return "draw needs a perturbation that draws numbers."
    if c["even"] and not is_of_attention:
        return "even needs copied attention."
    return ""


def _is_replaced(c: Words, layer: str, tensor: str) -> bool:
    """Whether a map of a layer's attention is among what is transferred or written."""
    layers = {c["layer"]} if c["layer"] >= 0 else set()
    layers |= {at for at, _ in heads(c["head"])} if c["head"] else set()
    is_there = not c["tensors"] or tensor in c["tensors"].split("+")
    return is_there and (not layers or int(layer) in layers)
