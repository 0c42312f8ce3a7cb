//! The real client over a store folder of its own, and accounts that the homeserver suite registered.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use matrix_sdk::ruma::{EventId, OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, UserId};
use serde::Deserialize;
use serde_json::{Value, json};
use surfaces_bot::matrix::{
    batch::SyncBatch,
    client::{MatrixClient, MatrixError, SyncFrom, SyncSource},
    sdk_client::SdkClient,
    session::{self, Credentials, Login},
    sync::SdkSync,
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{person::Person, stage::Stage};

/// Names a JSON file: a homeserver, and a bot and a person for each case.
const ACCOUNTS: &str = "CONTRACT_ACCOUNTS";

static TAKEN: AtomicUsize = AtomicUsize::new(0);

#[derive(Deserialize)]
struct Accounts {
    homeserver: Url,
    pairs: Vec<Pair>,
}

#[derive(Clone, Deserialize)]
struct Pair {
    bot: OwnedUserId,
    password: String,
    person: OwnedUserId,
    token: String,
}

pub(crate) struct RealStage {
    process: Process,
    person: Person,
    login: Login,
    _folder: TempDir,
}

/// What the bot's process holds in memory.
struct Process {
    client: SdkClient,
    sync: SdkSync,
}

impl Process {
    async fn start(login: &Login) -> Self {
        let session = session::open(login, SystemTime::UNIX_EPOCH, &CancellationToken::new())
            .await
            .unwrap();
        Self {
            client: SdkClient::new(session.client.clone()).unwrap(),
            sync: SdkSync::new(session.client, login.user_id.clone()),
        }
    }
}

impl RealStage {
    #[expect(
        clippy::disallowed_methods,
        reason = "no configuration of the bot: the suite tells where its accounts are"
    )]
    pub(crate) async fn open() -> Self {
        let path = std::env::var_os(ACCOUNTS).unwrap_or_else(|| panic!("{ACCOUNTS} is not set"));
        let accounts: Accounts = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let pair = accounts.pairs[TAKEN.fetch_add(1, Ordering::Relaxed)].clone();
        let folder = tempfile::tempdir().unwrap();
        let login = Login {
            homeserver: accounts.homeserver.clone(),
            user_id: pair.bot,
            credentials: Credentials::Password(pair.password),
            store_path: folder.path().join("store"),
            device_name: "contract".to_owned(),
        };
        Self {
            process: Process::start(&login).await,
            person: Person::new(accounts.homeserver, pair.person, pair.token),
            login,
            _folder: folder,
        }
    }

    async fn acts_on_the_bot(&self, room: &RoomId, action: &str) {
        let bot = json!({"user_id": self.login.user_id});
        self.person.acts(room, action, &bot).await;
    }
}

#[async_trait]
impl Stage for RealStage {
    fn client(&self) -> &dyn MatrixClient {
        &self.process.client
    }

    async fn sync(&self, from: SyncFrom, wait: Duration) -> Result<SyncBatch, MatrixError> {
        self.process.sync.sync(from, wait).await
    }

    async fn restart(&mut self) {
        self.process = Process::start(&self.login).await;
    }

    fn person(&self) -> &UserId {
        &self.person.id
    }

    async fn makes_a_room(&self) -> OwnedRoomId {
        self.person.makes_a_room().await
    }

    async fn invites_the_bot(&self, room: &RoomId) {
        self.acts_on_the_bot(room, "invite").await;
    }

    async fn joins(&self, room: &RoomId) {
        self.person.acts(room, "join", &json!({})).await;
    }

    async fn leaves(&self, room: &RoomId) {
        self.person.acts(room, "leave", &json!({})).await;
    }

    async fn kicks_the_bot(&self, room: &RoomId) {
        self.acts_on_the_bot(room, "kick").await;
    }

    async fn bans_the_bot(&self, room: &RoomId) {
        self.acts_on_the_bot(room, "ban").await;
    }

    async fn sends(&self, room: &RoomId, event_type: &str, content: Value) -> OwnedEventId {
        self.person.sends(room, event_type, &content).await
    }

    async fn puts_state(&self, room: &RoomId, event_type: &str, key: &str, content: Value) {
        let path = ["rooms", room.as_str(), "state", event_type, key];
        self.person.puts(&path, &content).await;
    }

    async fn redacts(&self, room: &RoomId, event: &EventId) {
        let transaction = uuid::Uuid::new_v4().to_string();
        let path = [
            "rooms",
            room.as_str(),
            "redact",
            event.as_str(),
            &transaction,
        ];
        self.person.puts(&path, &json!({})).await;
    }

    async fn sets_display_name(&self, name: &str) {
        let path = ["profile", self.person.id.as_str(), "displayname"];
        self.person.puts(&path, &json!({"displayname": name})).await;
    }
}
