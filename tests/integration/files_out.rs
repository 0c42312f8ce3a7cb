//! Files that agents send: uploaded, sent once, and told where they may not be.

use std::{sync::Arc, time::Duration};

use matrix_sdk::ruma::OwnedEventId;
use serde_json::{Value, json};
use surfaces_bot::{core::ids::AgentId, platform::mock::MockAgent};

use crate::support::{Fault, Left, Resident, Story, World};

const GIF: &[u8] = b"GIF89a\x05\x00\x07\x00\x00\x00\x00";

type Asked = (Resident, Option<OwnedEventId>);

/// The contents of the bot's messages about this question, without drafts and edits.
fn sent(world: &World, (alice, question): &Asked) -> Vec<Value> {
    let question = question.as_ref().unwrap().as_str();
    world.matrix.see(|server| {
        let events = server.room(&alice.chat).events.iter();
        let contents = events
            .filter(|event| event.item.sender == server.bot)
            .map(|event| event.item.content.clone());
        contents
            .filter(|content| content["io.lambda.surfaces.answers"] == question)
            .filter(|content| content.get("url").is_some() || content["msgtype"] == "m.notice")
            .collect()
    })
}

fn content_of(world: &World, message: &Value) -> Vec<u8> {
    let url = message["url"].as_str().unwrap().to_owned();
    world.matrix.see(|server| server.media[&url].clone())
}

fn words(world: &World, (alice, question): &Asked) -> Vec<String> {
    let question = question.as_ref().unwrap();
    let said = world
        .matrix
        .see(|server| server.answers_to(&alice.chat, question));
    let said = said.into_iter().map(|shown| shown.body);
    said.filter(|body| body.starts_with("Echo")).collect()
}

fn at_home() -> (World, Asked) {
    let mut world = World::new();
    let agent = MockAgent::new(AgentId::new("assistant")).with_pause(Duration::from_millis(450));
    world.settings.agents = vec![("assistant", Arc::new(agent))];
    world.start();
    let alice = world.welcomes("@alice:hs");
    world.goes_on_for(Duration::from_secs(1));
    world.has_in_the_workspace("out/plot.gif", GIF);
    (world, (alice, None))
}

fn story() -> Story<Asked> {
    Story {
        before: at_home,
        happens: |_, (alice, question)| {
            *question = Some(alice.says(&alice.chat, "file out/plot.gif"));
        },
        is_over: |server, (alice, question)| {
            server.has_read(&alice.chat, question.as_ref().unwrap())
        },
        check: |world, asked| {
            let words = words(world, asked);
            assert_eq!(words.len(), 1, "{words:?}");
            let files = sent(world, asked);
            assert_eq!(files.len(), 1, "{files:?}");
            assert_eq!(files[0]["msgtype"], "m.image");
            assert_eq!(files[0]["body"], "plot.gif");
            assert_eq!(files[0]["m.mentions"], json!({}));
            let info = json!({"mimetype": "image/gif", "size": 13, "w": 5, "h": 7});
            assert_eq!(files[0]["info"], info);
            assert_eq!(content_of(world, &files[0]), GIF);
        },
    }
}

#[test]
fn a_process_that_dies_at_any_request_sends_the_file_once() {
    story().survives_death(Left::Everything);
}

#[test]
fn requests_and_answers_that_get_lost_change_nothing() {
    for fault in [Fault::Lost, Fault::AnswerLost] {
        story().survives(&fault, &["upload", "send"]);
    }
}

/// The words say that the question is answered; a file that had not followed yet is not known of any more.
#[test]
fn a_process_that_dies_and_loses_its_database_answers_once_and_sends_no_file_twice() {
    Story {
        check: |world, asked| {
            let words = words(world, asked);
            assert_eq!(words.len(), 1, "{words:?}");
            assert!(sent(world, asked).len() <= 1);
        },
        ..story()
    }
    .survives_death(Left::NoDatabase);
}

#[test]
fn no_copy_is_left_behind_and_a_change_after_the_answer_is_not_sent() {
    let (world, (alice, _)) = at_home();
    world
        .matrix
        .fail("upload", 0, Fault::Slow(Duration::from_secs(30)));
    let question = alice.says(&alice.chat, "file out/plot.gif");
    world.until("the words", |server| {
        let answers = server.answers_to(&alice.chat, &question);
        answers.iter().any(|answer| !answer.is_draft)
    });
    world.has_in_the_workspace("out/plot.gif", b"changed");
    world.until("the file", |server| server.has_read(&alice.chat, &question));
    let chat = alice.chat.clone();
    let asked = (alice, Some(question));
    assert_eq!(content_of(&world, &sent(&world, &asked)[0]), GIF);
    let staging = std::fs::read_dir(world.settings.workspace.join("surfaces/matrix"))
        .unwrap()
        .flat_map(|user| std::fs::read_dir(user.unwrap().path()).unwrap())
        .map(|room| room.unwrap().path().join(".staging"));
    for folder in staging {
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0, "{chat}");
    }
}

#[test]
fn a_file_that_the_server_does_not_take_is_told() {
    let (world, (alice, _)) = at_home();
    world
        .matrix
        .fail("upload", 0, Fault::Refused("M_TOO_LARGE"));
    let question = alice.says(&alice.chat, "file out/plot.gif");
    world.until("the answer", |server| {
        server.has_read(&alice.chat, &question)
    });
    let told = sent(&world, &(alice, Some(question)));
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["msgtype"], "m.notice");
    let body = told[0]["body"].as_str().unwrap();
    assert_eq!(
        body,
        "The homeserver did not take plot.gif, so it was not sent."
    );
}

#[test]
fn a_file_that_may_not_be_sent_is_told_and_nothing_is_uploaded() {
    let (world, (alice, _)) = at_home();
    world.has_in_the_workspace("surfaces/matrix/bob/room/inbox/secret.txt", b"secret");
    for path in [
        "/etc/passwd",
        "../bot.db",
        "surfaces/matrix/bob/room/inbox/secret.txt",
        "nothing",
    ] {
        let answer = world.ask(&alice, &alice.chat, &format!("file {path}"));
        assert!(answer.contains("was not sent: "), "{path}: {answer}");
    }
    assert_eq!(world.matrix.count("upload"), 0);
}

#[test]
fn a_file_in_a_thread_stays_there() {
    let (world, (alice, _)) = at_home();
    let root = alice.says(&alice.chat, "root");
    let question = alice.sends(
        &alice.chat,
        json!({"msgtype": "m.text", "body": "file out/plot.gif",
               "m.relates_to": {"rel_type": "m.thread", "event_id": root}}),
    );
    world.until("the file", |server| server.has_read(&alice.chat, &question));
    let files = sent(&world, &(alice, Some(question)));
    assert_eq!(files[0]["m.relates_to"]["event_id"], root.as_str());
}
