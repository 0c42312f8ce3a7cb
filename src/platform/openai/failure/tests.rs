use serde_json::json;

use super::*;

fn status(status: u16, body: &Value) -> Failure {
    of_status(status, None, &body.to_string())
}

#[test]
fn each_status_has_its_own_outcome() {
    let body = json!({"error": {"message": "words", "type": "t", "code": "c"}});
    for (code, expected) in [
        (400, Advice::TellOperator),
        (401, Advice::TellOperator),
        (403, Advice::TellOperator),
        (404, Advice::TellOperator),
        (302, Advice::TellOperator),
        (413, Advice::BeginAnew),
        (429, Advice::TryAgain),
        (408, Advice::TryAgain),
        (500, Advice::TryAgain),
        (503, Advice::TryAgain),
        (529, Advice::TryAgain),
    ] {
        assert_eq!(status(code, &body).advice(), expected, "{code}");
    }
}

#[test]
fn an_overflow_is_known_by_many_names() {
    for (code, body) in [
        (
            400,
            json!({"error": {"code": "context_length_exceeded", "message": "x"}}),
        ),
        (
            400,
            json!({"error": {"code": 400, "type": "exceed_context_size_error", "message": "the request exceeds the available context size"}}),
        ),
        (
            400,
            json!({"object": "error", "message": "This model's maximum context length is 4096 tokens."}),
        ),
        (
            400,
            json!({"error": {"message": "litellm.ContextWindowExceededError: prompt"}}),
        ),
        (
            400,
            json!({"error": {"message": "prompt is too long: 200001 tokens > 200000 maximum"}}),
        ),
        (
            500,
            json!({"error": "input is too long for the context size"}),
        ),
        (422, json!({"message": "too many tokens"})),
    ] {
        assert_eq!(status(code, &body).advice(), Advice::BeginAnew, "{body}");
    }
}

#[test]
fn a_refused_parameter_is_named() {
    for (body, expected) in [
        (
            json!({"error": {"param": "stream_options", "message": "Unrecognized"}}),
            Parameter::StreamOptions,
        ),
        (
            json!({"detail": [{"loc": ["body", "stream_options"], "msg": "extra"}]}),
            Parameter::StreamOptions,
        ),
        (
            json!({"error": {"param": "max_tokens", "message": "Use 'max_completion_tokens' instead."}}),
            Parameter::MaxTokens,
        ),
        (
            json!({"error": {"param": "temperature", "code": "unsupported_value", "message": "x"}}),
            Parameter::Temperature,
        ),
        (
            json!({"error": {"param": "stream", "code": "unsupported_value", "message": "x"}}),
            Parameter::Stream,
        ),
    ] {
        let failure = status(400, &body);
        assert!(
            matches!(failure, Failure::Unknown { parameter, .. } if parameter == expected),
            "{failure:?}"
        );
    }
}

#[test]
fn a_model_a_key_and_an_address_that_are_wrong_are_told_apart() {
    for (code, body) in [
        (
            404,
            json!({"error": {"message": "The model `x` does not exist.", "type": "NotFoundError", "code": 404}}),
        ),
        (
            404,
            json!({"error": {"message": "model \"x\" not found, try pulling it first", "type": "api_error"}}),
        ),
        (
            404,
            json!({"error": {"message": "x", "code": "model_not_found"}}),
        ),
        (
            404,
            json!({"error": {"message": "No endpoints found for x/y.", "code": 404}}),
        ),
        (
            400,
            json!({"error": {"message": "/chat/completions: Invalid model name passed in model=x.", "code": "400"}}),
        ),
        (
            400,
            json!({"error": {"message": "x is not a valid model ID", "code": 400}}),
        ),
        (
            400,
            json!({"error": {"message": "Model Not Exist", "type": "invalid_request_error"}}),
        ),
        (
            400,
            json!({"object": "error", "message": "Invalid model: x", "type": "invalid_model", "code": "1500"}),
        ),
    ] {
        let failure = status(code, &body);
        assert!(matches!(failure, Failure::NoSuchModel(_)), "{failure:?}");
    }
    for (code, body) in [
        (404, json!({"detail": "Not Found"})),
        (
            404,
            json!({"error": {"message": "Invalid URL (POST /chat/completions)", "type": "invalid_request_error"}}),
        ),
        (
            404,
            json!({"error": {"message": "File Not Found", "type": "not_found_error", "code": 404}}),
        ),
        (405, json!({"detail": "Method Not Allowed"})),
        (404, json!(null)),
    ] {
        let failure = status(code, &body);
        assert!(matches!(failure, Failure::NoSuchEndpoint(_)), "{failure:?}");
    }
    let unexpected = json!("Unexpected endpoint or method. (POST /chat/completions)");
    assert!(matches!(of_error(&unexpected), Failure::NoSuchEndpoint(_)));
    for (code, body) in [
        (
            401,
            json!({"error": {"message": "Incorrect API key provided"}}),
        ),
        (
            400,
            json!([{"error": {"code": 400, "message": "API key not valid. Please pass a valid API key."}}]),
        ),
    ] {
        let failure = status(code, &body);
        assert!(matches!(failure, Failure::BadKey(_)), "{failure:?}");
    }
}

#[test]
fn a_spent_account_is_not_a_busy_server() {
    let body = json!({"error": {"code": "insufficient_quota", "type": "insufficient_quota"}});
    assert_eq!(status(429, &body).advice(), Advice::TellOperator);
}

#[test]
fn words_about_a_request_are_not_logged_and_words_about_settings_are() {
    let body = json!({"error": {"message": "said by a person", "type": "invalid_request_error"}});
    assert_eq!(
        status(400, &body).detail(),
        "400 type=\"invalid_request_error\""
    );
    assert_eq!(
        status(500, &body).detail(),
        "500 type=\"invalid_request_error\""
    );
    let body = json!({"error": {"message": "no model\nx", "code": "model_not_found"}});
    assert_eq!(
        status(404, &body).detail(),
        "404 code=\"model_not_found\": no modelx"
    );
    assert_eq!(of_status(502, None, "<html>secret</html>").detail(), "502");
}

#[test]
fn an_error_inside_a_stream_is_sorted_by_its_codes() {
    for (error, expected) in [
        (json!({"code": 429, "message": "slow"}), Advice::TryAgain),
        (json!({"code": "401"}), Advice::TellOperator),
        (json!({"type": "rate_limit_error"}), Advice::TryAgain),
        (
            json!({"code": "context_length_exceeded"}),
            Advice::BeginAnew,
        ),
        (json!("overloaded"), Advice::TryAgain),
        (json!({"message": "?"}), Advice::TryAgain),
    ] {
        assert_eq!(of_error(&error).advice(), expected, "{error}");
    }
}

#[test]
fn the_time_to_wait_is_read_in_seconds() {
    for (header, expected) in [
        ("7", Some(7)),
        ("0.2", Some(1)),
        (" 60 ", Some(60)),
        ("-1", None),
        ("soon", None),
        ("1e99", None),
    ] {
        assert_eq!(
            wait_of(header),
            expected.map(Duration::from_secs),
            "{header}"
        );
    }
}
