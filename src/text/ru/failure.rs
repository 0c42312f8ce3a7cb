//! Russian, for what stands where an answer should be.

use super::{super::files::ru as files, duration};
use crate::{platform::Advice, text::Failure};

pub(in crate::text) fn failure(failure: Failure) -> String {
    match failure {
        Failure::Agent(advice) => no_answer(advice),
        Failure::BrokeOff(advice) => broke_off(advice),
        Failure::TooLong(limit) => format!(
            "Агент не закончил за {}, и я больше не жду. Попробуйте, пожалуйста, ещё раз, возможно, меньшими шагами.",
            duration(limit)
        ),
        Failure::Empty => "Агент закончил, ничего не сказав. Попробуйте, пожалуйста, сказать иначе.".to_owned(),
        Failure::Cut => "Агент упёрся в ограничение и остановился здесь. Попросите его продолжить.".to_owned(),
        Failure::Refused => {
            "Агент отказался отвечать на это. Попробуйте, пожалуйста, сказать иначе.".to_owned()
        }
        Failure::Stopped => "Остановлено.".to_owned(),
        Failure::BegunAnew => "Сеанс агента потерян, и он начал новый: сказанного здесь раньше он не помнит."
            .to_owned(),
        Failure::Homeserver => "Сервер Matrix этого не разрешил. Попробуйте ещё раз; если не поможет, сообщите тому, \
            кто ведёт этого бота."
            .to_owned(),
        Failure::QueueFull => "Здесь ждёт слишком много сообщений, и это я не взял. Пришлите его, пожалуйста, снова, \
            когда на остальные будет ответ."
            .to_owned(),
        Failure::Handling => "У меня что-то сломалось, и это сообщение осталось без ответа. Пришлите его, пожалуйста, \
            снова; если не поможет, сообщите тому, кто ведёт этого бота."
            .to_owned(),
        Failure::NotSent => "Сервер Matrix не принял этот ответ или принял не весь. Попросите, пожалуйста, ответить \
            короче или спросите другими словами."
            .to_owned(),
        Failure::Backlog(count) => format!(
            "Пока меня не было, здесь устарели сообщения (всего {count}), и агент их не получил. \
            Если они ещё важны, пришлите их, пожалуйста, снова."
        ),
        Failure::Workspace => files::UNREACHABLE.to_owned(),
        Failure::NotDecrypted => {
            "Не удалось расшифровать сообщение: ключ от него не пришёл. Если придёт, я отвечу; \
            если нет, пришлите сообщение, пожалуйста, ещё раз."
                .to_owned()
        }
    }
}

fn no_answer(advice: Advice) -> String {
    match advice {
        Advice::TryAgain => {
            "Агент сейчас не смог ответить. Попробуйте, пожалуйста, ещё раз чуть позже.".to_owned()
        }
        Advice::TryAgainIn(wait) => format!(
            "Агент сейчас больше не принимает вопросов. Попробуйте, пожалуйста, ещё раз через {}.",
            duration(wait)
        ),
        Advice::BeginAnew => "Разговор вместе с этим сообщением стал для агента слишком длинным. \
            `!clear` начинает заново; или скажите короче."
            .to_owned(),
        Advice::TellOperator => {
            "Агент не может ответить, и повторять бесполезно. Сообщите об этом \
            тому, кто ведёт этого бота, или выберите другого агента: `!agent`."
                .to_owned()
        }
        Advice::LogIn => {
            "Агент не выполнил вход, а войти за него может только тот, кто ведёт этого \
            бота. Сообщите ему об этом или выберите другого агента: `!agent`."
                .to_owned()
        }
        Advice::StillStarting => "Агент ещё запускается, в первый раз это может занять несколько \
            минут. Спросите, пожалуйста, ещё раз через несколько минут."
            .to_owned(),
        Advice::HeldElsewhere => "Этот сохранённый контекст занят другим чатом, а этот агент не \
            умеет его копировать. Сначала введите там `!clear`."
            .to_owned(),
        Advice::CannotDo => "Агент этого чата так не умеет.".to_owned(),
    }
}

fn broke_off(advice: Advice) -> String {
    match advice {
        Advice::TryAgain | Advice::StillStarting => "Здесь ответ оборвался. Спросите, пожалуйста, ещё раз чуть позже.".to_owned(),
        Advice::TryAgainIn(wait) => format!(
            "Здесь ответ оборвался. Спросите, пожалуйста, ещё раз через {}.",
            duration(wait)
        ),
        Advice::BeginAnew => "Здесь ответ оборвался: разговор стал для агента слишком длинным. \
            `!clear` начинает новый."
            .to_owned(),
        Advice::TellOperator | Advice::LogIn | Advice::HeldElsewhere | Advice::CannotDo => {
            "Здесь ответ оборвался, и повторять бесполезно. Сообщите об этом тому, кто ведёт этого бота, \
            или выберите другого агента: `!agent`."
                .to_owned()
        }
    }
}
