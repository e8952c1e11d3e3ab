"""Draw what :mod:`procmod_lib.report.statistics` computed, and nothing else.

Intervals are computed there, drawn here.
"""

from procmod_lib.report.figures.claims import draw_claims as draw_claims
from procmod_lib.report.figures.curves import draw_curves as draw_curves
from procmod_lib.report.figures.curves import draw_doses as draw_doses
from procmod_lib.report.figures.curves import draw_source_curves as draw_source_curves
from procmod_lib.report.figures.data import keep_all_forms as keep_all_forms
from procmod_lib.report.figures.heatmap import draw_differences as draw_differences
from procmod_lib.report.figures.inside import draw_along as draw_along
from procmod_lib.report.figures.inside import draw_attention as draw_attention
from procmod_lib.report.figures.inside import draw_knock_outs as draw_knock_outs
from procmod_lib.report.figures.inside import draw_pulls as draw_pulls
from procmod_lib.report.figures.inside import draw_sizes as draw_sizes
from procmod_lib.report.figures.inside import draw_starts as draw_starts
from procmod_lib.report.figures.phase import draw_phase as draw_phase
from procmod_lib.report.figures.points import draw_ends as draw_ends
from procmod_lib.report.figures.rows import draw_groups as draw_groups
from procmod_lib.report.figures.rows import draw_rows as draw_rows
from procmod_lib.report.figures.samples import draw_counts as draw_counts
from procmod_lib.report.figures.samples import draw_depths_and_rows as draw_depths_and_rows
from procmod_lib.report.figures.samples import draw_strips as draw_strips
from procmod_lib.report.figures.specified import draw_factors as draw_factors
from procmod_lib.report.figures.specified import draw_layer_sizes as draw_layer_sizes
from procmod_lib.report.figures.specified import draw_specification as draw_specification
from procmod_lib.report.figures.style import use_style as use_style
