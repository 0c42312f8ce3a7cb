use std::time::Duration;

use tokio::time::timeout;

use super::*;
use crate::core::ids::{ChatId, EventKey, RoomKey, UserKey};

const SOON: Duration = Duration::from_secs(5);

fn context(name: &str) -> ContextRef {
    ContextRef {
        user: UserKey::new("@alice:hs"),
        chat: ChatId::new(1),
        context: PlatformChatId::from_command(&EventKey::new(name)),
        generation: 0,
        room: RoomKey::new("!c1:hs"),
        folder: "surfaces/matrix/alice/c1".to_owned(),
    }
}

fn prompt(name: &str, text: &str) -> Prompt {
    Prompt {
        context: context(name),
        question: EventKey::new("$question"),
        text: text.to_owned(),
        files: Vec::new(),
    }
}

fn agent(script: Script) -> MockAgent {
    MockAgent::scripted(AgentId::new("mock"), script)
}

async fn all(mut answer: AnswerStream) -> Vec<Result<AnswerEvent, Advice>> {
    let mut events = Vec::new();
    while let Some(event) = timeout(SOON, answer.next()).await.expect("it goes on") {
        events.push(event.map_err(|error| error.advice));
    }
    events
}

fn text(piece: &str) -> AnswerEvent {
    AnswerEvent::Text(piece.to_owned())
}

fn done(reason: StopReason) -> AnswerEvent {
    AnswerEvent::Done(reason)
}

#[tokio::test]
async fn an_echo_names_its_context_and_comes_word_by_word() {
    let agent = agent(Script::Echo).with_pause(Duration::from_millis(1));
    let answer = agent.ask(prompt("$a", "hello  there")).await.unwrap();
    let short = context("$a").context.short();
    let naming = format!("{short}): ");
    let mut expected = ["Echo ", "(context ", &naming, "hello ", " ", "there"]
        .map(text)
        .to_vec();
    expected.push(done(StopReason::EndTurn));
    let expected: Vec<_> = expected.into_iter().map(Ok).collect();
    assert_eq!(all(answer).await, expected);
}

#[tokio::test]
async fn a_long_echo_comes_in_bigger_pieces_and_in_full() {
    let question = "word ".repeat(5_000);
    let answer = agent(Script::Echo)
        .ask(prompt("$a", &question))
        .await
        .unwrap();
    let events = all(answer).await;
    assert!(events.len() <= MOST_PIECES + 1);
    let said: String = events
        .into_iter()
        .filter_map(|event| match event {
            Ok(AnswerEvent::Text(piece)) => Some(piece),
            _ => None,
        })
        .collect();
    assert!(said.ends_with(&format!("): {question}")));
}

#[tokio::test]
async fn messages_are_counted_apart_for_each_context_until_it_is_let_go() {
    let agent = agent(Script::Echo);
    for name in ["$a", "$a", "$b"] {
        let answer = agent.ask(prompt(name, "x")).await.unwrap();
        all(answer).await;
    }
    let count = async |name| agent.context_info(&context(name)).await.unwrap().messages;
    assert_eq!(count("$a").await, Some(2));
    assert_eq!(count("$b").await, Some(1));
    agent.disconnect(&context("$a")).await.unwrap();
    assert_eq!(count("$a").await, Some(0));
    assert_eq!(count("$b").await, Some(1));
}

#[tokio::test]
async fn a_running_answer_ends_when_it_is_cancelled_or_let_go_and_others_go_on() {
    let agent = agent(Script::HangAfter("well".to_owned()));
    for lets_go in [false, true] {
        let mut answer = agent.ask(prompt("$a", "x")).await.unwrap();
        let mut other = agent.ask(prompt("$b", "x")).await.unwrap();
        assert!(answer.next().await.is_some());
        assert!(other.next().await.is_some());
        if lets_go {
            agent.disconnect(&context("$a")).await.unwrap();
        } else {
            agent.cancel(&context("$a")).await.unwrap();
        }
        assert_eq!(all(answer).await, [Ok(done(StopReason::Cancelled))]);
        let waits = timeout(Duration::from_millis(10), other.next()).await;
        assert!(waits.is_err(), "the other context still hangs");
    }
}

#[tokio::test]
async fn an_answer_that_is_over_stays_over_when_it_is_cancelled() {
    let agent = agent(Script::Events(Vec::new()));
    let mut answer = agent.ask(prompt("$a", "x")).await.unwrap();
    assert!(matches!(
        answer.next().await,
        Some(Ok(AnswerEvent::Done(StopReason::EndTurn)))
    ));
    agent.cancel(&context("$a")).await.unwrap();
    assert!(answer.next().await.is_none());
    agent.cancel(&context("$never")).await.unwrap();
}

#[tokio::test]
async fn scripted_failures_fail_as_they_are_told() {
    let at_once = agent(Script::Fail(Advice::TellOperator))
        .ask(prompt("$a", "x"))
        .await;
    assert_eq!(
        at_once.err().map(|error| error.advice),
        Some(Advice::TellOperator)
    );

    let midway = agent(Script::FailAfter("so ".to_owned(), Advice::TryAgain));
    let answer = midway.ask(prompt("$a", "x")).await.unwrap();
    assert_eq!(all(answer).await, [Ok(text("so ")), Err(Advice::TryAgain)]);

    let vanishes = agent(Script::VanishAfter("so".to_owned()));
    let answer = vanishes.ask(prompt("$a", "x")).await.unwrap();
    assert_eq!(all(answer).await, [Ok(text("so"))]);

    let empty = agent(Script::Events(Vec::new()));
    let answer = empty.ask(prompt("$a", "x")).await.unwrap();
    assert_eq!(all(answer).await, [Ok(done(StopReason::EndTurn))]);
}

#[tokio::test]
async fn a_kept_context_goes_on_in_another_one_also_after_the_process_forgot_it() {
    let before = agent(Script::Echo);
    for _ in 0..3 {
        all(before.ask(prompt("$a", "x")).await.unwrap()).await;
    }
    let kept = context("$b").context;
    let note = before.save(&context("$a"), kept).await.unwrap();
    let saved = Saved {
        context: kept,
        note,
        room: RoomKey::new("!c1:hs"),
        until: EventKey::new("$save"),
    };
    let after = agent(Script::Echo);
    after.load(&context("$c"), &saved).await.unwrap();
    let info = after.context_info(&context("$c")).await.unwrap();
    assert_eq!(info.messages, Some(3));
    let unknown = Saved {
        note: None,
        ..saved
    };
    assert!(after.load(&context("$d"), &unknown).await.is_err());
    assert!(after.health().await.is_ok());
}

#[tokio::test]
async fn on_request_it_asks_permission_and_says_what_was_chosen() {
    for (option, expected) in [(Some("once"), "You chose: once."), (None, "You refused.")] {
        let agent = agent(Script::Echo);
        let mut answer = agent
            .ask(prompt("$a", "ask permission to sing"))
            .await
            .unwrap();
        let Some(Ok(AnswerEvent::Permission(question))) = answer.next().await else {
            panic!("it asks");
        };
        assert_eq!(question.title, "to sing");
        assert_eq!(question.options.len(), 3);
        agent
            .answer_permission(&context("$a"), &question.id, option)
            .await
            .unwrap();
        let expected = [Ok(text(expected)), Ok(done(StopReason::EndTurn))];
        assert_eq!(all(answer).await, expected);
    }
}

#[tokio::test]
async fn an_echo_lists_the_files_that_came_and_sends_one_that_is_asked_for() {
    let file = PromptFile {
        path: "surfaces/a.txt".to_owned(),
        name: "a".to_owned(),
        mime: None,
        size: 1,
    };
    let asked = Prompt {
        files: vec![file],
        ..prompt("a", "file out/b.png")
    };
    let events = all(agent(Script::Echo).ask(asked).await.unwrap()).await;
    let said: String = events
        .iter()
        .filter_map(|event| match event {
            Ok(AnswerEvent::Text(piece)) => Some(piece.as_str()),
            _ => None,
        })
        .collect();
    assert!(
        said.ends_with("file out/b.png\n\nFiles: `surfaces/a.txt`"),
        "{said}"
    );
    assert!(events.contains(&Ok(AnswerEvent::File("out/b.png".to_owned()))));
}
