use matrix_sdk::ruma::owned_room_id;
use serde_json::Value;

use super::*;
use crate::matrix::{
    store::NewMessage,
    testing::{Arrived, ScriptedServer},
};

struct World {
    server: Arc<ScriptedServer>,
    store: Store,
    drafter: Drafter,
    tasks: Tasks,
    pace: Pace,
}

fn world(failures: Vec<MatrixError>) -> World {
    let server = Arc::new(ScriptedServer::new(failures));
    let store = Store::in_memory().unwrap();
    let client: Arc<dyn MatrixClient> = server.clone();
    let (tasks, pace) = (Tasks::default(), Pace::default());
    World {
        drafter: Drafter::new(client, store.clone(), tasks.clone(), pace.clone()),
        server,
        store,
        tasks,
        pace,
    }
}

fn target() -> DraftTarget {
    DraftTarget {
        question: "$question".to_owned(),
        room: owned_room_id!("!r:hs"),
        thread: None,
    }
}

/// An answer that grows by a letter every `pause`, for so long.
async fn grows(world: &World, pause: Duration, whole: Duration) -> Vec<Arrived> {
    let (drafts, showing) = world.drafter.begin(target());
    let writing = async move {
        drafts.working();
        let (started, mut said) = (Instant::now(), String::new());
        while started.elapsed() < whole {
            said.push('a');
            drafts.draft(&said);
            tokio::time::sleep(pause).await;
        }
    };
    tokio::join!(writing, showing);
    world.server.arrived()
}

fn limited(seconds: u64) -> MatrixError {
    MatrixError::RateLimited {
        retry_after: Some(Duration::from_secs(seconds)),
    }
}

fn pauses(arrived: &[Arrived]) -> Vec<Duration> {
    arrived
        .windows(2)
        .map(|pair| pair[1].at.abs_diff(pair[0].at))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_there_at_once_needs_no_draft() {
    let world = world(Vec::new());
    let arrived = grows(
        &world,
        Duration::from_millis(10),
        Duration::from_millis(100),
    )
    .await;
    assert_eq!(arrived, []);
    assert_eq!(world.server.typing(), [false; 0]);
}

#[tokio::test(start_paused = true)]
async fn edits_come_a_second_apart_at_first_then_more_slowly_and_end_at_a_budget() {
    let world = world(Vec::new());
    // In all of this time it stays short enough for one message.
    let every = Duration::from_millis(200);
    let arrived = grows(&world, every, Duration::from_mins(20)).await;
    assert_eq!(
        arrived.len(),
        1 + MOST_EDITS as usize,
        "the first message and its edits"
    );
    let pauses = pauses(&arrived);
    assert!(
        pauses[0] >= FIRST_PAUSE && pauses[0] < FIRST_PAUSE + 2 * every,
        "{:?}",
        pauses[0]
    );
    assert!(
        pauses.is_sorted_by(|before, after| *after + every > *before),
        "{pauses:?}"
    );
    assert!(pauses.last().unwrap() >= &LONGEST_PAUSE);
}

#[tokio::test(start_paused = true)]
async fn nothing_new_is_nothing_to_send() {
    let world = world(Vec::new());
    let arrived = grows(&world, Duration::from_secs(30), Duration::from_secs(90)).await;
    assert_eq!(arrived.len(), 3, "{arrived:#?}");
}

#[tokio::test(start_paused = true)]
async fn every_draft_is_an_edit_of_the_first_and_says_so() {
    let world = world(Vec::new());
    let arrived = grows(&world, Duration::from_millis(100), Duration::from_secs(4)).await;
    let (first, edits) = arrived.split_first().unwrap();
    let is_draft = |content: &Value| content[DRAFT_KEY] == true;
    assert!(is_draft(&first.content) && first.content.get("m.relates_to").is_none());
    assert!(!edits.is_empty());
    for edit in edits {
        assert_eq!(edit.content["m.relates_to"]["event_id"], "$event1");
        assert!(is_draft(&edit.content["m.new_content"]));
    }
    let frozen = world.store.frozen("$question").await.unwrap();
    assert_eq!(frozen.len(), 1);
    assert_eq!(frozen[0].event_id.as_ref().unwrap(), "$event1");
    assert_eq!(frozen[0].transaction_id, first.transaction_id);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_limits_rates_is_left_in_peace_for_as_long_as_it_asks() {
    // The first message goes through; a failure in front would be no draft at all.
    let world = world(Vec::new());
    let arrived = grows(
        &world,
        Duration::from_millis(100),
        Duration::from_millis(500),
    )
    .await;
    assert_eq!(arrived.len(), 1);
    let world = world_with_first_sent(vec![limited(25)]).await;
    let arrived = grows(&world, Duration::from_millis(100), Duration::from_mins(1)).await;
    let waited = pauses(&arrived)[0];
    let free_at = Instant::now();
    world.pace.drafts_may_go().await;
    assert_eq!(
        free_at.elapsed(),
        Duration::ZERO,
        "the time it asked for is over"
    );
    assert!(
        waited >= Duration::from_secs(25) && waited < Duration::from_secs(26),
        "{waited:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_draft_that_cannot_be_sent_is_given_up_and_the_answer_comes_without() {
    let world = world(vec![limited(1)]);
    let arrived = grows(&world, Duration::from_millis(100), Duration::from_secs(30)).await;
    assert_eq!(arrived.len(), 1, "no second attempt");
    let frozen = world.store.frozen("$question").await.unwrap();
    assert_eq!(
        frozen[0].event_id, None,
        "it may still have arrived: the outbox sends it again"
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_cut_off_grows_on_in_the_same_message() {
    let world = world_with_first_sent(Vec::new()).await;
    let arrived = grows(&world, Duration::from_millis(100), Duration::from_secs(3)).await;
    assert!(!arrived.is_empty());
    for edit in arrived {
        assert_eq!(edit.content["m.relates_to"]["event_id"], "$before");
    }
}

#[tokio::test(start_paused = true)]
async fn the_typing_notice_is_renewed_while_the_agent_works_and_taken_back_at_the_end() {
    let world = world(Vec::new());
    grows(&world, Duration::from_secs(1), Duration::from_secs(50)).await;
    world.tasks.finish().await;
    assert_eq!(world.server.typing(), [true, true, true, false]);
}

fn texts(arrived: &[Arrived]) -> Vec<String> {
    let text = |arrived: &Arrived| {
        let content = arrived.content.get("m.new_content");
        let body = &content.unwrap_or(&arrived.content)["body"];
        body.as_str().unwrap_or_default().to_owned()
    };
    arrived.iter().map(text).collect()
}

/// An answer that grows by one of these pieces every 100 ms.
async fn says(world: &World, pieces: impl IntoIterator<Item = String>) -> Vec<String> {
    let (drafts, showing) = world.drafter.begin(target());
    let writing = async move {
        let mut said = String::new();
        for piece in pieces {
            said.push_str(&piece);
            drafts.draft(&said);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::join!(writing, showing);
    texts(&world.server.arrived())
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_no_draft_can_hold_costs_no_edits_that_change_nothing() {
    let world = world(Vec::new());
    let piece = "words ".repeat(40);
    let shown = says(&world, std::iter::repeat_n(piece, 600)).await;
    assert!(shown.windows(2).all(|pair| pair[0] != pair[1]));
    assert!(shown.len() < 10, "{}", shown.len());
}

#[tokio::test(start_paused = true)]
async fn the_text_of_a_draft_never_becomes_shorter() {
    let world = world(Vec::new());
    let paragraphs =
        (0..300).map(|number| format!("Paragraph {number}: {}\n\n", "word ".repeat(20)));
    let bullets = (0..300).map(|_| "- `x`\n- `y`\n".to_owned());
    let shown = says(&world, paragraphs.take(60).chain(bullets)).await;
    assert!(shown.len() > 5);
    assert!(
        shown.is_sorted_by_key(String::len),
        "{:?}",
        shown.iter().map(String::len).collect::<Vec<_>>()
    );
}

#[tokio::test(start_paused = true)]
async fn what_an_agent_takes_back_is_not_shown_any_longer() {
    let world = world(Vec::new());
    let (drafts, showing) = world.drafter.begin(target());
    let writing = async move {
        for text in ["A long thought about the question.", "Yes.", "Yes. It is."] {
            drafts.draft(text);
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
    };
    tokio::join!(writing, showing);
    let shown = texts(&world.server.arrived());
    assert_eq!(
        shown,
        ["A long thought about the question.", "Yes.", "Yes. It is."]
    );
}

#[tokio::test(start_paused = true)]
async fn what_an_agent_does_is_seen_even_where_the_text_is_full() {
    let world = world(Vec::new());
    let (drafts, showing) = world.drafter.begin(target());
    let writing = async move {
        drafts.draft(&"word ".repeat(3000));
        tokio::time::sleep(Duration::from_secs(3)).await;
        for status in ["reading *notes*", "reading *notes*", "writing"] {
            drafts.status(status);
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
    };
    tokio::join!(writing, showing);
    let shown = texts(&world.server.arrived());
    assert_eq!(shown.len(), 3);
    assert!(shown[1].ends_with("\n\n*reading \\*notes\\**"));
    assert!(shown[2].ends_with("\n\n*writing*"));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_limits_one_room_is_sent_no_drafts_in_any() {
    let world = world_with_first_sent(Vec::new()).await;
    world.pace.limited_for(Duration::from_secs(25));
    let arrived = grows(&world, Duration::from_millis(100), Duration::from_mins(1)).await;
    assert!(
        arrived[0].at >= Duration::from_secs(25),
        "{:?}",
        arrived[0].at
    );
    assert!(arrived.len() > 5);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_ends_while_drafts_wait_needs_none() {
    let world = world(Vec::new());
    let _waits = world.pace.final_waits();
    let arrived = grows(&world, Duration::from_millis(100), Duration::from_secs(10)).await;
    assert_eq!(arrived, []);
}

/// With a first message that an earlier process sent.
async fn world_with_first_sent(failures: Vec<MatrixError>) -> World {
    let world = world(failures);
    let message = NewMessage {
        part: DRAFT_PART,
        transaction_id: "before".to_owned(),
        content: json!({}),
    };
    let room = owned_room_id!("!r:hs");
    world
        .store
        .freeze("$question", &room, vec![message])
        .await
        .unwrap();
    let event = matrix_sdk::ruma::event_id!("$before");
    world
        .store
        .sent("$question", DRAFT_PART, event)
        .await
        .unwrap();
    world
}
