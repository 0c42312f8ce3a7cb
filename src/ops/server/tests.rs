//! The server over real HTTP.

use std::{error::Error as _, sync::Mutex};

use serde_json::Value;

use super::*;
use crate::{clock::ManualClock, lifecycle::Tasks, ops::SYNC_FRESH_FOR};

/// A database that answers as it is told.
#[derive(Default)]
struct Database(Mutex<Option<&'static str>>);

#[async_trait]
impl DatabaseProbe for Database {
    async fn answers(&self) -> Result<(), String> {
        let failure = *self.0.lock().unwrap();
        match failure {
            None => Ok(()),
            Some("silent") => std::future::pending().await,
            Some(text) => Err(text.to_owned()),
        }
    }
}

struct World {
    clock: Arc<ManualClock>,
    readiness: Readiness,
    metrics: Metrics,
    database: Arc<Database>,
    addr: SocketAddr,
    tasks: Tasks,
    work: Option<DropGuard>,
}

impl World {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::default());
        let readiness = Readiness::new(clock.clone());
        let metrics = Metrics::new();
        let database = Arc::<Database>::default();
        let server = OpsServer::bind(
            SocketAddr::from(([127, 0, 0, 1], 0)),
            readiness.clone(),
            metrics.clone(),
            database.clone(),
        )
        .await
        .unwrap();
        let addr = server.local_addr().unwrap();
        let tasks = Tasks::default();
        let work = Some(server.serve_beside_work(&tasks));
        Self {
            clock,
            readiness,
            metrics,
            database,
            addr,
            tasks,
            work,
        }
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        let url = format!("http://{}{path}", self.addr);
        reqwest::get(url).await.unwrap()
    }

    async fn readyz(&self) -> (u16, Value) {
        let response = self.get("/readyz").await;
        (response.status().as_u16(), response.json().await.unwrap())
    }
}

#[tokio::test]
async fn the_process_is_healthy_as_soon_as_it_answers() {
    let world = World::new().await;
    assert_eq!(world.get("/healthz").await.status(), 200);
    assert_eq!(world.get("/other").await.status(), 404);
}

#[tokio::test]
async fn it_is_ready_only_when_nothing_is_missing() {
    let world = World::new().await;
    let (status, body) = world.readyz().await;
    assert_eq!(status, 503);
    assert_eq!(body["ready"], false);
    assert_eq!(body["missing"].as_array().unwrap().len(), 2);

    world.readiness.reconciled();
    world.readiness.synced();
    assert_eq!(
        world.readyz().await,
        (200, json!({"ready": true, "missing": []}))
    );

    *world.database.0.lock().unwrap() = Some("disk I/O error");
    let missing = json!(["the database does not answer: disk I/O error"]);
    assert_eq!(
        world.readyz().await,
        (503, json!({"ready": false, "missing": missing}))
    );

    *world.database.0.lock().unwrap() = None;
    world.clock.advance(SYNC_FRESH_FOR + Duration::from_secs(1));
    let (status, body) = world.readyz().await;
    assert_eq!(status, 503);
    assert_eq!(body["missing"][0], "the last successful sync was 91 s ago");
}

#[tokio::test]
async fn a_database_that_hangs_is_not_waited_for() {
    let world = World::new().await;
    world.readiness.reconciled();
    world.readiness.synced();
    *world.database.0.lock().unwrap() = Some("silent");
    let (status, body) = world.readyz().await;
    assert_eq!(status, 503);
    assert_eq!(
        body["missing"][0],
        "the database does not answer within 2 s"
    );
}

#[tokio::test]
async fn metrics_tell_the_age_of_the_last_sync_when_they_are_asked() {
    let world = World::new().await;
    world.readiness.synced();
    world.metrics.message_received();
    world.clock.advance(Duration::from_secs(5));
    let response = world.get("/metrics").await;
    assert_eq!(response.headers()["content-type"], OPENMETRICS);
    let text = response.text().await.unwrap();
    assert!(text.contains("\nsurfaces_sync_age_seconds 5.0\n"), "{text}");
    assert!(
        text.contains("\nsurfaces_messages_received_total 1\n"),
        "{text}"
    );
}

#[tokio::test]
async fn an_address_in_use_is_named_with_its_variable() {
    let world = World::new().await;
    let second = OpsServer::bind(
        world.addr,
        world.readiness.clone(),
        world.metrics.clone(),
        world.database.clone(),
    );
    let error = second.await.err().expect("the address is taken");
    let text = error.to_string();
    assert!(
        text.starts_with("SURFACES_HTTP_ADDR: cannot listen on 127.0.0.1:"),
        "{text}"
    );
    assert!(error.source().unwrap().to_string().contains("in use"));
}

#[tokio::test]
async fn while_the_work_comes_to_its_end_the_server_says_so() {
    let world = World::new().await;
    world.readiness.reconciled();
    world.readiness.synced();
    assert_eq!(world.readyz().await.0, 200);
    world.tasks.shut_down();
    let not_ready = async {
        loop {
            let (status, body) = world.readyz().await;
            if status != 200 {
                return (status, body["missing"][0].clone());
            }
        }
    };
    let told = tokio::time::timeout(Duration::from_secs(5), not_ready).await;
    assert_eq!(told.unwrap(), (503, json!("the bot is shutting down")));
    assert_eq!(world.get("/healthz").await.status(), 200);
}

#[tokio::test]
async fn the_server_ends_with_the_process() {
    let mut world = World::new().await;
    world.get("/healthz").await;
    world.tasks.shut_down();
    drop(world.work.take());
    let nothing = NoSignals;
    let ended = world
        .tasks
        .run_until_shutdown(nothing, Duration::from_secs(10));
    tokio::time::timeout(Duration::from_secs(5), ended)
        .await
        .expect("open connections do not hold the server")
        .unwrap();
}

struct NoSignals;

impl crate::lifecycle::Signals for NoSignals {
    async fn next(&mut self) -> &'static str {
        std::future::pending().await
    }
}
