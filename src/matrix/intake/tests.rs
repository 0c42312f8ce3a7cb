use matrix_sdk::ruma::{event_id, owned_event_id, owned_room_id, owned_user_id, user_id};
use serde_json::json;

use super::*;
use crate::matrix::batch::JoinedUpdate;

const BOT: &str = "@bot:hs";
const ALICE: &str = "@alice:hs";

fn item(id: &str, sender: &str, event_type: &str, content: Value) -> TimelineItem {
    TimelineItem {
        event_id: id.try_into().unwrap(),
        sender: sender.try_into().unwrap(),
        event_type: event_type.to_owned(),
        state_key: (event_type == "m.room.member").then(|| sender.to_owned()),
        origin_server_ts: 0,
        content,
        was_joined: false,
    }
}

fn said(id: &str) -> TimelineItem {
    item(
        id,
        ALICE,
        "m.room.message",
        json!({"msgtype": "m.text", "body": "hi"}),
    )
}

fn answer(id: &str, question: &str) -> TimelineItem {
    item(
        id,
        BOT,
        "m.room.message",
        json!({"msgtype": "m.text", ANSWERS_KEY: question}),
    )
}

fn draft(id: &str, question: &str) -> TimelineItem {
    item(
        id,
        BOT,
        "m.room.message",
        json!({"msgtype": "m.text", ANSWERS_KEY: question, DRAFT_KEY: true}),
    )
}

fn spoke(id: &str) -> TimelineItem {
    item(id, BOT, "m.room.message", json!({"msgtype": "m.notice"}))
}

fn came(id: &str) -> TimelineItem {
    item(id, BOT, "m.room.member", json!({"membership": "join"}))
}

/// A batch with one room.
fn taken_in(
    from_nothing: bool,
    timeline: Vec<TimelineItem>,
    cursor: Option<&str>,
    gap: bool,
) -> RoomIntake {
    let update = JoinedUpdate {
        timeline,
        gap_before: gap.then(|| "token".to_owned()),
        fully_read: cursor.map(|event| event.try_into().unwrap()),
        ..JoinedUpdate::default()
    };
    let batch = SyncBatch {
        next_batch: "s1".to_owned(),
        full_state: from_nothing,
        from_nothing,
        joined: [(owned_room_id!("!r:hs"), update)].into(),
        ..SyncBatch::default()
    };
    take_in(user_id!("@bot:hs"), batch).rooms.pop().unwrap()
}

/// The same, where the bot's join at this time is told beside the timeline, in which every event has a time of its own.
fn joined_beside(
    from_nothing: bool,
    joined_at: u64,
    mut timeline: Vec<TimelineItem>,
    gap: bool,
) -> RoomIntake {
    for (time, item) in (1..).zip(&mut timeline) {
        item.origin_server_ts = time;
    }
    let update = JoinedUpdate {
        state: vec![membership(BOT, "join", joined_at)],
        timeline,
        gap_before: gap.then(|| "token".to_owned()),
        ..JoinedUpdate::default()
    };
    room_intake(
        user_id!("@bot:hs"),
        from_nothing,
        owned_room_id!("!r:hs"),
        update,
    )
}

fn membership(sender: &str, membership: &str, at: u64) -> StateEvent {
    StateEvent {
        event_type: "m.room.member".to_owned(),
        state_key: BOT.to_owned(),
        sender: sender.try_into().unwrap(),
        origin_server_ts: at,
        content: json!({"membership": membership}),
        invited_by: None,
    }
}

fn pending(intake: &RoomIntake) -> Vec<&str> {
    let waiting = intake
        .events
        .iter()
        .filter(|(_, fate)| *fate == Fate::Pending);
    waiting.map(|(item, _)| item.event_id.as_str()).collect()
}

#[test]
fn since_a_position_everything_is_new() {
    let cases: [(Vec<TimelineItem>, &[&str]); 5] = [
        (vec![said("$1"), said("$2")], &["$1", "$2"]),
        (vec![said("$1"), answer("$a", "$1"), said("$2")], &["$2"]),
        (vec![said("$1"), draft("$a", "$1")], &["$1"]),
        (vec![said("$old"), came("$j"), said("$1")], &["$1"]),
        (vec![said("$1"), spoke("$s")], &["$1"]),
    ];
    for (timeline, expected) in cases {
        let ids: Vec<_> = timeline
            .iter()
            .map(|item| item.event_id.to_string())
            .collect();
        assert_eq!(
            pending(&taken_in(false, timeline, None, false)),
            expected,
            "{ids:?}"
        );
    }
}

#[test]
fn an_own_new_profile_hides_nothing_that_was_said_before() {
    let mut profile = came("$p");
    profile.was_joined = true;
    let intake = taken_in(false, vec![said("$1"), profile, said("$2")], None, false);
    assert_eq!(pending(&intake), ["$1", "$2"]);
}

#[test]
fn from_nothing_the_servers_cursor_tells_what_is_finished_with() {
    let all = || vec![said("$1"), said("$2"), said("$3")];
    let with_end = |end: TimelineItem| vec![said("$1"), said("$2"), end, said("$3")];
    let cases: [(Vec<TimelineItem>, Option<&str>, &[&str]); 9] = [
        (all(), Some("$1"), &["$2", "$3"]),
        (all(), Some("$3"), &[]),
        // Outside of the window: all of it is newer.
        (all(), Some("$old"), &["$1", "$2", "$3"]),
        // Never moved: the bot's last word is as good, its arrival next best.
        (with_end(spoke("$s")), None, &["$3"]),
        (with_end(came("$j")), None, &["$3"]),
        (vec![came("$j"), spoke("$s"), said("$1")], None, &["$1"]),
        // Neither spoke nor came: a stranger's room, or one from long ago.
        (all(), None, &[]),
        // An answer the cursor has not passed yet.
        (
            vec![said("$1"), said("$2"), answer("$a", "$2"), said("$3")],
            Some("$1"),
            &["$3"],
        ),
        (
            vec![said("$1"), came("$j"), said("$2")],
            Some("$1"),
            &["$2"],
        ),
    ];
    for (timeline, cursor, expected) in cases {
        let ids: Vec<_> = timeline
            .iter()
            .map(|item| item.event_id.to_string())
            .collect();
        let intake = taken_in(true, timeline, cursor, false);
        assert_eq!(pending(&intake), expected, "{ids:?} after {cursor:?}");
    }
}

/// Nothing was done in the room yet, so that it has no read marker: the first question is being answered, and a command
/// was carried out ahead of its turn.
#[test]
fn an_answer_shows_of_its_own_question_alone_that_it_is_done() {
    let asks = item(
        "$p",
        BOT,
        "m.room.message",
        json!({"msgtype": "m.text", ASKS_KEY: {}}),
    );
    for begin in [
        vec![came("$j")],
        vec![came("$j"), spoke("$welcome")],
        vec![],
    ] {
        let mut timeline = begin;
        timeline.extend([
            said("$1"),
            draft("$d", "$1"),
            said("$2"),
            said("$3"),
            answer("$a", "$3"),
            asks.clone(),
            said("$4"),
        ]);
        let intake = taken_in(true, timeline, None, false);
        assert_eq!(pending(&intake), ["$1", "$2", "$4"]);
    }
}

#[test]
fn the_bots_last_word_becomes_the_cursor_of_a_room_without_one() {
    let intake = taken_in(true, vec![said("$1"), spoke("$s"), said("$2")], None, false);
    assert_eq!(intake.fully_read, Some(owned_event_id!("$s")));
    let told = taken_in(true, vec![spoke("$s")], Some("$c"), false);
    assert_eq!(told.fully_read, Some(owned_event_id!("$c")));
    let later = taken_in(false, vec![spoke("$s")], None, false);
    assert_eq!(
        later.fully_read, None,
        "only the whole picture is good enough for a guess"
    );
}

#[test]
fn a_hole_is_fetched_only_where_something_unfinished_may_be_in_it() {
    let gap = |from_nothing, timeline, cursor| taken_in(from_nothing, timeline, cursor, true).gap;
    let until = |until: Option<&EventId>| {
        Some(GapIntake {
            from_token: "token".to_owned(),
            until: until.map(ToOwned::to_owned),
        })
    };
    assert_eq!(gap(false, vec![said("$1")], None), until(None));
    assert_eq!(gap(false, vec![came("$j"), said("$1")], None), None);
    assert_eq!(
        gap(true, vec![said("$1")], Some("$old")),
        until(Some(event_id!("$old")))
    );
    assert_eq!(gap(true, vec![said("$1")], Some("$1")), None);
    assert_eq!(
        gap(true, vec![said("$1")], None),
        None,
        "where nothing is known, nothing is dug up"
    );
    assert_eq!(gap(true, vec![came("$j")], Some("$old")), None);
}

#[test]
fn a_cut_off_draft_is_to_be_completed_unless_its_answer_came() {
    let begun = vec![said("$1"), draft("$d", "$1")];
    let drafts = |timeline| taken_in(true, timeline, Some("$0"), false).drafts;
    let expected = [(owned_event_id!("$1"), owned_event_id!("$d"))];
    assert_eq!(drafts(begun.clone()), expected);
    let mut grown = begun.clone();
    let mut edit = draft("$e", "$1");
    edit.content["m.relates_to"] = json!({"rel_type": "m.replace", "event_id": "$d"});
    grown.push(edit);
    assert_eq!(
        drafts(grown.clone()),
        expected,
        "an edit is not the message"
    );
    grown.push(answer("$a", "$1"));
    assert_eq!(drafts(grown), []);
    assert_eq!(
        taken_in(false, begun, None, false).drafts,
        expected,
        "one of a former life may come late; the outbox knows its own"
    );
}

#[test]
fn what_is_nothing_to_answer_is_no_part_of_the_journal() {
    let message = |content| item("$1", ALICE, "m.room.message", content);
    for event in [
        message(json!({"msgtype": "m.notice", "body": "beep"})),
        message(json!({"body": "no type"})),
        message(json!(null)),
        item("$1", ALICE, "m.reaction", json!({})),
        item("$1", ALICE, "m.room.member", json!({"membership": "join"})),
        item("$1", ALICE, "m.room.redaction", json!({})),
        answer("$1", "$0"),
    ] {
        let intake = taken_in(false, vec![event.clone()], None, false);
        assert_eq!(intake.events, [], "{event:?}");
        assert_eq!(intake.amendments, [], "{event:?}");
    }
}

#[test]
fn files_encrypted_messages_and_new_names_wait_for_their_turn() {
    let mut name = item("$3", ALICE, "m.room.name", json!({"name": "x"}));
    name.state_key = Some(String::new());
    let intake = taken_in(
        false,
        vec![
            item(
                "$1",
                ALICE,
                "m.room.message",
                json!({"msgtype": "m.file", "body": "x"}),
            ),
            item("$2", ALICE, "m.room.encrypted", json!({})),
            name,
        ],
        None,
        false,
    );
    assert_eq!(pending(&intake), ["$1", "$2", "$3"]);
}

#[test]
fn edits_and_redactions_are_amendments_and_never_answered() {
    let edit = item(
        "$e",
        ALICE,
        "m.room.message",
        json!({
            "msgtype": "m.text", "body": "* new", "m.new_content": {"msgtype": "m.text", "body": "new"},
            "m.relates_to": {"rel_type": "m.replace", "event_id": "$1"},
        }),
    );
    let redaction = item("$x", ALICE, "m.room.redaction", json!({"redacts": "$1"}));
    let intake = taken_in(false, vec![said("$1"), edit, redaction], None, false);
    assert_eq!(pending(&intake), ["$1", "$x"]);
    assert_eq!(
        intake.amendments,
        [
            Amendment::Edit(Edit {
                target: owned_event_id!("$1"),
                sender: owned_user_id!("@alice:hs"),
                content: json!({"msgtype": "m.text", "body": "new"}),
            }),
            Amendment::Redact(Redaction {
                target: owned_event_id!("$1"),
                sender: ALICE.try_into().unwrap(),
            }),
        ]
    );
}

#[test]
fn an_edit_of_the_wrong_shape_is_nothing() {
    for content in [
        json!({"msgtype": "m.text", "m.relates_to": {"rel_type": "m.replace", "event_id": "$1"}}),
        json!({"msgtype": "m.text", "m.relates_to": {"rel_type": "m.replace"}, "m.new_content": {}}),
        json!({"msgtype": "m.text", "m.relates_to": {"rel_type": "m.replace", "event_id": "$1"}, "m.new_content": 4}),
    ] {
        let edit = item("$e", ALICE, "m.room.message", content);
        let intake = taken_in(false, vec![edit], None, false);
        assert_eq!((intake.events.len(), intake.amendments.len()), (0, 0));
    }
}

#[test]
fn a_page_of_older_events_is_sorted_by_the_same_rules() {
    let page = [
        draft("$d", "$2"),
        said("$2"),
        answer("$a", "$1"),
        spoke("$s"),
        said("$1"),
    ];
    let taken = page_intake(user_id!("@bot:hs"), &page);
    let ids: Vec<_> = taken
        .events
        .iter()
        .map(|item| item.event_id.as_str())
        .collect();
    assert_eq!(ids, ["$2", "$1"]);
    assert_eq!(
        taken.answered,
        [(owned_event_id!("$1"), owned_event_id!("$a"))].into()
    );
    assert_eq!(
        taken.drafts,
        [(owned_event_id!("$2"), owned_event_id!("$d"))]
    );
}

#[test]
fn only_the_bot_answers() {
    let content = json!({"msgtype": "m.text", ANSWERS_KEY: "$1"});
    let forged = item("$f", ALICE, "m.room.message", content);
    let taken = page_intake(user_id!("@bot:hs"), &[forged]);
    assert_eq!(taken.answered, [].into());
}

#[test]
fn a_join_that_is_told_beside_the_timeline_ends_history_too() {
    let timeline = || vec![said("$1"), said("$2"), said("$3")];
    for from_nothing in [false, true] {
        let intake = joined_beside(from_nothing, 2, timeline(), false);
        assert_eq!(
            pending(&intake),
            ["$2", "$3"],
            "from nothing: {from_nothing}"
        );
    }
    let reaches_back = joined_beside(false, 2, timeline(), true);
    assert_eq!(reaches_back.gap, None, "all before it is history");
    let behind = joined_beside(false, 0, timeline(), true);
    assert_eq!(pending(&behind), ["$1", "$2", "$3"]);
    assert!(behind.gap.is_some());
    let long_ago = joined_beside(true, 0, timeline(), true);
    assert_eq!(
        pending(&long_ago),
        [""; 0],
        "of an old room nothing is known"
    );
}

#[test]
fn who_invited_the_bot_is_told_by_the_invitation_itself() {
    let bot = user_id!("@bot:hs");
    let item = |sender: &str, membership: &str| {
        let mut item = item(
            "$m",
            sender,
            "m.room.member",
            json!({"membership": membership}),
        );
        item.state_key = Some(BOT.to_owned());
        item
    };
    let inviter = |state: Vec<StateEvent>, timeline: Vec<TimelineItem>| {
        let update = JoinedUpdate {
            state,
            timeline,
            ..JoinedUpdate::default()
        };
        let own = update.state_as(bot).pop().unwrap();
        own.invited_by.map(|user| user.to_string())
    };
    let joined = || vec![membership(BOT, "join", 2)];
    let invited_then_joined = vec![membership(ALICE, "invite", 1), membership(BOT, "join", 2)];
    let alice = Some(ALICE.to_owned());
    assert_eq!(
        inviter(joined(), vec![item(ALICE, "invite"), item(BOT, "join")]),
        alice
    );
    assert_eq!(inviter(invited_then_joined, vec![item(BOT, "join")]), alice);
    assert_eq!(inviter(joined(), vec![item(BOT, "join")]), None);
    let again = [(ALICE, "invite"), (BOT, "leave"), (BOT, "join")];
    let again = again.map(|(sender, what)| item(sender, what));
    assert_eq!(
        inviter(joined(), again.to_vec()),
        None,
        "an earlier invitation does not count"
    );
}
