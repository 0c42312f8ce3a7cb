"""Answers that are longer than one event may be. Synapse counts an event as it is serialized."""


def test_an_answer_whose_rendered_form_is_large_arrives_whole(bot, home):
    """Each of these characters is two bytes as it is sent, and six more in HTML."""
    text = "\n".join('"' * 99 for _ in range(120))
    question = home.user.say(home.c1, text)

    def letters() -> str:
        return "".join("".join(home.answers(home.c1, question)).split())

    wanted = "".join(text.split())
    home.user.wait_for(lambda: letters().endswith(wanted), "the whole answer", 60)
    assert len(home.answers(home.c1, question)) > 1
    assert letters().count('"') == len(wanted)
