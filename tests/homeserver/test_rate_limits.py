"""Synapse with the limits it has by default: slow, and still everything happens exactly once."""

import pytest

from support.cast import register
from support.home import onboard


@pytest.mark.timeout(900)
def test_everything_works_under_the_limits_nobody_configured(make_bot, limited_synapse):
    """One new chat is all that these limits allow one user to be invited to within minutes."""
    alice, bob = register(limited_synapse, "alice"), register(limited_synapse, "bob")
    bot = make_bot(limited_synapse).start()
    homes = [onboard(user, bot, limit=180) for user in (alice, bob)]
    questions = [(home, home.user.say(home.c1, f"Question {number}")) for home in homes for number in range(3)]
    for number, (home, question) in enumerate(questions):
        home.echo_to(home.c1, question, f"Question {number % 3}", limit=300)
    for home, question in questions:
        assert len(home.answers(home.c1, question)) == 1
    home = homes[0]
    question = alice.say(home.c1, "!new")
    answer = home.answer_to(home.c1, question, limit=180)
    assert "matrix.to" in f"{answer}"
    assert len(home.answers(home.c1, question)) == 1


@pytest.mark.timeout(900)
def test_final_answers_go_before_drafts(make_bot, limited_synapse):
    """A long streamed answer spends the limit on edits; a short question elsewhere does not wait for all of it."""
    alice, bob = register(limited_synapse, "alice"), register(limited_synapse, "bob")
    bot = make_bot(limited_synapse).start()
    first, second = onboard(alice, bot, limit=180), onboard(bob, bot, limit=180)
    text = " ".join(f"word{number}" for number in range(200))
    long_question = alice.say(first.c1, text)
    second.ask(second.c1, "Quick one", limit=120)
    first.echo_to(first.c1, long_question, text, limit=300)


@pytest.mark.timeout(900)
def test_invitations_beyond_the_limit_do_not_hold_up_the_answer(make_bot, limited_synapse):
    """Synapse lets one user be invited five times and then once in 333 seconds.

    Members of the Space may join its chats anyway, so the answer with the link need not wait for the invitation.
    """
    alice = register(limited_synapse, "alice")
    bot = make_bot(limited_synapse).start()
    home = onboard(alice, bot, limit=180)
    for number in range(2, 7):
        question = alice.say(home.c1, f"!new Number {number}")
        answer = home.answer_to(home.c1, question, limit=150)
        assert "matrix.to" in f"{answer}"
