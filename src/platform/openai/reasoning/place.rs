//! Where in a Markdown text a tag stands: whether it means something there, or is talked about.

const SPACE: [char; 2] = [' ', '\t'];

/// What is known of the text up to a tag.
#[derive(Clone, Default)]
pub(super) struct Place {
    /// The line so far.
    line: String,
    /// The character of the code fence that is open.
    fence: Option<char>,
    has_words: bool,
}

impl Place {
    /// Takes in more text.
    pub(super) fn pass(&mut self, text: &str) {
        self.has_words |= !text.trim().is_empty();
        for part in text.split_inclusive('\n') {
            self.line.push_str(part);
            if part.ends_with('\n') {
                self.end_line();
            }
        }
    }

    /// A text of its own begins.
    pub(super) fn begin_line(&mut self) {
        *self = Self::default();
    }

    /// Whether nothing was said yet.
    pub(super) const fn is_first(&self) -> bool {
        !self.has_words
    }

    /// Whether an opening tag here, with this text behind it, begins reasoning.
    pub(super) fn begins_reasoning(&self, after: &str) -> bool {
        let next = after.chars().next();
        let is_sentence = next.is_some_and(is_punctuation);
        if self.is_code() || !self.line.trim().is_empty() || is_sentence {
            return false;
        }
        self.is_first() || next.is_some_and(|next| !SPACE.contains(&next))
    }

    /// Whether a closing tag here stands on a line of its own.
    pub(super) fn is_alone(&self, after: &str) -> bool {
        !self.is_code() && self.line.trim().is_empty() && ends_line(after)
    }

    /// Whether a closing tag here, with this text behind it, ends reasoning that no tag began.
    pub(super) fn ends_reasoning(&self, after: &str) -> bool {
        let before = self.line.trim_end_matches(SPACE);
        let is_spaced = before.len() < self.line.len();
        let is_followed = after.starts_with(SPACE);
        let next = after.trim_start_matches(SPACE).chars().next();
        let is_mentioned = self.line.ends_with(is_quote)
            || (!is_followed && next.is_some_and(is_punctuation))
            || self.is_code();
        if is_mentioned {
            return false;
        }
        let is_lower = next.is_some_and(char::is_lowercase);
        if before.is_empty() {
            return !(is_followed && is_lower);
        }
        let is_sentence = before.ends_with(['.', '!', '?', '…', ':', '。', '！', '？']);
        if is_sentence || !is_spaced {
            return true;
        }
        !ends_line(after) && !is_followed
    }

    fn is_code(&self) -> bool {
        let is_indented = self.line.starts_with("    ") || self.line.starts_with('\t');
        self.fence.is_some() || is_indented || self.line.matches('`').count() % 2 == 1
    }

    fn end_line(&mut self) {
        let line = self.line.trim_start();
        let marker = ['`', '~']
            .into_iter()
            .find(|marker| line.chars().take_while(|letter| letter == marker).count() >= 3);
        match (self.fence, marker) {
            (None, Some(marker)) => self.fence = Some(marker),
            (Some(open), Some(marker)) if open == marker => self.fence = None,
            _ => {}
        }
        self.line.clear();
    }
}

/// Whether what stands between these two is quoted.
pub(super) fn is_quoted(before: Option<char>, after: Option<char>) -> bool {
    before.is_some_and(is_quote) && after.is_some_and(is_quote)
}

fn ends_line(after: &str) -> bool {
    let rest = after.trim_start_matches(SPACE);
    rest.is_empty() || rest.starts_with(['\n', '\r'])
}

const fn is_quote(letter: char) -> bool {
    matches!(
        letter,
        '`' | '"' | '\'' | '(' | '[' | '“' | '”' | '‘' | '’' | '«' | '»' | '„'
    )
}

const fn is_punctuation(letter: char) -> bool {
    matches!(
        letter,
        '.' | ',' | ';' | ':' | '!' | '?' | ')' | ']' | '`' | '"' | '\'' | '”' | '’' | '»'
    )
}
