use super::*;
use crate::{
    core::{
        dispatch::Place,
        ids::EventKey,
        message::ReplyKind,
        testing::{Fault, World, alice, chat},
    },
    platform::{PermissionMeaning, PermissionOption, PermissionQuestion, mock::Script},
};

fn text(piece: &str) -> AnswerEvent {
    AnswerEvent::Text(piece.to_owned())
}

/// What alice is told when the agent follows this script.
async fn answer(script: Script) -> Reply {
    let place = Place::Chat(chat(1));
    let world = World::in_a_hurry(script);
    let mut replies = world
        .dispatch(place, alice(), "$event", "hello")
        .await
        .unwrap();
    assert_eq!(replies.len(), 1);
    replies.remove(0)
}

#[tokio::test]
async fn an_agent_that_fails_is_told_in_one_notice_without_the_cause() {
    for (advice, expected) in [
        (
            Advice::TryAgain,
            "The agent could not answer just now. Please try again in a moment.",
        ),
        (
            Advice::TellOperator,
            "The agent cannot answer, and trying again will not help.",
        ),
    ] {
        for script in [
            Script::Fail(advice),
            Script::FailAfter(String::new(), advice),
        ] {
            let reply = answer(script).await;
            assert_eq!(reply.kind, ReplyKind::Notice);
            assert!(reply.markdown.starts_with(expected), "{}", reply.markdown);
            assert!(!reply.markdown.contains("scripted"), "{}", reply.markdown);
        }
    }
}

#[tokio::test]
async fn what_was_said_before_a_failure_stays_and_the_answer_says_that_it_broke_off() {
    let half = "It begins\n```rust\nlet x";
    for (advice, expected) in [
        (
            Advice::TryAgain,
            "The answer broke off here. Please ask again in a moment.",
        ),
        (
            Advice::TryAgainIn(Duration::from_mins(5)),
            "The answer broke off here. Please ask again in 5 min.",
        ),
        (
            Advice::BeginAnew,
            "The answer broke off here: the conversation has grown too long for the agent. \
             `!clear` starts a new one.",
        ),
        (
            Advice::TellOperator,
            "The answer broke off here, and asking again will not help. \
             Please tell whoever runs this bot, or choose another agent with `!agent`.",
        ),
    ] {
        let reply = answer(Script::FailAfter(half.to_owned(), advice)).await;
        assert_eq!(reply.kind, ReplyKind::Answer);
        assert_eq!(reply.markdown, format!("{half}\n```\n\n{expected}"));
        assert!(reply.is_failure, "the question's files are not used up");
    }
    let reply = answer(Script::VanishAfter("It begins".to_owned())).await;
    assert_eq!(
        reply.markdown,
        "It begins\n\nThe answer broke off here. Please ask again in a moment."
    );
}

#[tokio::test]
async fn an_agent_that_failed_before_its_first_word_did_not_break_off() {
    let reply = answer(Script::FailAfter(" \n".to_owned(), Advice::TryAgain)).await;
    assert_eq!(reply.kind, ReplyKind::Notice);
    let words = "The agent could not answer just now. Please try again in a moment.";
    assert_eq!(reply.markdown, words);
    // That the session was lost is said by the bot, and is no word of the answer.
    let reply = answer(Script::Events(vec![AnswerEvent::BegunAnew])).await;
    assert!(
        reply.markdown.ends_with(
            "\n\nThe agent finished without saying anything. Please put it in other words."
        ),
        "{}",
        reply.markdown
    );
}

#[tokio::test]
async fn an_agent_that_takes_too_long_is_stopped() {
    let world = World::in_a_hurry(Script::HangAfter("Well".to_owned())).speaking(Locale::Ru);
    let said = world.say("hello").await;
    assert!(
        said.starts_with("Well\n\nАгент не закончил за 0 с"),
        "{said}"
    );
    assert_eq!(world.changes(), ["agent ask", "agent cancel"]);
}

#[tokio::test]
async fn an_agent_that_cannot_be_stopped_is_left_behind() {
    let world = World::in_a_hurry(Script::HangAfter(String::new()));
    world.fail("agent cancel", Fault::Refused);
    let said = world.say("hello").await;
    assert!(
        said.starts_with("The agent did not finish within"),
        "{said}"
    );
}

#[tokio::test]
async fn every_way_to_end_a_turn_has_its_words() {
    let done = |reason, words: &str| Script::Events(vec![text(words), AnswerEvent::Done(reason)]);
    for (script, expected) in [
        (done(StopReason::EndTurn, "All. \n"), "All."),
        (
            done(StopReason::EndTurn, " \n"),
            "The agent finished without saying anything.",
        ),
        (
            Script::Events(Vec::new()),
            "The agent finished without saying anything.",
        ),
        (
            done(StopReason::Limit, "Half"),
            "Half\n\nThe agent reached a limit",
        ),
        (
            done(StopReason::Refusal, ""),
            "The agent declined to answer this.",
        ),
        (done(StopReason::Cancelled, "Half"), "Half\n\nStopped."),
    ] {
        let reply = answer(script.clone()).await;
        assert!(
            reply.markdown.starts_with(expected),
            "{script:?}: {}",
            reply.markdown
        );
    }
}

#[tokio::test]
async fn an_endless_answer_is_cut_and_the_agent_stopped() {
    let world = World::with_agent(Script::Events(vec![text(&"я".repeat(300_000)); 4]));
    let said = world.say("hello").await;
    assert!(said.len() < 2_200_000);
    assert!(said.ends_with("The agent reached a limit and stopped here. Ask it to go on."));
    assert_eq!(world.changes(), ["agent ask", "agent cancel"]);
}

#[tokio::test]
async fn what_a_tool_does_is_seen_in_drafts_only() {
    let status = AnswerEvent::ToolStatus("reading *notes*".to_owned());
    let world = World::with_agent(Script::Events(vec![
        text("Let me see."),
        status,
        text(" Done."),
    ]));
    assert_eq!(world.say("hello").await, "Let me see. Done.");
    let drafts = world.drafts.0.lock().unwrap().clone();
    assert!(
        drafts.contains(&"Let me see. [reading *notes*]".to_owned()),
        "{drafts:?}"
    );
}

#[tokio::test]
async fn what_an_agent_retracts_is_no_part_of_its_answer() {
    let world = World::with_agent(Script::Events(vec![
        text("Let me think."),
        AnswerEvent::Retracted,
        text("Four"),
        text("."),
    ]));
    assert_eq!(world.say("2+2").await, "Four.");
    let drafts = world.drafts.0.lock().unwrap().clone();
    assert_eq!(drafts.last().map(String::as_str), Some("Four."));
    let reply = answer(Script::Events(vec![
        AnswerEvent::BegunAnew,
        text("Let me think."),
        AnswerEvent::Retracted,
        text("Four."),
    ]))
    .await;
    assert!(
        reply.markdown.ends_with("said here before.\n\nFour."),
        "{}",
        reply.markdown
    );
}

#[tokio::test]
async fn a_permission_nobody_can_be_asked_for_is_refused() {
    let question = PermissionQuestion {
        id: "q1".to_owned(),
        title: "May I?".to_owned(),
        options: vec![PermissionOption {
            id: "yes".to_owned(),
            label: "Yes".to_owned(),
            meaning: PermissionMeaning::Allow,
        }],
    };
    let world = World::with_agent(Script::Events(vec![
        AnswerEvent::Permission(question),
        text("Fine."),
    ]));
    assert_eq!(world.say("hello").await, "Fine.");
    assert_eq!(world.changes(), ["agent ask", "agent permission q1 None"]);
}

/// What an agent of alice answers that names these files; a few are there.
async fn naming(said: &str, paths: &[&str]) -> Reply {
    let mut events = vec![text(said)];
    events.extend(
        paths
            .iter()
            .map(|path| AnswerEvent::File((*path).to_owned())),
    );
    let world = World::with_agent(Script::Events(events));
    for path in [
        "plot.png",
        "b.txt",
        "surfaces/matrix/bob/room/inbox/secret.txt",
    ] {
        world.has_in_the_workspace(path, b"content");
    }
    for number in 0..12 {
        world.has_in_the_workspace(&format!("{number}.txt"), b"x");
    }
    let place = Place::Chat(chat(1));
    let mut replies = world
        .dispatch(place, alice(), "$event", "hello")
        .await
        .unwrap();
    assert_eq!(replies.len(), 1);
    replies.remove(0)
}

fn file_names(reply: &Reply) -> Vec<&str> {
    let names = reply.files.iter().map(|reply| reply.file.name.as_str());
    names.collect()
}

#[tokio::test]
async fn files_that_an_agent_names_follow_its_words_each_once_and_in_order() {
    let reply = naming("Look:", &["plot.png", "b.txt", "plot.png"]).await;
    assert_eq!(reply.markdown, "Look:");
    assert_eq!(reply.kind, ReplyKind::Answer);
    assert_eq!(file_names(&reply), ["plot.png", "b.txt"]);
    assert_eq!(reply.files[0].file.mime, "image/png");
}

#[tokio::test]
async fn a_file_that_may_not_be_sent_is_told_in_a_line_of_the_answer() {
    for (path, why) in [
        ("/etc/passwd", "it lies outside the workspace"),
        ("../x", "it lies outside the workspace"),
        (
            "surfaces/matrix/bob/room/inbox/secret.txt",
            "it belongs to another chat",
        ),
        ("nothing.txt", "there is no such file"),
        ("surfaces", "it is not a file"),
    ] {
        let reply = naming("Look:\n```\ncode", &[path, "plot.png"]).await;
        let begin = "Look:\n```\ncode\n```\n\nThe agent's file ";
        assert!(reply.markdown.starts_with(begin), "{}", reply.markdown);
        let end = format!("was not sent: {why}.");
        assert!(reply.markdown.ends_with(&end), "{}", reply.markdown);
        assert_eq!(file_names(&reply), ["plot.png"], "{path}");
    }
}

#[tokio::test]
async fn an_agent_that_only_sends_files_has_words_put_before_them() {
    let reply = naming("", &["plot.png"]).await;
    assert_eq!(reply.markdown, "Here you are:");
    assert_eq!(file_names(&reply), ["plot.png"]);
    let reply = naming(" ", &["nothing"]).await;
    assert_eq!(reply.kind, ReplyKind::Notice);
    assert_eq!(
        reply.markdown,
        "The agent's file nothing was not sent: there is no such file."
    );
}

#[tokio::test]
async fn an_answer_sends_ten_files_and_says_that_there_were_more() {
    let paths: Vec<String> = (0..1000).map(|number| format!("{number}.txt")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let reply = naming("Look:", &paths).await;
    assert_eq!(reply.files.len(), 10);
    assert!(
        reply
            .markdown
            .ends_with("Only the first 10 files of this answer were sent."),
        "{}",
        reply.markdown
    );
}

/// A question with one option to allow and one to refuse.
fn question(id: &str, title: &str) -> AnswerEvent {
    let option = |id: &str, meaning| PermissionOption {
        id: id.to_owned(),
        label: format!("Option {id}"),
        meaning,
    };
    AnswerEvent::Permission(PermissionQuestion {
        id: id.to_owned(),
        title: title.to_owned(),
        options: vec![
            option("go", PermissionMeaning::Allow),
            option("stay", PermissionMeaning::Reject),
        ],
    })
}

fn decides(world: &World, verdicts: &[(Verdict, Duration)]) {
    *world.fakes.verdicts.lock().unwrap() = verdicts.iter().copied().collect();
}

#[tokio::test(start_paused = true)]
async fn the_person_is_asked_and_the_agent_hears_what_was_decided() {
    let script = Script::Events(vec![
        question("q1", "May I?"),
        text("One. "),
        question("q2", "And now?"),
        text("Two."),
    ]);
    let world = World::with_agent(script.clone());
    let soon = Duration::from_millis(1);
    decides(
        &world,
        &[(Verdict::Chosen(0), soon), (Verdict::Chosen(1), soon)],
    );
    assert_eq!(world.say("hello").await, "One. Two.");
    let asked = world.fakes.asked.lock().unwrap().clone();
    assert_eq!(asked[0].title, "May I?");
    assert_eq!(asked[0].agent, "Assistant");
    assert_eq!(asked[0].options[1].label, "Option stay");
    assert_ne!(asked[0].key, asked[1].key);
    let heard = [
        "agent ask",
        "agent permission q1 Some(\"go\")",
        "agent permission q2 Some(\"stay\")",
    ];
    assert_eq!(world.changes(), heard);
    let again = World::with_agent(script);
    again.say("hello").await;
    let again = again.fakes.asked.lock().unwrap().clone();
    assert_eq!(
        again, asked,
        "asked again after a crash, it is the same question"
    );
}

#[tokio::test(start_paused = true)]
async fn the_same_words_asked_twice_are_two_questions() {
    let world = World::with_agent(Script::Events(vec![
        question("q1", "May I?"),
        question("q2", "May I?"),
    ]));
    world.say("hello").await;
    let asked = world.fakes.asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 2);
    assert_ne!(asked[0].key, asked[1].key);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_for_ever() {
    let questions = (0..100).map(|number| question(&format!("q{number}"), "May I?"));
    let world = World::with_agent(Script::Events(questions.collect()));
    world.say("hello").await;
    assert_eq!(world.fakes.asked.lock().unwrap().len(), 64);
    let heard = world.changes();
    assert_eq!(heard.len(), 101, "and the agent hears no to all of them");
}

#[tokio::test(start_paused = true)]
async fn a_stopped_turn_keeps_what_was_said_and_tells_the_agent() {
    let world = World::with_agent(Script::HangAfter("Well".to_owned()));
    let turn = world.dispatcher.running().begin(&EventKey::new("$event"));
    let stop = async {
        while world.drafts.0.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        turn.stop();
    };
    let (said, ()) = tokio::join!(world.say("hello"), stop);
    assert_eq!(said, "Well\n\nStopped.");
    assert_eq!(world.changes(), ["agent ask", "agent cancel"]);
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_was_stopped_before_it_began_asks_nobody() {
    let world = World::new();
    let turn = world.dispatcher.running().begin(&EventKey::new("$event"));
    turn.stop();
    assert_eq!(world.say("hello").await, "Stopped.");
    assert_eq!(world.changes(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_the_wait_for_the_person() {
    let world = World::with_agent(Script::Events(vec![question("q1", "May I?")]));
    decides(&world, &[(Verdict::Chosen(0), Duration::from_hours(1))]);
    let turn = world.dispatcher.running().begin(&EventKey::new("$event"));
    let stop = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        turn.stop();
    };
    let (said, ()) = tokio::join!(world.say("hello"), stop);
    assert_eq!(said, "Stopped.");
    assert_eq!(world.changes(), ["agent ask", "agent cancel"]);
}

#[tokio::test(start_paused = true)]
async fn the_time_in_which_a_person_thinks_is_not_the_agents() {
    let world = World::in_a_hurry(Script::Events(vec![
        question("q1", "May I?"),
        text("Thanks."),
    ]));
    decides(&world, &[(Verdict::Chosen(0), Duration::from_mins(4))]);
    assert_eq!(world.say("hello").await, "Thanks.");
    assert_eq!(
        world.changes(),
        ["agent ask", "agent permission q1 Some(\"go\")"]
    );
}
