use std::sync::Mutex;

use matrix_sdk::ruma::room_id;
use serde_json::json;

use super::*;
use crate::{matrix::testing::ScriptedServer, ops::SYNC_FRESH_FOR};

fn limited(seconds: Option<u64>) -> MatrixError {
    MatrixError::RateLimited {
        retry_after: seconds.map(Duration::from_secs),
    }
}

fn unanswered() -> MatrixError {
    MatrixError::Unanswered("no route".to_owned())
}

fn refused() -> MatrixError {
    MatrixError::Refused {
        status: 403,
        errcode: "M_FORBIDDEN".to_owned(),
        message: String::new(),
    }
}

struct World {
    server: Arc<ScriptedServer>,
    client: PatientClient,
    stop: CancellationToken,
    retried: Arc<Mutex<Vec<&'static str>>>,
}

fn world(failures: Vec<MatrixError>) -> World {
    let (server, stop) = (
        Arc::new(ScriptedServer::new(failures)),
        CancellationToken::new(),
    );
    let retried: Arc<Mutex<Vec<&'static str>>> = Arc::default();
    let told = Arc::clone(&retried);
    let on_retry: OnRetry = Arc::new(move |what| told.lock().unwrap().push(what));
    let inner: Arc<dyn MatrixClient> = server.clone();
    World {
        client: PatientClient::new(inner, stop.clone(), on_retry),
        server,
        stop,
        retried,
    }
}

async fn send(world: &World) -> Result<OwnedEventId, MatrixError> {
    let room = room_id!("!r:hs");
    world
        .client
        .send_message(room, "txn", &json!({"body": "hi"}))
        .await
}

async fn create(world: &World) -> Result<OwnedRoomId, MatrixError> {
    let room = NewRoom {
        creation_content: json!({}),
        name: "Chat 1".to_owned(),
        power_levels: json!({}),
        initial_state: Vec::new(),
    };
    world.client.create_room(&room).await
}

#[tokio::test(start_paused = true)]
async fn a_wish_to_wait_is_obeyed_to_the_second() {
    let world = world(vec![limited(Some(7)), limited(Some(40))]);
    send(&world).await.unwrap();
    let times: Vec<u64> = world
        .server
        .arrived()
        .iter()
        .map(|request| request.at.as_secs())
        .collect();
    assert_eq!(times, [0, 7, 47]);
    assert_eq!(*world.retried.lock().unwrap(), ["send", "send"]);
}

#[tokio::test(start_paused = true)]
async fn a_wish_to_wait_for_a_day_is_obeyed_for_some_minutes() {
    let world = world(vec![limited(Some(86_400))]);
    send(&world).await.unwrap();
    assert_eq!(world.server.arrived()[1].at, LONGEST_WAIT);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_down_is_asked_ever_more_seldom_and_with_the_same_transaction() {
    let world = world((0..12).map(|_| unanswered()).collect());
    send(&world).await.unwrap();
    let arrived = world.server.arrived();
    assert_eq!(arrived.len(), 13);
    assert!(
        arrived
            .iter()
            .all(|request| request.transaction_id == "txn")
    );
    let first = arrived[1].at;
    let last = arrived[12].at.abs_diff(arrived[11].at);
    assert!(
        first >= Duration::from_millis(500) && first <= Duration::from_secs(1),
        "{first:?}"
    );
    assert!(
        last >= LONGEST_PAUSE && 2 * last <= SYNC_FRESH_FOR,
        "{last:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_final() {
    let world = world(vec![refused()]);
    assert!(
        send(&world)
            .await
            .unwrap_err()
            .is_refused_with("M_FORBIDDEN")
    );
    assert_eq!(world.server.arrived().len(), 1);
    assert!(world.retried.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_create_room_without_an_answer_is_never_repeated() {
    let world = world(vec![unanswered()]);
    assert!(matches!(
        create(&world).await,
        Err(MatrixError::Unanswered(_))
    ));
    assert_eq!(world.server.arrived().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_create_room_that_was_put_off_is_asked_for_again() {
    let world = world(vec![limited(Some(3)), limited(None)]);
    create(&world).await.unwrap();
    assert_eq!(world.server.arrived().len(), 3);
    assert_eq!(
        *world.retried.lock().unwrap(),
        ["create_room", "create_room"]
    );
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_process_ends_the_waiting() {
    let world = world(vec![limited(Some(200))]);
    let stop = world.stop.clone();
    let (sent, ()) = tokio::join!(send(&world), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        stop.cancel();
    });
    assert!(matches!(sent, Err(MatrixError::ShuttingDown)));
    assert!(matches!(send(&world).await, Err(MatrixError::ShuttingDown)));
    assert_eq!(
        world.server.arrived().len(),
        1,
        "nothing is asked after the end"
    );
}

#[tokio::test(start_paused = true)]
async fn a_typing_notice_is_never_repeated() {
    let world = world(Vec::new());
    world
        .client
        .set_typing(room_id!("!r:hs"), true)
        .await
        .unwrap();
    assert_eq!(world.server.typing(), [true]);
}

#[tokio::test(start_paused = true)]
async fn a_room_that_no_sync_has_brought_is_waited_for_and_counts_as_no_retry() {
    let world = world((0..5).map(|_| MatrixError::RoomNotSynced).collect());
    send(&world).await.unwrap();
    assert_eq!(world.server.arrived().len(), 6);
    assert_eq!(world.server.arrived()[5].at, 5 * ROOM_PAUSE);
    assert!(world.retried.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_process_that_is_ending_waits_for_no_sync() {
    let mut world = world((0..9).map(|_| MatrixError::RoomNotSynced).collect());
    let draining = CancellationToken::new();
    world.client = world.client.draining_with(draining.clone());
    draining.cancel();
    assert!(matches!(send(&world).await, Err(MatrixError::ShuttingDown)));
    assert_eq!(world.server.arrived().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn drafts_wait_while_the_server_limits_messages_and_for_no_other_reason() {
    let mut world = world(vec![limited(Some(30)), limited(Some(30)), unanswered()]);
    let pace = Pace::default();
    world.client = world.client.pacing(pace.clone());
    let started = tokio::time::Instant::now();
    let drafts = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        pace.drafts_may_go().await;
        started.elapsed()
    };
    let (sent, waited) = tokio::join!(send(&world), drafts);
    sent.unwrap();
    assert!(
        // Two limits, and a pause that doubles twice and is at most doubled once more by chance.
        waited >= Duration::from_mins(1) && waited < Duration::from_secs(65),
        "{waited:?}"
    );
    create(&world).await.unwrap();
    let other = self::world(vec![limited(Some(30))]);
    let (pace, created) = (other.client.pace.clone(), create(&other));
    let drafts = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let asked = tokio::time::Instant::now();
        pace.drafts_may_go().await;
        asked.elapsed()
    };
    let (_, waited) = tokio::join!(created, drafts);
    assert_eq!(waited, Duration::ZERO, "rooms have a limit of their own");
}
