//! How the embedded agent asks for permission.

use std::collections::HashMap;

use tokio::sync::watch;

use super::{Step, Steps};
use crate::platform::{AnswerEvent, PermissionMeaning, PermissionOption, PermissionQuestion};

/// A message that begins so is answered with a question.
const WORDS: &str = "ask permission";
/// What the question is called towards the bot.
const QUESTION: &str = "permission";
/// What may be chosen.
const OPTIONS: [(&str, &str, PermissionMeaning); 3] = [
    ("once", "Allow once", PermissionMeaning::Allow),
    ("always", "Always allow", PermissionMeaning::AllowAlways),
    ("reject", "Reject", PermissionMeaning::Reject),
];

/// What was decided, question by question.
pub(super) type Decisions = HashMap<String, Option<String>>;

/// The question that this message asks for, and what follows it.
pub(super) fn steps(text: &str) -> Option<Steps> {
    let title = text.trim().strip_prefix(WORDS)?.trim();
    let options = OPTIONS.map(|(id, label, meaning)| PermissionOption {
        id: id.to_owned(),
        label: label.to_owned(),
        meaning,
    });
    let question = PermissionQuestion {
        id: QUESTION.to_owned(),
        title: if title.is_empty() { "May I?" } else { title }.to_owned(),
        options: options.to_vec(),
    };
    Some(Steps::from([
        Step::Say(Ok(AnswerEvent::Permission(question))),
        Step::Repeat(QUESTION.to_owned()),
    ]))
}

/// These events, and behind each question a pause until it is decided.
pub(super) fn with_pauses(events: &[AnswerEvent]) -> Steps {
    let mut steps = Steps::new();
    for event in events {
        steps.push_back(Step::Say(Ok(event.clone())));
        if let AnswerEvent::Permission(question) = event {
            steps.push_back(Step::Wait(question.id.clone()));
        }
    }
    steps
}

/// The option that was chosen; `None` for a refusal.
pub(super) async fn decided(
    decisions: &mut watch::Receiver<Decisions>,
    question: &str,
) -> Option<String> {
    let known = decisions
        .wait_for(|decisions| decisions.contains_key(question))
        .await;
    known.ok()?.get(question).cloned().flatten()
}

/// What the agent says of it.
pub(super) fn repeated(decision: Option<String>) -> AnswerEvent {
    AnswerEvent::Text(match decision {
        Some(option) => format!("You chose: {option}."),
        None => "You refused.".to_owned(),
    })
}
