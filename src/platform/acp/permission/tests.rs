use serde_json::json;

use super::*;

fn asked(call: &Value) -> PermissionQuestion {
    let mut call = call.clone();
    call["toolCallId"] = json!("1");
    let request = json!({"sessionId": "s", "toolCall": call, "options": [
        {"optionId": "y", "name": "Yes\nplease", "kind": "allow_always"}
    ]});
    let request = serde_json::from_value(request).unwrap();
    question("q".to_owned(), &request).unwrap()
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
        (json!({"title": "odd", "rawInput": [1, 2]}), "odd: [1,2]"),
        (
            json!({"title": "bash", "rawInput": {"command": ["bash", "-lc", "rm -rf 'a b'"]}}),
            r"bash: bash -lc 'rm -rf '\''a b'\'''",
        ),
        (
            json!({"title": "bash", "rawInput": {"command": "rm", "args": ["-rf", "/"]}}),
            "bash: rm -rf /",
        ),
        (
            json!({"title": "bash", "rawInput": {"command": "a\nb", "timeout": 5, "cwd": null}}),
            "bash\na\nb\ntimeout: 5",
        ),
        (
            json!({"title": "mail", "rawInput": {"path": "/out", "body": "x".repeat(1_001)}}),
            "mail\n/out\nbody: (1001 characters)",
        ),
        (
            json!({"title": "two\nlines\u{7}"}),
            "two lines\\u{7}\ntwo\nlines\\u{7}",
        ),
        (
            json!({"title": "bash", "rawInput": {"command": "echo \u{202e}x"}}),
            "bash: echo \\u{202e}x",
        ),
    ] {
        let question = asked(&call);
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
fn a_question_shows_the_whole_command() {
    let long = format!("echo {} && rm -rf /", "x".repeat(5_000));
    for call in [
        json!({"title": "bash", "rawInput": {"command": long.clone()}}),
        json!({"title": long.clone()}),
        json!({"title": "bash", "rawInput": {"command": ["bash", "-lc", long.clone()]}}),
        json!({"title": "bash", "rawInput": {"command": "sh", "args": ["-c", long.clone()]}}),
    ] {
        let title = asked(&call).title;
        assert!(
            title.contains(&long),
            "{} characters",
            title.chars().count()
        );
        let first = title.lines().next().unwrap();
        assert!(first.chars().count() <= LONGEST_LINE);
    }
}
