//! People who are taken from the list of those who may use the bot.

use std::{sync::Arc, time::Duration};

use matrix_sdk::ruma::OwnedEventId;

use crate::{
    permissions::{asked, questions},
    support::{Left, Resident, Story, World},
};

const REFUSAL: &str = "You are not among the people who may use this bot, so nothing was done with this message. \
    Please ask the person who runs it for access.";

fn restart_with(world: &mut World, everybody: bool) {
    world.kill();
    world.settings.allows = Arc::new(move |_| everybody);
    world.start();
}

/// The bot is past the event, and said nothing about it.
fn is_passed_over(world: &World, alice: &Resident, event: &OwnedEventId) {
    world.until("the cursor", |server| server.has_read(&alice.chat, event));
    let answers = world
        .matrix
        .see(|server| server.answers_to(&alice.chat, event));
    assert!(answers.is_empty(), "{answers:?}");
}

#[test]
fn an_owner_taken_from_the_list_reaches_no_agent_and_is_told_once_a_day() {
    let (mut world, alice) = World::with_alice();
    world.ask(&alice, &alice.chat, "hello");
    restart_with(&mut world, false);
    assert_eq!(world.ask(&alice, &alice.chat, "hello?"), REFUSAL);
    for words in [
        "hello??", "!new", "!chats", "!clear", "!yes", "!help", "!stop", "1",
    ] {
        is_passed_over(&world, &alice, &alice.says(&alice.chat, words));
    }
    let file = alice.sends_file(&alice.chat, "a.txt", "", b"a");
    is_passed_over(&world, &alice, &file);
    world.matrix.home_of(&alice.id).chat();
    restart_with(&mut world, false);
    is_passed_over(&world, &alice, &alice.says(&alice.chat, "and now?"));
    world.clock.advance(Duration::from_hours(25));
    assert_eq!(world.ask(&alice, &alice.chat, "!chats"), REFUSAL);
    restart_with(&mut world, true);
    let context = world.ask(&alice, &alice.chat, "!context all");
    assert!(context.contains("messages 1"), "{context}");
    assert!(context.ends_with("generation: 0"), "{context}");
}

#[test]
fn in_the_entry_room_too_commands_are_refused_and_talk_with_others_is_left_alone() {
    let (mut world, alice) = World::with_alice();
    let guest = world.person("@carol:hs");
    world.matrix.change(|server| {
        server.append_member(&alice.entry, &alice.id, &guest.id, "invite");
    });
    guest.joins(&alice.entry);
    restart_with(&mut world, false);
    guest.says(&alice.entry, "hello");
    guest.says(&alice.entry, "!start");
    let words = alice.says(&alice.entry, "hello");
    world.until("the cursor", |server| server.has_read(&alice.entry, &words));
    world.settles();
    let said = world.matrix.bot_said(&alice.entry);
    assert_eq!(said.len(), 1, "the pointer: {said:?}");
    assert_eq!(world.ask(&alice, &alice.entry, "!new Trip"), REFUSAL);
    world.matrix.home_of(&alice.id).chat();
}

#[test]
fn a_question_whose_owner_is_taken_from_the_list_is_closed_unanswered() {
    let (mut world, alice) = World::with_alice();
    let (turn, question) = asked(&world, &alice);
    world.kill();
    alice.reacts(&alice.chat, &question, "👍");
    let answer = alice.says(&alice.chat, "!yes");
    restart_with(&mut world, false);
    is_passed_over(&world, &alice, &answer);
    assert_eq!(world.matrix.answer_to(&alice.chat, &turn), REFUSAL);
    let shown = world.matrix.see(|server| questions(server, &alice));
    let ends = "No longer waiting for an answer.";
    assert!(shown[0].body.ends_with(ends), "{shown:?}");
}

#[test]
fn wherever_the_process_dies_a_refusal_is_told_once() {
    let story: Story<(Resident, Vec<OwnedEventId>)> = Story {
        before: || {
            let (mut world, alice) = World::with_alice();
            restart_with(&mut world, false);
            world.goes_on_for(Duration::from_secs(1));
            (world, (alice, Vec::new()))
        },
        happens: |_, (alice, said)| {
            said.extend(["one", "!new"].map(|words| alice.says(&alice.chat, words)));
        },
        is_over: |server, (alice, said)| {
            server.is_done_with(&alice.chat, &said[0]) && server.has_read(&alice.chat, &said[1])
        },
        check: |world, (alice, said)| {
            assert_eq!(world.matrix.answer_to(&alice.chat, &said[0]), REFUSAL);
            let all = world.matrix.bot_said(&alice.chat);
            assert_eq!(all.len(), 2, "the welcome and the refusal: {all:#?}");
            world.matrix.home_of(&alice.id).chat();
        },
    };
    story.survives_death(Left::Everything);
}
