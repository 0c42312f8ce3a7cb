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
        Said::Words(incoming) => (
            incoming.text,
            incoming.attachment.expect("the message has a file"),
        ),
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
        let content =
            json!({"msgtype": "m.image", "body": body, "filename": filename, "url": "mxc://hs/a"});
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
fn a_media_type_that_is_none_is_not_believed_and_parameters_stay() {
    let file = |mimetype: &str| {
        let content = json!({"msgtype": "m.video", "body": "a", "url": "mxc://hs/a",
                             "info": {"mimetype": mimetype, "size": -1}});
        file_of(content).1
    };
    for wrong in ["", "text", "text/", "a/b/c", "te xt/plain", "; a=b"] {
        let file = file(wrong);
        assert_eq!((file.mime, file.size), (None, None), "{wrong:?}");
    }
    for (said, read) in [
        ("audio/ogg; codecs=opus", "audio/ogg; codecs=opus"),
        ("Audio/OGG ;Codecs=\"opus\"", "audio/ogg; codecs=opus"),
        ("text/plain\n", "text/plain"),
        ("text/plain; ;x; =y; a=b c", "text/plain"),
        ("image/png", "image/png"),
    ] {
        assert_eq!(file(said).mime.as_deref(), Some(read), "{said:?}");
    }
    let long = format!("text/plain; a={}", "b".repeat(200));
    assert_eq!(file(&long).mime.as_deref(), Some("text/plain"));
}

#[test]
fn what_is_said_by_bots_or_of_other_messages_is_nothing_to_answer() {
    for content in [
        json!({}),
        json!(null),
        json!({"body": "no type"}),
        json!({"msgtype": 7, "body": []}),
        json!({"msgtype": "m.notice", "body": "beep"}),
        json!({"msgtype": "m.key.verification.request", "body": "verify me"}),
        // As an encrypted edit is that could not be read when it came.
        json!({"msgtype": "m.text", "body": "* x", "m.new_content": {"msgtype": "m.text", "body": "x"},
               "m.relates_to": {"rel_type": "m.replace", "event_id": "$1"}}),
    ] {
        assert_eq!(said(content.clone()), Said::Other, "{content}");
    }
}

#[test]
fn content_of_the_wrong_shape_is_a_message_with_nothing_to_read() {
    for content in [
        json!({"msgtype": "m.text"}),
        json!({"msgtype": "m.text", "body": 5}),
        json!({"msgtype": "m.file", "body": "no source"}),
        json!({"msgtype": "m.file", "body": "a", "url": 7}),
        json!({"msgtype": "m.image", "url": "mxc://hs/no-name"}),
        json!({"msgtype": "m.location", "geo_uri": 5}),
        json!({"msgtype": "m.gallery", "itemtypes": 5}),
    ] {
        assert_eq!(words_of(content.clone()), "", "{content}");
    }
}

fn reply_of(content: Value) -> (String, Option<ReplyTo>) {
    match said(content) {
        Said::Words(incoming) => (incoming.text, incoming.reply_to),
        other => panic!("not words: {other:?}"),
    }
}

#[test]
fn a_reply_knows_its_message_and_the_quote_in_it() {
    let reply = |body: &str| {
        reply_of(json!({"msgtype": "m.text", "body": body,
                        "m.relates_to": {"m.in_reply_to": {"event_id": "$x"}}}))
    };
    let quoting = |text: &str| {
        Some(ReplyTo {
            event: EventKey::new("$x"),
            quote: Some(crate::core::message::Quote {
                sender: UserKey::new("@bot:hs"),
                text: text.to_owned(),
            }),
        })
    };
    let plain = Some(ReplyTo {
        event: EventKey::new("$x"),
        quote: None,
    });
    for (body, text, expected) in [
        ("why?", "why?", plain.clone()),
        (
            "> <@bot:hs> one\n> two\n>\n> three\n\nwhy?",
            "why?",
            quoting("one\ntwo\n\nthree"),
        ),
        ("> * <@bot:hs> waves\n\nwhy?", "why?", quoting("waves")),
        ("> <b> is a tag\n\nwhy?", "why?", plain.clone()),
        ("> <@bot:hs> one", "", quoting("one")),
        ("> a quote of their own", "> a quote of their own", plain),
    ] {
        assert_eq!(reply(body), (text.to_owned(), expected), "{body}");
    }
    let in_thread = json!({"msgtype": "m.text", "body": "go on", "m.relates_to": {
        "rel_type": "m.thread", "event_id": "$r", "is_falling_back": true,
        "m.in_reply_to": {"event_id": "$x"}}});
    assert_eq!(reply_of(in_thread), ("go on".to_owned(), None));
}
