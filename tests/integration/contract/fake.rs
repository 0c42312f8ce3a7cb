//! The cases over the fakes.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use matrix_sdk::ruma::{EventId, OwnedEventId, OwnedRoomId, RoomId, UserId};
use serde_json::{Value, json};
use surfaces_bot::matrix::{
    batch::SyncBatch,
    client::{MatrixClient, MatrixError, SyncFrom, SyncSource},
};

use super::{cases, stage::Stage};
use crate::support::{
    Person, clock::WorldClock, fake_client::FakeClient, fake_matrix::FakeMatrix,
    fake_sync::FakeSync,
};

struct FakeStage {
    matrix: FakeMatrix,
    client: FakeClient,
    sync: FakeSync,
    person: Person,
}

impl FakeStage {
    fn new() -> Self {
        let clock = Arc::new(WorldClock::new());
        clock.runs_with(&tokio::runtime::Handle::current());
        let matrix = FakeMatrix::new(clock);
        let (client, sync) = process(&matrix);
        Self {
            person: Person::new(&matrix, "@alice:hs"),
            matrix,
            client,
            sync,
        }
    }
}

/// What the bot's process holds in memory.
fn process(matrix: &FakeMatrix) -> (FakeClient, FakeSync) {
    let client = FakeClient {
        matrix: matrix.clone(),
        device: "DEVICE".to_owned(),
        bot: matrix.see(|server| server.bot.clone()),
    };
    let sync = FakeSync::new(matrix.clone());
    (client, sync)
}

#[async_trait]
impl Stage for FakeStage {
    fn client(&self) -> &dyn MatrixClient {
        &self.client
    }

    async fn sync(&self, from: SyncFrom, wait: Duration) -> Result<SyncBatch, MatrixError> {
        self.sync.sync(from, wait).await
    }

    async fn restart(&mut self) {
        (self.client, self.sync) = process(&self.matrix);
    }

    fn person(&self) -> &UserId {
        &self.person.id
    }

    async fn makes_a_room(&self) -> OwnedRoomId {
        self.person.makes_a_room(&json!({}))
    }

    async fn invites_the_bot(&self, room: &RoomId) {
        self.person.invites_the_bot_to(room);
    }

    async fn joins(&self, room: &RoomId) {
        self.person.joins(room);
    }

    async fn leaves(&self, room: &RoomId) {
        self.person.leaves(room);
    }

    async fn kicks_the_bot(&self, room: &RoomId) {
        self.person.removes_the_bot_from(room);
    }

    async fn bans_the_bot(&self, room: &RoomId) {
        self.person.bans_the_bot_from(room);
    }

    async fn sends(&self, room: &RoomId, event_type: &str, content: Value) -> OwnedEventId {
        self.person.sends_event(room, event_type, content)
    }

    async fn puts_state(&self, room: &RoomId, event_type: &str, key: &str, content: Value) {
        assert!(self.person.puts_state(room, event_type, key, content));
    }

    async fn redacts(&self, room: &RoomId, event: &EventId) {
        self.person.redacts(room, event);
    }

    async fn sets_display_name(&self, name: &str) {
        self.person.sets_display_name(name);
    }
}

macro_rules! over_the_fakes {
    ($($case:ident)*) => {
        $(
            #[tokio::test(start_paused = true)]
            async fn $case() {
                cases::$case(FakeStage::new()).await;
            }
        )*
    };
}
cases::contract_cases!(over_the_fakes);
