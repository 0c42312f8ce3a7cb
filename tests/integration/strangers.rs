//! People whom the bot does not serve, in rooms where it listens: what they write costs nothing and holds nothing up.

use serde_json::json;

use crate::support::{Person, Resident, World};

/// Alice's entry room, with somebody else in it.
fn with_a_stranger() -> (World, Resident, Person) {
    let (world, alice) = World::with_alice();
    let carol = world.person("@carol:hs");
    world.matrix.change(|server| {
        server.append_member(&alice.entry, &alice.id, &carol.id, "invite");
    });
    carol.joins(&alice.entry);
    (world, alice, carol)
}

/// Everything somebody can write.
fn writes(carol: &Person, room: &matrix_sdk::ruma::RoomId) {
    let said = carol.says(room, "hello");
    carol.says(room, "!help");
    carol.says(room, "!new");
    carol.encrypts(room, "a session of hers", "psst");
    carol.reacts(room, &said, "👍");
    carol.redacts(room, &said);
    carol.sends_file(room, "a.txt", "", b"content");
}

#[test]
fn what_strangers_write_in_an_entry_room_asks_nothing_of_the_server() {
    let (world, alice, carol) = with_a_stranger();
    world.settles();
    let requests = |world: &World| -> Vec<&'static str> {
        world.matrix.see(|server| {
            let of_a_room = server
                .requests
                .log
                .iter()
                .filter(|request| request.room.is_some());
            of_a_room.map(|request| request.kind).collect()
        })
    };
    let before = requests(&world).len();
    for _ in 0..6 {
        writes(&carol, &alice.entry);
    }
    alice.puts_state(
        &alice.entry,
        "m.room.name",
        "",
        json!({"name": "A new name"}),
    );
    let said = alice.says(&alice.entry, "!help");
    alice.reacts(&alice.entry, &said, "👍");
    let asked = world.clock.millis();
    world.until("help", |server| server.is_done_with(&alice.entry, &said));
    assert!(world.clock.millis() - asked < 1_000);
    world.settles();
    let made = &requests(&world)[before..];
    assert_eq!(made, ["joined_members", "send", "read_marker"]);
}

#[test]
fn what_strangers_write_in_a_chat_asks_nothing_of_the_server() {
    let (world, alice) = World::with_alice();
    let carol = world.has_a_guest("@carol:hs", &alice.chat);
    world.settles();
    let before = world.matrix.count_in("read_marker", &alice.chat);
    for _ in 0..20 {
        writes(&carol, &alice.chat);
    }
    world.ask(&alice, &alice.chat, "hello");
    world.settles();
    let moved = world.matrix.count_in("read_marker", &alice.chat) - before;
    assert_eq!(moved, 1);
    assert_eq!(world.matrix.bot_said(&alice.chat).len(), 2);
}

#[test]
fn the_members_of_a_room_that_somebody_else_made_are_not_kept() {
    let world = World::running();
    let alice = world.person("@alice:hs");
    let entry = alice.makes_a_room(&json!({}));
    let crowd: Vec<Person> = (0..50)
        .map(|number| world.person(&format!("@member{number}:hs")))
        .collect();
    let joins = |person: &Person| {
        world.matrix.change(|server| {
            server.append_member(&entry, &person.id, &person.id, "join");
        });
    };
    crowd[..40].iter().for_each(joins);
    alice.invites_the_bot_to(&entry);
    world.until("the pointer", |server| server.has_pointed_in(&entry));
    crowd[40..].iter().for_each(joins);
    world.settles();
    let kept = world.with_store(|store| {
        let entry = entry.clone();
        async move { store.kept_states(&entry, "m.room.member").await.unwrap() }
    });
    let keys: Vec<&str> = kept.iter().map(|event| event.state_key.as_str()).collect();
    assert_eq!(keys, ["@bot:hs"]);
}
