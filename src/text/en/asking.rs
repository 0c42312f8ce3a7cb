//! English, for what agents ask and what was kept.

use std::time::Duration;

use super::{
    super::{ContextIds, SaveEntry, markdown},
    duration, usage,
};
use crate::{
    core::{
        chat::permission::{Choice, Offer, Verdict},
        command::CommandName,
    },
    platform::ContextInfo,
};

pub(super) fn saves(entries: &[SaveEntry]) -> String {
    match entries {
        [] => format!(
            "You have kept nothing yet. `{}` keeps what the agent remembers of a chat.",
            usage(CommandName::Save)
        ),
        entries => format!(
            "What you have kept; `{}` goes on from it:\n\n{}",
            usage(CommandName::Load),
            markdown::save_list(entries)
        ),
    }
}

pub(super) fn asks(agent: &str, title: &str, options: &[Offer], limit: Duration) -> String {
    format!(
        "**{} asks:** {}\n\n{}\n\n*Only you can answer: write {}, or react with 👍, 👎 or the number's keycap. \
            Without an answer within {} it means no.*",
        markdown::escape(agent),
        markdown::question(title),
        markdown::offers(options),
        "`!yes`, `!no` or a number",
        duration(limit)
    )
}

/// A piece of a question that is too long for one message.
pub(super) fn asks_for(agent: &str, number: usize, count: usize, text: &str) -> String {
    format!(
        "**What {} asks for, in full** ({number} of {count}):\n\n{}",
        markdown::escape(agent),
        markdown::code_block(text)
    )
}

pub(super) fn asked(agent: &str, title: &str, options: &[Offer], verdict: Verdict) -> String {
    format!(
        "**{} asked:** {}\n\n{}",
        markdown::escape(agent),
        markdown::question(title),
        markdown::verdict(
            options,
            verdict,
            "Refused.",
            "Nobody answered in time: refused.",
            "No longer waiting for an answer."
        )
    )
}

pub(super) fn choose(options: &[Offer]) -> String {
    let yes = match Choice::Yes.verdict(options) {
        Some(_) => "`!yes`, ",
        None => "",
    };
    format!(
        "To answer the question above, write {yes}`!no` or a number: {}.",
        markdown::choices(options)
    )
}

/// `chat` is CommonMark.
pub(super) fn context(
    chat: &str,
    agent: &str,
    size: Option<&ContextInfo>,
    ids: Option<ContextIds<'_>>,
) -> String {
    let mut lines = vec![
        format!("chat: {chat}"),
        format!("agent: {}", markdown::escape(agent)),
        format!("size: {}", context_size(size)),
    ];
    if let Some(ids) = ids {
        lines.extend([
            format!("agent id: {}", markdown::escape(ids.agent.as_str())),
            format!("context: `{}`", ids.context),
            format!("generation: {}", ids.generation),
        ]);
    }
    markdown::list(lines)
}

fn context_size(size: Option<&ContextInfo>) -> String {
    let Some(size) = size else {
        return "the agent does not answer just now".to_owned();
    };
    match (size.messages, size.tokens) {
        (Some(messages), Some(tokens)) => format!("messages {messages}, tokens {tokens}"),
        (Some(messages), None) => format!("messages {messages}"),
        (None, Some(tokens)) => format!("tokens {tokens}"),
        (None, None) => "this agent does not tell".to_owned(),
    }
}

pub(super) fn loaded(name: &str, agent: Option<&str>) -> String {
    match agent {
        None => format!(
            "This chat goes on from what was kept as {}.",
            markdown::escape(name)
        ),
        Some(agent) => format!(
            "This chat goes on from what was kept as {}, and {} answers in it.",
            markdown::escape(name),
            markdown::escape(agent)
        ),
    }
}
