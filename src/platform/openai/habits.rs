//! What was learned about a server from its answers, as long as the process lives.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{failure::Parameter, reasoning::Reasoning};

/// Parts of the names of models that reason aloud and, on some servers, mark only the end of it.
const REASONERS: [&str; 4] = ["thinking", "reasoner", "deepseek-r1", "qwq"];

/// How a server is to be asked, and how its answers are to be read.
pub(super) struct Habits {
    /// Parameters that the server refused.
    refused: [AtomicBool; Parameter::ALL.len()],
    /// Chat Completions are found below `/v1` of the configured address.
    is_under_v1: AtomicBool,
    /// The model reasons aloud and marks only the end of it.
    ends_reasoning_alone: AtomicBool,
    /// The model's name says that it may.
    is_suspect: AtomicBool,
}

impl Habits {
    pub(super) fn of(model: &str) -> Self {
        let model = model.to_lowercase();
        Self {
            refused: Parameter::ALL.map(|_| AtomicBool::new(false)),
            is_under_v1: AtomicBool::new(false),
            ends_reasoning_alone: AtomicBool::new(false),
            is_suspect: AtomicBool::new(REASONERS.iter().any(|name| model.contains(name))),
        }
    }

    pub(super) fn takes(&self, parameter: Parameter) -> bool {
        !self.refused[parameter as usize].load(Ordering::Relaxed)
    }

    /// Does without a parameter from here on; `false` where that changes nothing.
    pub(super) fn do_without(&self, parameter: Parameter) -> bool {
        !self.refused[parameter as usize].swap(true, Ordering::Relaxed)
    }

    pub(super) fn is_under_v1(&self) -> bool {
        self.is_under_v1.load(Ordering::Relaxed)
    }

    pub(super) fn found_under_v1(&self) {
        self.is_under_v1.store(true, Ordering::Relaxed);
    }

    /// Whether an answer is to be kept back until its reasoning has ended.
    pub(super) fn holds_answers(&self) -> bool {
        self.ends_reasoning_alone.load(Ordering::Relaxed) || self.is_suspect.load(Ordering::Relaxed)
    }

    /// Draws the conclusions from an answer.
    pub(super) fn learn(&self, reasoning: &Reasoning, is_whole: bool) {
        if reasoning.has_lone_end() {
            self.ends_reasoning_alone.store(true, Ordering::Relaxed);
        } else if is_whole {
            self.is_suspect.store(false, Ordering::Relaxed);
        }
    }
}
