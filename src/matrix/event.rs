//! What an event of the journal says to the bot. Pure.

mod kinds;
mod mention;
mod quote;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use matrix_sdk::ruma::{OwnedEventId, RoomId};
use serde_json::Value;

use crate::{
    core::{
        chat::permission::Choice,
        ids::{EventKey, RoomKey, UserKey},
        message::{Attachment, Incoming, ReplyTo},
    },
    matrix::{batch::TimelineItem, media::MediaSource},
};

/// An event, understood.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// Words, or a file with or without a caption. Without either, it is answered that it cannot be read.
    Words(Box<Incoming>),
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
    /// Nothing that is answered: what a bot says, a change to another message.
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
        _ if is_for_the_bot(item) => Said::Words(Box::new(message(room, item))),
        _ => Said::Other,
    }
}

/// Whether events of this type stand in a room's conversation as messages of their own.
pub fn is_message(event_type: &str) -> bool {
    matches!(
        event_type,
        "m.room.message" | "m.sticker" | "m.poll.start" | "org.matrix.msc3381.poll.start"
    )
}

/// Whether a message changes another one.
pub fn is_edit(item: &TimelineItem) -> bool {
    relation(item, "rel_type") == Some("m.replace")
}

/// Whether a message of the owner is to be answered. Notices come from bots, and a device that wants to be verified asks
/// for no words. What was redacted has no content.
pub fn is_for_the_bot(item: &TimelineItem) -> bool {
    let has_content = item
        .content
        .as_object()
        .is_some_and(|content| !content.is_empty());
    let has_words = || match item.content.get("msgtype").and_then(Value::as_str) {
        None | Some("m.notice") => false,
        Some(msgtype) => !msgtype.starts_with("m.key.verification."),
    };
    is_message(&item.event_type)
        && has_content
        && !is_edit(item)
        && (item.event_type != "m.room.message" || has_words())
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

/// What a message says, whoever sent it.
pub fn message(room: &RoomId, item: &TimelineItem) -> Incoming {
    let body = item.content.get("body").and_then(Value::as_str);
    let body = body.unwrap_or_default();
    let relation_to = item.content.get("m.relates_to");
    let replied_to =
        relation_to.and_then(|relation| relation.get("m.in_reply_to")?.get("event_id")?.as_str());
    let (quote, body) = match replied_to {
        Some(_) => quote::split(body),
        None => (None, body),
    };
    let (text, attachment) = spoken(item, body);
    // In threads, a reply is mostly there for clients that know no threads.
    let falls_back = relation_to
        .and_then(|relation| relation.get("is_falling_back")?.as_bool())
        .unwrap_or_default();
    let thread =
        relation(item, "event_id").filter(|_| relation(item, "rel_type") == Some("m.thread"));
    Incoming {
        event: EventKey::new(item.event_id.as_str()),
        room: RoomKey::new(room.as_str()),
        sender: UserKey::new(item.sender.as_str()),
        thread: thread.map(EventKey::new),
        text,
        mention: mention::leading(&item.content),
        reply_to: replied_to.filter(|_| !falls_back).map(|event| ReplyTo {
            event: EventKey::new(event),
            quote,
        }),
        attachment,
        behind: Vec::new(),
        sent_at: sent_at(item),
    }
}

/// The words of a message whose body, quotes taken off, is `body`, and its file.
fn spoken(item: &TimelineItem, body: &str) -> (String, Option<Attachment>) {
    let msgtype = item.content.get("msgtype").and_then(Value::as_str);
    match (item.event_type.as_str(), msgtype) {
        ("m.room.message", Some("m.text" | "m.emote" | "m.notice")) => (body.to_owned(), None),
        ("m.room.message", Some("m.file" | "m.image" | "m.audio" | "m.video")) => {
            match attachment(&item.content) {
                Some(attachment) => (caption(&item.content, body).to_owned(), Some(attachment)),
                None => (String::new(), None),
            }
        }
        _ => (kinds::described(item, body).unwrap_or_default(), None),
    }
}

fn relation<'a>(item: &'a TimelineItem, key: &str) -> Option<&'a str> {
    item.content.get("m.relates_to")?.get(key)?.as_str()
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
    let mime = info.and_then(|info| media_type(info.get("mimetype")?.as_str()?));
    Some(Attachment {
        name: text(content.get("filename").or(content.get("body"))?)?,
        mime,
        size: info.and_then(|info| info.get("size")?.as_u64()),
        source: source.to_text(),
    })
}

/// A media type in the form `type/subtype; name=value`; `None` where it has not even the first part.
fn media_type(text: &str) -> Option<String> {
    let is_token = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    let mut parts = text.split(';').map(str::trim);
    let essence = parts.next()?.to_ascii_lowercase();
    let (kind, subtype) = essence.split_once('/')?;
    if !is_token(kind) || !is_token(subtype) {
        return None;
    }
    let parameters = parts.filter_map(|part| {
        let (name, value) = part.split_once('=')?;
        let (name, value) = (
            name.trim().to_ascii_lowercase(),
            value.trim().trim_matches('"'),
        );
        (is_token(&name) && is_token(value)).then(|| format!("; {name}={value}"))
    });
    let whole = std::iter::once(essence.clone())
        .chain(parameters)
        .collect::<String>();
    [whole, essence].into_iter().find(|mime| mime.len() <= 127)
}

#[cfg(test)]
mod tests;
