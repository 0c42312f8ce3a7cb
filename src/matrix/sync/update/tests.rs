use serde_json::json;

use super::*;

fn state(event_type: &str, content: &str) -> Value {
    json!({
        "type": event_type, "state_key": "", "sender": "@alice:hs", "event_id": format!("${content}"),
        "content": {"name": content},
    })
}

/// The name that is kept where the state and the timeline of one update are these.
fn kept(told: StateIs, state: &[Value], timeline: &[Value]) -> Option<Value> {
    let update = read(&Parts {
        state: state.to_vec(),
        told,
        timeline: timeline.to_vec(),
        gap_before: None,
        notes: Vec::new(),
    });
    Some(update.state.last()?.content["name"].clone())
}

#[test]
fn the_later_of_state_and_timeline_holds() {
    let (old, new) = (state("m.room.name", "old"), state("m.room.name", "new"));
    let (old, new) = ([old], [new]);
    assert_eq!(kept(StateIs::BeforeTimeline, &old, &new).unwrap(), "new");
    for told in [StateIs::AfterTimeline, StateIs::AfterTimelineInPart] {
        assert_eq!(kept(told, &new, &old).unwrap(), "new");
    }
}

#[test]
fn what_state_after_leaves_out_counts_only_where_the_server_does_not_know_it() {
    let timeline = [state("m.room.name", "told")];
    assert_eq!(kept(StateIs::AfterTimeline, &[], &timeline), None);
    assert_eq!(
        kept(StateIs::AfterTimelineInPart, &[], &timeline).unwrap(),
        "told"
    );
}
