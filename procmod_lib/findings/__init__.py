"""What became of the questions: each rule that was fixed before, and the sentence it makes.

======================  ===================================================
of these runs           judged and told here
======================  ===================================================
``claims``              ``verdicts``, and ``simulation`` of the rule itself;
                        ``removed``, how much a shuffle costs
``agenda.story``        ``story``, of a head written by hand
``conditions``          ``two_numbers``, of the starts that were predicted
``ladder``              ``climbed``
``first_layer``         ``quieted``
``specification``       ``specified`` and ``telling``
``ranked``              ``telling``
``why_curricula``       ``curricula`` and ``content_or_size``; of the released
                        code's curriculum ``optional``, of the claims on it
                        ``climbed``
``each_head``           ``shuffled``, ``random_starts`` and ``draws``
``set_eca``             ``optional``
``on_sums``             ``on_sums``
``settings``            ``pretrainings``
``crossed``             ``components``
``agenda``              ``harder``, of the pilots of SORTING
``text``                ``losses``
======================  ===================================================

The left column names modules of ``procmod_lib.experiments``. Several of them say that a start
carries by a rule that stands in ``carrying``.
"""
