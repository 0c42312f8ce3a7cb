//! From an invitation to a Space with one chat, once, whatever goes wrong on the way.

use matrix_sdk::ruma::OwnedRoomId;
use serde_json::json;

use crate::support::{Fault, Left, Person, Resident, Story, World, fake_matrix::Server};

/// One Space, one chat in it, the user invited to both, one welcome, and one pointer in the entry room.
fn has_exactly_one_home(world: &World, person: &Person, entry: &OwnedRoomId) {
    let home = world.matrix.home_of(&person.id);
    let (space, chat) = (home.space(), home.chat());
    world.matrix.see(|server| {
        assert_eq!(server.children(space), [chat.as_str()]);
        for room in [space, chat] {
            let membership = server.room(room).membership(&person.id);
            assert!(matches!(membership, "invite" | "join"), "{membership}");
        }
        assert_eq!(
            server.bot_said(chat).len(),
            1,
            "{:#?}",
            server.bot_said(chat)
        );
        assert_eq!(
            server.bot_said(entry).len(),
            1,
            "{:#?}",
            server.bot_said(entry)
        );
        let marker = server.chat_marker(chat);
        assert_eq!(marker["chat_id"], "C1");
        assert_eq!(marker["space_id"], space.as_str());
        let parent = server.room(chat).content("m.space.parent", space.as_str());
        assert_eq!(parent.unwrap()["canonical"], true);
    });
    let rows = world.rows();
    assert_eq!(rows.users.len(), 1);
    assert_eq!(rows.users[0].space_id.as_deref(), Some(space.as_str()));
    assert_eq!(rows.users[0].next_chat_index, 2);
    assert_eq!(rows.chats.len(), 1);
    assert_eq!(rows.chats[0].surface_ref, chat.as_str());
}

fn story() -> Story<(Person, Option<OwnedRoomId>)> {
    Story {
        before: || {
            let world = World::running();
            world.goes_on_for(std::time::Duration::from_secs(1));
            let alice = world.person("@alice:hs");
            (world, (alice, None))
        },
        happens: |_, (alice, entry)| *entry = Some(alice.invites_the_bot()),
        is_over: |server: &Server, (_, entry)| server.has_pointed_in(entry.as_ref().unwrap()),
        check: |world, (alice, entry)| has_exactly_one_home(world, alice, entry.as_ref().unwrap()),
    }
}

#[test]
fn an_allowed_user_who_invites_the_bot_gets_one_space_and_one_chat() {
    let (world, alice) = World::with_alice();
    world.settles();
    has_exactly_one_home(&world, &alice, &alice.entry);
    assert!(world.ask(&alice, &alice.chat, "hello").ends_with("hello"));
    assert_eq!(world.matrix.count("create_room"), 2);
}

#[test]
fn the_pointer_leads_to_the_space_and_the_chat() {
    let (world, alice) = World::with_alice();
    let said = world.matrix.bot_said(&alice.entry);
    for room in [&alice.space, &alice.chat] {
        let link = format!("https://matrix.to/#/{room}?via=hs");
        assert!(said[0].body.contains(&link), "{}", said[0].body);
    }
}

#[test]
fn the_owner_may_change_the_name_of_a_chat_and_none_of_its_markers() {
    let (_world, alice) = World::with_alice();
    let named = json!({"name": "Mine"});
    assert!(alice.puts_state(&alice.chat, "m.room.name", "", named));
    for event_type in [
        "io.lambda.surfaces.chat",
        "m.space.parent",
        "m.room.power_levels",
    ] {
        assert!(
            !alice.puts_state(&alice.chat, event_type, "", json!({})),
            "{event_type}"
        );
    }
    assert!(!alice.puts_state(
        &alice.space,
        "m.space.child",
        "!x:hs",
        json!({"via": ["hs"]})
    ));
}

#[test]
fn a_second_invitation_points_to_what_is_there_and_makes_nothing() {
    let (world, alice) = World::with_alice();
    let entry = alice.invites_the_bot();
    world.until("the pointer", |server| server.has_pointed_in(&entry));
    world.settles();
    let said = world.matrix.bot_said(&entry);
    assert!(
        said[0].body.starts_with("You have a Space already."),
        "{said:?}"
    );
    assert_eq!(world.matrix.count("create_room"), 2);
    has_exactly_one_home(&world, &alice, &alice.entry);
}

#[test]
fn two_invitations_at_once_make_one_space_and_two_pointers() {
    let world = World::running();
    let alice = world.person("@alice:hs");
    let entries = [alice.invites_the_bot(), alice.invites_the_bot()];
    world.until("both pointers", |server| {
        entries.iter().all(|entry| server.has_pointed_in(entry))
    });
    world.settles();
    for entry in &entries {
        has_exactly_one_home(&world, &alice, entry);
    }
}

#[test]
fn three_users_at_once_get_a_home_each() {
    let world = World::running();
    let people = ["@alice:hs", "@carol:hs", "@dave:hs"].map(|id| world.person(id));
    let entries = people.each_ref().map(Person::invites_the_bot);
    world.until("all pointers", |server| {
        entries.iter().all(|entry| server.has_pointed_in(entry))
    });
    let homes = people
        .each_ref()
        .map(|person| world.matrix.home_of(&person.id));
    for home in &homes {
        let (space, chat) = (home.space(), home.chat());
        assert_eq!(
            world.matrix.see(|server| server.children(space)),
            [chat.as_str()]
        );
    }
    assert_eq!(world.rows().users.len(), 3);
}

#[test]
fn a_user_who_left_everything_is_invited_again_and_gets_nothing_new() {
    let (world, alice) = World::with_alice();
    for room in [&alice.chat, &alice.space, &alice.entry] {
        alice.leaves(room);
    }
    let entry = alice.invites_the_bot();
    world.until("the pointer", |server| server.has_pointed_in(&entry));
    let said = world.matrix.bot_said(&entry);
    assert!(said[0].body.starts_with("Welcome back!"), "{said:?}");
    for room in [&alice.chat, &alice.space] {
        alice.joins(room);
    }
    assert!(world.ask(&alice, &alice.chat, "again").ends_with("again"));
    assert_eq!(world.matrix.count("create_room"), 2);
}

#[test]
fn an_invitation_that_was_declined_where_no_sync_tells_it_is_given_again() {
    let world = World::running();
    let alice = world.person("@alice:hs");
    let entry = alice.invites_the_bot();
    world.until("the pointer", |server| server.has_pointed_in(&entry));
    world.settles();
    let home = world.matrix.home_of(&alice.id);
    for room in [home.space(), home.chat()] {
        world.matrix.holds_back(room);
        alice.leaves(room);
    }
    let entry = alice.invites_the_bot();
    world.until("the pointer", |server| server.has_pointed_in(&entry));
    for room in [home.space(), home.chat()] {
        alice.joins(room);
    }
    assert_eq!(world.matrix.count("create_room"), 2);
}

#[test]
fn the_invitation_of_a_user_who_is_not_allowed_is_rejected() {
    let world = World::running();
    let eve = world.person("@eve:elsewhere");
    let entry = eve.invites_the_bot();
    world.until("the rejection", |server| {
        server.room(&entry).membership(&server.bot) == "leave"
    });
    world.settles();
    assert_eq!(world.matrix.count("join"), 0);
    assert_eq!(world.matrix.count("create_room"), 0);
    assert_eq!(world.rows().users, []);
}

#[test]
fn an_invitation_that_was_taken_back_is_forgotten() {
    let world = World::running();
    world
        .matrix
        .fail_often("join", 0, 2, Fault::Refused("M_FORBIDDEN"));
    let alice = world.person("@alice:hs");
    let entry = alice.invites_the_bot();
    world.until("the first attempt", |server| {
        server
            .requests
            .log
            .iter()
            .any(|request| request.kind == "join")
    });
    alice.removes_the_bot_from(&entry);
    world.settles();
    assert_eq!(world.matrix.count("create_room"), 0);
    assert!(
        world
            .with_store(|store| async move { store.invites().await.unwrap() })
            .is_empty()
    );
}

#[test]
fn a_join_that_is_refused_at_first_is_tried_again() {
    let world = World::running();
    world
        .matrix
        .fail_often("join", 0, 3, Fault::Refused("M_UNKNOWN"));
    let alice = world.welcomes("@alice:hs");
    assert_eq!(world.matrix.count_in("join", &alice.entry), 4);
}

#[test]
fn a_process_that_dies_at_any_request_leaves_one_home() {
    story().survives_death(Left::Everything);
}

#[test]
fn a_process_that_dies_at_any_request_and_loses_its_database_leaves_one_home() {
    story().survives_death(Left::NoDatabase);
}

#[test]
fn a_process_that_dies_at_any_request_of_an_onboarding_and_comes_back_as_another_device_finishes_it()
 {
    story().survives_death(Left::NoDevice);
}

#[test]
fn a_process_that_dies_at_any_request_and_loses_everything_leaves_one_home() {
    story().survives_death(Left::Nothing);
}

#[test]
fn requests_and_answers_that_get_lost_leave_one_home() {
    let kinds = [
        "join",
        "create_room",
        "put_state",
        "invite",
        "send",
        "read_marker",
        "put_account_data",
    ];
    story().survives(&Fault::Lost, &kinds);
    story().survives(&Fault::AnswerLost, &kinds);
}

#[test]
fn a_server_that_limits_rates_gets_what_it_asks_for() {
    let wait = std::time::Duration::from_secs(7);
    let kinds = [
        "join",
        "create_room",
        "put_state",
        "invite",
        "send",
        "read_marker",
    ];
    story().survives(&Fault::RateLimited(Some(wait)), &kinds);
}

#[test]
fn a_create_room_that_breaks_off_leaves_a_room_that_is_completed() {
    for events in [2, 3, 4, 6, 7] {
        for fault in [Fault::BreaksOff(events), Fault::BreaksOffSilently(events)] {
            for which in [0, 1] {
                let (world, mut context) = (story().before)();
                world.matrix.fail("create_room", which, fault.clone());
                (story().happens)(&world, &mut context);
                world.until("the pointer", |server| (story().is_over)(server, &context));
                world.settles();
                (story().check)(&world, &context);
                assert_eq!(world.matrix.count("create_room"), 2, "{fault:?}");
            }
        }
    }
}

#[test]
fn a_slow_create_room_whose_answer_was_given_up_is_not_asked_for_twice() {
    let world = World::running();
    world.matrix.fail("create_room", 0, Fault::AnswerLost);
    let Resident { person, entry, .. } = world.welcomes("@alice:hs");
    has_exactly_one_home(&world, &person, &entry);
    assert_eq!(world.matrix.count("create_room"), 2);
}
