//! `!yes` and `!no`: the answer to an agent's permission question. Where one is open, the inbox takes it; what comes here
//! answers nothing.

use super::{Call, CommandName, Wrong, parse::nothing};
use crate::text::Trouble;

/// `!yes` or `!no`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// `!yes`.
    Yes,
    /// `!no`.
    No,
}

impl Answer {
    pub(super) fn parse(self, words: &str) -> Result<Self, Wrong> {
        let name = match self {
            Self::Yes => CommandName::Yes,
            Self::No => CommandName::No,
        };
        nothing(words, name).map(|()| self)
    }

    pub(super) fn run(call: &Call<'_>) -> String {
        call.trouble(&Trouble::NothingAsked)
    }
}

#[cfg(test)]
mod tests {
    use crate::core::{chat::Locale, testing::World};

    #[tokio::test]
    async fn where_nothing_is_asked_it_says_so() {
        let world = World::new();
        for text in ["!yes", "!no"] {
            assert_eq!(
                world.say(text).await,
                "No agent is asking you anything here."
            );
        }
        let russian = world.speaking(Locale::Ru).say("!yes").await;
        assert_eq!(russian, "Здесь вас никто ни о чём не спрашивает.");
    }

    #[tokio::test]
    async fn it_takes_no_words() {
        let text = World::new().say("!no thanks").await;
        assert_eq!(text, "Please write `!no`: refuse what the agent asks for.");
    }
}
