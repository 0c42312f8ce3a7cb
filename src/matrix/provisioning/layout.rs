//! What a Space and a chat room are made of. Pure.

use matrix_sdk::ruma::{OwnedServerName, RoomId, UserId};
use serde_json::{Value, json};

use crate::matrix::{
    client::{InitialState, NewRoom},
    marker::{
        self, CHAT_MARKER, CREATION_KEY, ChatMarker, CreationFacts, RoomKind, SAVE_MARKER,
        SPACE_MARKER, SpaceMarker, open_to_members_of,
    },
};

/// Power of the owner in a chat room: enough for its name, topic and avatar.
const OWNER_POWER: u32 = 50;

/// A user's Space.
pub(super) fn space(
    bot: &UserId,
    version: &str,
    name: String,
    facts: &CreationFacts,
    marker: &SpaceMarker,
) -> NewRoom {
    NewRoom {
        creation_content: creation_content(facts),
        name,
        power_levels: power_levels(bot, version, None),
        initial_state: vec![
            state(
                "m.room.history_visibility",
                "",
                json!({"history_visibility": "shared"}),
            ),
            state(
                "m.room.guest_access",
                "",
                json!({"guest_access": "forbidden"}),
            ),
            state("m.room.join_rules", "", json!({"join_rule": "invite"})),
            state(SPACE_MARKER, "", marker::write(marker)),
        ],
    }
}

/// A chat room in its owner's Space, which its members may join.
pub(super) fn chat(
    bot: &UserId,
    version: &str,
    server: &OwnedServerName,
    name: String,
    facts: &CreationFacts,
    marker: &ChatMarker,
) -> NewRoom {
    NewRoom {
        creation_content: creation_content(facts),
        name,
        power_levels: power_levels(bot, version, Some(&facts.owner)),
        initial_state: vec![
            state(
                "m.room.history_visibility",
                "",
                json!({"history_visibility": "shared"}),
            ),
            state(
                "m.room.guest_access",
                "",
                json!({"guest_access": "forbidden"}),
            ),
            state(
                "m.room.join_rules",
                "",
                open_to_members_of(&marker.space_id),
            ),
            state(
                "m.space.parent",
                marker.space_id.as_str(),
                parent_content(server),
            ),
            state(CHAT_MARKER, "", marker::write(marker)),
        ],
    }
}

/// Content of `m.space.parent` in a chat room.
pub(super) fn parent_content(server: &OwnedServerName) -> Value {
    json!({"via": [server], "canonical": true})
}

/// Content of `m.space.child` in the Space.
pub(super) fn child_content(server: &OwnedServerName) -> Value {
    json!({"via": [server]})
}

/// A link that opens the room in any client.
pub(super) fn link(room: &RoomId, server: &OwnedServerName) -> String {
    format!("https://matrix.to/#/{room}?via={server}")
}

fn creation_content(facts: &CreationFacts) -> Value {
    let mut content = json!({CREATION_KEY: marker::write(facts)});
    if facts.kind == RoomKind::Space {
        content["type"] = json!("m.space");
    }
    content
}

fn state(event_type: &str, state_key: &str, content: Value) -> InitialState {
    InitialState {
        event_type: event_type.to_owned(),
        state_key: state_key.to_owned(),
        content,
    }
}

/// Everything needs the bot, but for what the owner of a chat room may change about its looks. `redact` too: the
/// redaction of a marker would unmake it.
fn power_levels(bot: &UserId, version: &str, owner: Option<&UserId>) -> Value {
    let mut users = json!({});
    // From room version 12 on the creator stands above all power levels and must not be named in them.
    if !creator_is_above_levels(version) {
        users[bot.as_str()] = json!(100);
    }
    let mut events = json!({
        "m.room.power_levels": 100,
        "m.room.encryption": 100,
        "m.room.history_visibility": 100,
        "m.room.server_acl": 100,
        "m.room.tombstone": 100,
        "m.room.join_rules": 100,
        "m.room.guest_access": 100,
        "m.room.canonical_alias": 100,
        "m.space.child": 100,
        "m.space.parent": 100,
        SPACE_MARKER: 100,
        CHAT_MARKER: 100,
        SAVE_MARKER: 100,
    });
    if let Some(owner) = owner {
        users[owner.as_str()] = json!(OWNER_POWER);
        for looks in ["m.room.name", "m.room.topic", "m.room.avatar"] {
            events[looks] = json!(OWNER_POWER);
        }
    }
    if creator_is_above_levels(version) {
        // Levels above 100 keep a later co-admin at 100 from closing the room to its creator.
        events["m.room.tombstone"] = json!(150);
    }
    json!({
        "users": users,
        "users_default": 0,
        "events": events,
        "events_default": 0,
        "state_default": 100,
        "invite": 100,
        "kick": 100,
        "ban": 100,
        "redact": 100,
        "notifications": {"room": 100},
    })
}

/// Room versions are opaque names, but the ones with numbers grow; unstable ones of other names are taken for new.
pub(super) fn creator_is_above_levels(version: &str) -> bool {
    version.parse::<u32>().is_ok_and(|number| number >= 12)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use matrix_sdk::ruma::{owned_room_id, owned_server_name, owned_user_id, user_id};
    use uuid::Uuid;

    use super::*;
    use crate::matrix::marker::VERSION;

    fn chat_room(version: &str) -> NewRoom {
        let facts = CreationFacts {
            version: VERSION,
            kind: RoomKind::Chat,
            owner: owned_user_id!("@alice:hs"),
            intent: Uuid::nil(),
        };
        let marker = ChatMarker {
            version: VERSION,
            owner: owned_user_id!("@alice:hs"),
            chat_id: "C1".to_owned(),
            space_id: owned_room_id!("!space:hs"),
            agent_id: "assistant".to_owned(),
            platform_chat_id: Uuid::nil(),
            generation: 0,
            archived: false,
        };
        chat(
            user_id!("@bot:hs"),
            version,
            &owned_server_name!("hs"),
            "Chat 1".to_owned(),
            &facts,
            &marker,
        )
    }

    #[test]
    fn the_owner_may_change_the_looks_of_a_chat_room_and_no_other_state() {
        let levels = chat_room("11").power_levels;
        assert_eq!(levels["users"], json!({"@bot:hs": 100, "@alice:hs": 50}));
        let allowed: BTreeSet<&str> = levels["events"]
            .as_object()
            .unwrap()
            .iter()
            .filter(|(_, level)| level.as_u64().unwrap() <= 50)
            .map(|(event_type, _)| event_type.as_str())
            .collect();
        let looks = ["m.room.avatar", "m.room.name", "m.room.topic"];
        assert_eq!(allowed, looks.into());
        for action in ["state_default", "invite", "kick", "ban", "redact"] {
            assert_eq!(levels[action], 100, "{action}");
        }
    }

    #[test]
    fn a_creator_above_power_levels_is_not_named_in_them() {
        assert_eq!(
            chat_room("12").power_levels["users"],
            json!({"@alice:hs": 50})
        );
    }

    #[test]
    fn members_of_the_space_may_join_its_chat_rooms() {
        let room = chat_room("11");
        let rules = room
            .initial_state
            .iter()
            .find(|event| event.event_type == "m.room.join_rules")
            .unwrap();
        assert_eq!(rules.content["join_rule"], "restricted");
        assert_eq!(rules.content["allow"][0]["room_id"], "!space:hs");
    }
}
