use serde_json::json;

use super::*;

fn member(before: &Value) -> Value {
    json!({
        "type": "m.room.member", "state_key": "@bot:hs", "sender": "@bot:hs", "event_id": "$e",
        "origin_server_ts": 7, "content": {"membership": "join"},
        "unsigned": {"prev_content": before, "prev_sender": "@alice:hs"},
    })
}

#[test]
fn a_state_event_of_a_kept_type_is_kept_with_everything_that_counts() {
    let event = kept_state_event(&member(&json!({"membership": "invite"}))).unwrap();
    assert_eq!(event.event_type, "m.room.member");
    assert_eq!(event.state_key, "@bot:hs");
    assert_eq!(event.sender, "@bot:hs");
    assert_eq!(event.origin_server_ts, 7);
    assert_eq!(
        event.invited_by, None,
        "the specification has no field for that"
    );
}

#[test]
fn an_own_new_profile_is_told_from_an_arrival() {
    let was_joined = |before| timeline_item(&member(&before)).unwrap().was_joined;
    assert!(was_joined(json!({"membership": "join"})));
    assert!(!was_joined(json!({"membership": "invite"})));
    assert!(!was_joined(json!(null)));
}

#[test]
fn types_that_nobody_asks_for_are_dropped() {
    let topic = json!({"type": "m.room.topic", "state_key": "", "sender": "@a:hs", "content": {}});
    assert_eq!(kept_state_event(&topic), None);
}

#[test]
fn an_event_that_lacks_what_every_event_has_is_dropped() {
    let whole = member(&json!({}));
    for key in ["type", "sender", "event_id"] {
        for wrong in [None, Some(json!(7)), Some(json!({}))] {
            let mut event = whole.clone();
            match &wrong {
                Some(value) => event[key] = value.clone(),
                None => drop(event.as_object_mut().unwrap().remove(key)),
            }
            assert_eq!(timeline_item(&event), None, "{key}: {wrong:?}");
            if key != "event_id" {
                assert_eq!(kept_state_event(&event), None, "{key}: {wrong:?}");
            }
        }
    }
    let mut stateless = whole;
    stateless.as_object_mut().unwrap().remove("state_key");
    assert_eq!(kept_state_event(&stateless), None);
    assert_eq!(timeline_item(&stateless).unwrap().state_key, None);
}

#[test]
fn content_and_time_of_any_shape_are_taken_as_they_are() {
    let odd = json!({"type": "m.room.name", "state_key": "", "sender": "@a:hs", "event_id": "$e",
                     "origin_server_ts": -5, "content": [1]});
    assert_eq!(kept_state_event(&odd).unwrap().content, json!([1]));
    assert_eq!(timeline_item(&odd).unwrap().origin_server_ts, 0);
    let bare = json!({"type": "m.room.name", "state_key": "", "sender": "@a:hs", "event_id": "$e"});
    assert_eq!(kept_state_event(&bare).unwrap().content, Value::Null);
}

#[test]
fn a_redaction_names_its_target_in_its_content_whatever_the_room_version() {
    let redaction = |content: Value, beside: Option<&str>| {
        let mut event = json!({"type": "m.room.redaction", "sender": "@a:hs", "event_id": "$e", "content": content});
        if let Some(target) = beside {
            event["redacts"] = json!(target);
        }
        timeline_item(&event).unwrap().content["redacts"].clone()
    };
    assert_eq!(redaction(json!({}), Some("$old")), "$old");
    assert_eq!(redaction(json!({"redacts": "$new"}), None), "$new");
    assert_eq!(
        redaction(json!({"redacts": "$same"}), Some("$same")),
        "$same"
    );
    assert_eq!(redaction(json!({}), None), Value::Null);
}

#[test]
fn a_redaction_that_names_two_targets_names_none() {
    let event = json!({"type": "m.room.redaction", "sender": "@a:hs", "event_id": "$e",
                       "content": {"redacts": "$unchecked"}, "redacts": "$checked"});
    let item = timeline_item(&event).unwrap();
    assert_ne!(item.content["redacts"], "$unchecked");
}

#[test]
fn an_event_takes_the_form_of_the_edit_that_comes_with_it() {
    let event = |edit: &Value| {
        json!({
            "type": "m.room.message", "sender": "@alice:hs", "event_id": "$e", "origin_server_ts": 7,
            "content": {"msgtype": "m.text", "body": "old", "m.relates_to": {"m.in_reply_to": {"event_id": "$x"}}},
            "unsigned": {"m.relations": {"m.replace": edit}},
        })
    };
    let edit = |sender: &str| {
        json!({"sender": sender, "type": "m.room.message",
               "content": {"body": "* new", "m.new_content": {"body": "new", "m.relates_to": {"rel_type": "m.thread"}}}})
    };
    let item = in_newest_form(&event(&edit("@alice:hs"))).unwrap();
    assert_eq!(
        item.content,
        json!({"body": "new", "m.relates_to": {"m.in_reply_to": {"event_id": "$x"}}})
    );
    for not_an_edit in [
        edit("@mallory:hs"),
        json!(null),
        json!({"sender": "@alice:hs"}),
        json!({"sender": "@alice:hs", "content": {"m.new_content": 5}}),
    ] {
        let item = in_newest_form(&event(&not_an_edit)).unwrap();
        assert_eq!(item.content["body"], "old", "{not_an_edit}");
    }
}
