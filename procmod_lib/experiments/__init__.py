"""What the chapters ask: presets, settings, and the runs of every question.

======================  ===============================================================
``grids``               the runs behind the live part of every chapter, by parameters
``agenda``              all that the pages ask of the published store, in order
``make_runs``           one run of a preset; its presets, settings and conditions stand
                        in ``presets``, ``settings`` and ``conditions``
======================  ===============================================================

What became of the questions is judged and told in ``procmod_lib.findings``.
"""
