//! What holds for all commands: crashes between any two steps, strangers, and archived chats.

use super::CommandName;
use crate::core::{
    chat::Locale,
    dispatch::{DispatchError, Place},
    testing::{Fault, World, alice, chat},
};

/// Every command that changes something, used right.
const CHANGES: [&str; 8] = [
    "!new Trip",
    "!rename Trip",
    "!archive",
    "!archive C2",
    "!unarchive C3",
    "!clear",
    "!agent gpt",
    "!settings language ru",
];

fn world() -> World {
    World::new().with_chat(&chat(3).archived())
}

async fn send(world: &World, text: &str) -> Result<Vec<String>, DispatchError> {
    let place = Place::Chat(world.row(1));
    let replies = world.dispatch(place, alice(), "$command", text).await?;
    Ok(replies.into_iter().map(|reply| reply.markdown).collect())
}

#[tokio::test]
async fn a_command_that_fails_at_any_step_ends_in_the_same_state_when_it_is_handled_again() {
    for text in CHANGES {
        let whole = world();
        send(&whole, text).await.unwrap();
        for step in whole
            .changes()
            .iter()
            .filter(|step| !step.starts_with("agent"))
        {
            for fault in [Fault::Store, Fault::ShuttingDown] {
                let broken = world();
                broken.fail(step, fault);
                let is_row = step.starts_with("row");
                match send(&broken, text).await.err() {
                    Some(DispatchError::ShuttingDown) => assert_eq!(fault, Fault::ShuttingDown),
                    Some(DispatchError::Store(_)) => assert!(is_row || fault == Fault::Store),
                    None => panic!("{text} did not fail at {step}"),
                }
                assert!(send(&broken, text).await.is_ok(), "{text} after {step}");
                assert!(broken.is_like(&whole), "{text} after {step}");
            }
        }
    }
}

#[tokio::test]
async fn a_command_that_is_handled_twice_ends_in_the_same_state() {
    for text in CHANGES {
        let (once, twice) = (world(), world());
        send(&once, text).await.unwrap();
        send(&twice, text).await.unwrap();
        send(&twice, text).await.unwrap();
        assert!(twice.is_like(&once), "{text}");
        assert!(twice.agrees(), "{text}");
    }
}

#[tokio::test]
async fn the_server_is_changed_before_any_row() {
    for text in CHANGES {
        let world = world();
        send(&world, text).await.unwrap();
        let changes = world.changes();
        assert!(
            changes.is_sorted_by_key(|change| match change.split(' ').next() {
                Some("server") => 0,
                Some("row") => 1,
                _ => 2,
            })
        );
        assert!(changes[0].starts_with("server"), "{text}: {changes:?}");
    }
}

#[tokio::test]
async fn an_archived_chat_answers_what_it_can_and_says_that_it_is_archived() {
    for name in CommandName::ALL {
        let world = World::new().with_chat(&chat(1).archived());
        let words = if name == CommandName::Rename {
            " Trip"
        } else {
            ""
        };
        let text = world.say(&format!("!{name}{words}")).await;
        let refuses = matches!(
            name,
            CommandName::Rename | CommandName::Clear | CommandName::Agent | CommandName::Save
        );
        assert_eq!(
            text.starts_with("This chat is archived"),
            refuses,
            "{name}: {text}"
        );
    }
}

#[tokio::test]
async fn any_wrong_use_is_answered_on_one_line_that_says_what_is_right() {
    for text in [
        "!help x y",
        "!help nosuch",
        "!start x",
        "!new \u{200b}",
        "!chats x",
        "!rename",
        "!archive x",
        "!archive C9",
        "!unarchive x",
        "!unarchive C9",
        "!clear x",
        "!context x",
        "!agent nosuch",
        "!agent two\nlines",
        "!files x",
        "!drop x",
        "!settings x",
        "!settings language xx",
        "!settings agent nosuch",
        "!save \u{200b}",
        "!load nosuch",
        "!stop x",
        "!yes x",
        "!no x",
        "!nosuch",
    ] {
        for locale in [Locale::En, Locale::Ru] {
            let answer = World::new().speaking(locale).say(text).await;
            assert!(answer.contains("`!"), "{text}: {answer}");
            assert!(!answer.contains('\n'), "{text}: {answer}");
        }
    }
}
