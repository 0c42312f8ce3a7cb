//! Rooms that the bot is no longer in.

use crate::support::World;

fn removal(while_running: bool) {
    let (mut world, alice) = World::with_alice();
    world.ask(&alice, &alice.chat, "!new Trip");
    let trip = world.matrix.home_of(&alice.id).chats[1].clone();
    if !while_running {
        world.kill();
    }
    // As the server's operator can: in its own rooms nobody but the bot has the power.
    world
        .matrix
        .change(|server| server.append_member(&trip, &alice.id, &server.bot.clone(), "leave"));
    if !while_running {
        world.start();
    }
    world.settles();
    let rows = world.rows();
    let gone = rows
        .chats
        .iter()
        .find(|row| row.surface_ref == trip.as_str())
        .unwrap();
    assert_eq!(
        (gone.chat_id.as_str(), gone.status.as_str()),
        ("C2", "gone")
    );
    assert!(
        rows.rooms
            .iter()
            .any(|row| row.room_id == trip.as_str() && row.gone)
    );
    assert_eq!(rows.users[0].next_chat_index, 3);
    let made = world.ask(&alice, &alice.chat, "!new Next");
    assert!(made.contains("C3 · Next"), "{made}");
}

#[test]
fn a_room_the_bot_was_removed_from_loses_its_chat_at_once() {
    removal(true);
}

#[test]
fn a_room_the_bot_was_removed_from_while_away_loses_its_chat_at_the_next_start() {
    removal(false);
}

#[test]
fn an_entry_room_that_is_closed_costs_no_chat() {
    let (world, alice) = World::with_alice();
    alice.removes_the_bot_from(&alice.entry);
    world.settles();
    assert!(world.ask(&alice, &alice.chat, "hello").ends_with("hello"));
    assert_eq!(world.rows().chats[0].status, "active");
}

#[test]
fn a_question_in_a_room_that_is_left_before_its_turn_stops_nothing() {
    let (mut world, alice) = World::with_alice();
    let carol = world.welcomes("@carol:hs");
    world.kill();
    alice.says(&alice.entry, "!help");
    alice.removes_the_bot_from(&alice.entry);
    world.start();
    assert!(world.ask(&carol, &carol.chat, "hello").ends_with("hello"));
    world.settles();
    assert_eq!(
        world.with_store(|store| async move { store.pending_count().await.unwrap() }),
        0
    );
}
