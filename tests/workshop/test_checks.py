"""Every right answer passes its check; every wrong one is told what is wrong with it."""

import pytest
from answers import CHECKS, haystack
from wrong_answers import WRONG

from procmod_lib.workshop import rules


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.__name__)
def test_the_right_answer_passes_and_is_told_what_it_shows(check):
    verdict = check(CHECKS[check])
    assert verdict.right, verdict
    assert repr(verdict).startswith("Right. ")


@pytest.mark.parametrize(
    "check, answer, words", WRONG, ids=[f"{w[0].__name__}-{i}" for i, w in enumerate(WRONG)]
)
def test_a_wrong_answer_is_told_what_is_wrong(check, answer, words):
    verdict = check(answer)
    assert not verdict.right
    assert words in verdict.sentence, verdict
    assert repr(verdict).startswith("Not yet: ")


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.__name__)
def test_each_check_knows_four_wrong_answers(check):
    assert sum(w[0] is check for w in WRONG) >= 4


def test_a_right_answer_may_be_a_list():
    verdict = rules.check_haystack(lambda n, rng: haystack(n, rng).tolist())
    assert verdict.right, verdict


def nothing(*arguments):
    return None


def unwritten(*arguments):
    raise NotImplementedError


def broken(*arguments):
    return 1 / 0


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.__name__)
@pytest.mark.parametrize("answer", [nothing, unwritten, broken, lambda *a: 0, lambda *a: []])
def test_empty_constant_and_broken_answers_never_pass_and_never_stop_the_notebook(check, answer):
    verdict = check(answer)
    assert not verdict.right
    assert verdict.sentence.endswith(".") or "ZeroDivisionError" in verdict.sentence


def test_an_error_is_told_with_its_line():
    sentence = rules.check_guess(broken).sentence
    line = broken.__code__.co_firstlineno + 1
    assert (
        sentence == f"it stops with ZeroDivisionError in line {line} of its cell: division by zero"
    )
    assert "line" not in rules.check_guess(len).sentence


def test_a_check_does_not_give_the_answer_away():
    for check in CHECKS:
        said = check(unwritten).sentence
        assert said == "the function is not written yet."
