//! Kept contexts as state of the user's Space. They stand on the server alone: our own copy of the state is where they
//! are read, and it comes back with the first sync after everything else is lost.

use super::{Provisioner, room_id, user_id};
use crate::{
    core::{
        chat::{ChatRoomsError, Owner, save::Save},
        ids::{AgentId, EventKey, PlatformChatId, RoomKey, UserKey},
    },
    matrix::marker::{self, SAVE_MARKER, SaveMarker, VERSION},
};

impl Provisioner {
    /// Only what the bot itself wrote counts, and only what it wrote for this owner.
    pub(super) async fn saves_of(&self, owner: &Owner) -> Result<Vec<Save>, ChatRoomsError> {
        let space = room_id(&owner.space)?;
        let events = self.store.kept_states(&space, SAVE_MARKER).await?;
        Ok(events
            .iter()
            .filter(|event| event.sender == self.client.user_id())
            .filter_map(|event| {
                let save = read(marker::read(&event.content)?)?;
                let is_theirs = save.owner == owner.user;
                let in_place = Save::key(&owner.user, &save.name) == event.state_key;
                (is_theirs && in_place).then_some(save)
            })
            .collect())
    }

    pub(super) async fn put_save(&self, owner: &Owner, save: &Save) -> Result<(), ChatRoomsError> {
        let content = marker::write(&SaveMarker {
            version: VERSION,
            owner: user_id(&save.owner)?,
            name: save.name.clone(),
            agent_id: save.agent.to_string(),
            platform_chat_id: save.kept.uuid(),
            chat_id: save.chat.to_string(),
            room_id: room_id(&save.room)?,
            until: save.until.to_string(),
            note: save.note.clone(),
        });
        let key = Save::key(&owner.user, &save.name);
        self.put(&room_id(&owner.space)?, SAVE_MARKER, &key, content)
            .await
    }
}

fn read(marker: SaveMarker) -> Option<Save> {
    Some(Save {
        owner: UserKey::new(marker.owner),
        name: marker.name,
        agent: AgentId::new(marker.agent_id),
        kept: PlatformChatId::new(marker.platform_chat_id),
        chat: marker.chat_id.parse().ok()?,
        room: RoomKey::new(marker.room_id),
        until: EventKey::new(marker.until),
        note: marker.note,
    })
}
