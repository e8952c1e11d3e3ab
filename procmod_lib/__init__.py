"""Train many tiny transformers, transfer parts of their weights, and measure what helped."""
