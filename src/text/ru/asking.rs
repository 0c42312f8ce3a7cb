//! По-русски: о чём спрашивают агенты и что сохранено.

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
            "Вы пока ничего не сохранили. `{}` сохранит то, что агент помнит о чате.",
            usage(CommandName::Save)
        ),
        entries => format!(
            "Что вы сохранили; продолжить отсюда — `{}`:\n\n{}",
            usage(CommandName::Load),
            markdown::save_list(entries)
        ),
    }
}

pub(super) fn asks(agent: &str, title: &str, options: &[Offer], limit: Duration) -> String {
    format!(
        "**{} спрашивает:** {}\n\n{}\n\n*Ответить можете только вы: напишите {} или поставьте реакцию 👍, 👎 \
            либо цифру. Нет ответа за {} — значит, нет.*",
        markdown::escape(agent),
        markdown::question(title),
        markdown::offers(options),
        "`!yes`, `!no` или номер",
        duration(limit)
    )
}

/// A piece of a question that is too long for one message.
pub(super) fn asks_for(agent: &str, number: usize, count: usize, text: &str) -> String {
    format!(
        "**Чего просит {}, полностью** ({number} из {count}):\n\n{}",
        markdown::escape(agent),
        markdown::code_block(text)
    )
}

pub(super) fn asked(agent: &str, title: &str, options: &[Offer], verdict: Verdict) -> String {
    format!(
        "**Вопрос от {}:** {}\n\n{}",
        markdown::escape(agent),
        markdown::question(title),
        markdown::verdict(
            options,
            verdict,
            "Отказано.",
            "Вовремя никто не ответил: отказано.",
            "Ответа больше никто не ждёт."
        )
    )
}

pub(super) fn choose(options: &[Offer]) -> String {
    let yes = match Choice::Yes.verdict(options) {
        Some(_) => "`!yes`, ",
        None => "",
    };
    format!(
        "Чтобы ответить на вопрос выше, напишите {yes}`!no` или номер: {}.",
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
        format!("чат: {chat}"),
        format!("агент: {}", markdown::escape(agent)),
        format!("размер: {}", context_size(size)),
    ];
    if let Some(ids) = ids {
        lines.extend([
            format!("id агента: {}", markdown::escape(ids.agent.as_str())),
            format!("контекст: `{}`", ids.context),
            format!("поколение: {}", ids.generation),
        ]);
    }
    markdown::list(lines)
}

fn context_size(size: Option<&ContextInfo>) -> String {
    let Some(size) = size else {
        return "агент сейчас не отвечает".to_owned();
    };
    match (size.messages, size.tokens) {
        (Some(messages), Some(tokens)) => format!("сообщений {messages}, токенов {tokens}"),
        (Some(messages), None) => format!("сообщений {messages}"),
        (None, Some(tokens)) => format!("токенов {tokens}"),
        (None, None) => "этот агент не сообщает".to_owned(),
    }
}

pub(super) fn loaded(name: &str, agent: Option<&str>) -> String {
    match agent {
        None => format!(
            "Этот чат продолжает с того, что сохранено под именем {}.",
            markdown::escape(name)
        ),
        Some(agent) => format!(
            "Этот чат продолжает с того, что сохранено под именем {}, и отвечает в нём {}.",
            markdown::escape(name),
            markdown::escape(agent)
        ),
    }
}
