//! What a context remembers, and what it is told about others.

use super::{
    peer::{Reply, chunks, says},
    *,
};

fn exchange(question: &str, asked: &str, answered: &str) -> Exchange {
    Exchange {
        question: EventKey::new(question),
        asked: asked.to_owned(),
        answered: answered.to_owned(),
    }
}

fn saved(kept: &str, note: Option<String>) -> Saved {
    Saved {
        context: PlatformChatId::from_command(&EventKey::new(kept)),
        note,
        room: RoomKey::new("!old:hs"),
        until: EventKey::new("$save"),
    }
}

#[tokio::test]
async fn what_was_said_is_sent_along_and_contexts_stay_apart() {
    let world = world([says(&["Hello Ann"]), says(&["Hello Bob"])]).await;
    world.ask("$ann", "$1", "I am Ann").await;
    world.ask("$bob", "$2", "I am Bob").await;
    world.ask("$ann", "$3", "Who am I?").await;
    let expected = ["user: I am Ann", "assistant: Hello Ann", "user: Who am I?"];
    assert_eq!(world.peer.conversation(), expected);
    let info = world.agent.context_info(&context("$ann")).await.unwrap();
    assert_eq!(info.messages, Some(4));
    assert!(info.tokens.unwrap() > 10);
}

#[tokio::test]
async fn a_question_that_is_asked_again_is_remembered_once() {
    let world = world([says(&["First"]), says(&["Second"]), says(&["Second again"])]).await;
    world.ask("$c", "$1", "one").await;
    world.ask("$c", "$2", "two").await;
    world.ask("$c", "$2", "two").await;
    assert_eq!(
        world.peer.conversation(),
        ["user: one", "assistant: First", "user: two"]
    );
    world.ask("$c", "$3", "three").await;
    let expected = [
        "user: one",
        "assistant: First",
        "user: two",
        "assistant: Second again",
        "user: three",
    ];
    assert_eq!(world.peer.conversation(), expected);
}

#[tokio::test]
async fn refusals_and_failures_are_not_remembered() {
    let world = world([
        Reply::Stream(chunks(&["I will not."], Some("content_filter"), true)),
        Reply::Status(401, Vec::new(), String::new()),
    ])
    .await;
    world.ask("$c", "$1", "something bad").await;
    world.ask("$c", "$2", "something else").await;
    world.ask("$c", "$3", "hi").await;
    assert_eq!(world.peer.conversation(), ["user: hi"]);
}

#[tokio::test]
async fn a_context_that_is_let_go_of_is_forgotten() {
    let world = world([]).await;
    world.ask("$c", "$1", "one").await;
    world.agent.disconnect(&context("$c")).await.unwrap();
    world.ask("$c", "$2", "two").await;
    assert_eq!(world.peer.conversation(), ["user: two"]);
}

#[tokio::test]
async fn a_context_that_is_kept_can_be_continued_elsewhere_again_and_again() {
    let world = world([says(&["Hello"])]).await;
    world.ask("$old", "$1", "one").await;
    let kept = saved("$kept", None);
    for _ in 0..2 {
        world
            .agent
            .save(&context("$old"), kept.context)
            .await
            .unwrap();
    }
    world.ask("$old", "$2", "not kept").await;
    world.agent.disconnect(&context("$old")).await.unwrap();
    for new in ["$new", "$new", "$newer"] {
        world.agent.load(&context(new), &kept).await.unwrap();
    }
    for new in ["$new", "$newer"] {
        world.ask(new, "$3", "go on").await;
        assert_eq!(
            world.peer.conversation(),
            ["user: one", "assistant: Hello", "user: go on"]
        );
    }
}

#[tokio::test]
async fn a_lost_memory_is_read_back_from_the_room_once() {
    let room = vec![
        exchange("$1", "one", "First"),
        exchange("$2", "two", "Second"),
    ];
    let elsewhere = Elsewhere {
        room: Mutex::new(Some(room)),
        ..Elsewhere::default()
    };
    let world = world_with([], |_| (), elsewhere).await;
    world.ask("$c", "$3", "three").await;
    world.ask("$c", "$4", "four").await;
    let expected = [
        "user: one",
        "assistant: First",
        "user: two",
        "assistant: Second",
        "user: three",
        "assistant: Fine.",
        "user: four",
    ];
    assert_eq!(world.peer.conversation(), expected);
    let read = world.elsewhere.read.lock().unwrap().clone();
    assert_eq!(read.len(), 1);
    assert_eq!(read[0].until, Some(EventKey::new("$3")));
}

#[tokio::test]
async fn a_question_that_is_found_in_the_room_is_not_its_own_past() {
    let elsewhere = Elsewhere {
        room: Mutex::new(Some(vec![exchange("$1", "one", "First")])),
        ..Elsewhere::default()
    };
    let world = world_with([], |_| (), elsewhere).await;
    world.ask("$c", "$1", "one").await;
    assert_eq!(world.peer.conversation(), ["user: one"]);
}

#[tokio::test]
async fn a_room_that_cannot_be_read_now_is_no_empty_memory() {
    let world = world_with([], |_| (), Elsewhere::default()).await;
    let answer = world.ask("$c", "$2", "two").await;
    assert_eq!(
        (answer.text.as_str(), answer.end),
        ("", Err(Advice::TryAgain))
    );
    assert!(world.peer.asked().is_empty(), "the model is not asked");
    let kept = saved("$kept", None).context;
    let error = world.agent.save(&context("$c"), kept).await.unwrap_err();
    assert_eq!(error.advice, Advice::TryAgain);
    assert!(world.agent.context_info(&context("$c")).await.is_err());
    *world.elsewhere.room.lock().unwrap() = Some(vec![exchange("$1", "one", "First")]);
    world.ask("$c", "$2", "two").await;
    assert_eq!(
        world.peer.conversation(),
        ["user: one", "assistant: First", "user: two"]
    );
}

#[tokio::test]
async fn a_kept_context_whose_memory_was_lost_is_read_back_from_its_room() {
    let elsewhere = Elsewhere {
        room: Mutex::new(Some(vec![exchange("$1", "one", "First")])),
        ..Elsewhere::default()
    };
    let world = world_with([], |_| (), elsewhere).await;
    let note = world
        .agent
        .save(&context("$old"), saved("$kept", None).context)
        .await
        .unwrap();
    let after_loss = agent(&world.peer, |_| (), &world.elsewhere);
    let kept = saved("$kept", note);
    after_loss.load(&context("$new"), &kept).await.unwrap();
    listen(after_loss.ask(prompt("$new", "$2", "go on")).await.unwrap()).await;
    assert_eq!(
        world.peer.conversation(),
        ["user: one", "assistant: First", "user: go on"]
    );
    let read = world
        .elsewhere
        .read
        .lock()
        .unwrap()
        .last()
        .cloned()
        .unwrap();
    assert_eq!((read.room, read.until), (kept.room, Some(kept.until)));
    assert_eq!(read.context, context("$old").context);
}

#[tokio::test]
async fn a_kept_context_that_nothing_is_known_of_cannot_be_continued() {
    let world = world([]).await;
    for note in [None, Some("nonsense".to_owned())] {
        let error = world
            .agent
            .load(&context("$new"), &saved("$kept", note))
            .await
            .unwrap_err();
        assert_eq!(error.advice, Advice::CannotDo);
    }
}
