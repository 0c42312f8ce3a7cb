//! Questions that do not fit into one message: they stand in full before the message that asks, in pieces. Pure.

use crate::core::chat::permission::Asked;

/// The longest question that stands in the message that asks, in bytes. The edit that says what was decided holds it
/// six times over, with markup, and an event has 64 KiB.
const LONGEST_HERE: usize = 1_500;
/// The longest piece, in bytes; its message holds it twice.
const LONGEST_PIECE: usize = 6_000;
/// What is shown of a long question in the message that asks, in characters.
const LONGEST_FIRST: usize = 200;

/// The pieces that stand before the message that asks; none where the question fits into it.
pub(super) fn pieces(title: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = if title.len() > LONGEST_HERE {
        title
    } else {
        ""
    };
    while !rest.is_empty() {
        let most = rest.floor_char_boundary(LONGEST_PIECE);
        let line_end = rest[..most].rfind('\n').map(|end| end + 1);
        let at = match line_end {
            Some(end) if most < rest.len() && end > most / 2 => end,
            _ => most,
        };
        let (piece, more) = rest.split_at(at);
        pieces.push(piece);
        rest = more;
    }
    pieces
}

/// The beginning of a question that stands in full elsewhere; `None` where it fits into the message that asks.
pub(super) fn beginning(asked: &Asked) -> Option<String> {
    if asked.title.len() <= LONGEST_HERE {
        return None;
    }
    let first = asked.title.lines().next().unwrap_or_default();
    let mut shown: String = first.chars().take(LONGEST_FIRST).collect();
    if shown.len() < first.len() {
        shown.push('…');
    }
    Some(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_the_whole_question_and_each_fits() {
        for title in [
            "ж".repeat(20_000),
            "echo one two three\n".repeat(1_000),
            format!("{}\n{}", "x".repeat(5_999), "y".repeat(5_999)),
        ] {
            let pieces = pieces(&title);
            assert!(pieces.len() > 1);
            assert!(pieces.iter().all(|piece| piece.len() <= LONGEST_PIECE));
            assert_eq!(pieces.concat(), title);
        }
        assert!(pieces(&"x".repeat(LONGEST_HERE)).is_empty());
    }
}
