//! Reasoning in the text of an answer: it is not shown, not streamed, and not sent back.

use super::{
    peer::{Reply, chunks, says},
    *,
};

#[tokio::test]
async fn reasoning_is_neither_shown_nor_remembered() {
    for pieces in [
        &["<think>\nHm.\n</think>\n\nFour."][..],
        &["<thi", "nk>", "Hm", ".</th", "ink>", "\n\n", "Fo", "ur."],
        &["<think>\n\n</think>\n\nFour."],
    ] {
        let world = world([says(pieces)]).await;
        let mut stream = world.agent.ask(prompt("$c", "$1", "2+2")).await.unwrap();
        let mut shown = String::new();
        while let Ok(AnswerEvent::Text(text)) = stream.next().await.unwrap() {
            shown.push_str(&text);
        }
        assert_eq!(shown, "Four.", "{pieces:?}");
        world.ask("$c", "$2", "And?").await;
        let expected = ["user: 2+2", "assistant: Four.", "user: And?"];
        assert_eq!(world.peer.conversation(), expected);
    }
}

#[tokio::test]
async fn reasoning_that_only_a_closing_tag_ends_is_taken_back_once_and_then_kept_back() {
    let lone = || says(&["Hm", ", 2+2.", "\n</think>\n\n", "Four", "."]);
    let world = world([lone(), lone(), says(&["Plain", "."])]).await;
    let first = world.ask("$c", "$1", "2+2").await;
    assert_eq!(
        (first.text.as_str(), first.end),
        ("Four.", Ok(StopReason::EndTurn))
    );
    let second = world.ask("$c", "$2", "2+2").await;
    assert_eq!((second.text.as_str(), second.others), ("Four.", vec![]));
    assert_eq!(world.ask("$c", "$3", "And?").await.text, "Plain.");
    let expected = [
        "user: 2+2",
        "assistant: Four.",
        "user: 2+2",
        "assistant: Four.",
        "user: And?",
    ];
    assert_eq!(world.peer.conversation(), expected);
}

#[tokio::test]
async fn a_model_that_is_known_to_reason_aloud_shows_nothing_of_it_from_the_first_answer_on() {
    let reasoner = |config: &mut OpenAiConfig| config.model = "Qwen3-4B-Thinking-2507".to_owned();
    let replies = [says(&["Hm.", "\n</think>\n", "Four."]), says(&["Five."])];
    let world = world_with(replies, reasoner, Elsewhere::quiet_room()).await;
    for expected in ["Four.", "Five."] {
        let answer = world.ask("$c", expected, "2+2").await;
        assert_eq!((answer.text.as_str(), answer.others), (expected, vec![]));
    }
}

#[tokio::test]
async fn tags_that_an_answer_talks_about_are_part_of_it() {
    for text in [
        "Models write `<think>` first and `</think>` last.",
        "They put it before </think> and answer then.",
        "```\n<think>\nHm.\n</think>\n```",
    ] {
        let letters: Vec<String> = text.chars().map(String::from).collect();
        let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
        for pieces in [&[text][..], &letters] {
            let world = world([says(pieces)]).await;
            let answer = world.ask("$c", "$1", "hi").await;
            assert_eq!((answer.text.as_str(), answer.others), (text, vec![]));
        }
    }
}

#[tokio::test]
async fn an_answer_that_ends_within_its_reasoning_shows_none_of_it() {
    for (reply, expected) in [
        (
            Reply::Stream(chunks(&["<think>Hm"], Some("length"), true)),
            Ok(StopReason::Limit),
        ),
        (
            Reply::Stream(chunks(&["<think>Hm"], Some("stop"), true)),
            Ok(StopReason::EndTurn),
        ),
    ] {
        let world = world([reply]).await;
        assert_eq!(world.hears("hi").await, (String::new(), expected));
    }
    let broken = || Reply::Cut(chunks(&["<think>Hm"], None, false));
    let world = world([broken()]).await;
    let expected = ("Fine.".to_owned(), Ok(StopReason::EndTurn));
    assert_eq!(
        world.hears("hi").await,
        expected,
        "nothing was said, so it is asked again"
    );
}

#[tokio::test]
async fn reasoning_in_answers_from_former_times_is_not_sent_back() {
    let exchange = Exchange {
        question: EventKey::new("$1"),
        asked: "one".to_owned(),
        answered: "<think>Hm.</think>First".to_owned(),
    };
    let elsewhere = Elsewhere {
        room: Mutex::new(Some(vec![exchange])),
        ..Elsewhere::default()
    };
    let world = world_with([], |_| (), elsewhere).await;
    world.ask("$c", "$2", "two").await;
    let expected = ["user: one", "assistant: First", "user: two"];
    assert_eq!(world.peer.conversation(), expected);
}
