//! What others write binds nothing: not their markers, not their links, not their Spaces.

use serde_json::{Value, json};
use surfaces_bot::matrix::reconcile::RowChanges;

use crate::support::{Person, Resident, World};

fn chat_marker(owner: &str, resident: &Resident) -> Value {
    json!({
        "version": 1, "owner": owner, "chat_id": "C1", "space_id": resident.space,
        "agent_id": "assistant", "platform_chat_id": "00000000-0000-0000-0000-000000000001",
        "generation": 7, "archived": false,
    })
}

/// Rows, and a start from nothing that comes to the same ones.
fn nothing_is_bound(world: &mut World, alice: &Resident, act: impl FnOnce(&World, &Person)) {
    let eve = world.person("@eve:hs");
    let before = world.rows();
    let context = world.matrix.see(|server| server.chat_marker(&alice.chat));
    act(world, &eve);
    world.settles();
    assert_eq!(world.rows().chats, before.chats);
    world.kill_and_wipe();
    world.start();
    world.settles();
    let after = world.rows();
    assert_eq!(after.chats, before.chats);
    assert_eq!(after.users, before.users);
    assert_eq!(
        world.matrix.see(|server| server.chat_marker(&alice.chat)),
        context
    );
    assert!(world.ask(alice, &alice.chat, "hello").ends_with("hello"));
}

#[test]
fn a_room_full_of_forged_markers_binds_nothing() {
    let (mut world, alice) = World::with_alice();
    nothing_is_bound(&mut world, &alice, |world, eve| {
        let forged = json!({"io.lambda.surfaces": {
            "version": 1, "kind": "chat", "owner": "@alice:hs", "intent": "00000000-0000-0000-0000-000000000002",
        }});
        let room = eve.makes_a_room(&forged);
        eve.puts_state(
            &room,
            "io.lambda.surfaces.chat",
            "",
            chat_marker("@alice:hs", &alice),
        );
        let parent = json!({"via": ["hs"], "canonical": true});
        eve.puts_state(&room, "m.space.parent", alice.space.as_str(), parent);
        eve.puts_state(&room, "m.room.name", "", json!({"name": "Chat 1"}));
        // By hand: what the bot would never join by itself is what a forged room must survive.
        world.matrix.change(|server| {
            let bot = server.bot.clone();
            server.append_member(&room, &bot, &bot, "join");
        });
        eve.says(&room, "!clear");
        world.settles();
        assert_eq!(world.matrix.bot_said(&room), []);
    });
}

#[test]
fn the_space_of_someone_else_with_the_bot_in_it_is_nobodys_home() {
    let (mut world, alice) = World::with_alice();
    nothing_is_bound(&mut world, &alice, |world, eve| {
        let space = eve.makes_a_room(&json!({"type": "m.space"}));
        let marker = json!({"version": 1, "owner": "@alice:hs", "locale": "ru"});
        eve.puts_state(&space, "io.lambda.surfaces.space", "", marker);
        let child = json!({"via": ["hs"]});
        eve.puts_state(&space, "m.space.child", alice.chat.as_str(), child);
        world.matrix.change(|server| {
            let bot = server.bot.clone();
            server.append_member(&space, &bot, &bot, "join");
        });
    });
}

#[test]
fn a_message_in_a_foreign_room_is_looked_into_once_and_left_alone() {
    let (world, alice) = World::with_alice();
    let eve = world.person("@eve:hs");
    let room = eve.makes_a_room(&json!({}));
    world.matrix.change(|server| {
        let bot = server.bot.clone();
        server.append_member(&room, &bot, &bot, "join");
    });
    world.settles();
    for _ in 0..5 {
        eve.says(&room, "!help");
        world.settles();
    }
    assert_eq!(world.matrix.bot_said(&room), []);
    assert_eq!(world.log.count("is none of ours"), 1);
    assert!(world.matrix.count_in("room_state", &room) <= 2);
    assert!(world.ask(&alice, &alice.chat, "hello").ends_with("hello"));
}

#[test]
fn a_message_in_a_chat_without_rows_brings_the_rows_back_first() {
    let (world, alice) = World::with_alice();
    let before = world.rows();
    world.with_store(|store| async move {
        let changes = RowChanges {
            drop_rooms: before.rooms.iter().map(|row| row.room_id.clone()).collect(),
            drop_chats: before
                .chats
                .iter()
                .map(|row| (row.user_id.clone(), row.chat_id.clone()))
                .collect(),
            ..RowChanges::default()
        };
        store.write_rows(changes).await.unwrap();
        assert_eq!(store.rows().await.unwrap().chats, []);
    });
    assert!(world.ask(&alice, &alice.chat, "hello").ends_with("hello"));
    assert_eq!(world.rows().chats.len(), 1);
    assert_eq!(world.matrix.count("create_room"), 2);
}

#[test]
fn state_and_messages_of_any_shape_stop_nothing() {
    let (world, alice) = World::with_alice();
    let big = "x".repeat(60_000);
    for name in [
        json!({}),
        json!({"name": 7}),
        json!({"name": big}),
        json!({"name": "<b>\u{202e}C9</b>"}),
        json!([]),
    ] {
        alice.puts_state(&alice.chat, "m.room.name", "", name);
    }
    for content in [
        json!({}),
        json!([1, 2]),
        json!({"msgtype": "m.text"}),
        json!({"msgtype": "m.text", "body": {"a": 1}}),
        json!({"msgtype": "m.text", "body": "x", "m.relates_to": []}),
        json!({"msgtype": "m.text", "body": "x", "m.relates_to": {"rel_type": "m.replace", "event_id": 4}}),
    ] {
        alice.sends(&alice.chat, content);
    }
    assert!(world.ask(&alice, &alice.chat, "hello").ends_with("hello"));
}

#[test]
fn a_user_who_names_themselves_in_markup_is_welcomed_all_the_same() {
    let world = World::running();
    let name = "<h1>Al</h1>](https://evil.example) **ice**\n\u{202e}";
    let id = world.person("@alice:hs").id;
    world
        .matrix
        .change(|server| server.names.insert(id, name.to_owned()));
    let alice = world.welcomes("@alice:hs");
    let named = world.matrix.see(|server| {
        server
            .room(&alice.space)
            .content("m.room.name", "")
            .cloned()
    });
    assert!(
        named.unwrap()["name"]
            .as_str()
            .unwrap()
            .starts_with("Lambda — <h1>")
    );
    assert!(world.ask(&alice, &alice.chat, "hello").ends_with("hello"));
}
