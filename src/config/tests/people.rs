//! Patterns of people: what is one, and whom it means.

use matrix_sdk::ruma::UserId;

use crate::config::{AllowedUsers, globs::is_pattern};

#[test]
fn a_pattern_looks_like_a_user_id() {
    let table = [
        ("*", true),
        ("@*:*", true),
        ("@*:example.org", true),
        ("@alice:example.org", true),
        ("@al?ce:example.org", true),
        ("@alice:example.org:8448", true),
        ("@alice:[::1]", true),
        ("@a/b=c:example.org", true),
        ("", false),
        ("**", false),
        ("@*", false),
        ("@:example.org", false),
        ("@alice:", false),
        ("*:example.org", false),
        ("alice:example.org", false),
        ("@alice@example.org:x", false),
        ("@alice:example.org/path", false),
        ("@alice:https://example.org", false),
        ("@al ice:example.org", false),
        ("@alice:exa mple.org", false),
        ("!room:example.org", false),
    ];
    for (text, expected) in table {
        assert_eq!(is_pattern(text), expected, "{text}");
    }
}

#[test]
fn one_bad_pattern_spoils_the_list() {
    let table = [
        ("@*:a.org", true),
        ("@*:a.org,@*:b.org", true),
        (" @*:a.org , @*:b.org , ", true),
        ("@*:a.org,b.org", false),
        ("@*:a.org;@*:b.org", false),
        ("@*:a.org @*:b.org", false),
        (",", false),
        ("", false),
    ];
    for (text, expected) in table {
        assert_eq!(AllowedUsers::parse(text).is_some(), expected, "{text}");
    }
}

#[test]
fn stars_and_question_marks_mean_what_they_do_in_a_shell() {
    let table = [
        ("@al?ce:x.org", "@alice:x.org", true),
        ("@al?ce:x.org", "@alce:x.org", false),
        ("@*bot*:x.org", "@my-bot-2:x.org", true),
        ("@team-*:x.org", "@team-:x.org", true),
        ("@*:x.org", "@a:y.org", false),
        ("@*:x.*", "@a:x.org:8448", true),
        // Brackets and dots are themselves.
        ("@[ab]:x.org", "@a:x.org", false),
        ("@a:xyorg", "@a:x.org", false),
        // User ids tell upper case from lower case, and so do patterns.
        ("@Alice:x.org", "@alice:x.org", false),
    ];
    for (pattern, user, expected) in table {
        let allowed = AllowedUsers::parse(pattern).unwrap();
        let user = UserId::parse(user).unwrap();
        assert_eq!(allowed.allows(&user), expected, "{pattern} {user}");
    }
}
