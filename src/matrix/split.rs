//! Long Markdown into pieces that fit into one event each. Pure.
//!
//! Cut between paragraphs or beside code blocks where that is possible, else between lines, else between words, else
//! between characters. A fenced code block that is cut is closed in one piece and opened again in the next. Which lines
//! belong to such a block is what the CommonMark parser says.

mod fences;

use self::fences::Fence;

/// Pieces of at most `limit` bytes, in order. Nothing is lost but blank lines and spaces at the cuts.
pub fn split(markdown: &str, limit: usize) -> Vec<String> {
    let source = Source::new(markdown, limit);
    let (mut pieces, mut start) = (Vec::new(), 0);
    while start < markdown.len() {
        let (piece, next) = source.piece(start);
        if !piece.trim().is_empty() {
            pieces.push(piece);
        }
        start = next;
    }
    if pieces.is_empty() {
        pieces.push(String::new());
    }
    pieces
}

/// Pieces of at most `limit` bytes, of which none measures more than `most`. Text grows when it is rendered, and how
/// much depends on what it says: a piece that is too large is split again.
pub fn split_to_fit(
    markdown: &str,
    limit: usize,
    most: usize,
    measure: &dyn Fn(&str) -> usize,
) -> Vec<String> {
    let mut fitting = Vec::new();
    for piece in split(markdown, limit) {
        let size = measure(&piece);
        if size <= most || piece.len() < 2 {
            fitting.push(piece);
            continue;
        }
        // Sizes do not grow evenly over a text: aim a little lower than the ratio says, and always lower than before.
        let share = piece.len() * most / size * 9 / 10;
        let lower = share.clamp(1, piece.len() - 1);
        fitting.extend(split_to_fit(&piece, lower, most, measure));
    }
    fitting
}

struct Source<'a> {
    markdown: &'a str,
    limit: usize,
    /// The code blocks of the text, by their place in it.
    fences: Vec<Fence>,
    /// Bytes that closing any of them may take.
    closing: usize,
}

/// Where a piece may end, from the best to the worst.
#[derive(Default)]
struct Cuts {
    border: Option<usize>,
    line: Option<usize>,
}

impl<'a> Source<'a> {
    fn new(markdown: &'a str, limit: usize) -> Self {
        let fences = if markdown.len() > limit {
            fences::of(markdown, limit)
        } else {
            Vec::new()
        };
        let closing = fences.iter().map(|fence| fence.close.len() + 1).max();
        Self {
            markdown,
            limit,
            fences,
            closing: closing.unwrap_or(0),
        }
    }

    /// The piece that begins at `start`, and where the next one begins.
    fn piece(&self, start: usize) -> (String, usize) {
        let reopened = self.fence_around(start);
        let head = reopened.map_or_else(String::new, |fence| format!("{}\n", fence.open));
        let room = self.limit.saturating_sub(head.len());
        if self.markdown.len() - start <= room {
            let rest = self.lines(start, self.markdown.len(), reopened);
            return (trimmed(&head, &rest), self.markdown.len());
        }
        let end = self.end_of_piece(start, room.saturating_sub(self.closing));
        let mut text = self.lines(start, end, reopened);
        let mut next = end;
        if let Some(fence) = self.fence_around(end) {
            if !text.ends_with('\n') {
                text.push('\n');
            }
            let is_reopened = reopened.is_some_and(|open| open.start == fence.start);
            text.push_str(if is_reopened {
                &fence.close_reopened
            } else {
                &fence.close
            });
            if end >= fence.body_end {
                next = fence.end;
            }
        } else {
            let rest = &self.markdown[end..];
            let cuts_a_line = !self.markdown[..end].ends_with('\n');
            if cuts_a_line {
                next = self.markdown.len() - rest.trim_start_matches(' ').len();
            }
        }
        (trimmed(&head, &text), next)
    }

    /// The fenced block that a cut at this place divides.
    fn fence_around(&self, at: usize) -> Option<&Fence> {
        self.last_before(at)
            .filter(|fence| fence.body_start <= at && at <= fence.body_end && at < fence.end)
    }

    /// The last fenced block that begins before this place.
    fn last_before(&self, at: usize) -> Option<&Fence> {
        let count = self.fences.partition_point(|fence| fence.start < at);
        self.fences[..count].last()
    }

    fn begins_a_fence(&self, at: usize) -> bool {
        self.fences
            .binary_search_by_key(&at, |fence| fence.start)
            .is_ok()
    }

    /// The text of a piece. In a block that was opened again without the list it was in, the list's indentation is left
    /// out.
    fn lines(&self, start: usize, end: usize, reopened: Option<&Fence>) -> String {
        let Some(fence) = reopened.filter(|fence| fence.indent > 0) else {
            return self.markdown[start..end].to_owned();
        };
        let in_block = fence.end.min(end);
        let mut text: String = self.markdown[start..in_block]
            .split_inclusive('\n')
            .map(|line| {
                let spaces = line.len() - line.trim_start_matches(' ').len();
                &line[spaces.min(fence.indent)..]
            })
            .collect();
        text.push_str(&self.markdown[in_block..end]);
        text
    }

    /// The best place for the end of a piece of at most `room` bytes; at least one character behind `start`.
    fn end_of_piece(&self, start: usize, room: usize) -> usize {
        let most = self.markdown.floor_char_boundary(start + room);
        let cuts = self.cuts(start, most);
        if let Some(best) = cuts.border.or(cuts.line) {
            return best;
        }
        let first = self.markdown[start..].chars().next();
        let least = start + first.map_or(0, char::len_utf8);
        if most < least {
            return least;
        }
        let half = self.markdown.floor_char_boundary(start + room / 2);
        let space = self.markdown[start..most].rfind(' ');
        space
            .map(|at| start + at + 1)
            .filter(|at| *at > half.max(start))
            .unwrap_or(most)
    }

    /// Borders count in the second half only, so that no piece is much shorter than it could be.
    fn cuts(&self, start: usize, most: usize) -> Cuts {
        let half = start + (most - start) / 2;
        let mut cuts = Cuts::default();
        let mut before = "\n";
        let mut at = start;
        let mut lines = self.markdown[start..most].split_inclusive('\n');
        loop {
            let line = lines.next();
            if line.is_none() && !before.ends_with('\n') {
                break;
            }
            let last = self.last_before(at);
            let follows_blank = before.trim().is_empty() && self.fence_around(at).is_none();
            let is_border = follows_blank
                || self.begins_a_fence(at)
                || last.is_some_and(|fence| fence.end == at);
            if at > half && is_border {
                cuts.border = Some(at);
            }
            // Not between the line that opens a block and what it holds.
            if at > start && last.is_none_or(|fence| fence.body_start != at) {
                cuts.line = Some(at);
            }
            let Some(line) = line else { break };
            before = line;
            at += line.len();
        }
        cuts
    }
}

/// Without blank lines at its ends, but for those that belong to code.
fn trimmed(head: &str, text: &str) -> String {
    let text = if head.is_empty() {
        text.trim_start_matches('\n')
    } else {
        text
    };
    format!("{head}{}", text.trim_end_matches('\n'))
}

#[cfg(test)]
mod tests;
