"""A run and its key, training, the store, the sweep on this machine and on Dask."""
