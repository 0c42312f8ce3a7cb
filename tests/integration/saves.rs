//! Contexts kept under a name: on the server, and nowhere else.

use matrix_sdk::ruma::OwnedEventId;
use serde_json::json;

use crate::support::{Left, Resident, Story, World};

const SAVE: &str = "io.lambda.surfaces.save";

type Asked = (Resident, Option<OwnedEventId>);

fn story(
    before: fn() -> (World, Asked),
    command: fn(&World, &mut Asked),
    check: fn(&World, &Asked),
) -> Story<Asked> {
    Story {
        before,
        happens: command,
        is_over: |server, (alice, command)| {
            server.is_done_with(&alice.chat, command.as_ref().unwrap())
        },
        check,
    }
}

/// Alice has said three things in her chat.
fn talked() -> (World, Asked) {
    let (world, alice) = World::with_alice();
    for text in ["one", "two", "three"] {
        world.ask(&alice, &alice.chat, text);
    }
    (world, (alice, None))
}

/// And kept it, and begun anew.
fn kept() -> (World, Asked) {
    let (world, (alice, none)) = talked();
    world.ask(&alice, &alice.chat, "!save Trip");
    world.ask(&alice, &alice.chat, "!clear");
    (world, (alice, none))
}

fn saving() -> Story<Asked> {
    story(
        talked,
        |_, (alice, command)| *command = Some(alice.says(&alice.chat, "!save Trip")),
        |world, (alice, command)| {
            let answer = world
                .matrix
                .answer_to(&alice.chat, command.as_ref().unwrap());
            assert!(answer.starts_with("Kept as Trip."), "{answer}");
            let list = world.ask(alice, &alice.chat, "!load");
            assert_eq!(list.matches("Trip").count(), 1, "{list}");
        },
    )
}

fn loading() -> Story<Asked> {
    story(
        kept,
        |_, (alice, command)| *command = Some(alice.says(&alice.chat, "!load trip")),
        |world, (alice, command)| {
            let answer = world
                .matrix
                .answer_to(&alice.chat, command.as_ref().unwrap());
            assert_eq!(answer, "This chat goes on from what was kept as Trip.");
            let marker = world.matrix.see(|server| server.chat_marker(&alice.chat));
            assert_eq!(marker["generation"], 2);
            let context = world.ask(alice, &alice.chat, "!context");
            assert!(context.ends_with("messages 3"), "{context}");
        },
    )
}

#[test]
fn a_context_is_kept_once_wherever_the_process_dies() {
    saving().survives_death(Left::Everything);
    saving().survives_death(Left::Nothing);
}

#[test]
fn a_chat_goes_on_from_a_kept_context_once_wherever_the_process_dies() {
    loading().survives_death(Left::Everything);
    loading().survives_death(Left::Nothing);
}

#[test]
fn only_what_the_bot_wrote_for_this_user_counts() {
    let (world, (alice, _)) = kept();
    let bob = world.welcomes("@bob:hs");
    assert!(
        world
            .ask(&bob, &bob.chat, "!load")
            .starts_with("You have kept nothing yet.")
    );
    let text = world.ask(&bob, &bob.chat, "!load Trip");
    assert!(text.starts_with("You have kept nothing as Trip."), "{text}");
    let forged = json!({"version": 1, "owner": bob.id, "name": "Mine"});
    assert!(!bob.puts_state(&bob.space, SAVE, "mine", forged));
    let saves = world.matrix.change(|server| {
        let (_, kept) = server
            .room(&alice.space)
            .current()
            .find(|(_, event)| event.event_type == SAVE)
            .unwrap();
        server.append(
            &bob.space,
            &alice.id,
            SAVE,
            Some(&kept.state_key),
            kept.content.clone(),
        );
        kept.content
    });
    assert_eq!(saves["owner"], alice.id.as_str());
    world.settles();
    assert!(
        world
            .ask(&bob, &bob.chat, "!load")
            .starts_with("You have kept nothing yet.")
    );
}
