//! Commands through the whole stack, and each carried out once.

use matrix_sdk::ruma::OwnedEventId;
use serde_json::json;

use crate::support::{Left, Resident, Story, World};

type Asked = (Resident, Option<OwnedEventId>);

/// The story of one command in the first chat of a user.
fn story(happens: fn(&World, &mut Asked), check: fn(&World, &Asked)) -> Story<Asked> {
    Story {
        before: || {
            let (world, alice) = World::with_alice();
            world.goes_on_for(std::time::Duration::from_secs(1));
            (world, (alice, None))
        },
        happens,
        is_over: |server, (alice, command)| {
            server.is_done_with(&alice.chat, command.as_ref().unwrap())
        },
        check,
    }
}

fn new_chat() -> Story<Asked> {
    story(
        |_, (alice, command)| *command = Some(alice.says(&alice.chat, "!new Trip")),
        |world, (alice, command)| {
            let home = world.matrix.home_of(&alice.id);
            assert_eq!(home.spaces.len(), 1);
            assert_eq!(home.chats.len(), 2, "{home:?}");
            let answer = world
                .matrix
                .answer_to(&alice.chat, command.as_ref().unwrap());
            assert!(answer.contains("C2 · Trip"), "{answer}");
            assert!(answer.contains(home.chats[1].as_str()), "{answer}");
            world.matrix.see(|server| {
                assert_eq!(server.children(&alice.space).len(), 2);
                assert_eq!(server.chat_marker(&home.chats[1])["chat_id"], "C2");
                assert_eq!(server.room(&home.chats[1]).membership(&alice.id), "invite");
            });
            assert_eq!(world.rows().users[0].next_chat_index, 3);
        },
    )
}

fn clear() -> Story<Asked> {
    story(
        |_, (alice, command)| *command = Some(alice.says(&alice.chat, "!clear")),
        |world, (alice, command)| {
            world
                .matrix
                .answer_to(&alice.chat, command.as_ref().unwrap());
            let marker = world.matrix.see(|server| server.chat_marker(&alice.chat));
            assert_eq!(marker["generation"], 1);
            let rows = world.rows();
            let row = rows
                .rooms
                .iter()
                .find(|row| row.room_id == alice.chat.as_str())
                .unwrap();
            assert_eq!(row.generation, 1);
            assert_eq!(
                row.platform_chat_id.as_deref(),
                marker["platform_chat_id"].as_str()
            );
        },
    )
}

fn archive() -> Story<Asked> {
    story(
        |_, (alice, command)| *command = Some(alice.says(&alice.chat, "!archive")),
        |world, (alice, command)| {
            let answer = world
                .matrix
                .answer_to(&alice.chat, command.as_ref().unwrap());
            assert!(answer.contains("archived"), "{answer}");
            world.matrix.see(|server| {
                assert_eq!(server.chat_marker(&alice.chat)["archived"], true);
                assert_eq!(server.children(&alice.space), [""; 0]);
            });
            assert_eq!(world.rows().chats[0].status, "archived");
        },
    )
}

#[test]
fn a_new_chat_is_made_once_wherever_the_process_dies() {
    new_chat().survives_death(Left::Everything);
}

#[test]
fn a_new_chat_is_made_once_wherever_the_process_dies_and_loses_its_database() {
    new_chat().survives_death(Left::NoDatabase);
}

#[test]
fn a_new_chat_is_made_once_wherever_the_process_dies_and_loses_everything() {
    new_chat().survives_death(Left::Nothing);
}

#[test]
fn a_chat_is_cleared_once_wherever_the_process_dies() {
    clear().survives_death(Left::Everything);
    clear().survives_death(Left::Nothing);
}

#[test]
fn a_chat_is_archived_wherever_the_process_dies() {
    archive().survives_death(Left::Everything);
    archive().survives_death(Left::NoDatabase);
}

#[test]
fn renaming_by_command_and_in_a_client_come_to_the_same() {
    let (world, alice) = World::with_alice();
    world.ask(&alice, &alice.chat, "!rename Holidays");
    let name = world
        .matrix
        .see(|server| server.room(&alice.chat).content("m.room.name", "").cloned());
    assert_eq!(name, Some(json!({"name": "Holidays"})));
    assert_eq!(world.rows().chats[0].name, "Holidays");
    alice.puts_state(&alice.chat, "m.room.name", "", json!({"name": "Winter"}));
    world.settles();
    assert_eq!(world.rows().chats[0].name, "Winter");
    assert!(
        world
            .ask(&alice, &alice.chat, "!chats")
            .contains("C1 · Winter")
    );
}

#[test]
fn a_cleared_chat_answers_from_another_context_and_no_other_chat_notices() {
    let (world, alice) = World::with_alice();
    world.ask(&alice, &alice.chat, "!new");
    let other = world.matrix.home_of(&alice.id).chats[1].clone();
    alice.joins(&other);
    let before = [
        world.ask(&alice, &alice.chat, "hi"),
        world.ask(&alice, &other, "hi"),
    ];
    assert_ne!(before[0], before[1], "every chat has a context of its own");
    world.ask(&alice, &alice.chat, "!clear");
    assert_ne!(world.ask(&alice, &alice.chat, "hi"), before[0]);
    assert_eq!(world.ask(&alice, &other, "hi"), before[1]);
}

#[test]
fn an_archived_chat_says_so_and_comes_back() {
    let (world, alice) = World::with_alice();
    world.ask(&alice, &alice.chat, "!archive");
    let answer = world.ask(&alice, &alice.chat, "hello");
    assert!(answer.starts_with("This chat is archived"), "{answer}");
    world.ask(&alice, &alice.chat, "!unarchive C1");
    assert!(world.ask(&alice, &alice.chat, "hello").ends_with("hello"));
    assert_eq!(
        world.matrix.see(|server| server.children(&alice.space)),
        [alice.chat.as_str()]
    );
}

#[test]
fn the_language_of_a_user_survives_the_loss_of_everything() {
    let (mut world, alice) = World::with_alice();
    world.ask(&alice, &alice.chat, "!settings language ru");
    world.kill_and_wipe_all();
    world.start();
    let answer = world.ask(&alice, &alice.chat, "!start");
    assert!(answer.starts_with("Ваши чаты здесь:"), "{answer}");
}

#[test]
fn commands_work_in_the_entry_room_and_words_there_are_led_to_the_chats() {
    let (world, alice) = World::with_alice();
    assert!(
        world
            .ask(&alice, &alice.entry, "!help")
            .contains("`!new [name]`")
    );
    assert!(
        world
            .ask(&alice, &alice.entry, "hello")
            .starts_with("This room is not a chat")
    );
    let made = world.ask(&alice, &alice.entry, "!new Trip");
    assert!(made.contains("C2 · Trip"), "{made}");
}

#[test]
fn an_unknown_command_is_answered_with_one_line() {
    let (world, alice) = World::with_alice();
    let answer = world.ask(&alice, &alice.chat, "!chat");
    assert!(answer.contains("`!chats`"), "{answer}");
    assert_eq!(answer.lines().count(), 1);
}

#[test]
fn a_first_command_after_a_restart_is_carried_out() {
    let (mut world, alice) = World::with_alice();
    world.kill_and_wipe();
    let command = alice.says(&alice.chat, "!new Trip");
    world.start();
    world.until("the answer", |server| {
        server.is_done_with(&alice.chat, &command)
    });
    assert!(
        world
            .matrix
            .answer_to(&alice.chat, &command)
            .contains("C2 · Trip")
    );
}
