use serde_json::{Value, json};

use super::*;

fn voice() -> Voice {
    Voice::new(Workspace::new("/srv"), "room".to_owned())
}

/// What one update adds.
fn hear(voice: &mut Voice, update: SessionUpdate) -> Option<AnswerEvent> {
    let mut events = voice.hear(update);
    assert!(events.len() <= 1, "{events:?}");
    events.pop()
}

fn update(json: Value) -> SessionUpdate {
    serde_json::from_value(json).unwrap()
}

fn chunk(content: &Value) -> Value {
    json!({"sessionUpdate": "agent_message_chunk", "content": content})
}

fn said(text: &str) -> Value {
    chunk(&json!({"type": "text", "text": text}))
}

fn status(text: &str) -> AnswerEvent {
    AnswerEvent::ToolStatus(text.to_owned())
}

fn piece(text: &str) -> AnswerEvent {
    AnswerEvent::Text(text.to_owned())
}

fn file(path: &str) -> AnswerEvent {
    AnswerEvent::File(path.to_owned())
}

#[test]
fn each_kind_of_update_is_what_it_is() {
    let link =
        |name: &str, uri: &str| chunk(&json!({"type": "resource_link", "name": name, "uri": uri}));
    let embedded = |resource: Value| chunk(&json!({"type": "resource", "resource": resource}));
    for (json, expected) in [
        (said("hello"), Some(piece("hello"))),
        (said(""), None),
        (
            json!({"sessionUpdate": "agent_thought_chunk", "content": {"type": "text", "text": "hm"}}),
            None,
        ),
        (
            json!({"sessionUpdate": "user_message_chunk", "content": {"type": "text", "text": "you"}}),
            None,
        ),
        (json!({"sessionUpdate": "plan", "entries": []}), None),
        (
            json!({"sessionUpdate": "available_commands_update", "availableCommands": []}),
            None,
        ),
        (
            json!({"sessionUpdate": "tool_call", "toolCallId": "1", "title": "Reading\n a.txt"}),
            Some(status("Reading a.txt")),
        ),
        (
            json!({"sessionUpdate": "tool_call_update", "toolCallId": "1", "status": "completed"}),
            None,
        ),
        (
            json!({"sessionUpdate": "tool_call_update", "toolCallId": "1", "title": "Read a.txt"}),
            Some(status("Read a.txt")),
        ),
        (
            link("out", "file:///srv/room/out.png"),
            Some(file("room/out.png")),
        ),
        (link("out", "out.png"), Some(file("room/out.png"))),
        (
            link("x", "file:///etc/passwd"),
            Some(file("file:///etc/passwd")),
        ),
        (
            link("a [b]", "https://x.org/"),
            Some(piece("[a b](<https://x.org/>)")),
        ),
        (
            embedded(json!({"uri": "file:///srv/a.txt", "text": "x"})),
            Some(file("a.txt")),
        ),
        (
            embedded(json!({"uri": "file:///srv/a.bin", "blob": "eA=="})),
            Some(file("a.bin")),
        ),
        (
            chunk(&json!({"type": "image", "data": "eA==", "mimeType": "image/png"})),
            Some(AnswerEvent::NotShown(Media::Picture)),
        ),
        (
            chunk(&json!({"type": "audio", "data": "eA==", "mimeType": "audio/ogg"})),
            Some(AnswerEvent::NotShown(Media::Sound)),
        ),
    ] {
        assert_eq!(hear(&mut voice(), update(json.clone())), expected, "{json}");
    }
}

#[test]
fn what_is_said_after_something_else_happened_is_a_paragraph_of_its_own() {
    let call = json!({"sessionUpdate": "tool_call", "toolCallId": "1", "title": "Reading"});
    let runs =
        json!({"sessionUpdate": "tool_call_update", "toolCallId": "1", "status": "in_progress"});
    let mut voice = voice();
    for (json, expected) in [
        (call, Some(status("Reading"))),
        (said("I see "), Some(piece("I see "))),
        (said("a file."), Some(piece("a file."))),
        (runs, Some(status("Reading"))),
        (said("It is "), Some(piece("\n\nIt is "))),
        (said("empty."), Some(piece("empty."))),
    ] {
        assert_eq!(hear(&mut voice, update(json.clone())), expected, "{json}");
    }
}

#[test]
fn another_message_is_another_paragraph() {
    let of = |id: &str, text: &str| {
        let mut json = said(text);
        json["messageId"] = json!(id);
        update(json)
    };
    let mut voice = voice();
    assert_eq!(hear(&mut voice, of("a", "one ")), Some(piece("one ")));
    assert_eq!(hear(&mut voice, of("a", "piece")), Some(piece("piece")));
    assert_eq!(hear(&mut voice, of("b", "two")), Some(piece("\n\ntwo")));
}

#[test]
fn statuses_are_short_and_names_are_not_collected_for_ever() {
    let mut voice = voice();
    for number in 0..2 * MOST_TOOLS {
        let call = json!({
            "sessionUpdate": "tool_call", "toolCallId": number.to_string(), "title": "x".repeat(10_000)
        });
        let Some(AnswerEvent::ToolStatus(text)) = hear(&mut voice, update(call)) else {
            panic!("no status");
        };
        assert_eq!(text.chars().count(), LONGEST_STATUS);
    }
    assert_eq!(voice.tools.len(), MOST_TOOLS);
}

#[test]
fn links_in_the_words_name_files_where_they_count() {
    let words = "See [the plan](plan.md), [the data](../../top.csv), [the web](https://x.org/a), [it again](plan.md) and \
                 [the picture](out.png).";
    let picture =
        chunk(&json!({"type": "resource_link", "name": "out", "uri": "file:///srv/room/out.png"}));
    let mut deaf = voice();
    let mut attentive = voice();
    attentive.mind_links();
    for voice in [&mut deaf, &mut attentive] {
        voice.hear(update(picture.clone()));
        let (first, second) = words.split_at(9);
        voice.hear(update(said(first)));
        voice.hear(update(said(second)));
    }
    assert_eq!(deaf.linked_files(), Vec::<String>::new());
    assert_eq!(attentive.linked_files(), ["room/plan.md", "../../top.csv"]);
}

#[test]
fn what_a_tool_gives_and_a_chat_cannot_show_is_told_once_a_tool() {
    let part = |kind: &str| json!({"type": "content", "content": {"type": kind, "data": "eA==", "mimeType": "x/y"}});
    let mut voice = voice();
    let begun = json!({
        "sessionUpdate": "tool_call", "toolCallId": "1", "title": "Draw", "content": [part("image")]
    });
    let picture = AnswerEvent::NotShown(Media::Picture);
    assert_eq!(voice.hear(update(begun)), [status("Draw"), picture.clone()]);
    let more = |id: &str| {
        let content = [part("image"), part("image"), part("audio")];
        update(json!({"sessionUpdate": "tool_call_update", "toolCallId": id, "content": content}))
    };
    let sound = AnswerEvent::NotShown(Media::Sound);
    assert_eq!(voice.hear(more("1")), std::slice::from_ref(&sound));
    assert!(voice.hear(more("1")).is_empty());
    assert_eq!(voice.hear(more("2")), [picture, sound]);
}
