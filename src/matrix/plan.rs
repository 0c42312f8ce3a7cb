//! A message whose file is not on the server yet, as it is frozen. Pure; never sent as it is.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    core::message::OutgoingFile,
    matrix::marker::{ANSWERS_KEY, PART_KEY},
};

/// Marks a plan among frozen messages.
const PLAN_KEY: &str = "io.lambda.surfaces.upload";

/// What is to be uploaded and sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FilePlan {
    /// The file.
    pub file: OutgoingFile,
    /// The content of the message that is sent where the file cannot be.
    pub instead: Value,
}

impl FilePlan {
    /// The plan in this frozen content, if it is one.
    pub fn of(content: &Value) -> Option<Self> {
        serde_json::from_value(content.get(PLAN_KEY)?.clone()).ok()
    }

    /// As it is frozen.
    pub fn to_content(&self) -> Value {
        json!({PLAN_KEY: self})
    }

    /// The message with the file, in the place of the one that was planned instead: same question, same thread.
    pub fn shown_as(&self, mut content: Value) -> Value {
        for key in [ANSWERS_KEY, PART_KEY, "m.relates_to"] {
            if let Some(value) = self.instead.get(key) {
                content[key] = value.clone();
            }
        }
        content
    }
}

/// Writes a field into a content, whether it is sent as it is or planned.
pub fn mark(content: &mut Value, key: &str, value: Value) {
    match content.get_mut(PLAN_KEY) {
        Some(plan) => plan["instead"][key] = value,
        None => content[key] = value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_survives_being_frozen_and_keeps_question_and_thread() {
        let plan = FilePlan {
            file: OutgoingFile {
                snapshot: "surfaces/x".to_owned(),
                name: "a".to_owned(),
                mime: "text/plain".to_owned(),
                size: 3,
            },
            instead: json!({"body": "sorry", ANSWERS_KEY: "$q", "m.relates_to": {"rel_type": "m.thread"}}),
        };
        assert_eq!(FilePlan::of(&plan.to_content()), Some(plan.clone()));
        let shown = plan.shown_as(json!({"body": "a"}));
        assert_eq!(
            shown,
            json!({"body": "a", ANSWERS_KEY: "$q", "m.relates_to": {"rel_type": "m.thread"}})
        );
        assert_eq!(FilePlan::of(&shown), None);
    }

    #[test]
    fn what_is_marked_reaches_the_message_whether_it_was_planned_or_not() {
        let mut ready = json!({"body": "a"});
        mark(&mut ready, PART_KEY, json!(2));
        assert_eq!(ready, json!({"body": "a", PART_KEY: 2}));
        let plan = FilePlan {
            file: OutgoingFile {
                snapshot: String::new(),
                name: String::new(),
                mime: String::new(),
                size: 0,
            },
            instead: json!({}),
        };
        let mut planned = plan.to_content();
        mark(&mut planned, PART_KEY, json!(3));
        let shown = FilePlan::of(&planned).unwrap().shown_as(json!({}));
        assert_eq!(shown, json!({PART_KEY: 3}));
    }
}
