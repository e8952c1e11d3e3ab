"""Initial conditions: the grammar (condition, words) and the surgery that applies it."""

from procmod_lib.initial.condition import Condition as Condition
from procmod_lib.initial.condition import parse as parse
from procmod_lib.initial.condition import with_words as with_words
from procmod_lib.initial.surgery import initialise as initialise
