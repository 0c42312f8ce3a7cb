//! По-русски: о чём спрашивают агенты и что сохранено.

use std::time::Duration;

use super::{
    super::{SaveEntry, markdown},
    duration, usage,
};
use crate::core::{
    chat::permission::{Offer, Verdict},
    command::CommandName,
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
        markdown::escape(title),
        markdown::offers(options),
        "`!yes`, `!no` или номер",
        duration(limit)
    )
}

pub(super) fn asked(agent: &str, title: &str, options: &[Offer], verdict: Verdict) -> String {
    format!(
        "**Вопрос от {}:** {}\n\n{}",
        markdown::escape(agent),
        markdown::escape(title),
        markdown::verdict(
            options,
            verdict,
            "Отказано.",
            "Вовремя никто не ответил: отказано.",
            "Ответа больше никто не ждёт."
        )
    )
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
