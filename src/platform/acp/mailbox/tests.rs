use std::sync::{Arc, Mutex as StdMutex};

use agent_client_protocol::v1::schema::{ContentBlock, ContentChunk, TextContent};
use serde_json::json;

use super::{super::workspace::Workspace, *};
use crate::platform::Advice;

fn mailbox() -> Mailbox {
    Mailbox::new(Voice::new(Workspace::new("/srv"), String::new()))
}

fn said_of(text: &str) -> SessionUpdate {
    let content = ContentBlock::Text(TextContent::new(text));
    SessionUpdate::AgentMessageChunk(ContentChunk::new(content))
}

fn request(kinds: &[&str]) -> RequestPermissionRequest {
    let options: Vec<_> = kinds
        .iter()
        .map(|kind| json!({"optionId": kind, "name": kind, "kind": kind}))
        .collect();
    let json = json!({"sessionId": "s", "toolCall": {"toolCallId": "1"}, "options": options});
    serde_json::from_value(json).unwrap()
}

/// Keeps what was replied.
#[derive(Clone, Default)]
struct Replies(Arc<StdMutex<Vec<String>>>);

impl Replies {
    fn reply(&self) -> Reply {
        let replies = Arc::clone(&self.0);
        Box::new(move |outcome| {
            replies.lock().unwrap().push(match outcome {
                RequestPermissionOutcome::Selected(selected) => selected.option_id.0.to_string(),
                _ => "cancelled".to_owned(),
            });
        })
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn pieces_come_in_order_and_texts_that_waited_come_together() {
    let mailbox = mailbox();
    mailbox.put(AnswerEvent::BegunAnew);
    mailbox.hear(said_of("one "));
    mailbox.hear(said_of("two"));
    mailbox.put(AnswerEvent::ToolStatus("reading".to_owned()));
    mailbox.put(AnswerEvent::ToolStatus("writing".to_owned()));
    mailbox.end(Ok(StopReason::EndTurn));
    mailbox.end(Ok(StopReason::Refusal));
    let mut events = Vec::new();
    for _ in 0..4 {
        events.push(mailbox.next().await.unwrap());
    }
    assert_eq!(
        events,
        [
            AnswerEvent::BegunAnew,
            AnswerEvent::Text("one two".to_owned()),
            AnswerEvent::ToolStatus("writing".to_owned()),
            AnswerEvent::Done(StopReason::EndTurn),
        ]
    );
}

#[tokio::test]
async fn an_endless_stream_fills_no_memory_while_nobody_reads() {
    let mailbox = mailbox();
    let piece = "x".repeat(1_000);
    for number in 0..5_000 {
        mailbox.hear(said_of(&piece));
        mailbox.put(AnswerEvent::File(number.to_string()));
    }
    {
        let inner = mailbox.inner();
        assert!(inner.bytes <= MOST_BYTES);
        assert!(inner.pieces.len() <= 2 * MOST_PIECES + 1);
    }
    mailbox.end(Err(Trouble::passing("gone")));
    let mut bytes = 0;
    let error = loop {
        match mailbox.next().await {
            Ok(AnswerEvent::Text(text)) => bytes += text.len(),
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(bytes > 0);
    assert_eq!(mailbox.inner().bytes, 0);
    assert_eq!(error.detail, "gone");
}

#[tokio::test]
async fn a_refusal_takes_the_mildest_no_there_is() {
    for (kinds, expected) in [
        (
            &["allow_once", "reject_always", "reject_once"][..],
            "reject_once",
        ),
        (&["allow_once", "reject_always"], "reject_always"),
        (&["allow_once", "allow_always"], "cancelled"),
    ] {
        let (mailbox, replies) = (mailbox(), Replies::default());
        mailbox.ask("q".to_owned(), &request(kinds), replies.reply());
        mailbox.answer("q", None).unwrap();
        assert_eq!(replies.all(), [expected]);
    }
}

#[tokio::test]
async fn questions_beyond_the_limit_and_after_the_end_are_cancelled() {
    let (mailbox, replies) = (mailbox(), Replies::default());
    for number in 0..=MOST_QUESTIONS {
        mailbox.ask(
            number.to_string(),
            &request(&["allow_once"]),
            replies.reply(),
        );
    }
    assert_eq!(replies.all(), ["cancelled"]);
    mailbox.end(Ok(StopReason::EndTurn));
    assert_eq!(replies.all().len(), 1 + MOST_QUESTIONS);
    mailbox.ask(
        "late".to_owned(),
        &request(&["allow_once"]),
        replies.reply(),
    );
    mailbox.ask("empty".to_owned(), &request(&[]), replies.reply());
    assert_eq!(replies.all().len(), 3 + MOST_QUESTIONS);
    assert!(replies.all().iter().all(|reply| reply == "cancelled"));
    let error = mailbox.answer("1", Some("allow_once")).unwrap_err();
    assert_eq!(error.advice, Advice::CannotDo);
}

/// Everything that waits, up to the end.
async fn rest(mailbox: &Mailbox) -> (String, Vec<AnswerEvent>, Ending) {
    let (mut words, mut others) = (String::new(), Vec::new());
    loop {
        match mailbox.next().await {
            Ok(AnswerEvent::Text(text)) => words.push_str(&text),
            Ok(AnswerEvent::Done(reason)) => return (words, others, Ok(reason)),
            Ok(event) => others.push(event),
            Err(error) => return (words, others, Err(error)),
        }
    }
}

/// So many words, each of eight bytes and different.
fn counted(from: usize, count: usize) -> String {
    (from..from + count).fold(String::new(), |words, number| {
        format!("{words}{number:07} ")
    })
}

#[tokio::test]
async fn the_longest_answer_a_chat_takes_waits_whole() {
    let mailbox = mailbox();
    let mut said = String::new();
    for number in 0..2 * 1024 * 1024 / 800 {
        let piece = counted(100 * number, 100);
        mailbox.hear(said_of(&piece));
        said.push_str(&piece);
    }
    mailbox.end(Ok(StopReason::EndTurn));
    let (words, _, ending) = rest(&mailbox).await;
    assert_eq!(words.len(), said.len());
    assert!(words == said);
    assert_eq!(ending, Ok(StopReason::EndTurn));
}

#[tokio::test]
async fn an_answer_that_does_not_fit_is_cut_once_and_says_so() {
    let mailbox = mailbox();
    let mut said = String::new();
    let mut say = |count: usize| {
        for _ in 0..count {
            let piece = counted(said.len() / 8, 100);
            mailbox.hear(said_of(&piece));
            said.push_str(&piece);
        }
    };
    say(4_000);
    let first = match mailbox.next().await {
        Ok(AnswerEvent::Text(first)) => first,
        other => panic!("no text: {other:?}"),
    };
    say(100);
    mailbox.end(Ok(StopReason::EndTurn));
    let (words, _, ending) = rest(&mailbox).await;
    assert!(
        said.starts_with(&format!("{first}{words}")),
        "nothing is missing in the middle"
    );
    assert_eq!(ending, Ok(StopReason::Limit));
}

#[tokio::test]
async fn words_between_many_other_pieces_are_kept() {
    let mailbox = mailbox();
    let mut said = String::new();
    for number in 0..2 * MOST_PIECES {
        let piece = counted(number, 1);
        mailbox.hear(said_of(&piece));
        said.push_str(&piece);
        mailbox.put(AnswerEvent::File(number.to_string()));
        mailbox.put(AnswerEvent::ToolStatus(number.to_string()));
    }
    mailbox.end(Ok(StopReason::EndTurn));
    assert!(rest(&mailbox).await.0 == said);
}

#[tokio::test]
async fn a_question_that_finds_no_room_is_cancelled() {
    let (mailbox, replies) = (mailbox(), Replies::default());
    for number in 0..2 * MOST_PIECES {
        mailbox.put(AnswerEvent::File(number.to_string()));
    }
    mailbox.ask("q".to_owned(), &request(&["allow_once"]), replies.reply());
    assert_eq!(replies.all(), ["cancelled"]);
}
