//! The world a check is made in: a homeserver, folders and agents of the test's own.

use std::{
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use axum::{
    Router,
    http::{HeaderMap, StatusCode},
    routing::get,
};
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::{Parts, SESSION_FILE, StoreProbe, Trouble, checks};
use crate::{
    config::{Config, Env},
    core::ids::{AgentId, PlatformChatId},
    lifecycle::Tasks,
    platform::{
        Abilities, Advice, Agent, AnswerStream, ContextInfo, ContextRef, PlatformClient,
        PlatformError, Prompt, Saved,
    },
};

/// Serves on a free port of this machine.
pub(crate) async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    Tasks::default().spawn("test server", async move {
        axum::serve(listener, router).await.unwrap();
    });
    addr
}

/// A homeserver that knows the token `good` of `@bot:example.org` on `DEVICE`.
pub(super) fn homeserver(login_flow: &'static str) -> Router {
    let whoami = async |headers: HeaderMap| {
        if headers["authorization"] == "Bearer good" {
            let body = r#"{"user_id": "@bot:example.org", "device_id": "DEVICE"}"#;
            (StatusCode::OK, body)
        } else if headers["authorization"] == "Bearer others" {
            (StatusCode::OK, r#"{"user_id": "@other:example.org"}"#)
        } else {
            let body = r#"{"errcode": "M_UNKNOWN_TOKEN"}"#;
            (StatusCode::UNAUTHORIZED, body)
        }
    };
    Router::new()
        .route(
            "/_matrix/client/versions",
            get(async || r#"{"versions": ["v1.1", "v1.12"]}"#),
        )
        .route("/_matrix/client/v3/account/whoami", get(whoami))
        .route(
            "/_matrix/client/v3/login",
            get(move || async move { format!(r#"{{"flows": [{{"type": "{login_flow}"}}]}}"#) }),
        )
}

pub(super) struct World {
    pub(super) folder: TempDir,
    pub(super) homeserver: String,
    variables: Vec<(String, String)>,
    pub(super) agents: Vec<Agent>,
    pub(super) store: Result<String, Trouble>,
}

pub(super) struct FixedProbe(pub(super) Result<String, Trouble>);

#[async_trait]
impl StoreProbe for FixedProbe {
    async fn probe(&self, _: &Path) -> Result<String, Trouble> {
        self.0.clone()
    }
}

impl World {
    pub(super) async fn new() -> Self {
        Self::with_homeserver(homeserver("m.login.password")).await
    }

    pub(super) async fn with_homeserver(router: Router) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            homeserver: format!("http://{}", serve(router).await),
            variables: Vec::new(),
            agents: Vec::new(),
            store: Ok("fine".to_owned()),
        }
    }

    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Saves a session as the bot does.
    pub(super) fn session(self, content: &str, mode: u32) -> Self {
        std::fs::create_dir(self.path("store")).unwrap();
        let file = self.path("store").join(SESSION_FILE);
        std::fs::write(&file, content).unwrap();
        std::fs::set_permissions(file, PermissionsExt::from_mode(mode)).unwrap();
        self
    }

    pub(super) fn env(&self) -> Env {
        let mut variables = vec![
            ("MATRIX_HOMESERVER", self.homeserver.clone()),
            ("MATRIX_USER_ID", "@bot:example.org".to_owned()),
            ("MATRIX_DB_PATH", self.path("bot.db").display().to_string()),
            (
                "MATRIX_STORE_PATH",
                self.path("store").display().to_string(),
            ),
            (
                "SURFACES_WORKSPACE_DIR",
                self.path("files").display().to_string(),
            ),
        ];
        let names = self.variables.iter();
        if !names.clone().any(|(name, _)| name == "MATRIX_ACCESS_TOKEN") {
            variables.push(("MATRIX_PASSWORD", "hunter2".to_owned()));
        }
        variables.extend(names.map(|(name, value)| (name.as_str(), value.clone())));
        Env::of(variables).in_folder(self.folder.path())
    }

    pub(super) async fn checks(self) -> Vec<String> {
        let config = Config::read(&self.env()).unwrap();
        let parts = Parts {
            agents: self.agents,
            store: Box::new(FixedProbe(self.store)),
        };
        let checks = checks(&config, parts).await;
        checks.iter().map(ToString::to_string).collect()
    }

    /// The line of one check.
    pub(super) async fn check(self, name: &str) -> String {
        let lines = self.checks().await;
        let is_named = |line: &&String| line[5..].starts_with(&format!("{name}: "));
        lines
            .iter()
            .find(is_named)
            .expect("the check is made")
            .clone()
    }
}

/// An agent that is healthy or not, and never asked for more.
pub(super) struct Patient(pub(super) Result<(), Advice>);

#[async_trait]
impl PlatformClient for Patient {
    fn abilities(&self) -> Abilities {
        unreachable!()
    }

    async fn ask(&self, _: Prompt) -> Result<AnswerStream, PlatformError> {
        unreachable!()
    }

    async fn answer_permission(
        &self,
        _: &ContextRef,
        _: &str,
        _: Option<&str>,
    ) -> Result<(), PlatformError> {
        unreachable!()
    }

    async fn cancel(&self, _: &ContextRef) -> Result<(), PlatformError> {
        unreachable!()
    }

    async fn disconnect(&self, _: &ContextRef) -> Result<(), PlatformError> {
        unreachable!()
    }

    async fn save(
        &self,
        _: &ContextRef,
        _: PlatformChatId,
    ) -> Result<Option<String>, PlatformError> {
        unreachable!()
    }

    async fn load(&self, _: &ContextRef, _: &Saved) -> Result<(), PlatformError> {
        unreachable!()
    }

    async fn context_info(&self, _: &ContextRef) -> Result<ContextInfo, PlatformError> {
        unreachable!()
    }

    async fn health(&self) -> Result<(), PlatformError> {
        self.0.map_err(|advice| PlatformError {
            agent: AgentId::new("a"),
            detail: "connection refused".to_owned(),
            advice,
        })
    }
}
