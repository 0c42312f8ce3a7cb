//! What an event of the journal says to the bot. Pure.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use matrix_sdk::ruma::RoomId;
use serde_json::Value;

use crate::{
    core::{
        ids::{EventKey, RoomKey, UserKey},
        message::Incoming,
    },
    matrix::batch::TimelineItem,
};

/// An event, understood.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// Words.
    Words(Incoming),
    /// The room was given this name.
    Named(String),
    /// It cannot be read yet: its key has not arrived.
    Unreadable,
    /// A file, a picture, a recording.
    File,
    /// Nothing that is answered: a place, something of the future.
    Other,
}

/// Reads one event.
pub fn read(room: &RoomId, item: &TimelineItem) -> Said {
    match item.event_type.as_str() {
        "m.room.name" => Said::Named(
            item.content
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
        ),
        "m.room.encrypted" => Said::Unreadable,
        "m.room.message" if is_file(item) => Said::File,
        "m.room.message" => words(room, item).map_or(Said::Other, Said::Words),
        _ => Said::Other,
    }
}

/// When the server received it.
pub fn sent_at(item: &TimelineItem) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(item.origin_server_ts)
}

fn is_file(item: &TimelineItem) -> bool {
    let msgtype = item.content.get("msgtype").and_then(Value::as_str);
    matches!(msgtype, Some("m.file" | "m.image" | "m.audio" | "m.video"))
}

fn words(room: &RoomId, item: &TimelineItem) -> Option<Incoming> {
    let text = |key: &str| item.content.get(key).and_then(Value::as_str);
    if !matches!(text("msgtype")?, "m.text" | "m.emote") {
        return None;
    }
    let relation = item.content.get("m.relates_to");
    let is_reply = relation.is_some_and(|relation| relation.get("m.in_reply_to").is_some());
    let body = text("body")?;
    let body = if is_reply { without_quote(body) } else { body };
    let thread = relation
        .filter(|relation| relation.get("rel_type").and_then(Value::as_str) == Some("m.thread"))
        .and_then(|relation| relation.get("event_id")?.as_str());
    Some(Incoming {
        event: EventKey::new(item.event_id.as_str()),
        room: RoomKey::new(room.as_str()),
        sender: UserKey::new(item.sender.as_str()),
        thread: thread.map(EventKey::new),
        text: body.to_owned(),
        attachment: None,
        sent_at: sent_at(item),
    })
}

/// Older clients put a quote of the message they reply to in front: lines that begin with `> `, then an empty one.
fn without_quote(body: &str) -> &str {
    if !body.starts_with("> <") && !body.starts_with("> * <") {
        return body;
    }
    let mut rest = body;
    while let Some(after) = rest.strip_prefix('>') {
        rest = after.split_once('\n').map_or("", |(_, rest)| rest);
    }
    rest.trim_start_matches('\n')
}

#[cfg(test)]
mod tests {
    use matrix_sdk::ruma::{owned_event_id, owned_user_id, room_id};
    use serde_json::json;

    use super::*;

    fn said(content: Value) -> Said {
        let item = TimelineItem {
            event_id: owned_event_id!("$e"),
            sender: owned_user_id!("@alice:hs"),
            event_type: "m.room.message".to_owned(),
            state_key: None,
            origin_server_ts: 5_000,
            content,
            was_joined: false,
        };
        read(room_id!("!r:hs"), &item)
    }

    fn words_of(content: Value) -> String {
        match said(content) {
            Said::Words(incoming) => incoming.text,
            other => panic!("not words: {other:?}"),
        }
    }

    #[test]
    fn the_quote_of_a_reply_is_not_part_of_what_was_said() {
        let reply = json!({"msgtype": "m.text", "body": "> <@bot:hs> one\n> two\n\n!help",
                           "m.relates_to": {"m.in_reply_to": {"event_id": "$x"}}});
        assert_eq!(words_of(reply), "!help");
        let quote_of_their_own = json!({"msgtype": "m.text", "body": "> <b> is a tag"});
        assert_eq!(words_of(quote_of_their_own), "> <b> is a tag");
    }

    #[test]
    fn a_message_in_a_thread_knows_its_thread() {
        let content = json!({"msgtype": "m.text", "body": "hi",
                             "m.relates_to": {"rel_type": "m.thread", "event_id": "$root"}});
        let Said::Words(incoming) = said(content) else {
            panic!("not words")
        };
        assert_eq!(incoming.thread, Some(EventKey::new("$root")));
        assert_eq!(incoming.sent_at, UNIX_EPOCH + Duration::from_secs(5));
    }

    #[test]
    fn content_of_the_wrong_shape_is_nothing_to_answer() {
        for content in [
            json!({}),
            json!(null),
            json!({"msgtype": "m.text"}),
            json!({"msgtype": 7, "body": []}),
            json!({"msgtype": "m.location", "body": "here"}),
        ] {
            assert_eq!(said(content.clone()), Said::Other, "{content}");
        }
    }
}
