//! `!start`: where the user's chats are.

use super::{Call, CommandName, Wrong, parse::nothing};
use crate::{
    core::{dispatch::Place, error::CoreError},
    text::PointerReason,
};

/// `!start`. In the entry room it also makes what is missing and invites again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start;

impl Start {
    pub(super) fn parse(words: &str) -> Result<Self, Wrong> {
        nothing(words, CommandName::Start).map(|()| Self)
    }

    pub(super) async fn run(self, call: &Call<'_>) -> Result<String, CoreError> {
        let manager = call.manager;
        if let (Place::Chat(_), Some(owner)) = (call.place, call.owner) {
            let chats = manager.chats_of(call.user()).await?;
            return Ok(manager.pointer(PointerReason::Asked, owner, &chats, call.locale));
        }
        let onboarded = manager.onboard(call.user()).await?;
        Ok(manager.pointer_after(&onboarded, call.locale))
    }
}

#[cfg(test)]
mod tests {
    use crate::core::{
        chat::{Chat, ChatStatus, Locale},
        testing::{Fault, World, chat},
    };

    #[tokio::test]
    async fn in_a_chat_it_shows_where_the_chats_are_and_changes_nothing() {
        let world = World::new();
        let text = world.say("!start").await;
        assert!(text.starts_with("Your chats are here:"), "{text}");
        for link in [
            "/#/!space?via=hs)",
            "[C1 · Chat 1](https://matrix.to/#/!c1?via=hs)",
            "/#/!c2?",
        ] {
            assert!(text.contains(link), "{text}");
        }
        assert_eq!(world.changes(), Vec::<String>::new());
        let russian = World::new().speaking(Locale::Ru).say("!start").await;
        assert!(russian.starts_with("Ваши чаты здесь:"), "{russian}");
    }

    #[tokio::test]
    async fn chats_that_do_not_answer_are_not_pointed_to() {
        let world = World::new()
            .with_chat(&chat(1).archived())
            .with_chat(&Chat {
                status: ChatStatus::Gone,
                ..chat(2)
            });
        let text = world.say("!start").await;
        assert!(!text.contains("C1") && !text.contains("C2"), "{text}");
    }

    #[tokio::test]
    async fn only_the_newest_chats_are_shown_and_the_others_counted() {
        let world = (3..=14).fold(World::new(), |world, number| world.with_chat(&chat(number)));
        let text = world.say("!start").await;
        assert!(text.contains("[C14 ·") && text.contains("[C5 ·"), "{text}");
        assert!(!text.contains("[C4 ·"), "{text}");
        assert!(text.contains("and 4 more"), "{text}");
    }

    #[tokio::test]
    async fn in_the_entry_room_it_makes_what_is_missing() {
        let world = World::new().empty();
        let text = world.say_at_the_door("!start").await;
        assert!(
            text.starts_with("Your Space with your first chat is ready"),
            "{text}"
        );
        assert!(text.contains("[C1 · Chat 1]"), "{text}");
        let again = world.say_at_the_door("!start").await;
        assert!(again.starts_with("You have a Space already."), "{again}");
        assert_eq!(world.changes(), ["server onboard", "server onboard"]);
    }

    #[tokio::test]
    async fn in_the_entry_room_it_invites_a_user_who_left() {
        let world = World::new().speaking(Locale::Ru);
        world.has_left();
        let text = world.say_at_the_door("!start").await;
        assert!(text.starts_with("С возвращением!"), "{text}");
    }

    #[tokio::test]
    async fn a_homeserver_that_refuses_is_told_without_its_words() {
        let world = World::new();
        world.fail("server onboard", Fault::Refused);
        let text = world.say_at_the_door("!start").await;
        assert!(
            text.starts_with("The homeserver did not allow that."),
            "{text}"
        );
        assert!(!text.contains("secret"));
    }

    #[tokio::test]
    async fn it_takes_no_words() {
        let text = World::new().say("!start now").await;
        assert_eq!(text, "Please write `!start`: where your chats are.");
        let text = World::new().speaking(Locale::Ru).say("!start now").await;
        assert_eq!(text, "Напишите, пожалуйста, `!start`: где ваши чаты.");
    }
}
