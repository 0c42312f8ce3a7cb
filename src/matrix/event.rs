//! What an event of the journal says to the bot. Pure.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use matrix_sdk::ruma::{OwnedEventId, RoomId};
use serde_json::Value;

use crate::{
    core::{
        chat::permission::Choice,
        ids::{EventKey, RoomKey, UserKey},
        message::{Attachment, Incoming},
    },
    matrix::{batch::TimelineItem, media::MediaSource},
};

/// An event, understood.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// Words, or a file with or without a caption.
    Words(Incoming),
    /// The room was given this name.
    Named(String),
    /// A reaction that may be the answer to a permission question.
    Reaction {
        /// The message it belongs to.
        target: OwnedEventId,
        /// What it answers.
        choice: Choice,
    },
    /// It cannot be read yet: its key has not arrived.
    Unreadable,
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
        "m.reaction" => reaction(item).map_or(Said::Other, |(target, choice)| Said::Reaction {
            target,
            choice,
        }),
        "m.room.message" => words(room, item).map_or(Said::Other, Said::Words),
        _ => Said::Other,
    }
}

/// What a reaction answers, and which message, if it is one that can answer anything.
pub fn reaction(item: &TimelineItem) -> Option<(OwnedEventId, Choice)> {
    let relation = item.content.get("m.relates_to")?;
    let choice = Choice::read(relation.get("key")?.as_str()?)?;
    let target = relation.get("event_id")?.as_str()?.try_into().ok()?;
    (relation.get("rel_type")?.as_str()? == "m.annotation").then_some((target, choice))
}

/// When the server received it.
pub fn sent_at(item: &TimelineItem) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(item.origin_server_ts)
}

fn words(room: &RoomId, item: &TimelineItem) -> Option<Incoming> {
    let text = |key: &str| item.content.get(key).and_then(Value::as_str);
    let attachment = match text("msgtype")? {
        "m.text" | "m.emote" => None,
        "m.file" | "m.image" | "m.audio" | "m.video" => Some(attachment(&item.content)?),
        _ => return None,
    };
    let relation = item.content.get("m.relates_to");
    let is_reply = relation.is_some_and(|relation| relation.get("m.in_reply_to").is_some());
    let body = text("body")?;
    let body = match &attachment {
        Some(_) => caption(&item.content, body),
        None => body,
    };
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
        attachment,
        sent_at: sent_at(item),
    })
}

/// Clients that know captions put the name into `filename`; then `body` is a caption, unless it is the name again.
fn caption<'a>(content: &Value, body: &'a str) -> &'a str {
    match content.get("filename").and_then(Value::as_str) {
        Some(name) if name != body => body,
        _ => "",
    }
}

/// What a person's client says of a file.
fn attachment(content: &Value) -> Option<Attachment> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let source = match (content.get("file"), content.get("url")) {
        (Some(file), _) if file.is_object() => MediaSource::File(file.clone()),
        (_, Some(url)) => MediaSource::Url(text(url)?),
        _ => return None,
    };
    let info = content.get("info");
    let mime = info
        .and_then(|info| text(info.get("mimetype")?))
        .filter(|mime| is_media_type(mime));
    Some(Attachment {
        name: text(content.get("filename").or(content.get("body"))?)?,
        mime,
        size: info.and_then(|info| info.get("size")?.as_u64()),
        source: source.to_text(),
    })
}

/// Whether it looks like `type/subtype`.
fn is_media_type(text: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    text.len() <= 127
        && text
            .split_once('/')
            .is_some_and(|(kind, subtype)| plain(kind) && plain(subtype))
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

    fn file_of(content: Value) -> (String, Attachment) {
        match said(content) {
            Said::Words(Incoming {
                text,
                attachment: Some(attachment),
                ..
            }) => (text, attachment),
            other => panic!("not a file: {other:?}"),
        }
    }

    #[test]
    fn a_file_has_a_name_and_where_clients_say_so_a_caption() {
        let plain = json!({"msgtype": "m.file", "body": "a.txt", "url": "mxc://hs/a",
                           "info": {"mimetype": "text/plain", "size": 5}});
        let (caption, file) = file_of(plain);
        assert_eq!((caption.as_str(), file.name.as_str()), ("", "a.txt"));
        assert_eq!(
            (file.mime.as_deref(), file.size),
            (Some("text/plain"), Some(5))
        );
        assert_eq!(file.source, r#"{"url":"mxc://hs/a"}"#);
        for (body, filename, expected) in [
            ("what is this?", "cat.png", "what is this?"),
            ("cat.png", "cat.png", ""),
            ("", "cat.png", ""),
        ] {
            let content = json!({"msgtype": "m.image", "body": body, "filename": filename, "url": "mxc://hs/a"});
            let (caption, file) = file_of(content);
            assert_eq!(
                (caption.as_str(), file.name.as_str()),
                (expected, "cat.png")
            );
        }
    }

    #[test]
    fn an_encrypted_file_has_its_keys_with_it() {
        let content = json!({"msgtype": "m.audio", "body": "voice.ogg", "file": {"url": "mxc://hs/a", "key": {}}});
        assert_eq!(
            file_of(content).1.source,
            r#"{"file":{"url":"mxc://hs/a","key":{}}}"#
        );
    }

    #[test]
    fn a_media_type_that_is_none_is_not_believed() {
        for wrong in ["", "text", "text/", "a/b/c", "text/plain\n", "te xt/plain"] {
            let content = json!({"msgtype": "m.video", "body": "a", "url": "mxc://hs/a",
                                 "info": {"mimetype": wrong, "size": -1}});
            let file = file_of(content).1;
            assert_eq!((file.mime, file.size), (None, None), "{wrong:?}");
        }
    }

    #[test]
    fn content_of_the_wrong_shape_is_nothing_to_answer() {
        for content in [
            json!({}),
            json!(null),
            json!({"msgtype": "m.text"}),
            json!({"msgtype": 7, "body": []}),
            json!({"msgtype": "m.location", "body": "here"}),
            json!({"msgtype": "m.file", "body": "no source"}),
            json!({"msgtype": "m.file", "body": "a", "url": 7}),
            json!({"msgtype": "m.image", "url": "mxc://hs/no-name"}),
        ] {
            assert_eq!(said(content.clone()), Said::Other, "{content}");
        }
    }
}
