//! What the agent says, in the language it is spoken to.

use super::files::{FileError, Seen};

/// The language of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    En,
    Ru,
}

impl Language {
    /// Russian where there is a Cyrillic letter, else English.
    pub(super) fn of(text: &str) -> Self {
        let cyrillic = text
            .chars()
            .any(|letter| ('\u{400}'..='\u{4ff}').contains(&letter));
        if cyrillic { Self::Ru } else { Self::En }
    }

    fn pick(self, en: String, ru: String) -> String {
        match self {
            Self::En => en,
            Self::Ru => ru,
        }
    }

    pub(super) fn help(self) -> &'static str {
        match self {
            Self::En => {
                "I am the reference agent: I have no model, and say back what I am told. I understand:\n\n\
                 - `write NAME: TEXT` writes a file and sends it\n\
                 - `read NAME`, or a file that you send: its size and SHA-256\n\
                 - `ask permission to SOMETHING` asks you\n\
                 - `count to N` takes a while, and can be stopped\n\
                 - `what do you remember` says what this session holds\n"
            }
            Self::Ru => {
                "Я проверочный агент: модели у меня нет, я повторяю сказанное. Понимаю:\n\n\
                 - `запиши ИМЯ: ТЕКСТ` — записать файл и прислать его\n\
                 - `прочти ИМЯ` или присланный файл — размер и SHA-256\n\
                 - `спроси разрешения СДЕЛАТЬ ЧТО-ТО` — спросить вас\n\
                 - `считай до N` — долгий ответ, который можно остановить\n\
                 - `что ты помнишь` — что хранит эта беседа\n"
            }
        }
    }

    pub(super) fn said(self, text: &str, number: u64) -> String {
        let hint = number == 1;
        let en = if hint {
            " Say `help` to see what I can do."
        } else {
            ""
        };
        let ru = if hint {
            " Скажите `помощь`, чтобы узнать, что я умею."
        } else {
            ""
        };
        self.pick(
            format!("You said: {text}\n\n(Message {number} of this session.{en})"),
            format!("Вы сказали: {text}\n\n(Сообщение {number} этой беседы.{ru})"),
        )
    }

    pub(super) fn remembered(self, messages: u64, forgotten: u64, first: Option<&str>) -> String {
        let Some(first) = first else {
            return self.pick(
                "I remember 0 messages: this is the first one of this session.".to_owned(),
                "Помню сообщений: 0. Это первое в этой беседе.".to_owned(),
            );
        };
        let (en, ru) = match forgotten {
            0 => (String::new(), String::new()),
            older => (
                format!(", and have forgotten {older} before them"),
                format!(", забыто более ранних: {older}"),
            ),
        };
        self.pick(
            format!("I remember {messages} messages of this session{en}. The first is: {first}"),
            format!("Помню сообщений этой беседы: {messages}{ru}. Первое: {first}"),
        )
    }

    pub(super) fn seen(self, name: &str, seen: &Seen) -> String {
        let Seen { size, sha256 } = seen;
        self.pick(
            format!("{name}: {size} bytes, SHA-256 `{sha256}`\n"),
            format!("{name}: байт {size}, SHA-256 `{sha256}`\n"),
        )
    }

    pub(super) fn written(self, name: &str, size: usize) -> String {
        self.pick(
            format!("Written: {name}, {size} bytes.\n"),
            format!("Записано: {name}, байт {size}.\n"),
        )
    }

    pub(super) fn file_failed(self, name: &str, error: FileError) -> String {
        let (en, ru) = match error {
            FileError::Outside => (
                "that is outside of this chat's folder",
                "это вне папки этого чата",
            ),
            FileError::Missing => ("there is no such file", "такого файла нет"),
            FileError::NotAFile => ("that is not a file", "это не файл"),
            FileError::TooLarge => ("that is too large for me", "это слишком много для меня"),
            FileError::Failed => ("that did not work", "не получилось"),
        };
        self.pick(format!("{name}: {en}.\n"), format!("{name}: {ru}.\n"))
    }

    pub(super) fn permission_options(self) -> [&'static str; 3] {
        match self {
            Self::En => ["Allow once", "Allow always", "Reject"],
            Self::Ru => ["Разрешить один раз", "Разрешить навсегда", "Отказать"],
        }
    }

    pub(super) fn permitted(self, answer: Permitted, to: &str) -> String {
        let (en, ru) = match answer {
            Permitted::Once => ("You allowed it this once", "Вы разрешили один раз"),
            Permitted::Always => ("You allowed it for good", "Вы разрешили навсегда"),
            Permitted::Before => (
                "You allowed it for good before, so I did not ask again",
                "Вы уже разрешили навсегда, поэтому не спрашиваю",
            ),
            Permitted::No => ("You refused", "Вы отказали"),
            Permitted::Unanswered => (
                "I could not ask, so I take it as a no",
                "Спросить не удалось, считаю это отказом",
            ),
        };
        self.pick(format!("{en}: {to}"), format!("{ru}: {to}"))
    }
}

/// What came of a permission question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Permitted {
    Once,
    Always,
    /// Not asked: it was allowed for good earlier in this session.
    Before,
    No,
    /// The client cannot answer.
    Unanswered,
}
