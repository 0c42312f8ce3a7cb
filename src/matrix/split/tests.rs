use proptest::prelude::*;
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

use super::*;

/// The lines of code that the parser finds, and those of all other text.
fn code_and_text(pieces: &[String]) -> (Vec<String>, String) {
    let (mut code, mut text, mut in_code) = (Vec::new(), String::new(), false);
    for piece in pieces {
        for event in Parser::new(piece) {
            match event {
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))) => in_code = true,
                Event::End(TagEnd::CodeBlock) => in_code = false,
                Event::Text(words) if in_code => {
                    code.extend(words.lines().map(|line| line.trim().to_owned()));
                }
                Event::Text(words) | Event::Code(words) => text.push_str(&words),
                _ => {}
            }
        }
    }
    text.retain(|letter| !letter.is_whitespace());
    code.retain(|line| !line.is_empty());
    (code, text)
}

fn numbered(what: &str, count: usize) -> String {
    let lines: Vec<String> = (0..count).map(|n| format!("{what} {n}")).collect();
    lines.join("\n")
}

#[test]
fn short_text_stays_whole() {
    assert_eq!(split("hello\nworld", 100), ["hello\nworld"]);
    assert_eq!(split("", 100), [""]);
    assert_eq!(split("```\nx\n```", 100), ["```\nx\n```"]);
}

#[test]
fn cuts_come_between_paragraphs_where_possible() {
    let text = format!("{}\n\n{}", "a".repeat(60), "b".repeat(60));
    assert_eq!(split(&text, 100), ["a".repeat(60), "b".repeat(60)]);
}

#[test]
fn cuts_come_beside_a_code_block_rather_than_in_it() {
    let words = numbered("some words", 8);
    let text = format!("{words}\n```\n{}\n```", numbered("code", 6));
    let pieces = split(&text, 130);
    assert_eq!(pieces[0], words);
    assert!(pieces[1].starts_with("```\ncode 0"), "{pieces:#?}");
}

#[test]
fn a_fence_is_closed_and_opened_again() {
    let pieces = split(&format!("```rust\n{}\n```", numbered("line", 20)), 80);
    assert!(pieces.len() > 1);
    for piece in &pieces {
        assert!(
            piece.starts_with("```rust\n") && piece.ends_with("\n```"),
            "{piece}"
        );
        assert_eq!(piece.matches("```").count(), 2, "{piece}");
    }
}

#[test]
fn fences_are_those_of_commonmark() {
    let code = numbered("line", 20);
    for (name, text) in [
        (
            "a longer fence around a shorter one",
            format!("````md\n```\n{code}\n```\n````"),
        ),
        (
            "tildes around backticks",
            format!("~~~~\n```\n{code}\n~~~\n~~~~"),
        ),
        (
            "a fence that is never closed",
            format!("words\n\n```\n{code}"),
        ),
        (
            "a fence in a list",
            format!(
                "1. Do:\n\n   ```sh\n   {}\n   ```",
                code.replace('\n', "\n   ")
            ),
        ),
        (
            "a fence in a list in a list",
            format!(
                "- a\n  - b:\n    ```sh\n    {}\n    ```",
                code.replace('\n', "\n    ")
            ),
        ),
        (
            "a fence that begins an item",
            format!("- ```sh\n  {}\n  ```", code.replace('\n', "\n  ")),
        ),
        (
            "a fence in a quote",
            format!("> ```\n> {}\n> ```", code.replace('\n', "\n> ")),
        ),
    ] {
        let whole = code_and_text(std::slice::from_ref(&text));
        let pieces = split(&text, 80);
        assert!(pieces.len() > 1, "{name}");
        assert_eq!(code_and_text(&pieces), whole, "{name}: {pieces:#?}");
        assert!(
            pieces.iter().all(|piece| piece.len() <= 80),
            "{name}: {pieces:#?}"
        );
    }
}

#[test]
fn three_ticks_in_a_line_open_nothing() {
    let text = format!("```not a block``` but code\n{}", numbered("words", 20));
    let pieces = split(&text, 80);
    assert!(
        pieces[1..].iter().all(|piece| !piece.contains("```")),
        "{pieces:#?}"
    );
    let indented = format!("    ```\n\n{}", numbered("words", 20));
    let pieces = split(&indented, 80);
    assert!(
        pieces[1..].iter().all(|piece| !piece.contains("```")),
        "{pieces:#?}"
    );
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
    let words = |text: &str| {
        text.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(words(&pieces.join(" ")), words(&line));
}

#[test]
fn what_measures_too_much_is_split_further() {
    let text = numbered("`x`", 500);
    let measure = |piece: &str| piece.len() * 7;
    let pieces = split_to_fit(&text, 1000, 2000, &measure);
    assert!(pieces.iter().all(|piece| measure(piece) <= 2000));
    assert!(pieces.len() < 40, "{}", pieces.len());
    assert_eq!(pieces.join("\n"), text);
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

    #[test]
    fn code_stays_code_and_words_stay_words(
        blocks in prop::collection::vec((0..4usize, prop::collection::vec("[a-z]{1,20}", 1..12)), 1..8),
        limit in 60usize..300,
    ) {
        let text: Vec<String> = blocks
            .iter()
            .map(|(kind, lines)| {
                let lines = lines.join("\n");
                match kind {
                    0 => format!("```rust\n{lines}\n```"),
                    1 => format!("~~~~\n```\n{lines}\n~~~~"),
                    _ => lines,
                }
            })
            .collect();
        let text = text.join("\n\n");
        let pieces = split(&text, limit);
        prop_assert_eq!(code_and_text(&pieces), code_and_text(&[text]));
        prop_assert!(pieces.iter().all(|piece| piece.len() <= limit));
    }

    #[test]
    fn anything_can_be_split(text in any::<String>(), limit in 1usize..100) {
        split(&text, limit);
    }

    #[test]
    fn anything_with_marks_can_be_split(text in "[`~>\\-1. \nab]{0,200}", limit in 1usize..60) {
        split(&text, limit);
    }
}
