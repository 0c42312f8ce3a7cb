use serde_json::{Value, json};

use super::*;

fn voice() -> Voice {
    Voice::new(Workspace::new("/srv"), "room".to_owned())
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
            None,
        ),
    ] {
        assert_eq!(voice().hear(update(json.clone())), expected, "{json}");
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
        assert_eq!(voice.hear(update(json.clone())), expected, "{json}");
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
    assert_eq!(voice.hear(of("a", "one ")), Some(piece("one ")));
    assert_eq!(voice.hear(of("a", "piece")), Some(piece("piece")));
    assert_eq!(voice.hear(of("b", "two")), Some(piece("\n\ntwo")));
}

#[test]
fn statuses_are_short_and_names_are_not_collected_for_ever() {
    let mut voice = voice();
    for number in 0..2 * MOST_TOOLS {
        let call = json!({
            "sessionUpdate": "tool_call", "toolCallId": number.to_string(), "title": "x".repeat(10_000)
        });
        let Some(AnswerEvent::ToolStatus(text)) = voice.hear(update(call)) else {
            panic!("no status");
        };
        assert_eq!(text.chars().count(), LONGEST_STATUS);
    }
    assert_eq!(voice.tools.len(), MOST_TOOLS);
}

#[test]
fn a_question_names_the_tool_and_what_it_would_do() {
    for (call, expected) in [
        (json!({"title": "bash"}), "bash"),
        (
            json!({"title": "bash", "rawInput": {"command": "ls -l"}}),
            "bash: ls -l",
        ),
        (
            json!({"title": "Run ls -l", "rawInput": {"command": "ls -l"}}),
            "Run ls -l",
        ),
        (
            json!({"title": "edit", "rawInput": {"filePath": "/srv/a"}, "locations": [{"path": "/srv/a"}]}),
            "edit: /srv/a",
        ),
        (json!({"locations": [{"path": "/srv/a"}]}), "/srv/a"),
        (
            json!({"name": "fetch", "rawInput": {"url": "https://x"}}),
            "fetch: https://x",
        ),
        (json!({"title": "odd", "rawInput": [1, 2]}), "odd"),
        (json!({"title": "two\nlines\u{7}"}), "two lines"),
    ] {
        let mut call = call;
        call["toolCallId"] = json!("1");
        let request = json!({"sessionId": "s", "toolCall": call, "options": [
            {"optionId": "y", "name": "Yes\nplease", "kind": "allow_always"}
        ]});
        let request = serde_json::from_value(request).unwrap();
        let question = question("q".to_owned(), &request).unwrap();
        assert_eq!(question.title, expected);
        assert_eq!(question.options[0].label, "Yes please");
        assert_eq!(question.options[0].meaning, PermissionMeaning::AllowAlways);
    }
    let nothing = json!({"sessionId": "s", "toolCall": {"toolCallId": "1"}, "options": []});
    assert_eq!(
        question("q".to_owned(), &serde_json::from_value(nothing).unwrap()),
        None
    );
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
