"""GPT-2 as parts E, A, F, N for a fleet of models: the reference, kernels, Hugging Face."""
