//! A small world for tests: rows and rooms in memory that note every call and can be told to fail at any of them, and
//! agents whose calls are noted with the rest.

mod agent;
mod fakes;
mod source;

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use tempfile::TempDir;

pub(crate) use self::fakes::Fault;
use self::{
    agent::NotedAgent,
    fakes::{Fakes, Truth},
    source::FakeSource,
};
use crate::{
    core::{
        chat::{Chat, ChatStatus, Locale, Owner},
        dispatch::{DispatchError, DispatchSettings, Dispatcher, Place},
        files::FilePorts,
        ids::{AgentId, ChatId, EventKey, PlatformChatId, RoomKey, UserKey},
        message::{Attachment, DraftSink, Incoming, Reply},
    },
    platform::{
        Agent, Limits,
        mock::{MockAgent, Script},
        routed::Agents,
    },
    workspace::{FileLimits, Workspace},
};

/// The user everything is about.
pub(crate) fn alice() -> UserKey {
    UserKey::new("@alice:hs")
}

/// Her row.
pub(crate) fn owner() -> Owner {
    Owner {
        user: alice(),
        space: RoomKey::new("!space"),
        locale: None,
        default_agent: None,
        streaming: None,
    }
}

/// Her chat with this number, as it is when it was just made.
pub(crate) fn chat(number: u32) -> Chat {
    let room = RoomKey::new(format!("!c{number}"));
    Chat {
        owner: alice(),
        id: ChatId::new(number),
        space: RoomKey::new("!space"),
        name: format!("Chat {number}"),
        agent: AgentId::new("assistant"),
        context: PlatformChatId::backfill(&room, 0),
        room,
        generation: 0,
        status: ChatStatus::Active,
    }
}

fn incoming(sender: UserKey, event: &str, text: &str) -> Incoming {
    Incoming {
        event: EventKey::new(event),
        room: RoomKey::new("!here"),
        sender,
        thread: None,
        text: text.to_owned(),
        mention: None,
        reply_to: None,
        attachment: None,
        behind: Vec::new(),
        sent_at: SystemTime::UNIX_EPOCH,
    }
}

/// Keeps every draft.
#[derive(Default)]
pub(crate) struct Drafts(pub(crate) Mutex<Vec<String>>);

impl DraftSink for Drafts {
    fn working(&self) {}

    fn draft(&self, markdown: &str) {
        self.0.lock().unwrap().push(markdown.to_owned());
    }

    /// Kept behind the text, in brackets.
    fn status(&self, text: &str) {
        let mut drafts = self.0.lock().unwrap();
        let said = drafts.last().cloned().unwrap_or_default();
        drafts.push(format!("{said} [{text}]"));
    }
}

/// Alice with her Space, her chats C1 and C2, and three agents, of which `secret` is not hers.
pub(crate) struct World {
    pub(crate) fakes: Arc<Fakes>,
    pub(crate) dispatcher: Dispatcher,
    pub(crate) drafts: Drafts,
    folder: TempDir,
}

impl World {
    /// Everybody echoes.
    pub(crate) fn new() -> Self {
        Self::with_agent(Script::Echo)
    }

    /// The default agent follows the script.
    pub(crate) fn with_agent(script: Script) -> Self {
        Self::build(script, Duration::from_secs(5))
    }

    /// The default agent follows the script and must be quick.
    pub(crate) fn in_a_hurry(script: Script) -> Self {
        Self::build(script, Duration::from_millis(20))
    }

    fn build(script: Script, turn_limit: Duration) -> Self {
        let fakes = Arc::new(Fakes::default());
        fakes.put_everywhere(|truth| {
            truth.owners.insert(alice(), owner());
            truth.chats = [chat(1), chat(2)]
                .map(|chat| (chat.room.clone(), chat))
                .into();
        });
        let agent = |id: &str, name: &str, users: &[&str], script: Script| {
            let inner = MockAgent::scripted(AgentId::new(id), script);
            Agent {
                id: AgentId::new(id),
                name: name.to_owned(),
                description: String::new(),
                users: users.iter().map(|glob| (*glob).to_owned()).collect(),
                limits: Limits::default(),
                client: Arc::new(NotedAgent {
                    inner,
                    fakes: Arc::clone(&fakes),
                }),
            }
        };
        let agents = vec![
            agent("assistant", "Assistant", &[], script),
            agent("gpt", "Model", &["@*:hs"], Script::Echo),
            agent("secret", "Secret", &["@bob:hs"], Script::Echo),
        ];
        let agents = Arc::new(Agents::new(agents, AgentId::new("assistant")));
        let settings = DispatchSettings {
            locale: Locale::En,
            bot_names: vec!["surfaces-bot".to_owned()],
            turn_limit,
        };
        let folder = tempfile::tempdir().unwrap();
        let limits = FileLimits {
            file: 4000,
            user: 1 << 20,
        };
        let files = FilePorts {
            files: Arc::new(Workspace::new(folder.path().to_owned(), limits)),
            source: Arc::new(FakeSource),
        };
        let dispatcher = Dispatcher::new(
            Arc::clone(&fakes) as _,
            Arc::clone(&fakes) as _,
            agents,
            files,
            Arc::clone(&fakes) as _,
            Arc::clone(&fakes) as _,
            settings,
        );
        Self {
            fakes,
            dispatcher,
            drafts: Drafts::default(),
            folder,
        }
    }

    /// Alice has chosen this language.
    pub(crate) fn speaking(self, locale: Locale) -> Self {
        self.fakes.put_everywhere(|truth| {
            truth.owners.get_mut(&alice()).unwrap().locale = Some(locale);
        });
        self
    }

    /// The chat is changed on both sides.
    pub(crate) fn with_chat(self, chat: &Chat) -> Self {
        self.fakes.put_everywhere(|truth| {
            truth.chats.insert(chat.room.clone(), chat.clone());
        });
        self
    }

    /// Nobody has a Space.
    pub(crate) fn empty(self) -> Self {
        self.fakes.put_everywhere(|truth| *truth = Truth::default());
        self
    }

    /// The next call whose name begins so fails.
    pub(crate) fn fail(&self, call: &str, fault: Fault) {
        *self.fakes.fault.lock().unwrap() = Some((call.to_owned(), fault));
    }

    /// The changes so far, without what was only read.
    pub(crate) fn changes(&self) -> Vec<String> {
        let mut calls = self.fakes.calls.lock().unwrap().clone();
        calls.retain(|call| !call.starts_with("read "));
        calls
    }

    /// The row of her chat with this number.
    pub(crate) fn row(&self, number: u32) -> Chat {
        self.fakes.rows.lock().unwrap().chats[&chat(number).room].clone()
    }

    /// Her own row.
    pub(crate) fn owner_row(&self) -> Owner {
        self.fakes.rows.lock().unwrap().owners[&alice()].clone()
    }

    /// Whether the server's rooms and the rows tell the same.
    pub(crate) fn agrees(&self) -> bool {
        *self.fakes.rows.lock().unwrap() == *self.fakes.server.lock().unwrap()
    }

    /// She has left her Space.
    pub(crate) fn has_left(&self) {
        *self.fakes.had_left.lock().unwrap() = true;
    }

    /// Whether both worlds ended in the same state.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let state = |world: &Self| {
            (
                world.fakes.rows.lock().unwrap().clone(),
                world.fakes.server.lock().unwrap().clone(),
                world.fakes.linked.lock().unwrap().clone(),
            )
        };
        state(self) == state(other)
    }

    /// A file that an agent has made.
    pub(crate) fn has_in_the_workspace(&self, path: &str, content: &[u8]) {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Alice sends a file with this content in C1.
    pub(crate) async fn file_message(
        &self,
        event: &str,
        name: &str,
        caption: &str,
        content: &str,
    ) -> Result<Vec<Reply>, DispatchError> {
        let attachment = Attachment {
            name: name.to_owned(),
            mime: None,
            size: None,
            source: content.to_owned(),
        };
        let incoming = Incoming {
            attachment: Some(attachment),
            ..incoming(alice(), event, caption)
        };
        let place = Place::Chat(self.row(1));
        self.dispatcher
            .dispatch(place, incoming, &self.drafts)
            .await
    }

    /// What the one reply to such a file says.
    pub(crate) async fn sends_file(
        &self,
        event: &str,
        name: &str,
        caption: &str,
        content: &str,
    ) -> String {
        let message = self.file_message(event, name, caption, content);
        let replies = message.await.unwrap();
        assert_eq!(replies.len(), 1, "{name} has one reply");
        replies[0].markdown.clone()
    }

    /// What the one reply says to these words in C1, said in this message.
    pub(crate) async fn say_as(&self, event: &str, text: &str) -> String {
        let place = Place::Chat(self.row(1));
        let replies = self.dispatch(place, alice(), event, text).await.unwrap();
        assert_eq!(replies.len(), 1, "{text} has one reply");
        replies[0].markdown.clone()
    }

    /// Dispatches any message.
    pub(crate) async fn dispatch(
        &self,
        place: Place,
        sender: UserKey,
        event: &str,
        text: &str,
    ) -> Result<Vec<Reply>, DispatchError> {
        self.dispatcher
            .dispatch(place, incoming(sender, event, text), &self.drafts)
            .await
    }

    /// Alice says this in her chat with this number; what the one reply says.
    pub(crate) async fn say_in(&self, number: u32, text: &str) -> String {
        let place = Place::Chat(self.row(number));
        let replies = self.dispatch(place, alice(), "$event", text).await.unwrap();
        assert_eq!(replies.len(), 1, "{text} has one reply");
        replies[0].markdown.clone()
    }

    /// Alice says this in C1.
    pub(crate) async fn say(&self, text: &str) -> String {
        self.say_in(1, text).await
    }

    /// Alice says this in the entry room, where she is alone with the bot.
    pub(crate) async fn say_at_the_door(&self, text: &str) -> String {
        let place = Place::Entry {
            owner: alice(),
            alone: true,
        };
        let replies = self.dispatch(place, alice(), "$event", text).await.unwrap();
        assert_eq!(replies.len(), 1, "{text} has one reply");
        replies[0].markdown.clone()
    }
}
