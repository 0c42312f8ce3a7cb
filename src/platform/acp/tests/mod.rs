//! The agent against a peer in the same process, which says and asks what a test wants.

mod asking;
mod endings;
mod hung;
mod keeping;
mod late;
mod login;
mod media;
mod peer;
mod permissions;
mod sessions;
mod starting;

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};

use self::peer::{DuplexDial, Peer};
use super::{AcpAgent, LooseBook, Reach, Settings};
use crate::{
    core::ids::{AgentId, ChatId, EventKey, PlatformChatId, RoomKey, UserKey},
    lifecycle::Tasks,
    platform::{
        AnswerEvent, AnswerStream, ContextRef, PlatformClient, PlatformError, Prompt, Saved,
        StopReason,
    },
};

/// No wait of a test takes longer.
const LIMIT: Duration = Duration::from_mins(10);

/// An agent with its peers: one for each connection it opens.
struct World {
    agent: Arc<AcpAgent>,
    peers: mpsc::UnboundedReceiver<Peer>,
    book: Arc<LooseBook>,
    folder: tempfile::TempDir,
    tasks: Tasks,
}

impl World {
    fn new() -> Self {
        Self::with(Arc::default())
    }

    /// A bot that knows what is in the book.
    fn with(book: Arc<LooseBook>) -> Self {
        Self::configured(book, |_| {})
    }

    fn configured(book: Arc<LooseBook>, change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings {
            id: AgentId::new("coder"),
            // The peer is dialled instead.
            reach: Reach::Command {
                program: "unused".into(),
                arguments: Vec::new(),
                environment: std::collections::BTreeMap::default(),
            },
            workspace: "/srv".into(),
            local_workspace: folder.path().to_owned(),
            is_per_chat: true,
            linked_files: false,
            auth: None,
            mode: None,
            model: None,
        };
        change(&mut settings);
        let (sender, peers) = mpsc::unbounded_channel();
        let tasks = Tasks::default();
        let dial = Box::new(DuplexDial(sender));
        let agent = Arc::new(AcpAgent::dialling(
            settings,
            dial,
            Arc::clone(&book) as _,
            &tasks,
        ));
        Self {
            agent,
            peers,
            book,
            folder,
            tasks,
        }
    }

    /// The next connection's other end.
    async fn peer(&mut self) -> Peer {
        let peer = timeout(LIMIT, self.peers.recv()).await;
        peer.expect("no connection in time").unwrap()
    }

    /// The next connection's other end, introduced with these capabilities.
    async fn introduced(&mut self, capabilities: Value) -> Peer {
        let mut peer = self.peer().await;
        peer.introduce(capabilities).await;
        peer
    }

    /// Asks in the background: the test plays the agent meanwhile.
    fn ask(&self, prompt: Prompt) -> JoinHandle<Result<AnswerStream, PlatformError>> {
        let agent = Arc::clone(&self.agent);
        spawn(async move { agent.ask(prompt).await })
    }

    /// A conversation of one question in a new session, whose prompt the peer now has. Answers the prompt's request.
    async fn begun(&self, peer: &mut Peer, chat: u32, session: &str) -> (AnswerStream, Value) {
        let asking = self.ask(prompt(chat, "hello"));
        peer.answer("session/new", json!({"sessionId": session}))
            .await;
        let request = peer.expect("session/prompt").await;
        (asking.await.unwrap().unwrap(), request)
    }
}

/// Runs while the test plays the agent.
#[expect(
    clippy::disallowed_methods,
    reason = "what a test leaves running ends with the test"
)]
pub(super) fn spawn<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    tokio::task::spawn(work)
}

fn context(chat: u32) -> ContextRef {
    let room = RoomKey::new(format!("!room{chat}:x"));
    ContextRef {
        user: UserKey::new("@alice:x"),
        chat: ChatId::new(chat),
        context: PlatformChatId::backfill(&room, 0),
        generation: 0,
        folder: format!("surfaces/matrix/alice/room{chat}"),
        room,
    }
}

/// The same chat after so many `!clear`.
fn rotated(chat: u32, generation: u32) -> ContextRef {
    let first = context(chat);
    ContextRef {
        context: PlatformChatId::backfill(&first.room, generation),
        generation,
        ..first
    }
}

fn prompt(chat: u32, text: &str) -> Prompt {
    asked(context(chat), text)
}

fn asked(context: ContextRef, text: &str) -> Prompt {
    Prompt {
        context,
        question: EventKey::new("$question"),
        text: text.to_owned(),
        files: Vec::new(),
    }
}

fn text(said: &str) -> AnswerEvent {
    AnswerEvent::Text(said.to_owned())
}

const DONE: AnswerEvent = AnswerEvent::Done(StopReason::EndTurn);

async fn next(answer: &mut AnswerStream) -> Result<AnswerEvent, PlatformError> {
    let event = timeout(LIMIT, answer.next()).await;
    event
        .expect("nothing came in time")
        .expect("the stream is over")
}

/// Everything up to the end, with texts joined.
async fn whole(answer: AnswerStream) -> Vec<AnswerEvent> {
    let events = timeout(LIMIT, answer.collect::<Vec<_>>()).await;
    let mut joined: Vec<AnswerEvent> = Vec::new();
    for event in events.expect("no end in time") {
        match (event.expect("the answer failed"), joined.last_mut()) {
            (AnswerEvent::Text(more), Some(AnswerEvent::Text(said))) => said.push_str(&more),
            (event, _) => joined.push(event),
        }
    }
    joined
}
