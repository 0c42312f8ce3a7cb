"""The kind openai with a model server that somebody else wrote: streaming, errors, a stream that is cut."""

import pytest

from support import timeline
from support.cast import register
from support.home import onboard
from support.opencode import ScriptedModel
from support.registry import model_agent, write_registry

LONG = " ".join(f"word{number}" for number in range(120))
SCRIPT = [
    {"match": {"userMessage": "count"}, "response": {"content": LONG}, "latency": 100},
    {
        "match": {"userMessage": "forbidden"},
        "response": {"error": {"message": "no such key", "type": "invalid_request_error"}, "status": 401},
    },
    {
        "match": {"userMessage": "overflow"},
        "response": {
            "error": {"message": "too long", "type": "invalid_request_error", "code": "context_length_exceeded"},
            "status": 400,
        },
    },
    {"match": {"userMessage": "break off"}, "response": {"content": LONG}, "truncateAfterChunks": 4},
    {"match": {"userMessage": "hello"}, "response": {"content": "Hello to you."}},
]


@pytest.fixture(scope="module")
def talk(make_module_bot, synapse, tmp_path_factory):
    model = ScriptedModel(tmp_path_factory.mktemp("aimock"), SCRIPT)
    bot = make_module_bot(synapse)
    write_registry(bot, [model_agent(f"{model.url}/v1")])
    bot.start()
    home = onboard(register(synapse, "alice"), bot)

    def ask(text: str) -> list[dict]:
        """The answer's content, and all edits that led to it."""
        question = home.user.say(home.c1, text)

        def whole():
            events = home.user.events_in(home.c1)
            found = timeline.answers_to(events, question, home.bot_id)
            content = timeline.final_content(events, found[0]) if found else {}
            is_whole = content and "io.lambda.surfaces.draft" not in content
            return (content["body"], timeline.edits_of(events, found[0])) if is_whole else None

        answer = home.user.wait_for(whole, f"the whole answer to {text!r}", 90)
        assert len(home.answers(home.c1, question)) == 1
        return answer

    ask.bots = [bot]
    yield ask
    bot.kill()
    model.close()


def test_an_answer_streams_and_ends_exact(talk):
    text, edits = talk("Please count")
    assert text == LONG
    assert len(edits) >= 2


@pytest.mark.parametrize(
    "text, expected",
    [
        ("forbidden", "trying again will not help"),
        ("overflow", "grown too long for the agent"),
        ("break off", "The answer broke off here. Please ask again in a moment."),
    ],
)
def test_each_failure_has_words_of_its_own_and_the_chat_goes_on(talk, text, expected):
    assert expected in talk(text)[0]
    assert talk("hello")[0] == "Hello to you."
