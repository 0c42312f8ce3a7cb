//! Tells a model's reasoning from its answer in a text that holds both. Pure.
//!
//! Servers that do not separate the two send `<think>…</think>` before the answer, some only the closing tag, because
//! the opening one stood in the prompt. A tag that the answer merely mentions, in code or in the middle of a sentence, is
//! part of the answer.

mod place;
mod tag;

#[cfg(test)]
mod tests;

use self::{
    place::Place,
    tag::{Found, Kind},
};

/// Reasoning and answer together, in bytes; a model that exceeds it is stopped.
const LONGEST: usize = 2 << 20;

/// What follows from a piece of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// More of the answer.
    Answer(String),
    /// All that came before was reasoning.
    Retracted,
}

/// Reads one answer, piece by piece.
pub(super) struct Reasoning {
    state: State,
    /// Text whose meaning depends on what follows.
    pending: String,
    place: Place,
    /// Answer that may turn out to be reasoning; kept back until that is known.
    held: Option<String>,
    /// The answer mentions an opening tag.
    mentions_tags: bool,
    /// Reasoning has ended.
    is_separated: bool,
    has_lone_end: bool,
    taken: usize,
}

enum State {
    /// White space between reasoning and answer, which belongs to neither.
    Between,
    Answer,
    Thinking(Block),
}

/// Reasoning that began with a tag.
struct Block {
    name: &'static str,
    /// The tag and what follows it.
    text: String,
    /// Without an end it was no reasoning, if the answer is whole.
    may_be_answer: bool,
}

impl Reasoning {
    /// `holds`: nothing is taken for the answer before a closing tag, or the end.
    pub(super) fn new(holds: bool) -> Self {
        Self {
            state: State::Answer,
            pending: String::new(),
            place: Place::default(),
            held: holds.then(String::new),
            mentions_tags: false,
            is_separated: false,
            has_lone_end: false,
            taken: 0,
        }
    }

    /// Takes in the next piece.
    pub(super) fn take(&mut self, piece: &str) -> Vec<Outcome> {
        self.taken += piece.len();
        self.pending.push_str(piece);
        self.read(false)
    }

    /// The server keeps the reasoning apart: none is expected in the text.
    pub(super) fn is_kept_apart(&mut self) -> Vec<Outcome> {
        let mut heard = Vec::new();
        push(&mut heard, self.held.take().unwrap_or_default());
        heard
    }

    /// The rest, when nothing more comes. An answer that `is_whole` ended as the model meant it to.
    pub(super) fn end(&mut self, is_whole: bool) -> Vec<Outcome> {
        let mut heard = self.read(true);
        let state = std::mem::replace(&mut self.state, State::Answer);
        if let State::Thinking(block) = state
            && block.may_be_answer
            && is_whole
        {
            self.answer(&block.text, &mut heard);
        }
        if let Some(held) = self.held.take().filter(|_| is_whole) {
            push(&mut heard, held);
        }
        heard
    }

    /// Whether reasoning came that only its closing tag told apart.
    pub(super) const fn has_lone_end(&self) -> bool {
        self.has_lone_end
    }

    /// Whether the model does not come to an end.
    pub(super) const fn is_endless(&self) -> bool {
        self.taken > LONGEST
    }

    fn read(&mut self, is_end: bool) -> Vec<Outcome> {
        let mut heard = Vec::new();
        let mut rest = std::mem::take(&mut self.pending);
        while !rest.is_empty() {
            let step = match &self.state {
                State::Between => {
                    let text = rest.trim_start().len();
                    if text > 0 {
                        self.state = State::Answer;
                    }
                    Some(rest.len() - text)
                }
                State::Answer => self.read_answer(&rest, is_end, &mut heard),
                State::Thinking(_) => self.read_reasoning(&rest, is_end),
            };
            match step {
                Some(read) => drop(rest.drain(..read)),
                None => break,
            }
        }
        self.pending = rest;
        heard
    }

    /// How much of the text was read; `None` where more of it must come first.
    fn read_answer(&mut self, text: &str, is_end: bool, heard: &mut Vec<Outcome>) -> Option<usize> {
        let plain = text.find('<').unwrap_or(text.len());
        // White space before a first tag is no part of the answer.
        let waits = self.place.is_first() && text[..plain].trim().is_empty();
        if plain > 0 && !(waits && (plain < text.len() || !is_end)) {
            self.answer(&text[..plain], heard);
            return Some(plain);
        }
        if plain == text.len() {
            return None;
        }
        let (space, tagged) = text.split_at(plain);
        let (kind, name, length) = match tag::at(tagged) {
            Found::Tag { kind, name, length } => (kind, name, length),
            Found::Beginning if !is_end => return None,
            Found::Beginning | Found::Nothing => {
                self.answer(&text[..=plain], heard);
                return Some(plain + 1);
            }
        };
        let after = &tagged[length..];
        if !is_end && after.trim_start_matches([' ', '\t']).is_empty() {
            return None;
        }
        let read = plain + length;
        let mut place = self.place.clone();
        place.pass(space);
        match kind {
            Kind::Opens if place.begins_reasoning(after) => {
                self.state = State::Thinking(Block {
                    name,
                    text: format!("{space}{}", &tagged[..length]),
                    may_be_answer: !self.place.is_first() || after.starts_with([' ', '\t']),
                });
                // What was held stands before reasoning of its own.
                push(heard, self.held.take().unwrap_or_default());
            }
            Kind::Closes if self.is_lone_end(&place, after) => {
                self.has_lone_end = true;
                if self.held.take().is_none() {
                    heard.clear();
                    heard.push(Outcome::Retracted);
                }
                self.begin_answer();
            }
            Kind::Opens | Kind::Closes => {
                self.mentions_tags |= kind == Kind::Opens;
                self.answer(&text[..read], heard);
            }
        }
        Some(read)
    }

    fn read_reasoning(&mut self, text: &str, is_end: bool) -> Option<usize> {
        let State::Thinking(block) = &mut self.state else {
            return None;
        };
        let plain = text.find('<').unwrap_or(text.len());
        if plain > 0 {
            block.text.push_str(&text[..plain]);
            return Some(plain);
        }
        match tag::at(text) {
            Found::Beginning if !is_end => None,
            Found::Tag {
                kind: Kind::Closes,
                name,
                length,
            } if name == block.name => {
                let after = text[length..].chars().next();
                if after.is_none() && !is_end {
                    return None;
                }
                if place::is_quoted(block.text.chars().next_back(), after) {
                    block.text.push_str(&text[..length]);
                } else {
                    self.begin_answer();
                }
                Some(length)
            }
            _ => {
                block.text.push('<');
                Some(1)
            }
        }
    }

    /// Whether a closing tag that no opening one precedes ends reasoning. Of tags that are talked about in pairs it does
    /// only on a line of its own.
    fn is_lone_end(&self, place: &Place, after: &str) -> bool {
        let is_end = if self.mentions_tags {
            place.is_alone(after)
        } else {
            place.ends_reasoning(after)
        };
        is_end && !self.is_separated
    }

    fn begin_answer(&mut self) {
        self.state = State::Between;
        self.is_separated = true;
        self.place.begin_line();
    }

    fn answer(&mut self, text: &str, heard: &mut Vec<Outcome>) {
        self.place.pass(text);
        match &mut self.held {
            Some(held) => held.push_str(text),
            None => push(heard, text.to_owned()),
        }
    }
}

/// The answer in a whole text.
pub(super) fn without_reasoning(text: &str) -> String {
    let mut reasoning = Reasoning::new(false);
    let mut heard = reasoning.take(text);
    heard.extend(reasoning.end(true));
    let mut answer = String::new();
    for heard in heard {
        match heard {
            Outcome::Answer(text) => answer.push_str(&text),
            Outcome::Retracted => answer.clear(),
        }
    }
    answer
}

fn push(heard: &mut Vec<Outcome>, text: String) {
    match heard.last_mut() {
        _ if text.is_empty() => {}
        Some(Outcome::Answer(last)) => last.push_str(&text),
        _ => heard.push(Outcome::Answer(text)),
    }
}
