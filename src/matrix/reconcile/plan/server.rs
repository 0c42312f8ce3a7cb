//! What to write on the server: markers that are missing or wrong, and links between Spaces and chats.

use matrix_sdk::ruma::{OwnedUserId, RoomId};
use serde_json::{Value, json};

use super::{
    Ground,
    chats::{Home, KnownChat},
    classify::{Classified, OurRoom},
};
use crate::matrix::{
    marker::{self, CHAT_MARKER, SPACE_MARKER, SpaceMarker, open_to_members_of},
    reconcile::changes::{StateWrite, Why},
};

/// All writes: markers first, so that a run that is cut off leaves rooms that speak for themselves.
pub(super) fn writes(
    ground: &Ground<'_, '_>,
    rooms: &Classified<'_>,
    known: &[KnownChat<'_>],
) -> Vec<StateWrite> {
    let mut writes = Vec::new();
    for (id, space) in &rooms.spaces {
        writes.extend(space_stamp(ground, id, *space));
    }
    for chat in known {
        let marker = chat.marker();
        if chat.room.seen.chat_marker.ours() != Some(&marker) {
            let content = marker::write(&marker);
            writes.push(write(chat.id, CHAT_MARKER, "", content, Why::Stamp));
        }
    }
    for chat in known {
        if let Home::Space(space) = chat.home {
            link_writes(ground, chat, space, &mut writes);
        }
    }
    writes
}

fn space_stamp(ground: &Ground<'_, '_>, id: &RoomId, space: OurRoom<'_>) -> Option<StateWrite> {
    let owner = *ground.spaces.owners.get(id)?;
    let old = space.seen.space_marker.ours();
    if old.is_some_and(|marker| marker.owner == owner) {
        return None;
    }
    let marker = match old {
        Some(marker) => SpaceMarker {
            owner: owner.to_owned(),
            ..marker.clone()
        },
        None => marker_from_row(ground, id, owner.to_owned()),
    };
    Some(write(
        id,
        SPACE_MARKER,
        "",
        marker::write(&marker),
        Why::Stamp,
    ))
}

/// A Space without a marker keeps the settings that its owner's row remembers.
fn marker_from_row(ground: &Ground<'_, '_>, id: &RoomId, owner: OwnedUserId) -> SpaceMarker {
    let row = ground.records.users.get(owner.as_str());
    let row = row.filter(|row| row.space_id.as_deref() == Some(id.as_str()));
    SpaceMarker {
        version: marker::VERSION,
        locale: row.and_then(|row| row.locale.clone()),
        default_agent: row.and_then(|row| row.default_agent.clone()),
        streaming: row.and_then(|row| row.streaming),
        owner,
    }
}

fn link_writes(
    ground: &Ground<'_, '_>,
    chat: &KnownChat<'_>,
    home: &RoomId,
    writes: &mut Vec<StateWrite>,
) {
    let key = chat.id.as_str();
    let via = [ground.defaults.server_name.as_str()];
    for space in ground.graph.linked_from(chat.id) {
        let is_left_alone = !ground.spaces.owners.contains_key(space);
        if !is_left_alone && (chat.archived || space != home) {
            writes.push(write(space, "m.space.child", key, json!({}), Why::Unlink));
        }
    }
    if !chat.archived && !ground.graph.links(home, chat.id) {
        let content = json!({ "via": via });
        writes.push(write(home, "m.space.child", key, content, Why::Link));
    }
    let parents = &chat.room.seen.parents;
    let stale: Vec<_> = parents.iter().filter(|parent| *parent != home).collect();
    for parent in &stale {
        let (key, content) = (parent.as_str(), json!({}));
        writes.push(write(chat.id, "m.space.parent", key, content, Why::Unlink));
    }
    // What an archived chat says of its Space holds again when it is brought back.
    let needs_parent = !chat.archived || !stale.is_empty();
    if needs_parent && !parents.contains(home) {
        let (key, content) = (home.as_str(), json!({ "via": via, "canonical": true }));
        writes.push(write(chat.id, "m.space.parent", key, content, Why::Link));
    }
    let open_to = chat.room.seen.open_to.as_ref();
    if open_to.is_some_and(|rooms| !rooms.contains(home)) {
        let content = open_to_members_of(home);
        writes.push(write(chat.id, "m.room.join_rules", "", content, Why::Link));
    }
}

fn write(
    room: &RoomId,
    event_type: &'static str,
    state_key: &str,
    content: Value,
    why: Why,
) -> StateWrite {
    StateWrite {
        room_id: room.to_owned(),
        event_type,
        state_key: state_key.to_owned(),
        content,
        why,
    }
}
