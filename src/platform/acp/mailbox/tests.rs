use std::sync::{Arc, Mutex as StdMutex};

use agent_client_protocol::v1::schema::{ContentBlock, ContentChunk, TextContent};
use serde_json::json;

use super::{super::workspace::Workspace, *};
use crate::platform::Advice;

fn mailbox() -> Mailbox {
    Mailbox::new(Voice::new(Workspace::new("/srv"), String::new()))
}

fn said(text: &str) -> SessionUpdate {
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
    mailbox.hear(said("one "));
    mailbox.hear(said("two"));
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
        mailbox.hear(said(&piece));
        mailbox.put(AnswerEvent::File(number.to_string()));
    }
    {
        let inner = mailbox.inner();
        assert!(inner.bytes <= MOST_BYTES);
        assert!(inner.pieces.len() <= MOST_PIECES);
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
