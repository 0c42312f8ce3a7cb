//! English, for what stands where an answer should be.

use super::{super::files::en as files, duration};
use crate::{platform::Advice, text::Failure};

pub(in crate::text) fn failure(failure: Failure) -> String {
    match failure {
        Failure::Agent(advice) => no_answer(advice),
        Failure::BrokeOff(advice) => broke_off(advice),
        Failure::TooLong(limit) => format!(
            "The agent did not finish within {}, so I stopped waiting. Please try again, perhaps in smaller steps.",
            duration(limit)
        ),
        Failure::Empty => {
            "The agent finished without saying anything. Please put it in other words.".to_owned()
        }
        Failure::Cut => "The agent reached a limit and stopped here. Ask it to go on.".to_owned(),
        Failure::Refused => {
            "The agent declined to answer this. Please put it in other words.".to_owned()
        }
        Failure::Stopped => "Stopped.".to_owned(),
        Failure::BegunAnew => {
            "The agent's session was lost, and it began a new one: it does not remember what was \
            said here before."
                .to_owned()
        }
        Failure::Homeserver => {
            "The homeserver did not allow that. Please try again; if it happens again, tell \
            whoever runs this bot."
                .to_owned()
        }
        Failure::QueueFull => "Too many messages are waiting here, so I did not take this one. \
            Please send it again when the others are answered."
            .to_owned(),
        Failure::Handling => "Something went wrong on my side, and this message has no answer. \
            Please send it again; if it happens again, tell whoever runs this bot."
            .to_owned(),
        Failure::NotSent => "The homeserver did not take this answer, or not all of it. \
            Please ask for a shorter one, or in other words."
            .to_owned(),
        Failure::Backlog(1) => {
            "While I was away, 1 message here grew too old. It was not sent to the agent: \
            please send it again if it still matters."
                .to_owned()
        }
        Failure::Backlog(count) => format!(
            "While I was away, {count} messages here grew too old. They were not sent to the agent: \
            please send them again if they still matter."
        ),
        Failure::Workspace => files::UNREACHABLE.to_owned(),
        Failure::NotDecrypted => {
            "I could not decrypt a message. Please send it again, or wait for its key.".to_owned()
        }
    }
}

fn no_answer(advice: Advice) -> String {
    match advice {
        Advice::TryAgain => {
            "The agent could not answer just now. Please try again in a moment.".to_owned()
        }
        Advice::TryAgainIn(wait) => format!(
            "The agent takes no more questions just now. Please try again in {}.",
            duration(wait)
        ),
        Advice::BeginAnew => {
            "What was said here, together with this message, has grown too long for the agent. \
            `!clear` begins anew; or put it more briefly."
                .to_owned()
        }
        Advice::TellOperator => "The agent cannot answer, and trying again will not help. \
            Please tell whoever runs this bot, or choose another agent with `!agent`."
            .to_owned(),
        Advice::LogIn => {
            "The agent has to be logged in first, and only whoever runs this bot can do that. \
            Please tell them, or choose another agent with `!agent`."
                .to_owned()
        }
        Advice::StillStarting => {
            "The agent is still starting; the first time, that can take several minutes. \
            Please ask again in a few minutes."
                .to_owned()
        }
        Advice::HeldElsewhere => "Another chat is using this saved context, and this agent cannot \
            copy it. Use `!clear` there first."
            .to_owned(),
        Advice::CannotDo => "This chat's agent cannot do that.".to_owned(),
    }
}

fn broke_off(advice: Advice) -> String {
    match advice {
        Advice::TryAgain | Advice::StillStarting => {
            "The answer broke off here. Please ask again in a moment.".to_owned()
        }
        Advice::TryAgainIn(wait) => format!(
            "The answer broke off here. Please ask again in {}.",
            duration(wait)
        ),
        Advice::BeginAnew => {
            "The answer broke off here: the conversation has grown too long for the agent. \
            `!clear` starts a new one."
                .to_owned()
        }
        Advice::TellOperator | Advice::LogIn | Advice::HeldElsewhere | Advice::CannotDo => {
            "The answer broke off here, and asking again will not help. \
            Please tell whoever runs this bot, or choose another agent with `!agent`."
                .to_owned()
        }
    }
}
