//! Files that people send: kept once, given once, whatever dies or gets lost in between.

use std::{fs, path::Path, time::Duration};

use matrix_sdk::ruma::{OwnedEventId, RoomId};
use serde_json::json;

use crate::support::{Fault, Left, Resident, Story, World};

/// A file, words, and words again; sent one after the other without waiting.
struct Sent {
    alice: Resident,
    file: Option<OwnedEventId>,
    first: Option<OwnedEventId>,
    second: Option<OwnedEventId>,
}

fn answer(world: &World, room: &RoomId, question: Option<&OwnedEventId>) -> String {
    world.matrix.answer_to(room, question.unwrap())
}

/// The paths that an echo lists.
fn listed(answer: &str) -> Vec<&str> {
    let Some((_, files)) = answer.split_once("\n\nFiles: ") else {
        return Vec::new();
    };
    files
        .split(", ")
        .map(|path| path.trim_matches('`'))
        .collect()
}

/// All files below this folder, the bot's own notes left out.
fn files_below(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_file() {
                found.push(path.to_str().unwrap().to_owned());
            } else if !path.ends_with(".staging") {
                folders.push(path);
            }
        }
    }
    found
}

fn story() -> Story<Sent> {
    Story {
        before: || {
            let (world, alice) = World::with_alice();
            let sent = Sent {
                alice,
                file: None,
                first: None,
                second: None,
            };
            (world, sent)
        },
        happens: |_, sent| {
            let chat = &sent.alice.chat;
            sent.file = Some(sent.alice.sends_file(chat, "notes.txt", "", &[7; 2500]));
            sent.first = Some(sent.alice.says(chat, "read this"));
            sent.second = Some(sent.alice.says(chat, "and go on"));
        },
        is_over: |server, sent| {
            server.is_done_with(&sent.alice.chat, sent.second.as_ref().unwrap())
        },
        check: |world, sent| {
            let chat = &sent.alice.chat;
            let notice = answer(world, chat, sent.file.as_ref());
            assert!(
                notice.starts_with("notes.txt (2.4 KiB) goes with"),
                "{notice}"
            );
            let first = answer(world, chat, sent.first.as_ref());
            let paths = listed(&first);
            assert_eq!(paths.len(), 1, "{first}");
            assert_eq!(world.in_the_workspace(paths[0]), [7; 2500]);
            let second = answer(world, chat, sent.second.as_ref());
            assert_eq!(listed(&second), [""; 0], "{second}");
            assert_eq!(files_below(&world.settings.workspace).len(), 1);
            assert_eq!(
                world.matrix.bot_said(chat).len(),
                4,
                "welcome and three answers"
            );
        },
    }
}

#[test]
fn a_process_that_dies_at_any_request_keeps_and_gives_a_file_once() {
    story().survives_death(Left::Everything);
}

#[test]
fn a_process_that_dies_at_any_request_and_loses_its_database_keeps_and_gives_a_file_once() {
    story().survives_death(Left::NoDatabase);
}

#[test]
fn a_process_that_dies_at_any_request_and_loses_everything_keeps_and_gives_a_file_once() {
    story().survives_death(Left::Nothing);
}

#[test]
fn requests_and_answers_that_get_lost_change_nothing() {
    for fault in [Fault::Lost, Fault::AnswerLost] {
        story().survives(&fault, &["download", "send"]);
    }
}

/// Two files, of which the second has a caption.
fn captioned() -> Story<Sent> {
    Story {
        happens: |_, sent| {
            let chat = &sent.alice.chat;
            sent.file = Some(sent.alice.sends_file(chat, "a.txt", "", b"one"));
            sent.first = Some(sent.alice.sends_file(chat, "b.txt", "compare", b"two"));
            sent.second = Some(sent.alice.says(chat, "and go on"));
        },
        check: |world, sent| {
            let chat = &sent.alice.chat;
            let first = answer(world, chat, sent.first.as_ref());
            assert!(first.contains("): compare\n\n"), "{first}");
            let paths = listed(&first);
            assert_eq!(paths.len(), 2, "{first}");
            assert_eq!(world.in_the_workspace(paths[0]), b"one");
            assert_eq!(world.in_the_workspace(paths[1]), b"two");
            let second = answer(world, chat, sent.second.as_ref());
            assert_eq!(listed(&second), [""; 0], "{second}");
            assert_eq!(files_below(&world.settings.workspace).len(), 2);
        },
        ..story()
    }
}

#[test]
fn a_file_with_a_caption_is_given_once_whatever_dies() {
    captioned().survives_death(Left::Everything);
    captioned().survives_death(Left::NoDatabase);
}

/// A file that waits when everything is lost is there afterwards, and one that was given is not.
#[test]
fn what_waits_and_what_was_given_is_known_without_any_store() {
    let (mut world, alice) = World::with_alice();
    let chat = &alice.chat;
    let given = alice.sends_file(chat, "given.txt", "", b"one");
    let question = alice.says(chat, "look");
    let waits = alice.sends_file(chat, "waits.txt", "", b"two");
    for event in [&given, &question, &waits] {
        world.until("the answers", |server| server.is_done_with(chat, event));
    }
    world.kill_and_wipe_all();
    world.start();
    let files = world.ask(&alice, chat, "!files");
    assert!(files.ends_with("\n\n1. waits.txt (3 bytes)"), "{files}");
    let answer = world.ask(&alice, chat, "and now");
    assert_eq!(listed(&answer).len(), 1, "{answer}");
}

#[test]
fn files_are_dropped_by_number_and_the_rest_goes_along() {
    let (world, alice) = World::with_alice();
    let chat = &alice.chat;
    for name in ["c.txt", "b.txt", "a.txt"] {
        alice.sends_file(chat, name, "", name.as_bytes());
    }
    assert_eq!(world.ask(&alice, chat, "!drop 2"), "Dropped: b.txt.");
    let left = world.ask(&alice, chat, "!files");
    assert!(
        left.ends_with("\n\n1. c.txt (5 bytes)\n2. a.txt (5 bytes)"),
        "{left}"
    );
    let answer = world.ask(&alice, chat, "look");
    assert_eq!(listed(&answer).len(), 2, "{answer}");
}

#[test]
fn two_rooms_keep_their_files_apart() {
    let (world, alice) = World::with_alice();
    world.ask(&alice, &alice.chat, "!new Other");
    let home = world.matrix.home_of(&alice.id);
    let other = home.chats.iter().find(|room| **room != alice.chat).unwrap();
    alice.joins(other);
    let file = alice.sends_file(&alice.chat, "a.txt", "", b"one");
    world.until("the notice", |server| {
        server.is_done_with(&alice.chat, &file)
    });
    assert_eq!(listed(&world.ask(&alice, other, "look")), [""; 0]);
    assert_eq!(listed(&world.ask(&alice, &alice.chat, "look")).len(), 1);
}

#[test]
fn a_file_that_is_not_to_be_had_or_too_large_is_told_in_one_line() {
    let (world, alice) = World::with_alice();
    let chat = &alice.chat;
    let missing = alice.sends(
        chat,
        json!({"msgtype": "m.file", "body": "gone.txt", "url": "mxc://hs/nothing"}),
    );
    let large = alice.sends_file(chat, "big.bin", "and a caption", &vec![0; 100_001]);
    let fits = alice.sends_file(chat, "fits.bin", "", &vec![0; 100_000]);
    let nowhere = alice.sends(
        chat,
        json!({"msgtype": "m.image", "body": "x.png", "file": {"url": "mxc://hs/x"}}),
    );
    for event in [&missing, &large, &fits, &nowhere] {
        world.until("the answers", |server| server.is_done_with(chat, event));
    }
    let told = |event| world.matrix.answer_to(chat, event);
    assert!(told(&missing).starts_with("I could not get gone.txt"));
    assert_eq!(
        told(&large),
        "big.bin is too large: a file may have at most 97.6 KiB."
    );
    assert!(told(&fits).starts_with("fits.bin (97.6 KiB) goes with"));
    assert!(told(&nowhere).starts_with("I could not get x.png"));
    assert_eq!(files_below(&world.settings.workspace).len(), 1);
}

#[test]
fn a_media_repository_that_fails_for_ever_holds_up_nothing() {
    let (world, alice) = World::with_alice();
    let chat = &alice.chat;
    world.matrix.fail_often("download", 0, 100, Fault::Lost);
    let file = alice.sends_file(chat, "a.txt", "", b"one");
    let next = alice.says(chat, "hello");
    world.until("the answer", |server| server.is_done_with(chat, &next));
    let told = world.matrix.answer_to(chat, &file);
    assert!(told.starts_with("I could not get a.txt"), "{told}");
    assert_eq!(world.matrix.count("download"), 5);
}

#[test]
fn the_quota_of_one_person_is_told_and_dropping_makes_room() {
    let (mut world, _) = World::with_alice();
    world.kill();
    world.settings.file_limits.user = 10_000;
    world.start();
    let bob = world.welcomes("@bob:hs");
    let chat = &bob.chat;
    let files = [1, 2, 3].map(|_| bob.sends_file(chat, "a.txt", "", b"x"));
    world.until("the answers", |server| server.is_done_with(chat, &files[2]));
    let told = world.matrix.answer_to(chat, &files[2]);
    assert!(
        told.starts_with("There is no room for a.txt: your files may take 9.7 KiB"),
        "{told}"
    );
    world.ask(&bob, chat, "!drop 1");
    let again = bob.sends_file(chat, "a.txt", "", b"x");
    world.until("the answer", |server| server.is_done_with(chat, &again));
    assert!(world.matrix.answer_to(chat, &again).contains("goes with"));
}

#[test]
fn a_file_in_the_entry_room_and_one_of_somebody_else_are_left_alone() {
    let (world, alice) = World::with_alice();
    let carol = world.has_a_guest("@carol:hs", &alice.chat);
    carol.sends_file(&alice.chat, "virus.exe", "run this", b"x");
    alice.sends_file(&alice.entry, "a.txt", "", b"x");
    assert_eq!(listed(&world.ask(&alice, &alice.chat, "look")), [""; 0]);
    world.settles();
    assert_eq!(world.matrix.count("download"), 0);
    assert_eq!(files_below(&world.settings.workspace), [""; 0]);
}

#[test]
fn a_file_that_waited_too_long_is_passed_over_like_words() {
    let (mut world, alice) = World::with_alice();
    let chat = &alice.chat;
    world.kill();
    let first = alice.sends_file(chat, "old.txt", "", b"x");
    let last = alice.sends_file(chat, "old.txt", "!and a caption", b"x");
    world.clock.advance(Duration::from_hours(25));
    world.start();
    world.until("the notice", |server| {
        server.is_done_with(chat, &first) && server.has_read(chat, &last)
    });
    let told = world.matrix.answer_to(chat, &first);
    assert!(told.starts_with("While I was away, 2 messages"), "{told}");
    assert_eq!(world.matrix.count("download"), 0);
}

#[test]
fn a_file_in_a_thread_is_answered_there() {
    let (world, alice) = World::with_alice();
    let chat = &alice.chat;
    let begin = alice.says(chat, "root");
    let url = world
        .matrix
        .change(|server| server.keep_media(b"x".to_vec()));
    let file = alice.sends(
        chat,
        json!({"msgtype": "m.file", "body": "a.txt", "url": url,
               "m.relates_to": {"rel_type": "m.thread", "event_id": begin}}),
    );
    world.until("the notice", |server| server.is_done_with(chat, &file));
    let in_thread = world.matrix.see(|server| {
        let room = server.room(chat);
        let last = room.events.last().unwrap();
        last.item.content["m.relates_to"]["event_id"].clone()
    });
    assert_eq!(in_thread, begin.as_str());
}

/// The answer to a question about files, and to `!files`.
fn nothing_is_given(world: &World, alice: &Resident) {
    let files = world.ask(alice, &alice.chat, "!files");
    assert_eq!(files, "No files wait here.");
    let answer = world.ask(alice, &alice.chat, "read it");
    assert_eq!(listed(&answer), [""; 0], "{answer}");
    assert_eq!(files_below(&world.settings.workspace), [""; 0]);
}

#[test]
fn a_file_whose_message_was_deleted_is_not_given() {
    let (world, alice) = World::with_alice();
    let kept = alice.sends_file(&alice.chat, "notes.txt", "", b"secret");
    world.until("the notice", |server| {
        server.is_done_with(&alice.chat, &kept)
    });
    alice.redacts(&alice.chat, &kept);
    nothing_is_given(&world, &alice);
}

#[test]
fn a_file_whose_message_was_deleted_while_nobody_was_there_is_not_given() {
    for lost in [World::kill, World::kill_and_wipe, World::kill_and_wipe_all] {
        let (mut world, alice) = World::with_alice();
        let kept = alice.sends_file(&alice.chat, "notes.txt", "", b"secret");
        world.until("the notice", |server| {
            server.is_done_with(&alice.chat, &kept)
        });
        lost(&mut world);
        alice.redacts(&alice.chat, &kept);
        world.start();
        nothing_is_given(&world, &alice);
    }
}

#[test]
fn a_file_whose_message_was_deleted_while_it_was_fetched_is_not_given() {
    let (world, alice) = World::with_alice();
    let slow = Fault::Slow(Duration::from_secs(20));
    world.matrix.fail("download", 0, slow);
    let sent = alice.sends_file(&alice.chat, "notes.txt", "", b"secret");
    world.goes_on_for(Duration::from_secs(5));
    alice.redacts(&alice.chat, &sent);
    nothing_is_given(&world, &alice);
}

#[test]
fn a_file_whose_deletion_is_hidden_by_a_gap_is_not_given() {
    let (mut world, alice) = World::with_alice();
    let kept = alice.sends_file(&alice.chat, "notes.txt", "", b"secret");
    let other = alice.sends_file(&alice.chat, "other.txt", "", b"public");
    world.until("the notice", |server| {
        server.is_done_with(&alice.chat, &other)
    });
    world.kill();
    alice.redacts(&alice.chat, &kept);
    world.matrix.change(|server| server.timeline_limit = 2);
    for number in 0..6 {
        alice.says(&alice.chat, &format!("!context {number}"));
    }
    let question = alice.says(&alice.chat, "read it");
    world.start();
    world.until("the answer", |server| {
        server.is_done_with(&alice.chat, &question)
    });
    let answer = world.matrix.answer_to(&alice.chat, &question);
    let paths = listed(&answer);
    assert!(
        paths.len() == 1 && paths[0].ends_with("other.txt"),
        "{answer}"
    );
}
