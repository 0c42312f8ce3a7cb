//! The two ports over one memory.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Mutex,
    time::Duration,
};

use async_trait::async_trait;

use super::{chat, owner};
use crate::core::{
    chat::{
        Chat, ChatRooms, ChatRoomsError, ChatStore, ChatStoreError, Held, Onboarded, Owner,
        earlier::{Earlier, EarlierMessages, Interrupted},
        permission::{Asked, Person, Verdict},
        save::Save,
    },
    ids::{EventKey, PlatformChatId, RoomKey, UserKey},
};

/// How a call is told to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Rows cannot be read or written.
    Store,
    /// The homeserver says no.
    Refused,
    /// The homeserver asks to wait.
    Later,
    /// The process ends.
    ShuttingDown,
}

/// What both sides know, and what was done to them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Truth {
    pub(crate) owners: BTreeMap<UserKey, Owner>,
    pub(crate) chats: BTreeMap<RoomKey, Chat>,
}

/// The rows, the server's rooms, and every change in the order in which it was made.
#[derive(Default)]
pub(crate) struct Fakes {
    pub(crate) rows: Mutex<Truth>,
    pub(crate) server: Mutex<Truth>,
    pub(crate) linked: Mutex<BTreeMap<RoomKey, bool>>,
    pub(crate) calls: Mutex<Vec<String>>,
    /// The call with this name fails, once.
    pub(crate) fault: Mutex<Option<(String, Fault)>>,
    /// What the next onboarding says of the user.
    pub(crate) had_left: Mutex<bool>,
    /// What was kept.
    pub(crate) saves: Mutex<Vec<Save>>,
    /// What the person decides, question by question, and how long each takes; nobody is there for the others.
    pub(crate) verdicts: Mutex<VecDeque<(Verdict, Duration)>>,
    /// What the person was asked.
    pub(crate) asked: Mutex<Vec<Asked>>,
}

impl Fakes {
    pub(super) fn note(&self, call: &str) -> Option<Fault> {
        self.calls.lock().unwrap().push(call.to_owned());
        let mut fault = self.fault.lock().unwrap();
        fault
            .take_if(|(failing, _)| call.starts_with(failing.as_str()))
            .map(|(_, fault)| fault)
    }

    async fn row_call(&self, call: &str) -> Result<(), ChatStoreError> {
        // Others go on meanwhile, as they do with a real store.
        tokio::task::yield_now().await;
        self.note(call)
            .map_or(Ok(()), |_| Err(ChatStoreError("scripted".into())))
    }

    async fn room_call(&self, call: &str) -> Result<(), ChatRoomsError> {
        tokio::task::yield_now().await;
        match self.note(call) {
            None => Ok(()),
            Some(Fault::Later) => Err(ChatRoomsError::Later(Some(Duration::from_secs(333)))),
            Some(Fault::ShuttingDown) => Err(ChatRoomsError::ShuttingDown),
            Some(Fault::Refused) => Err(ChatRoomsError::Refused("M_FORBIDDEN secret".into())),
            Some(Fault::Store) => Err(ChatRoomsError::Store(ChatStoreError("scripted".into()))),
        }
    }

    pub(super) fn put_everywhere(&self, change: impl Fn(&mut Truth)) {
        change(&mut self.server.lock().unwrap());
        change(&mut self.rows.lock().unwrap());
    }
}

#[async_trait]
impl ChatStore for Fakes {
    async fn owner(&self, user: &UserKey) -> Result<Option<Owner>, ChatStoreError> {
        self.row_call("read owner").await?;
        Ok(self.rows.lock().unwrap().owners.get(user).cloned())
    }

    async fn chat_in(&self, room: &RoomKey) -> Result<Option<Chat>, ChatStoreError> {
        self.row_call("read chat").await?;
        Ok(self.rows.lock().unwrap().chats.get(room).cloned())
    }

    async fn chats_of(&self, user: &UserKey) -> Result<Vec<Chat>, ChatStoreError> {
        self.row_call("read chats").await?;
        let rows = self.rows.lock().unwrap();
        let mut chats: Vec<Chat> = rows.chats.values().cloned().collect();
        chats.retain(|chat| chat.owner == *user);
        chats.sort_by_key(|chat| chat.id);
        Ok(chats)
    }

    async fn save_chat(&self, chat: &Chat) -> Result<(), ChatStoreError> {
        self.row_call(&format!("row {}", chat.id)).await?;
        let mut rows = self.rows.lock().unwrap();
        rows.chats.insert(chat.room.clone(), chat.clone());
        Ok(())
    }

    async fn save_owner(&self, owner: &Owner) -> Result<(), ChatStoreError> {
        self.row_call("row owner").await?;
        let mut rows = self.rows.lock().unwrap();
        rows.owners.insert(owner.user.clone(), owner.clone());
        Ok(())
    }
}

/// Nothing was said before.
#[async_trait]
impl EarlierMessages for Fakes {
    async fn find(&self, _: &RoomKey, _: &EventKey) -> Result<Option<Earlier>, Interrupted> {
        Ok(None)
    }
}

#[async_trait]
impl Person for Fakes {
    async fn ask(&self, asked: &Asked) -> Verdict {
        self.asked.lock().unwrap().push(asked.clone());
        let verdict = self.verdicts.lock().unwrap().pop_front();
        let (verdict, time) = verdict.unwrap_or((Verdict::TimedOut, Duration::ZERO));
        tokio::time::sleep(time).await;
        verdict
    }

    async fn let_go(&self, _turn: &EventKey) {}
}

#[async_trait]
impl ChatRooms for Fakes {
    async fn onboard(&self, user: &UserKey) -> Result<Onboarded, ChatRoomsError> {
        self.room_call("server onboard").await?;
        let fresh = !self.rows.lock().unwrap().owners.contains_key(user);
        if fresh {
            let owner = Owner {
                user: user.clone(),
                ..owner()
            };
            let chat = Chat {
                owner: user.clone(),
                ..chat(1)
            };
            self.put_everywhere(|truth| {
                truth.owners.insert(user.clone(), owner.clone());
                truth.chats.insert(chat.room.clone(), chat.clone());
            });
        }
        let rows = self.rows.lock().unwrap();
        Ok(Onboarded {
            owner: rows.owners[user].clone(),
            chats: rows.chats.values().cloned().collect(),
            fresh,
            reinvited: *self.had_left.lock().unwrap(),
            is_delayed: false,
        })
    }

    async fn create_chat(
        &self,
        owner: &Owner,
        cause: &EventKey,
        name: Option<&str>,
    ) -> Result<Chat, ChatRoomsError> {
        self.room_call("server create").await?;
        let context = PlatformChatId::from_command(cause);
        let mut chats: Vec<Chat> = self
            .server
            .lock()
            .unwrap()
            .chats
            .values()
            .cloned()
            .collect();
        if let Some(made) = chats.iter().find(|chat| chat.context == context) {
            return Ok(made.clone());
        }
        chats.sort_by_key(|chat| chat.id);
        let number = chats.last().map_or(1, |chat| chat.id.number() + 1);
        let mut made = Chat {
            owner: owner.user.clone(),
            context,
            ..chat(number)
        };
        if let Some(name) = name {
            name.clone_into(&mut made.name);
        }
        self.put_everywhere(|truth| {
            truth.chats.insert(made.room.clone(), made.clone());
        });
        Ok(made)
    }

    async fn hold(&self, _owner: &UserKey) -> Held {
        Box::new(())
    }

    async fn wait(&self, _wish: Option<Duration>, _attempt: u32) -> Result<(), ChatRoomsError> {
        self.room_call("wait").await
    }

    async fn write_chat_marker(&self, chat: &Chat) -> Result<(), ChatRoomsError> {
        self.room_call(&format!("server marker {}", chat.id))
            .await?;
        let mut server = self.server.lock().unwrap();
        server.chats.insert(chat.room.clone(), chat.clone());
        Ok(())
    }

    async fn write_owner_marker(&self, owner: &Owner) -> Result<(), ChatRoomsError> {
        self.room_call("server owner marker").await?;
        let mut server = self.server.lock().unwrap();
        server.owners.insert(owner.user.clone(), owner.clone());
        Ok(())
    }

    async fn rename(&self, chat: &Chat, name: &str) -> Result<(), ChatRoomsError> {
        self.room_call(&format!("server name {}", chat.id)).await?;
        let mut server = self.server.lock().unwrap();
        let chat = server.chats.get_mut(&chat.room).unwrap();
        name.clone_into(&mut chat.name);
        Ok(())
    }

    async fn set_linked(&self, chat: &Chat, linked: bool) -> Result<(), ChatRoomsError> {
        self.room_call(&format!("server linked {} {linked}", chat.id))
            .await?;
        self.linked
            .lock()
            .unwrap()
            .insert(chat.room.clone(), linked);
        Ok(())
    }

    async fn saves(&self, owner: &Owner) -> Result<Vec<Save>, ChatRoomsError> {
        self.room_call("read saves").await?;
        let mut saves = self.saves.lock().unwrap().clone();
        saves.retain(|save| save.owner == owner.user);
        Ok(saves)
    }

    async fn write_save(&self, _owner: &Owner, save: &Save) -> Result<(), ChatRoomsError> {
        self.room_call(&format!("server save {}", save.name))
            .await?;
        self.saves.lock().unwrap().push(save.clone());
        Ok(())
    }

    fn link(&self, room: &RoomKey) -> String {
        format!("https://matrix.to/#/{room}?via=hs")
    }
}
