//! A homeserver with the bot's client and one other person, whatever they are made of.

use std::time::Duration;

use async_trait::async_trait;
use matrix_sdk::ruma::{EventId, OwnedEventId, OwnedRoomId, RoomId, UserId};
use serde_json::Value;
use surfaces_bot::matrix::{
    batch::{JoinedUpdate, SyncBatch},
    client::{MatrixClient, MatrixError, SyncFrom},
};

/// How many syncs may pass before something that a person did must have come.
const SYNCS: usize = 50;

/// What a case acts on. The person's actions fail the test where the server refuses them.
#[async_trait]
pub(crate) trait Stage: Send {
    /// The bot's client, without retries.
    fn client(&self) -> &dyn MatrixClient;
    async fn sync(&self, from: SyncFrom, wait: Duration) -> Result<SyncBatch, MatrixError>;
    /// The bot's process ends and starts again: the same device and the same store.
    async fn restart(&mut self);
    fn person(&self) -> &UserId;
    /// The person makes a room, without inviting anybody.
    async fn makes_a_room(&self) -> OwnedRoomId;
    async fn invites_the_bot(&self, room: &RoomId);
    async fn joins(&self, room: &RoomId);
    async fn leaves(&self, room: &RoomId);
    async fn kicks_the_bot(&self, room: &RoomId);
    async fn bans_the_bot(&self, room: &RoomId);
    async fn sends(&self, room: &RoomId, event_type: &str, content: Value) -> OwnedEventId;
    async fn puts_state(&self, room: &RoomId, event_type: &str, key: &str, content: Value);
    async fn redacts(&self, room: &RoomId, event: &EventId);
    async fn sets_display_name(&self, name: &str);
}

/// The bot as it syncs: it keeps its own position.
pub(crate) struct Syncing<S> {
    pub(crate) stage: S,
    position: Option<String>,
}

impl<S: Stage> Syncing<S> {
    /// After the first sync.
    pub(crate) async fn begin(stage: S) -> Self {
        let mut syncing = Self {
            stage,
            position: None,
        };
        syncing.next().await;
        syncing
    }

    pub(crate) fn client(&self) -> &dyn MatrixClient {
        self.stage.client()
    }

    pub(crate) fn position(&self) -> String {
        self.position.clone().expect("a sync has come")
    }

    /// The next live sync.
    pub(crate) async fn next(&mut self) -> SyncBatch {
        let from = match &self.position {
            None => SyncFrom::Nothing,
            Some(position) => SyncFrom::Position(position.clone()),
        };
        let batch = self.stage.sync(from, Duration::from_secs(1)).await.unwrap();
        self.position = Some(batch.next_batch.clone());
        batch
    }

    /// Syncs until one brings what is looked for.
    pub(crate) async fn until<T>(
        &mut self,
        what: &str,
        look: impl Fn(&SyncBatch) -> Option<T>,
    ) -> T {
        for _ in 0..SYNCS {
            if let Some(found) = look(&self.next().await) {
                return found;
            }
        }
        panic!("no sync has brought {what}");
    }

    pub(crate) async fn until_update<T>(
        &mut self,
        room: &RoomId,
        what: &str,
        look: impl Fn(&JoinedUpdate) -> Option<T>,
    ) -> T {
        self.until(what, |batch| look(batch.joined.get(room)?))
            .await
    }

    /// A room of the person that the bot has joined, as the bot's client knows.
    pub(crate) async fn shared_room(&mut self) -> OwnedRoomId {
        let room = self.stage.makes_a_room().await;
        self.stage.invites_the_bot(&room).await;
        self.until("the invitation", |batch| {
            batch.invited.contains_key(&room).then_some(())
        })
        .await;
        self.client().join(&room).await.unwrap();
        self.until_update(&room, "the joined room", |_| Some(()))
            .await;
        room
    }

    /// A room that the bot made, as the bot's client knows.
    pub(crate) async fn own_room(&mut self) -> OwnedRoomId {
        let room = self
            .client()
            .create_room(&super::cases::a_room())
            .await
            .unwrap();
        self.until_update(&room, "the new room", |_| Some(())).await;
        room
    }
}

/// The status and code of a refusal; anything else fails the test.
pub(crate) fn refusal<T: std::fmt::Debug>(result: Result<T, MatrixError>) -> (u16, String) {
    match result {
        Err(MatrixError::Refused {
            status, errcode, ..
        }) => (status, errcode),
        other => panic!("not refused: {other:?}"),
    }
}
