use proptest::prelude::*;

use super::*;

/// What is left of the pieces in the end.
fn answer(pieces: &[&str], holds: bool, is_whole: bool) -> String {
    let mut reasoning = Reasoning::new(holds);
    let mut heard: Vec<Outcome> = pieces
        .iter()
        .flat_map(|piece| reasoning.take(piece))
        .collect();
    heard.extend(reasoning.end(is_whole));
    let mut answer = String::new();
    for heard in heard {
        match heard {
            Outcome::Answer(text) => answer.push_str(&text),
            Outcome::Retracted => answer.clear(),
        }
    }
    answer
}

#[test]
fn reasoning_is_no_part_of_the_answer() {
    for (text, expected) in [
        ("<think>\nWell, 2+2.\n</think>\n\nFour.", "Four."),
        ("<think>Well</think>Four.", "Four."),
        ("\n<think>Well</think> Four.", "Four."),
        ("<think>\n\n</think>\n\nFour.", "Four."),
        ("<THINK>Well</Think>Four.", "Four."),
        ("<thinking>Well</thinking>Four.", "Four."),
        ("<think>He asks about `</think>`, hm.</think>Four.", "Four."),
        ("<think>a</think><think>b</think>Four.", "Four."),
        ("One.\n\n<think>\nHm.\n</think>\n\nTwo.", "One.\n\nTwo."),
        ("<think>Never closed", ""),
        ("Well, 2+2.\n</think>\n\nFour.", "Four."),
        ("Well, 2+2.</think>Four.", "Four."),
        ("Well, 2+2. </think> Four.", "Four."),
        ("Well</think>Four.", "Four."),
        ("```\ncode\n```\nIt has `ticks`.\n</think>\nFour.", "Four."),
        ("Well.\n</think>", ""),
    ] {
        assert_eq!(answer(&[text], false, true), expected, "{text:?}");
        assert_eq!(answer(&[text], true, true), expected, "held: {text:?}");
        assert_eq!(without_reasoning(text), expected, "{text:?}");
        let letters: Vec<String> = text.chars().map(String::from).collect();
        let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
        assert_eq!(answer(&letters, false, true), expected, "{text:?}");
    }
}

#[test]
fn a_tag_that_is_talked_about_stays() {
    for text in [
        "The tag `<think>` begins it, `</think>` ends it.",
        "`<think>` begins it.",
        "Write <think> before and </think> after the reasoning.",
        "Models put their reasoning before </think> and the answer behind it.",
        "It ends with </think>.",
        "It ends with \"</think>\" and nothing else.",
        "(</think>) closes it.",
        "- The end is </think>\n- The beginning is <think>\n",
        "Like this:\n\n```xml\n<think>\nHm.\n</think>\n```\n\nThat is all.",
        "~~~\nreasoning\n</think>\n~~~\n",
        "    <think>\n    </think>\n",
        "<think> is a tag that models write.",
        "</think> is the tag that ends reasoning.",
        "First.\n<think> is a tag.",
        "a < b, <thin>, </thinker> and <b>bold</b>",
        "It begins\n\n<think>\nand is no reasoning, as nothing ends it.",
        "<think",
    ] {
        assert_eq!(answer(&[text], false, true), text);
        assert_eq!(answer(&[text], true, true), text, "held");
    }
}

#[test]
fn an_answer_without_tags_is_passed_on_at_once() {
    let mut reasoning = Reasoning::new(false);
    for piece in ["Hel", "lo", " 1 < 2", "\n<p"] {
        assert_eq!(reasoning.take(piece), [Outcome::Answer(piece.to_owned())]);
    }
    assert_eq!(reasoning.take(" <t"), [Outcome::Answer(" ".to_owned())]);
    assert_eq!(reasoning.take("r>"), [Outcome::Answer("<tr>".to_owned())]);
    assert_eq!(reasoning.end(true), []);
}

#[test]
fn reasoning_is_not_passed_on_while_it_streams() {
    let mut reasoning = Reasoning::new(false);
    for piece in ["<th", "ink>", "Well", ", hm", ".</thi", "nk>\n"] {
        assert_eq!(reasoning.take(piece), [], "{piece}");
    }
    assert_eq!(
        reasoning.take("\nFour"),
        [Outcome::Answer("Four".to_owned())]
    );
}

#[test]
fn what_was_passed_on_is_retracted_where_only_a_closing_tag_comes() {
    let mut reasoning = Reasoning::new(false);
    assert_eq!(
        reasoning.take("Well."),
        [Outcome::Answer("Well.".to_owned())]
    );
    assert_eq!(
        reasoning.take("\n</think>"),
        [Outcome::Answer("\n".to_owned())]
    );
    assert_eq!(reasoning.take("\n"), [Outcome::Retracted]);
    assert_eq!(
        reasoning.take("Four."),
        [Outcome::Answer("Four.".to_owned())]
    );
    assert!(reasoning.has_lone_end());
}

#[test]
fn where_it_is_expected_nothing_is_passed_on_before_the_closing_tag() {
    let mut reasoning = Reasoning::new(true);
    for piece in ["Well.", "\n</think>", "\n"] {
        assert_eq!(reasoning.take(piece), [], "{piece}");
    }
    assert_eq!(
        reasoning.take("Four."),
        [Outcome::Answer("Four.".to_owned())]
    );
    let mut reasoning = Reasoning::new(true);
    assert_eq!(reasoning.take("Four"), []);
    assert_eq!(
        reasoning.is_kept_apart(),
        [Outcome::Answer("Four".to_owned())]
    );
    assert_eq!(reasoning.take("."), [Outcome::Answer(".".to_owned())]);
}

#[test]
fn reasoning_that_is_broken_off_is_not_shown() {
    assert_eq!(answer(&["<think> Well"], false, false), "");
    assert_eq!(answer(&["One.\n\n<think>\nHm."], false, false), "One.\n\n");
    assert_eq!(answer(&["Well, perhaps"], true, false), "");
    assert_eq!(answer(&["Four <th"], false, false), "Four <th");
}

#[test]
fn a_model_that_never_ends_its_reasoning_is_noticed() {
    let mut reasoning = Reasoning::new(false);
    reasoning.take("<think>");
    let piece = "endless ".repeat(1_000);
    while !reasoning.is_endless() {
        assert_eq!(reasoning.take(&piece), []);
    }
}

proptest! {
    #[test]
    fn it_does_not_matter_how_the_text_is_cut(parts in proptest::collection::vec("<think>|</think>|</th|<|`|```|\n|\n\n| |[a-z.]{1,4}", 0..25), cuts in proptest::collection::vec(1usize..7, 1..80), holds in any::<bool>(), is_whole in any::<bool>()) {
        let text = parts.concat();
        let (mut rest, mut pieces) = (text.as_str(), Vec::new());
        for cut in cuts {
            let (piece, behind) = rest.split_at(cut.min(rest.len()));
            pieces.push(piece);
            rest = behind;
        }
        pieces.push(rest);
        prop_assert_eq!(answer(&pieces, holds, is_whole), answer(&[&text], holds, is_whole));
    }

    #[test]
    fn a_text_without_tags_is_not_changed(text in "[a-z<>/`~\n я]{0,80}", holds in any::<bool>()) {
        prop_assume!(!["think>", "thinking>", "thought>"].iter().any(|tag| text.contains(tag)));
        prop_assert_eq!(answer(&[&text], holds, true), text);
    }
}
