"""What the chapters ask: presets, settings, and the runs of every question.

======================  ===============================================================
``grids``               the runs behind the live part of every chapter, by parameters
``agenda``              all that the pages ask of the published store, in order
``make_runs``           one run of a preset; its presets, settings and conditions stand
                        in ``presets``, ``settings`` and ``conditions``
``claims``              the paper's claims and ours, and the runs that they ask for
``ladder``              how settings close to the released code are chosen
``specification``       31 ways to pretrain IDENTITY; ``ranked``: by what they carry;
                        ``why_curricula``: what is asked of the best
``first_layer``         is it the size of the first layer?
``each_head``           what does a shuffle lose?
``set_eca``             the paper's pair, SET's attention with ECA's MLPs
``on_sums``             what of transfers helps on sums, and what by hand
``crossed``             one change of many transfers; models crossed with seeds
``text``                does anything help text?
``parameters``          what a parameter may be, and what is said where it is not
======================  ===============================================================

What became of the questions is judged and told in ``procmod_lib.findings``.
"""
