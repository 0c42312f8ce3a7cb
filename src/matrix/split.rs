//! Long Markdown into pieces that fit into one event each. Pure.
//!
//! Cut between paragraphs where that is possible, else between lines, else anywhere between characters. A code fence that
//! is cut is closed in one piece and opened again in the next.

/// Pieces of at most about `limit` bytes, in order. Nothing is lost but blank lines at the cuts.
pub fn split(markdown: &str, limit: usize) -> Vec<String> {
    let mut pieces = Pieces {
        limit,
        done: Vec::new(),
        current: String::new(),
        fence: None,
    };
    for line in markdown.split('\n') {
        pieces.push_line(line);
    }
    pieces.finish()
}

struct Pieces {
    limit: usize,
    done: Vec<String>,
    current: String,
    /// The line that opened the fence we are in.
    fence: Option<String>,
}

impl Pieces {
    fn push_line(&mut self, line: &str) {
        let mut rest = line;
        // A line that fits into no piece is cut between words, or where it must be.
        while rest.len() > self.limit {
            let most = rest.floor_char_boundary(self.limit);
            let at = rest[..most]
                .rfind(' ')
                .filter(|at| *at > most / 2)
                .unwrap_or(most);
            self.cut();
            self.append(&rest[..at]);
            rest = rest[at..].trim_start_matches(' ');
        }
        if self.is_too_long_with(rest) {
            self.cut_at_paragraph();
        }
        // What stood behind the blank line may leave too little room.
        if self.is_too_long_with(rest) {
            self.cut();
        }
        self.append(rest);
        self.track_fence(line);
    }

    fn is_too_long_with(&self, line: &str) -> bool {
        self.current.len() + line.len() + 1 > self.limit
    }

    fn append(&mut self, line: &str) {
        if !self.current.is_empty() {
            self.current.push('\n');
        }
        self.current.push_str(line);
    }

    fn track_fence(&mut self, line: &str) {
        let trimmed = line.trim_start();
        let marker = if trimmed.starts_with("```") {
            "```"
        } else {
            "~~~"
        };
        if !trimmed.starts_with(marker) {
            return;
        }
        self.fence = match self.fence.take() {
            Some(open) if open.trim_start().starts_with(marker) => None,
            Some(other) => Some(other),
            None => Some(line.to_owned()),
        };
    }

    /// Outside of code, the last blank line in the second half of the piece is the better place.
    fn cut_at_paragraph(&mut self) {
        if self.fence.is_some() {
            return self.cut();
        }
        match self.current.rfind("\n\n").filter(|at| *at > self.limit / 2) {
            Some(at) if !inside_fence(&self.current[at..]) => {
                let next = self
                    .current
                    .split_off(at)
                    .trim_start_matches('\n')
                    .to_owned();
                self.cut();
                self.current = next;
            }
            _ => self.cut(),
        }
    }

    fn cut(&mut self) {
        let mut piece = std::mem::take(&mut self.current);
        if let Some(open) = &self.fence {
            let marker = if open.trim_start().starts_with("```") {
                "```"
            } else {
                "~~~"
            };
            // A fence that was opened in this very piece and holds nothing moves to the next one whole.
            if piece == *open {
                self.current = piece;
                return;
            }
            piece.push('\n');
            piece.push_str(marker);
            self.current.clone_from(open);
        }
        piece.truncate(piece.trim_end_matches('\n').len());
        if !piece.trim().is_empty() {
            self.done.push(piece);
        }
    }

    fn finish(mut self) -> Vec<String> {
        self.fence = None;
        self.cut();
        if self.done.is_empty() {
            self.done.push(String::new());
        }
        self.done
    }
}

/// Whether a fence is open at the beginning of this text: an odd number of fence lines follows.
fn inside_fence(text: &str) -> bool {
    text.lines()
        .filter(|line| line.trim_start().starts_with("```"))
        .count()
        % 2
        == 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_that_does_not_fit_behind_a_kept_paragraph_has_a_piece_of_its_own() {
        let text = format!(
            "{}\n\n{}\n{}",
            "a".repeat(25),
            "b".repeat(7),
            "c".repeat(37)
        );
        let pieces = split(&text, 40);
        assert!(pieces.iter().all(|piece| piece.len() <= 40), "{pieces:?}");
    }

    #[test]
    fn a_short_text_stays_whole() {
        assert_eq!(split("one\n\ntwo", 100), ["one\n\ntwo"]);
        assert_eq!(split("", 100), [""]);
    }

    #[test]
    fn the_cut_is_between_paragraphs() {
        let text = format!("{}\n\n{}", "a".repeat(60), "b".repeat(60));
        assert_eq!(split(&text, 100), ["a".repeat(60), "b".repeat(60)]);
    }

    #[test]
    fn a_fence_that_is_cut_is_closed_and_opened_again() {
        let code = (0..20)
            .map(|number| format!("line {number}"))
            .collect::<Vec<_>>()
            .join("\n");
        let pieces = split(&format!("```rust\n{code}\n```"), 80);
        assert!(pieces.len() > 1);
        for piece in &pieces {
            assert!(
                piece.starts_with("```rust\n") && piece.ends_with("```"),
                "{piece}"
            );
        }
    }

    #[test]
    fn a_line_without_end_is_cut_between_characters() {
        let pieces = split(&"ж".repeat(100), 31);
        assert!(pieces.iter().all(|piece| piece.len() <= 31));
        assert_eq!(pieces.concat(), "ж".repeat(100));
    }

    #[test]
    fn a_long_line_is_cut_between_words() {
        let line = (0..100)
            .map(|number| format!("word{number}"))
            .collect::<Vec<_>>()
            .join(" ");
        let pieces = split(&line, 50);
        assert_eq!(pieces.join(" "), line);
    }

    proptest! {
        #[test]
        fn no_visible_character_outside_fences_is_lost(lines in prop::collection::vec("[a-zа-я ]{0,30}", 0..40), limit in 40usize..200) {
            let text = lines.join("\n");
            let visible = |text: &str| text.chars().filter(|letter| !letter.is_whitespace()).collect::<String>();
            let pieces = split(&text, limit);
            prop_assert_eq!(visible(&pieces.concat()), visible(&text));
            prop_assert!(pieces.iter().all(|piece| piece.len() <= limit));
        }
    }
}
