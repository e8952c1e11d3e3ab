"""What the chapters ask, and what is said of it.

======================  ===============================================================
``grids``               the runs behind the live part of every chapter, by parameters
``agenda``              all that the pages ask of the published store, in order
``make_runs``           one run of a preset; its presets, settings and conditions stand
                        in ``presets``, ``settings`` and ``conditions``
======================  ===============================================================

A question with a rule of its own has two modules, its runs and what became of them:

======================  ================================================
runs                    judged and told in
======================  ================================================
``claimed``             ``claims``, and ``simulation`` of the rule itself
``story``               ``story``
``ladder``              ``climbed``
``first_layer``         ``quieted``
``specification``       ``specified`` and ``telling``
``ranked``              ``telling``
``why_curricula``       ``curricula`` and ``content_or_size``
``agenda``              ``harder``, of the pilots of SORTING
======================  ================================================
"""
