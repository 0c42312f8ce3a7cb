//! How much one message may hold. Servers refuse events above 65,536 bytes, and count the event as it is serialized.

use matrix_sdk::ruma::event_id;
use serde_json::Value;

use crate::matrix::{content, split::split_to_fit};

/// Longest text of one message, in bytes of Markdown: what a person reads in one go.
const LONGEST_TEXT: usize = 8_000;

/// Largest content that is sent, in bytes as serialized. In an encrypted room it becomes a third larger by base64, and
/// beside it stand the keys of the ciphertext and the relation (0.6 KiB), and in every room what the server adds to an
/// event (2 KiB: references to earlier events, hashes, signatures). 45,056 bytes become at most 63 KiB.
pub(super) const LARGEST_CONTENT: usize = 44 * 1024;

/// The texts of the messages that a long text becomes, each of which can be sent. `shape` makes the content of one.
///
/// What is measured is the edit that puts the text into a message, as that holds it four times: plain and rendered, for
/// clients that know edits and for others.
pub fn pieces(markdown: &str, shape: &dyn Fn(&str) -> Value) -> Vec<String> {
    split_to_fit(markdown, LONGEST_TEXT, LARGEST_CONTENT, &|piece| {
        as_edit(shape(piece))
    })
}

/// The beginning of a text, as much of it as one message can hold.
pub fn beginning(markdown: &str, shape: &dyn Fn(&str) -> Value) -> String {
    let first = pieces(that_counts(markdown), shape).into_iter().next();
    first.unwrap_or_default()
}

/// As much of a text as [`beginning`] can depend on. A text of which this is known need not be looked at again as it
/// grows.
pub fn that_counts(markdown: &str) -> &str {
    &markdown[..markdown.floor_char_boundary(LONGEST_TEXT)]
}

/// The size of an edit with this content, in bytes.
fn as_edit(content: Value) -> usize {
    // As long as the ids of events are.
    let target = event_id!("$0123456789012345678901234567890123456789012");
    content::edit_of(target, content).to_string().len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::{
        core::message::Reply,
        matrix::marker::{ANSWERS_KEY, PART_KEY},
    };

    /// What a server accepts.
    const LARGEST_EVENT: usize = 65_536;

    fn shape(markdown: &str) -> Value {
        let content = content::message(&Reply::answer(markdown));
        let mut content =
            content::answering(content, &"$q".repeat(60), content::Tie::Thread("$root"));
        content[PART_KEY] = json!(1);
        content
    }

    /// Of the event that an edit becomes in an encrypted room.
    fn encrypted(edit: &Value) -> usize {
        let payload =
            json!({"type": "m.room.message", "room_id": "!r".repeat(60), "content": edit});
        // Ratchet index, padding, authentication code and signature; all of it in base64.
        let ciphertext = (payload.to_string().len() + 16 + 16 + 8 + 64) * 4 / 3 + 4;
        let beside = json!({
            "algorithm": "m.megolm.v1.aes-sha2",
            "sender_key": "x".repeat(43),
            "device_id": "x".repeat(43),
            "session_id": "x".repeat(43),
            "m.relates_to": edit["m.relates_to"],
            ANSWERS_KEY: edit[ANSWERS_KEY],
            PART_KEY: edit[PART_KEY],
        });
        ciphertext + beside.to_string().len() + 2048
    }

    fn all_fit(markdown: &str) -> Vec<String> {
        let pieces = pieces(markdown, &shape);
        for piece in &pieces {
            let target = event_id!("$0123456789012345678901234567890123456789012");
            let size = encrypted(&content::edit_of(target, shape(piece)));
            assert!(size <= LARGEST_EVENT, "{size}: {piece}");
        }
        pieces
    }

    #[test]
    fn texts_that_grow_much_when_they_are_rendered_fit() {
        for (name, line) in [
            ("bullets of short code", "- `x`\n"),
            ("rows of a compact table", "|a|b|c|\n"),
            ("quotation marks", "\"\"\"\"\"\"\n"),
            ("angle brackets", "<<>><<>>&&\n"),
            ("quotes in quotes", ">>>>>>>>>> x\n"),
            ("lists in lists", "- - - - - - x\n"),
            ("control characters", "\u{1}\u{2}\u{3}\n"),
            ("code", "```\nx\n```\n"),
        ] {
            let text = format!("|a|b|c|\n|-|-|-|\n{}", line.repeat(20_000 / line.len()));
            let pieces = all_fit(&text);
            assert!(pieces.len() < 60, "{name}: {} messages", pieces.len());
        }
        let links = format!(
            "[a]: https://{}\n\n{}",
            "x".repeat(2000),
            "[a] ".repeat(1500)
        );
        all_fit(&links);
    }

    #[test]
    fn prose_is_cut_by_its_length_alone() {
        let text = "Some words that mean nothing. ".repeat(1000);
        assert_eq!(all_fit(&text).len(), text.len().div_ceil(LONGEST_TEXT));
    }

    #[test]
    fn a_beginning_is_no_longer_than_one_message() {
        let text = "- `x`\n".repeat(5000);
        let first = beginning(&text, &shape);
        assert!(text.starts_with(&first) && !first.is_empty());
        assert!(as_edit(shape(&first)) <= LARGEST_CONTENT);
        assert_eq!(beginning("short", &shape), "short");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn whatever_is_said_each_part_can_be_sent(
            lines in prop::collection::vec("[-`|<>\"&*_~#\\[\\]() \u{1}aж]{0,12}", 1..20),
            times in 1usize..400,
        ) {
            let text = format!("{}\n", lines.join("\n")).repeat(times);
            let pieces = all_fit(&text[..text.floor_char_boundary(40_000)]);
            prop_assert!(pieces.iter().all(|piece| piece.len() <= LONGEST_TEXT));
        }
    }
}
