use matrix_sdk::ruma::user_id;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::core::ids::{RoomKey, UserKey};

fn conversation(began: Option<&str>, until: Option<&str>) -> Conversation {
    let room = RoomKey::new("!r:hs");
    let context = match began {
        Some(command) => PlatformChatId::from_command(&EventKey::new(command)),
        None => PlatformChatId::backfill(&room, 0),
    };
    Conversation {
        room,
        user: UserKey::new("@alice:hs"),
        context,
        generation: u32::from(began.is_some()),
        until: until.map(EventKey::new),
    }
}

fn event(id: &str, sender: &str, content: Value) -> TimelineItem {
    TimelineItem {
        event_id: id.try_into().unwrap(),
        sender: sender.try_into().unwrap(),
        event_type: "m.room.message".to_owned(),
        state_key: None,
        origin_server_ts: 0,
        content,
        was_joined: false,
    }
}

fn asks(id: &str, body: &str) -> TimelineItem {
    event(id, "@alice:hs", json!({"msgtype": "m.text", "body": body}))
}

fn says(id: &str, question: &str, msgtype: &str, body: &str) -> TimelineItem {
    event(
        id,
        "@bot:hs",
        json!({"msgtype": msgtype, "body": body, "io.lambda.surfaces.answers": question}),
    )
}

fn answers(id: &str, question: &str, body: &str) -> TimelineItem {
    says(id, question, "m.text", body)
}

fn edit(id: &str, sender: &str, target: &str, body: &str, draft: bool) -> TimelineItem {
    let mut new = json!({"msgtype": "m.text", "body": body});
    if draft {
        new["io.lambda.surfaces.draft"] = json!(true);
    }
    let content = json!({"msgtype": "m.text", "body": format!("* {body}"), "m.new_content": new,
                         "m.relates_to": {"rel_type": "m.replace", "event_id": target}});
    event(id, sender, content)
}

/// The room's events, oldest first, read in pages of this many.
fn read(conversation: &Conversation, room: &[TimelineItem], page: usize) -> Vec<(String, String)> {
    let mut reading = Reading::of(conversation, user_id!("@bot:hs"));
    let newest_first: Vec<_> = room.iter().rev().cloned().collect();
    for page in newest_first.chunks(page) {
        if reading.is_done_with(page) {
            break;
        }
    }
    let pair = |exchange: Exchange| (exchange.asked, exchange.answered);
    reading.exchanges().into_iter().map(pair).collect()
}

fn all(room: &[TimelineItem]) -> Vec<(String, String)> {
    read(&conversation(None, None), room, 3)
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(asked, answered): &(&str, &str)| ((*asked).to_owned(), (*answered).to_owned());
    pairs.iter().map(owned).collect()
}

#[test]
fn questions_are_read_with_their_answers_in_the_order_of_the_room() {
    let room = [
        asks("$1", "one"),
        asks("$2", "two"),
        answers("$3", "$1", "first"),
        answers("$4", "$2", "second"),
    ];
    assert_eq!(all(&room), pairs(&[("one", "first"), ("two", "second")]));
}

#[test]
fn commands_notices_drafts_and_other_people_are_left_out() {
    let mut draft = answers("$9", "$8", "half a");
    draft.content["io.lambda.surfaces.draft"] = json!(true);
    let room = [
        asks("$1", "!help"),
        says("$2", "$1", "m.notice", "There is …"),
        asks("$3", "broken"),
        says("$4", "$3", "m.notice", "The agent could not answer."),
        event(
            "$5",
            "@carol:hs",
            json!({"msgtype": "m.text", "body": "hi"}),
        ),
        answers("$6", "$5", "to carol"),
        event(
            "$7",
            "@carol:hs",
            json!({"msgtype": "m.text", "body": "forged", "io.lambda.surfaces.answers": "$8"}),
        ),
        asks("$8", "unfinished"),
        draft,
    ];
    assert_eq!(all(&room), []);
}

#[test]
fn an_answer_that_grew_is_read_as_it_ended() {
    let mut first = answers("$2", "$1", "On");
    first.content["io.lambda.surfaces.draft"] = json!(true);
    let room = [
        asks("$1", "count"),
        first,
        edit("$3", "@bot:hs", "$2", "One, two", true),
        edit("$4", "@bot:hs", "$2", "One, two, three", false),
        answers("$5", "$1", "and four"),
        edit("$6", "@alice:hs", "$2", "forged", false),
    ];
    assert_eq!(
        all(&room),
        pairs(&[("count", "One, two, three\n\nand four")])
    );
}

#[test]
fn a_question_counts_in_the_form_that_was_answered() {
    let room = [
        asks("$1", "frist"),
        edit("$2", "@alice:hs", "$1", "first", false),
        answers("$3", "$1", "yes"),
        edit("$4", "@alice:hs", "$1", "something else", false),
    ];
    assert_eq!(all(&room), pairs(&[("first", "yes")]));
}

#[test]
fn a_question_that_was_taken_back_is_left_out() {
    let room = [
        event("$1", "@alice:hs", json!({})),
        answers("$2", "$1", "yes"),
    ];
    assert_eq!(all(&room), []);
}

#[test]
fn a_rotated_context_begins_behind_the_command_that_made_it() {
    let room = [
        asks("$1", "old"),
        answers("$2", "$1", "forgotten"),
        asks("$3", "!clear"),
        says("$4", "$3", "m.notice", "Cleared."),
        asks("$5", "new"),
        answers("$6", "$5", "known"),
    ];
    for page in 1..7 {
        let conversation = conversation(Some("$3"), None);
        assert_eq!(read(&conversation, &room, page), pairs(&[("new", "known")]));
    }
}

#[test]
fn a_conversation_is_read_up_to_a_message_and_answers_behind_it_count() {
    let room = [
        asks("$1", "one"),
        asks("$2", "!save"),
        asks("$3", "later"),
        answers("$4", "$1", "first"),
        answers("$5", "$3", "behind"),
    ];
    let read = read(&conversation(None, Some("$2")), &room, 2);
    assert_eq!(read, pairs(&[("one", "first")]));
}

#[test]
fn a_conversation_without_its_last_message_is_empty() {
    let room = [asks("$1", "one"), answers("$2", "$1", "first")];
    assert_eq!(read(&conversation(None, Some("$gone")), &room, 2), []);
}

proptest! {
    #[test]
    fn the_size_of_pages_changes_nothing(count in 0usize..12, page in 1usize..9) {
        let room: Vec<TimelineItem> = (0..count)
            .flat_map(|number| {
                let question = format!("$q{number}");
                [asks(&question, &format!("asked {number}")), answers(&format!("$a{number}"), &question, "said")]
            })
            .collect();
        let expected: Vec<(String, String)> =
            (0..count).map(|number| (format!("asked {number}"), "said".to_owned())).collect();
        prop_assert_eq!(read(&conversation(None, None), &room, page), expected);
    }
}
