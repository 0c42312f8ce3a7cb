use serde_json::json;

use super::*;

fn text(text: &str) -> Piece {
    Piece::Text(text.to_owned())
}

#[test]
fn events_of_many_servers_are_understood() {
    for (data, expected) in [
        (
            json!({"choices": [{"delta": {"content": "Hi"}}]}),
            vec![text("Hi")],
        ),
        (
            json!({"choices": [{"delta": {"role": "assistant", "content": ""}}]}),
            vec![],
        ),
        (
            json!({"choices": [{"delta": {"content": null}, "finish_reason": "stop"}]}),
            vec![Piece::Finish(Finish::Stop)],
        ),
        (
            json!({"choices": [{"delta": {}, "finish_reason": "length"}]}),
            vec![Piece::Finish(Finish::Length)],
        ),
        (
            json!({"choices": [{"delta": {}, "finish_reason": "content_filter"}]}),
            vec![Piece::Finish(Finish::Filter)],
        ),
        (
            json!({"choices": [{"delta": {"tool_calls": []}, "finish_reason": "tool_calls"}]}),
            vec![Piece::Finish(Finish::Stop)],
        ),
        (
            json!({"choices": [{"delta": {"refusal": "No."}}]}),
            vec![Piece::Refusal("No.".to_owned())],
        ),
        (
            json!({"choices": [{"delta": {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}}]}),
            vec![text("ab")],
        ),
        (
            json!({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}}),
            vec![Piece::Usage(Usage {
                prompt_tokens: 3,
                completion_tokens: 4,
            })],
        ),
        (json!({"choices": null}), vec![]),
        (
            json!({"error": {"code": 500}}),
            vec![Piece::Error(json!({"code": 500}))],
        ),
        (
            json!({"choices": [{"message": {"content": "Whole."}, "finish_reason": "stop"}]}),
            vec![
                Piece::Whole("Whole.".to_owned()),
                Piece::Finish(Finish::Stop),
            ],
        ),
        (
            json!({"choices": [{"delta": {"content": "Hi"}, "message": {"content": "Hi there"}}]}),
            vec![text("Hi")],
        ),
    ] {
        assert_eq!(pieces(&data.to_string()).unwrap(), expected, "{data}");
    }
    assert_eq!(pieces(" [DONE]").unwrap(), [Piece::Done]);
}

#[test]
fn reasoning_and_errors_are_told_from_the_answer() {
    for (data, expected) in [
        (
            json!({"choices": [{"delta": {"reasoning_content": "Hm.", "content": null}}]}),
            vec![Piece::Reasoning],
        ),
        (
            json!({"choices": [{"delta": {"reasoning": "Hm.", "content": "Hi"}}]}),
            vec![Piece::Reasoning, text("Hi")],
        ),
        (
            json!({"choices": [{"delta": {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}, {"type": "text", "text": "a"}]}}]}),
            vec![text("a")],
        ),
        (
            json!({"choices": [{"delta": {"content": "Hi"}, "finish_reason": "error"}]}),
            vec![text("Hi"), Piece::Error(json!("finish_reason"))],
        ),
        (
            json!({"choices": [{"delta": {"content": "Hi"}, "finish_reason": "error"}], "error": {"code": 502}}),
            vec![text("Hi"), Piece::Error(json!({"code": 502}))],
        ),
        (
            json!({"object": "error", "message": "x", "code": 400}),
            vec![Piece::Error(
                json!({"object": "error", "message": "x", "code": 400}),
            )],
        ),
        (
            json!({"detail": "x"}),
            vec![Piece::Error(json!({"detail": "x"}))],
        ),
        (
            json!({"choices": [{"delta": {"content": "Hi"}}], "error": null, "message": "ok"}),
            vec![text("Hi")],
        ),
        (json!({"type": "ping"}), vec![]),
    ] {
        assert_eq!(pieces(&data.to_string()).unwrap(), expected, "{data}");
    }
}

#[test]
fn data_that_says_nothing_is_passed_over() {
    for data in ["", " ", ": keepalive", ":", "\n"] {
        assert_eq!(pieces(data).unwrap(), [], "{data:?}");
    }
}

#[test]
fn events_that_nothing_separates_are_told_apart() {
    let one = json!({"choices": [{"delta": {"content": "a"}}]});
    let data = format!("{one}\n: keepalive\n{one}\ndata: {one}\n\ndata: [DONE]\n");
    let expected = [text("a"), text("a"), text("a"), Piece::Done];
    assert_eq!(pieces(&data).unwrap(), expected);
}

#[test]
fn what_is_not_the_interface_is_an_error() {
    for data in ["{", "[]", "\"text\"", "{\"choices\": 5}", "<html>", "ping"] {
        assert!(pieces(data).is_err(), "{data}");
    }
}

#[test]
fn a_text_alone_is_sent_as_one() {
    let message = Message::text(Role::User, "hi");
    assert_eq!(
        serde_json::to_value(message).unwrap(),
        json!({"role": "user", "content": "hi"})
    );
    let url = "data:image/png;base64,".to_owned();
    let parts = Content::Parts(vec![Part::ImageUrl {
        image_url: ImageUrl { url },
    }]);
    let expected = json!([{"type": "image_url", "image_url": {"url": "data:image/png;base64,"}}]);
    assert_eq!(serde_json::to_value(parts).unwrap(), expected);
}
