use matrix_sdk::ruma::{api::IncomingResponse, exports::http, room_id};
use serde_json::{Value, json};

use super::*;

fn response(body: &Value) -> Response {
    let body = serde_json::to_vec(body).unwrap();
    Response::try_from_http_response(http::Response::new(body)).unwrap()
}

/// A message in a chat, beside what `more` says of the room.
fn chat_with(more: &Value) -> Value {
    let mut room = json!({
        "timeline": {
            "events": [event("m.room.message", &json!({"msgtype": "m.text", "body": "hello"}))],
            "limited": false,
            "prev_batch": "s1",
        },
        "account_data": {"events": [{"type": "m.fully_read", "content": {"event_id": "$read"}}]},
        "unread_notifications": {"notification_count": 1, "highlight_count": 0},
    });
    merge(&mut room, more);
    room
}

fn event(kind: &str, content: &Value) -> Value {
    json!({
        "event_id": "$event", "sender": "@alice:hs", "type": kind, "origin_server_ts": 1, "content": content,
    })
}

/// A response with that chat in it, beside what `more` says.
fn sync_with(room: &Value, more: &Value) -> Response {
    let mut body = json!({
        "next_batch": "s2",
        "rooms": {"join": {"!chat:hs": room}},
        "device_one_time_keys_count": {"signed_curve25519": 50},
        "device_unused_fallback_key_types": ["signed_curve25519"],
    });
    merge(&mut body, more);
    response(&body)
}

fn merge(into: &mut Value, more: &Value) {
    for (key, value) in more.as_object().unwrap() {
        match into.get_mut(key).filter(|old| old.is_object()) {
            Some(old) => merge(old, value),
            None => into[key] = value.clone(),
        }
    }
}

fn told() -> KeyCounts {
    KeyCounts::of(&sync_with(&chat_with(&json!({})), &json!({})))
}

fn plain(response: &Response) -> bool {
    is_plain(response, Some(&told()), |room| room == room_id!("!chat:hs"))
}

#[test]
fn words_and_reactions_in_known_rooms_are_plain() {
    let nothing = json!({});
    assert!(plain(&sync_with(&chat_with(&nothing), &nothing)));
    let reaction = json!({"timeline": {"events": [event("m.reaction", &json!({}))]}});
    assert!(plain(&sync_with(&chat_with(&reaction), &nothing)));
    assert!(plain(&response(&json!({
        "next_batch": "s2",
        "device_one_time_keys_count": {"signed_curve25519": 50},
        "device_unused_fallback_key_types": ["signed_curve25519"],
    }))));
}

#[test]
fn what_changes_a_room_is_for_the_sdk() {
    let member = json!({
        "type": "m.room.member", "state_key": "@alice:hs", "sender": "@alice:hs", "event_id": "$m",
        "origin_server_ts": 1, "content": {"membership": "join"},
    });
    for more in [
        json!({"state": {"events": [member]}}),
        json!({"state_after": {"events": [member]}}),
        json!({"timeline": {"events": [member]}}),
        json!({"timeline": {"events": [event("m.room.encrypted", &json!({}))]}}),
        json!({"timeline": {"events": [event("m.room.redaction", &json!({}))]}}),
        json!({"timeline": {"events": [event("io.example.unknown", &json!({}))]}}),
        json!({"timeline": {"events": [{}]}}),
        json!({"timeline": {"limited": true}}),
        json!({"summary": {"m.joined_member_count": 3}}),
    ] {
        assert!(!plain(&sync_with(&chat_with(&more), &json!({}))), "{more}");
    }
}

#[test]
fn what_is_about_other_rooms_devices_or_the_account_is_for_the_sdk() {
    let chat = chat_with(&json!({}));
    for more in [
        json!({"rooms": {"join": {"!other:hs": chat}}}),
        json!({"rooms": {"invite": {"!new:hs": {"invite_state": {"events": []}}}}}),
        json!({"rooms": {"leave": {"!old:hs": {"timeline": {"events": []}}}}}),
        json!({"rooms": {"knock": {"!door:hs": {"knock_state": {"events": []}}}}}),
        json!({"to_device": {"events": [{"type": "m.room_key", "sender": "@alice:hs", "content": {}}]}}),
        json!({"device_lists": {"changed": ["@alice:hs"]}}),
        json!({"device_lists": {"left": ["@alice:hs"]}}),
        json!({"account_data": {"events": [{"type": "m.push_rules", "content": {}}]}}),
        json!({"device_one_time_keys_count": {"signed_curve25519": 49}}),
        json!({"device_unused_fallback_key_types": []}),
    ] {
        assert!(!plain(&sync_with(&chat, &more)), "{more}");
    }
}

#[test]
fn nothing_is_plain_before_the_sdk_was_told_of_its_keys() {
    let response = sync_with(&chat_with(&json!({})), &json!({}));
    assert!(!is_plain(&response, None, |_| true));
}
