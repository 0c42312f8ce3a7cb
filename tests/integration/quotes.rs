//! What the owner replies to reaches the agent with the question.

use matrix_sdk::ruma::{OwnedEventId, event_id};
use serde_json::json;

use crate::support::{Resident, World};

fn answer_to(world: &World, alice: &Resident, event: &OwnedEventId) -> String {
    world.until("the answer", |server| {
        server.is_done_with(&alice.chat, event)
    });
    world.matrix.answer_to(&alice.chat, event)
}

#[test]
fn a_reply_tells_the_agent_what_it_refers_to() {
    let (world, alice) = World::with_alice();
    let chat = &alice.chat;
    let earlier = alice.says(chat, "the first line\n> and a second");
    let answered = answer_to(&world, &alice, &earlier);
    let own = alice.replies(chat, &earlier, "explain this one");
    assert!(answer_to(&world, &alice, &own).ends_with(
        "): [In reply to my earlier message:]\n> the first line\n> > and a second\n\nexplain this one"
    ));
    let answer = world
        .matrix
        .see(|server| server.answers_to(chat, &earlier)[0].id.clone());
    let to_the_bot = alice.replies(chat, &answer, "and this?");
    let quoted = answered.replace('\n', "\n> ");
    assert!(answer_to(&world, &alice, &to_the_bot).ends_with(&format!(
        "): [In reply to your earlier message:]\n> {quoted}\n\nand this?"
    )));
}

#[test]
fn an_edited_message_is_quoted_in_the_form_it_has() {
    let (world, alice) = World::with_alice();
    let chat = &alice.chat;
    let earlier = alice.says(chat, "old words");
    answer_to(&world, &alice, &earlier);
    alice.edits(chat, &earlier, "new words");
    let reply = alice.replies(chat, &earlier, "explain");
    let answer = answer_to(&world, &alice, &reply);
    assert!(answer.ends_with("\n> new words\n\nexplain"), "{answer}");
}

#[test]
fn a_long_message_is_quoted_in_part_and_one_that_is_not_there_is_named_as_such() {
    let (world, alice) = World::with_alice();
    let chat = &alice.chat;
    let long = alice.says(chat, &"word ".repeat(1_200));
    answer_to(&world, &alice, &long);
    let reply = alice.replies(chat, &long, "in short?");
    let answer = answer_to(&world, &alice, &reply);
    assert!(
        answer.len() < 5_000 && answer.ends_with("…\n\nin short?"),
        "{}",
        answer.len()
    );
    let nothing = alice.replies(chat, event_id!("$nothing"), "and this?");
    let answer = answer_to(&world, &alice, &nothing);
    assert!(
        answer.ends_with("): [In reply to a message that cannot be shown here.]\n\nand this?"),
        "{answer}"
    );
}

#[test]
fn the_quote_in_the_body_serves_where_the_message_is_not_to_be_had() {
    let (world, alice) = World::with_alice();
    let reply = alice.sends(
        &alice.chat,
        json!({"msgtype": "m.text", "body": "> <@carol:hs> one\n> two\n\nexplain",
               "m.relates_to": {"m.in_reply_to": {"event_id": "$nothing"}}}),
    );
    let answer = answer_to(&world, &alice, &reply);
    assert!(
        answer.ends_with(
            "): [In reply to an earlier message of @carol:hs:]\n> one\n> two\n\nexplain"
        ),
        "{answer}"
    );
}

#[test]
fn a_command_in_a_reply_is_a_command_and_a_thread_quotes_nothing() {
    let (world, alice) = World::with_alice();
    let chat = &alice.chat;
    let earlier = alice.says(chat, "hello");
    answer_to(&world, &alice, &earlier);
    let command = alice.replies(chat, &earlier, "!chats");
    assert!(answer_to(&world, &alice, &command).starts_with("Your chats:"));
    let in_thread = alice.sends(
        chat,
        json!({"msgtype": "m.text", "body": "go on", "m.relates_to": {
            "rel_type": "m.thread", "event_id": earlier, "is_falling_back": true,
            "m.in_reply_to": {"event_id": earlier}}}),
    );
    assert!(answer_to(&world, &alice, &in_thread).ends_with("): go on"));
}

#[test]
fn a_file_that_is_replied_to_goes_with_the_question_again() {
    let (world, alice) = World::with_alice();
    let chat = &alice.chat;
    let file = alice.sends_file(chat, "notes.txt", "", b"hello");
    answer_to(&world, &alice, &file);
    let first = world.ask(&alice, chat, "read it");
    let (_, path) = first.split_once("\n\nFiles: ").unwrap();
    world.ask(&alice, chat, "something else");
    let reply = alice.replies(chat, &file, "and this one?");
    let answer = answer_to(&world, &alice, &reply);
    assert!(
        answer.ends_with(&format!(
            "): [In reply to the file notes.txt in my earlier message.]\n\nand this one?\n\nFiles: {path}"
        )),
        "{answer}"
    );
}

#[test]
fn a_message_of_another_room_is_not_quoted() {
    let (world, alice) = World::with_alice();
    let bob = world.welcomes("@bob:hs");
    let secret = bob.says(&bob.chat, "my secret");
    world.until("the answer", |server| {
        server.is_done_with(&bob.chat, &secret)
    });
    let reply = alice.replies(&alice.chat, &secret, "explain");
    let answer = answer_to(&world, &alice, &reply);
    assert!(!answer.contains("secret"), "{answer}");
}
