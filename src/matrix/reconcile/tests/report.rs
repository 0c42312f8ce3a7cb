//! The report as people and scripts read it.

use std::collections::BTreeSet;

use serde_json::json;

use super::fixtures::room;
use crate::matrix::reconcile::report::{Conflict, ConflictKind, Report, SkipReason, Skipped};

fn example() -> Report {
    Report {
        mode: "full",
        joined_rooms: 4,
        restored_chat_rows: 3,
        stamped_markers: 2,
        skipped_rooms: vec![Skipped {
            room_id: room("!foreign"),
            reason: SkipReason::ForeignRoom,
        }],
        conflicts: vec![Conflict {
            kind: ConflictKind::ForgedMarker,
            room_id: room("!trap"),
            detail: "written by @mallory:hs".into(),
        }],
        drift: 5,
        duration_ms: 12,
        ..Report::default()
    }
}

#[test]
fn the_keys_of_the_json_report_are_stable() {
    let expected = json!({
        "mode": "full",
        "joined_rooms": 4,
        "restored_user_meta": 0,
        "restored_room_meta": 0,
        "restored_chat_rows": 3,
        "repaired_user_meta": 0,
        "repaired_room_meta": 0,
        "repaired_chat_rows": 0,
        "backfilled_platform_chat_ids": 0,
        "stamped_markers": 2,
        "repaired_space_links": 0,
        "gone_rooms": 0,
        "skipped_rooms": [{ "room_id": "!foreign", "reason": "foreign_room" }],
        "conflicts": [{ "kind": "forged_marker", "room_id": "!trap", "detail": "written by @mallory:hs" }],
        "drift": 5,
        "duration_ms": 12,
    });
    assert_eq!(serde_json::to_value(example()).unwrap(), expected);
}

#[test]
fn the_text_says_what_changed_and_where() {
    let expected = "\
5 changes were made.
  joined rooms                4
  restored chat rows          3
  stamped markers             2
Rooms left alone:
  foreign_room !foreign
Conflicts:
  forged_marker !trap: written by @mallory:hs
Took 12 ms.";
    assert_eq!(example().to_string(), expected);
}

#[test]
fn a_check_says_what_would_change() {
    let report = Report {
        mode: "check",
        ..example()
    };
    assert!(report.to_string().starts_with("5 changes would be made."));
}

#[test]
fn a_report_without_changes_says_so() {
    let report = Report::default();
    assert_eq!(
        report.to_string(),
        "Everything agrees with the server.\nTook 0 ms."
    );
}

#[test]
fn names_of_reasons_and_kinds_are_distinct_and_in_snake_case() {
    let reasons = SkipReason::ALL.iter().map(|reason| reason.as_str());
    let kinds = ConflictKind::ALL.iter().map(|kind| kind.as_str());
    for names in [reasons.collect::<Vec<_>>(), kinds.collect()] {
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        for name in names {
            assert!(
                name.bytes()
                    .all(|byte| byte == b'_' || byte.is_ascii_lowercase()),
                "{name}"
            );
        }
    }
}

#[test]
fn logging_a_report_breaks_nothing() {
    example().log();
}
