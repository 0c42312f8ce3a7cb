//! The agent against a server in this process that says what a test wants.

mod diagnosing;
mod failing;
mod memory;
mod peer;
mod quirks;
mod reasoning;
mod talking;

use std::{sync::Mutex, time::Duration};

use tokio::time::timeout;

use self::peer::Peer;
use super::{
    ports::{Files, Transcripts},
    *,
};
use crate::{
    config::Secret,
    core::ids::{ChatId, RoomKey, UserKey},
    matrix::store::Store,
    platform::{AnswerEvent, PromptFile, StopReason},
};

const SOON: Duration = Duration::from_mins(1);

/// What the room of the chat holds, and files.
#[derive(Default)]
struct Elsewhere {
    room: Mutex<Option<Vec<Exchange>>>,
    read: Mutex<Vec<Conversation>>,
    files: Vec<(&'static str, Vec<u8>)>,
}

impl Elsewhere {
    /// A room in which nothing was said yet.
    fn quiet_room() -> Self {
        Self {
            room: Mutex::new(Some(Vec::new())),
            ..Self::default()
        }
    }
}

#[async_trait]
impl Transcripts for Elsewhere {
    async fn read(&self, conversation: &Conversation) -> Result<Vec<Exchange>, PortError> {
        self.read.lock().unwrap().push(conversation.clone());
        let room = self.room.lock().unwrap().clone();
        room.ok_or_else(|| PortError("the room is closed".to_owned()))
    }
}

#[async_trait]
impl Files for Elsewhere {
    async fn read(&self, path: &str, most: u64) -> Result<Vec<u8>, PortError> {
        let file = self.files.iter().find(|(name, _)| *name == path);
        let file = file.filter(|(_, content)| content.len() as u64 <= most);
        file.map(|(_, content)| content.clone())
            .ok_or_else(|| PortError("no such file".to_owned()))
    }
}

struct World {
    peer: Peer,
    agent: OpenAiAgent,
    elsewhere: Arc<Elsewhere>,
}

/// A model that answers by this script.
async fn world(replies: impl IntoIterator<Item = peer::Reply>) -> World {
    world_with(replies, |_| (), Elsewhere::quiet_room()).await
}

async fn world_with(
    replies: impl IntoIterator<Item = peer::Reply>,
    change: impl FnOnce(&mut OpenAiConfig),
    elsewhere: Elsewhere,
) -> World {
    let peer = Peer::new(replies).await;
    let elsewhere = Arc::new(elsewhere);
    let agent = agent(&peer, change, &elsewhere);
    World {
        peer,
        agent,
        elsewhere,
    }
}

/// An agent with a memory of its own.
fn agent(
    peer: &Peer,
    change: impl FnOnce(&mut OpenAiConfig),
    elsewhere: &Arc<Elsewhere>,
) -> OpenAiAgent {
    let mut config = OpenAiConfig {
        base_url: peer.address.parse().unwrap(),
        model: "m".to_owned(),
        api_key: Some(Secret::new("sk-test")),
        system_prompt: None,
        temperature: None,
        max_tokens: None,
        context_tokens: 8_192,
        images: true,
        timeout: Duration::from_secs(20),
    };
    change(&mut config);
    let ports = Ports {
        memory: Arc::new(Store::in_memory().unwrap()),
        transcripts: Arc::clone(elsewhere) as Arc<dyn Transcripts>,
        files: Arc::clone(elsewhere) as Arc<dyn Files>,
    };
    OpenAiAgent::new(AgentId::new("gpt"), config, ports)
}

fn context(name: &str) -> ContextRef {
    ContextRef {
        user: UserKey::new("@alice:hs"),
        chat: ChatId::new(1),
        context: PlatformChatId::from_command(&EventKey::new(name)),
        generation: 0,
        room: RoomKey::new("!c1:hs"),
        folder: "surfaces/matrix/alice/c1".to_owned(),
    }
}

fn prompt(name: &str, question: &str, text: &str) -> Prompt {
    Prompt {
        context: context(name),
        question: EventKey::new(question),
        text: text.to_owned(),
        files: Vec::new(),
    }
}

/// Everything an answer says, and how it ended.
#[derive(Debug, PartialEq)]
struct Answer {
    text: String,
    others: Vec<AnswerEvent>,
    end: Result<StopReason, Advice>,
}

impl World {
    async fn ask(&self, context: &str, question: &str, text: &str) -> Answer {
        self.put(prompt(context, question, text)).await
    }

    async fn put(&self, prompt: Prompt) -> Answer {
        listen(self.agent.ask(prompt).await.unwrap()).await
    }

    /// Asks something and tells what came of it.
    async fn hears(&self, text: &str) -> (String, Result<StopReason, Advice>) {
        let answer = self.ask("$c", "$q", text).await;
        (answer.text, answer.end)
    }
}

async fn listen(mut stream: AnswerStream) -> Answer {
    let (mut text, mut others) = (String::new(), Vec::new());
    loop {
        let event = timeout(SOON, stream.next()).await.expect("it goes on");
        let end = match event.expect("an end") {
            Ok(AnswerEvent::Text(piece)) => {
                text.push_str(&piece);
                continue;
            }
            Ok(AnswerEvent::Retracted) => {
                text.clear();
                others.push(AnswerEvent::Retracted);
                continue;
            }
            Ok(AnswerEvent::Done(reason)) => Ok(reason),
            Ok(other) => {
                others.push(other);
                continue;
            }
            Err(error) => {
                assert!(!error.detail.contains("sk-test"), "{}", error.detail);
                Err(error.advice)
            }
        };
        let rest = timeout(SOON, stream.next()).await.expect("it ends");
        assert!(rest.is_none(), "nothing follows the end");
        return Answer { text, others, end };
    }
}
