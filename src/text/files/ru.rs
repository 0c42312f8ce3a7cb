//! Russian.

use super::{FileNote, NotSent, markdown::escape, names, numbered};
use crate::platform::Media;

/// The workspace failed.
pub(in crate::text) const UNREACHABLE: &str = "Сейчас я не могу добраться до ваших файлов. Попробуйте снова; если не поможет, \
    сообщите тому, кто ведёт этого бота.";

pub(super) fn note(note: &FileNote<'_>) -> String {
    match note {
        FileNote::Staged(file) => format!(
            "{} ({}) уйдёт с вашим следующим сообщением. `!files` покажет, что ждёт, `!drop` уберёт.",
            escape(&file.name),
            size(file.size)
        ),
        FileNote::Waiting([]) | FileNote::Dropped([]) | FileNote::NoSuchNumber(0) => {
            "Здесь нет ожидающих файлов.".to_owned()
        }
        FileNote::Waiting(files) => format!(
            "Эти файлы уйдут с вашим следующим сообщением; `!drop [n]` уберёт один или все:\n\n{}",
            numbered(files, size)
        ),
        FileNote::Dropped(files) => format!("Убрано: {}.", names(files)),
        FileNote::NoSuchNumber(waiting) => {
            format!("Такого файла нет, всего ждёт файлов: {waiting}. `!files` покажет их.")
        }
        FileNote::TooLarge { name, limit } => format!(
            "{} — слишком большой файл: можно не больше {}.",
            escape(name),
            size(*limit)
        ),
        FileNote::OverQuota { name, quota } => format!(
            "Для {} нет места: все ваши файлы вместе могут занимать {}. `!drop` уберёт ожидающие, а уже отданные может \
            удалить агент.",
            escape(name),
            size(*quota)
        ),
        FileNote::NotFetched(name) => format!(
            "Не удалось получить {} с сервера. Пришлите его, пожалуйста, ещё раз.",
            escape(name)
        ),
        FileNote::NotKept(name) => format!(
            "Не удалось сохранить {}. Пришлите его, пожалуйста, ещё раз; если не поможет, сообщите тому, кто ведёт этого \
            бота.",
            escape(name)
        ),
        FileNote::NothingToRead => {
            "Я не могу прочитать такое сообщение. Напишите его текстом или отправьте файлом."
                .to_owned()
        }
        FileNote::Here => "Вот, пожалуйста:".to_owned(),
        FileNote::NotSent { path, why } => {
            format!(
                "Файл агента {} не отправлен: {}.",
                escape(path),
                reason(*why)
            )
        }
        FileNote::TooMany(most) => {
            format!("Отправлены только первые файлы этого ответа, не больше {most}.")
        }
        FileNote::NotUploaded(name) => {
            format!(
                "Сервер не принял {}, поэтому файл не отправлен.",
                escape(name)
            )
        }
        FileNote::NotAsked => {
            "Агент просил разрешить то, что слишком длинно, чтобы показать, и я отказал. \
            Попросите его действовать меньшими шагами."
                .to_owned()
        }
        FileNote::NotShown { media, several } => not_shown(*media, *several).to_owned(),
    }
}

const fn not_shown(media: Media, several: bool) -> &'static str {
    match (media, several) {
        (Media::Picture, false) => "Агент прислал картинку, но показать её здесь я пока не могу.",
        (Media::Picture, true) => "Агент прислал картинки, но показать их здесь я пока не могу.",
        (Media::Sound, false) => "Агент прислал запись, но воспроизвести её здесь я пока не могу.",
        (Media::Sound, true) => "Агент прислал записи, но воспроизвести их здесь я пока не могу.",
        (Media::Other, _) => "Агент прислал то, что показать здесь я пока не могу.",
    }
}

fn reason(why: NotSent) -> String {
    match why {
        NotSent::Missing => "такого файла нет".to_owned(),
        NotSent::NotAFile => "это не файл".to_owned(),
        NotSent::Outside => "он лежит вне рабочей папки".to_owned(),
        NotSent::OtherChat => "он принадлежит другому чату".to_owned(),
        NotSent::TooLarge(limit) => format!("файл может быть не больше {}", size(limit)),
        NotSent::Failed => "его не удалось прочитать".to_owned(),
    }
}

pub(super) fn size(bytes: u64) -> String {
    super::size(bytes, ["КиБ", "МиБ", "ГиБ"]).unwrap_or_else(|| format!("{bytes} Б"))
}
