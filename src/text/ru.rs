//! Русский.

mod asking;
pub(super) mod failure;

use std::time::Duration;

use self::asking::{asked, asks, asks_for, choose, context, loaded, saves};
use super::{Done, Guide, PointerReason, Trouble, markdown};
use crate::core::{
    chat::{ChatStatus, Locale, name, save::MOST_SAVES},
    command::CommandName,
};

pub(super) fn guide(guide: &Guide<'_>) -> String {
    match guide {
        Guide::Welcome => "**Добро пожаловать!** Это ваш первый чат: напишите сообщение, и агент ответит.\n\n\
            Каждая комната вашего пространства — отдельный чат, который помнит только то, что сказано в нём. \
            `!new` откроет ещё один, `!help` покажет всё, что есть."
            .to_owned(),
        Guide::Pointer {
            reason,
            space,
            chats,
            more,
        } => {
            let mut lines = vec![markdown::link("Ваше пространство", space)];
            lines.extend(chats.iter().map(markdown::chat_link));
            if *more > 0 {
                lines.push(format!("и ещё {more}: все покажет `!chats`"));
            }
            format!("{}\n\n{}", pointer(*reason), markdown::list(lines))
        }
        Guide::NoChatsYet => "У вас пока нет чатов. `!start` создаст первый.".to_owned(),
        Guide::Help => help(),
        Guide::HelpOn(command) => format!("`{}` — {}", usage(*command), purpose(*command)),
        Guide::Chats(entries) => {
            format!("Ваши чаты:\n\n{}", markdown::chat_list(entries, status))
        }
        Guide::Agents(entries) => format!(
            "Агенты, из которых можно выбрать командой `{}`:\n\n{}",
            usage(CommandName::Agent),
            markdown::agent_list(entries, "выбран")
        ),
        Guide::Context {
            id,
            name,
            agent,
            size,
            ids,
        } => context(&markdown::label(*id, name), agent, *size, *ids),
        Guide::Saves(entries) => saves(entries),
        Guide::Asks {
            agent,
            title,
            options,
            limit,
        } => asks(agent, title, options, *limit),
        Guide::AsksFor {
            agent,
            number,
            count,
            text,
        } => asks_for(agent, *number, *count, text),
        Guide::InFullAbove(beginning) => format!("{beginning} (полностью — выше)"),
        Guide::Asked {
            agent,
            title,
            options,
            verdict,
        } => asked(agent, title, options, *verdict),
        Guide::Settings {
            language,
            streaming,
            agent,
        } => settings(*language, *streaming, *agent),
    }
}

pub(super) fn done(done: &Done<'_>) -> String {
    match done {
        Done::Created(chat) => format!(
            "Новый чат готов: {}. Вы в него приглашены.",
            markdown::chat_link(chat)
        ),
        Done::Renamed { id, name } => {
            format!("Теперь этот чат называется {}.", markdown::label(*id, name))
        }
        Done::Archived { id, name } => format!(
            "{} в архиве: чат убран из пространства и не отвечает. `!unarchive {id}` вернёт его.",
            markdown::label(*id, name)
        ),
        Done::Unarchived(chat) => format!(
            "{} снова в вашем пространстве и отвечает.",
            markdown::chat_link(chat)
        ),
        Done::Cleared(context) => format!(
            "Агент забыл этот чат и начинает заново (контекст {}).",
            context.short()
        ),
        Done::AgentSwitched(agent) => format!(
            "Теперь в этом чате отвечает {}. Того, что было сказано раньше, этот агент не знает.",
            markdown::escape(agent)
        ),
        Done::AgentAlready(agent) => {
            format!("В этом чате уже отвечает {}.", markdown::escape(agent))
        }
        Done::LanguageSet => "Теперь я говорю с вами по-русски.".to_owned(),
        Done::StreamingSet(true) => "Теперь ответы видны по мере написания.".to_owned(),
        Done::StreamingSet(false) => "Теперь ответы приходят целиком, когда они готовы.".to_owned(),
        Done::DefaultAgentSet(agent) => format!(
            "В новых чатах будет отвечать {}. В прежних ничего не меняется.",
            markdown::escape(agent)
        ),
        Done::Saved(name) => {
            let name = markdown::escape(name);
            format!(
                "Сохранено под именем {name}. `!load` с этим именем продолжит отсюда, в любом вашем чате."
            )
        }
        Done::Loaded { name, agent } => loaded(name, *agent),
        Done::Stopped => "Остановлено.".to_owned(),
    }
}

const NOT_ALLOWED: &str = "Вас нет среди тех, кто может пользоваться этим ботом, поэтому сообщение никуда не передано. \
    Доступ даёт тот, кто ведёт этого бота.";

pub(super) fn trouble(trouble: &Trouble<'_>) -> String {
    match trouble {
        Trouble::Usage(command) => {
            format!(
                "Напишите, пожалуйста, `{}`: {}.",
                usage(*command),
                purpose(*command)
            )
        }
        Trouble::UnknownCommand { typed, nearest } => {
            let typed = markdown::escape(typed);
            match nearest {
                Some(command) => format!(
                    "Команды !{typed} нет. Может быть, `{}`? Все команды покажет `!help`.",
                    usage(*command)
                ),
                None => format!("Команды !{typed} нет. Все команды покажет `!help`."),
            }
        }
        Trouble::NameTooLong => format!(
            "Это название слишком длинное. Пожалуйста, уложитесь в {} символов.",
            name::MAX_CHARS
        ),
        Trouble::NoSuchChat(id) => format!("Чата {id} у вас нет. Все ваши чаты покажет `!chats`."),
        Trouble::OnlyInAChat(command) => format!(
            "`{}` работает внутри чата. Где ваши чаты, покажет `!chats`.",
            usage(*command)
        ),
        Trouble::ArchivedChat(id) => {
            format!(
                "Этот чат в архиве и не отвечает. `!unarchive {id}` вернёт его, `!new` откроет новый."
            )
        }
        Trouble::NotOwner => {
            "Здесь я работаю для того, кто меня пригласил. Чтобы завести свои чаты, пригласите \
            меня в свою комнату."
                .to_owned()
        }
        Trouble::AgentNotAvailable(agent) => format!(
            "Агент {} недоступен. Из кого можно выбрать, покажет `!agent`.",
            markdown::escape(agent)
        ),
        Trouble::UnknownAgent(agent) => format!(
            "Агент {} вам недоступен. Ваших агентов покажет `!agent`.",
            markdown::escape(agent)
        ),
        Trouble::NoAgents => {
            "Нет ни одного агента, доступного вам. Сообщите об этом тому, кто ведёт этого бота."
                .to_owned()
        }
        Trouble::SaveTaken(name) => format!(
            "Под именем {} у вас уже что-то сохранено. Выберите, пожалуйста, другое имя.",
            markdown::escape(name)
        ),
        Trouble::TooManySaves => {
            format!("У вас уже сохранено контекстов: {MOST_SAVES}. Больше я хранить не могу.")
        }
        Trouble::NoSuchSave(name) => format!(
            "Под именем {} у вас ничего не сохранено. Что сохранено, покажет `!load`.",
            markdown::escape(name)
        ),
        Trouble::CannotKeep(agent) => format!(
            "{} не умеет хранить контексты под именами. Этот чат помнит сказанное до `!clear`; `!new` откроет другой, \
            а этот оставит как есть.",
            markdown::escape(agent)
        ),
        Trouble::NothingRuns => "Здесь сейчас ничего не выполняется.".to_owned(),
        Trouble::NothingAsked => "Здесь вас никто ни о чём не спрашивает.".to_owned(),
        Trouble::ChooseAnOption(options) => choose(options),
        Trouble::NotAllowed => NOT_ALLOWED.to_owned(),
    }
}

fn help() -> String {
    format!(
        "В чате всё, что вы пишете, читает его агент. Команды:\n\n{}",
        markdown::list(CommandName::ALL.map(|command| format!(
            "`{}` — {}",
            usage(command),
            purpose(command)
        )))
    )
}

fn settings(language: Locale, streaming: bool, agent: Option<&str>) -> String {
    format!(
        "Ваши настройки; изменить одну из них — `{}`:\n\n{}",
        usage(CommandName::Settings),
        markdown::list([
            format!("язык: {}", language_name(language)),
            format!("ответы по мере написания: {}", on_off(streaming)),
            format!(
                "агент новых чатов: {}",
                agent.map_or("нет".to_owned(), markdown::escape)
            ),
        ])
    )
}

pub(super) const fn usage(command: CommandName) -> &'static str {
    match command {
        CommandName::Help => "!help [команда]",
        CommandName::Start => "!start",
        CommandName::New => "!new [название]",
        CommandName::Chats => "!chats",
        CommandName::Rename => "!rename НАЗВАНИЕ",
        CommandName::Archive => "!archive [Cn]",
        CommandName::Unarchive => "!unarchive Cn",
        CommandName::Clear => "!clear",
        CommandName::Context => "!context [all]",
        CommandName::Agent => "!agent [id]",
        CommandName::Files => "!files",
        CommandName::Drop => "!drop [n]",
        CommandName::Settings => "!settings [language en|ru] [streaming on|off] [agent ID]",
        CommandName::Save => "!save [имя]",
        CommandName::Load => "!load [имя]",
        CommandName::Stop => "!stop",
        CommandName::Yes => "!yes",
        CommandName::No => "!no",
    }
}

pub(super) const fn purpose(command: CommandName) -> &'static str {
    match command {
        CommandName::Help => "что здесь есть",
        CommandName::Start => "где ваши чаты",
        CommandName::New => "открыть новый чат",
        CommandName::Chats => "все ваши чаты",
        CommandName::Rename => "дать этому чату другое название",
        CommandName::Archive => "убрать в архив этот чат или чат с этим номером",
        CommandName::Unarchive => "вернуть из архива чат с этим номером",
        CommandName::Clear => "попросить агента забыть этот чат и начать заново",
        CommandName::Context => "этот чат, его агент и сколько агент помнит",
        CommandName::Agent => "какие есть агенты, или сменить агента этого чата",
        CommandName::Files => "файлы, которые уйдут с вашим следующим сообщением",
        CommandName::Drop => "убрать файл с этим номером или все сразу",
        CommandName::Settings => "ваши настройки, или изменить одну из них",
        CommandName::Save => "сохранить под именем то, что агент помнит об этом чате",
        CommandName::Load => "что вы сохранили, или продолжить отсюда в этом чате",
        CommandName::Stop => "прервать ответ, который сейчас пишется",
        CommandName::Yes => "разрешить то, о чём просит агент",
        CommandName::No => "отказать в том, о чём просит агент",
    }
}

fn pointer(reason: PointerReason) -> &'static str {
    match reason {
        PointerReason::Fresh => {
            "Ваше пространство с первым чатом готово, вы приглашены и туда, и туда. Поговорим там, а не здесь:"
        }
        PointerReason::Existing => "Пространство у вас уже есть. Ваши чаты здесь:",
        PointerReason::Reinvited => "С возвращением! Вы снова приглашены. Ваши чаты здесь:",
        PointerReason::Delayed => {
            "Пространство готово. Сервер ограничивает приглашения: ваше придёт через несколько минут. Ваши чаты здесь:"
        }
        PointerReason::NotAChat => "Эта комната — не чат, и агент её не читает. Ваши чаты здесь:",
        PointerReason::Asked => "Ваши чаты здесь:",
    }
}

const fn status(status: ChatStatus) -> &'static str {
    match status {
        ChatStatus::Active => "активен",
        ChatStatus::Archived => "в архиве",
        ChatStatus::Gone => "больше не доступен",
    }
}

const fn language_name(language: Locale) -> &'static str {
    match language {
        Locale::En => "английский (`en`)",
        Locale::Ru => "русский (`ru`)",
    }
}

const fn on_off(on: bool) -> &'static str {
    if on { "да (`on`)" } else { "нет (`off`)" }
}

fn duration(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..120 => format!("{seconds} с"),
        seconds => format!("{} мин", seconds / 60),
    }
}
