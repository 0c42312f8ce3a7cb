//! `!stop`: ends the running answer. Where one runs, the inbox carries it out, ahead of all that waits; what comes here
//! found nothing to stop.

use super::{Call, CommandName, Wrong, parse::nothing};
use crate::text::Trouble;

/// `!stop`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop;

impl Stop {
    pub(super) fn parse(words: &str) -> Result<Self, Wrong> {
        nothing(words, CommandName::Stop).map(|()| Self)
    }

    pub(super) fn run(call: &Call<'_>) -> String {
        call.trouble(&Trouble::NothingRuns)
    }
}

#[cfg(test)]
mod tests {
    use crate::core::{
        chat::Locale,
        testing::{World, chat},
    };

    #[tokio::test]
    async fn where_nothing_runs_it_says_so() {
        let world = World::new();
        assert_eq!(world.say("!stop").await, "Nothing is running here.");
        assert_eq!(
            world.say_at_the_door("!stop").await,
            "Nothing is running here."
        );
        assert_eq!(world.changes(), Vec::<String>::new());
        let archived = World::new().with_chat(&chat(1).archived());
        assert_eq!(archived.say("!stop").await, "Nothing is running here.");
        let russian = World::new().speaking(Locale::Ru).say("!stop").await;
        assert_eq!(russian, "Здесь сейчас ничего не выполняется.");
    }

    #[tokio::test]
    async fn it_takes_no_words() {
        let text = World::new().say("!stop it").await;
        assert_eq!(
            text,
            "Please write `!stop`: end the answer that is being written."
        );
    }
}
