"""To and from the GPT-2 of ``transformers``, so that weights of this library can be used anywhere
and the reverse.
"""

from pathlib import Path

import numpy as np
import torch

from procmod_lib.network.gpt2 import Architecture, views


def config_of(arch: Architecture):
    """Return the ``transformers.GPT2Config`` of a shape, without dropout."""
    from transformers import GPT2Config

    return GPT2Config(
        vocab_size=arch.vocab,
        n_positions=arch.positions,
        n_embd=arch.width,
        n_layer=arch.layers,
        n_head=arch.heads,
        tie_word_embeddings=arch.tied,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=0,
        eos_token_id=0,
    )


def to_huggingface(flat: np.ndarray, arch: Architecture):
    """Return a ``transformers.GPT2LMHeadModel`` with the weights of one model, flat (P,)."""
    from transformers import GPT2LMHeadModel

    model = GPT2LMHeadModel(config_of(arch))
    state = {
        f"transformer.{n}".replace("transformer.lm_head", "lm_head"): torch.from_numpy(np.array(v))
        for n, v in views(flat, arch).items()
    }
    if arch.tied:
        state["lm_head.weight"] = state["transformer.wte.weight"]
    model.load_state_dict(state)
    return model.eval()


SAME = (
    "activation_function",
    "layer_norm_epsilon",
    "scale_attn_weights",
    "scale_attn_by_inverse_layer_idx",
)
"""What of a configuration decides what a model computes, beside its shape."""


def from_huggingface(source) -> tuple[np.ndarray, Architecture]:
    """Return (flat, architecture) of a GPT2LMHeadModel or of a ``save_pretrained`` folder.

    Raises:
        ValueError: its configuration is not that of a model of this library.
    """
    from transformers import GPT2LMHeadModel

    model = GPT2LMHeadModel.from_pretrained(source) if isinstance(source, (str, Path)) else source
    c = model.config
    arch = Architecture(
        c.vocab_size, c.n_positions, c.n_layer, c.n_head, c.n_embd, bool(c.tie_word_embeddings)
    )
    ours = config_of(arch)
    for name in SAME:
        if getattr(c, name) != getattr(ours, name):
            raise ValueError(f"{name} must be {getattr(ours, name)}, got {getattr(c, name)}.")
    if c.n_inner not in (None, 4 * c.n_embd):
        raise ValueError(f"n_inner must be four times n_embd, got {c.n_inner}.")
    state = {
        k.removeprefix("transformer."): v.detach().cpu().numpy()
        for k, v in model.state_dict().items()
    }
    return np.concatenate([state[n].reshape(-1).astype(np.float32) for n in arch.shapes]), arch
