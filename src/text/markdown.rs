//! Markdown that stays what it is meant to be, whatever the names in it look like.

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag};

use super::{AgentEntry, ChatEntry, ChatLink, SaveEntry};
use crate::{
    core::{
        chat::{
            ChatStatus, name,
            permission::{Offer, Verdict},
        },
        ids::ChatId,
    },
    platform::PermissionMeaning,
};

/// Characters that begin or end something anywhere in a line of Markdown, extensions included.
const ACTIVE: &str = "\\`*_[]<>&~|$^#";

/// A name as nothing but its own letters inside a line of CommonMark: no markup, no second line, no mention.
pub fn escape(words: &str) -> String {
    let mut escaped = String::with_capacity(words.len() + 8);
    for letter in name::one_line(words).chars() {
        let opens_a_block = letter.is_ascii_punctuation() && escaped.is_empty();
        let numbers_a_list =
            matches!(letter, '.' | ')') && escaped.bytes().all(|byte| byte.is_ascii_digit());
        if ACTIVE.contains(letter) || opens_a_block || numbers_a_list {
            escaped.push('\\');
        }
        escaped.push(letter);
        if letter == '@' {
            // An invisible joiner: clients and push rules that search the plain text find no `@room` and no user id.
            escaped.push('\u{2060}');
        }
    }
    escaped
}

/// `C4 · Trip`, or `C4` for a chat without a name.
pub(super) fn label(id: ChatId, name: &str) -> String {
    let name = escape(name);
    if name.is_empty() {
        id.to_string()
    } else {
        format!("{id} · {name}")
    }
}

/// `[C4 · Trip](https://…)`.
pub(super) fn chat_link(chat: &ChatLink) -> String {
    link(&label(chat.id, &chat.name), &chat.link)
}

/// A link whose label is Markdown already.
pub(super) fn link(label: &str, url: &str) -> String {
    // What would end the link early is percent-encoded, whoever made the address.
    let url: String = url
        .chars()
        .map(|letter| match letter {
            '(' => "%28".to_owned(),
            ')' => "%29".to_owned(),
            '<' => "%3C".to_owned(),
            '>' => "%3E".to_owned(),
            ' ' | '\\' => "%20".to_owned(),
            other => other.to_string(),
        })
        .collect();
    format!("[{label}]({url})")
}

/// A bulleted list.
pub(super) fn list(lines: impl IntoIterator<Item = String>) -> String {
    let lines: Vec<String> = lines.into_iter().map(|line| format!("- {line}")).collect();
    lines.join("\n")
}

/// The list of chats; `status` puts a status into words.
pub(super) fn chat_list(
    entries: &[ChatEntry],
    status: impl Fn(ChatStatus) -> &'static str,
) -> String {
    list(entries.iter().map(|entry| {
        format!(
            "{} — {}, {}",
            chat_link(&entry.chat),
            escape(&entry.agent),
            status(entry.status)
        )
    }))
}

/// The list of agents; `chosen` marks the chosen one.
pub(super) fn agent_list(entries: &[AgentEntry], chosen: &str) -> String {
    list(entries.iter().map(|entry| {
        let mut line = format!("**{}**", escape(entry.id.as_str()));
        for more in [&entry.name, &entry.description] {
            if !more.is_empty() && more != entry.id.as_str() {
                line = format!("{line} — {}", escape(more));
            }
        }
        if entry.chosen {
            line = format!("{line} ({chosen})");
        }
        line
    }))
}

/// The list of kept contexts.
pub(super) fn save_list(entries: &[SaveEntry]) -> String {
    list(entries.iter().map(|entry| {
        format!(
            "{} — {}, {}",
            escape(&entry.name),
            entry.chat,
            escape(&entry.agent)
        )
    }))
}

/// What is asked: the first line as nothing but its own letters, and any further lines as they are.
pub(super) fn question(title: &str) -> String {
    match title.split_once('\n') {
        None => escape(title),
        Some((first, rest)) => format!("{}\n\n{}", escape(first), code_block(rest)),
    }
}

/// The text as a block in which nothing is markup.
pub(super) fn code_block(text: &str) -> String {
    let longest_run = text.split(|letter: char| letter != '`').map(str::len).max();
    let fence = "`".repeat(longest_run.unwrap_or_default().max(2) + 1);
    format!("{fence}\n{text}\n{fence}")
}

/// The options of a question, numbered.
pub(super) fn offers(options: &[Offer]) -> String {
    let lines: Vec<String> = (1..)
        .zip(options)
        .map(|(number, offer)| format!("{number}. {} {}", sign(offer), escape(&offer.label)))
        .collect();
    lines.join("\n")
}

/// The options of a question on one line, numbered.
pub(super) fn choices(options: &[Offer]) -> String {
    let choices: Vec<String> = (1..)
        .zip(options)
        .map(|(number, offer)| format!("{number} {} {}", sign(offer), escape(&offer.label)))
        .collect();
    choices.join(", ")
}

/// What was decided: the option that was chosen, or one of the texts.
pub(super) fn verdict(
    options: &[Offer],
    verdict: Verdict,
    refused: &str,
    timed_out: &str,
    withdrawn: &str,
) -> String {
    match verdict {
        Verdict::Chosen(index) => options.get(index).map_or_else(
            || format!("❌ {refused}"),
            |offer| format!("{} {}", sign(offer), escape(&offer.label)),
        ),
        Verdict::Refused => format!("❌ {refused}"),
        Verdict::TimedOut => format!("⌛ {timed_out}"),
        Verdict::Withdrawn => format!("⏹ {withdrawn}"),
    }
}

const fn sign(offer: &Offer) -> &'static str {
    match offer.meaning {
        PermissionMeaning::Allow | PermissionMeaning::AllowAlways => "✅",
        PermissionMeaning::Reject | PermissionMeaning::RejectAlways => "❌",
    }
}

/// The text, with a code block that was left open closed, so that what follows is not swallowed by it.
pub fn with_fences_closed(markdown: &str) -> String {
    let markdown = markdown.trim_end();
    // The block is open if it takes in a paragraph put behind it. One inside a list or a quote ends with them.
    let probe = format!("{markdown}\n\n.");
    let open = Parser::new(&probe)
        .into_offset_iter()
        .find_map(|(event, range)| match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))) if range.end == probe.len() => {
                probe.get(range)
            }
            _ => None,
        });
    let Some(block) = open else {
        return markdown.to_owned();
    };
    let fence: String = block
        .chars()
        .take_while(|mark| block.starts_with(*mark))
        .collect();
    format!("{markdown}\n{fence}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use pulldown_cmark::{Options, TagEnd};

    use super::*;

    /// The text of one paragraph, if it holds nothing but text and the strong emphasis around the name.
    fn plain_text(markdown: &str) -> Option<String> {
        let options = Options::all() - Options::ENABLE_SMART_PUNCTUATION;
        let mut text = String::new();
        for event in Parser::new_ext(markdown, options) {
            match event {
                Event::Start(Tag::Paragraph | Tag::Strong)
                | Event::End(TagEnd::Paragraph | TagEnd::Strong) => {}
                Event::Text(words) => text.push_str(&words),
                _ => return None,
            }
        }
        Some(text.replace('\u{2060}', ""))
    }

    #[test]
    fn markup_in_a_name_is_shown_as_it_was_typed() {
        for name in [
            "**bold**",
            "[click](https://example.org)",
            "<b>x</b>",
            "<!-- x",
            "`code`",
            "# title",
            "- item",
            "1. one",
            "> quote",
            "a_b_c",
            "&amp;",
            "~~gone~~",
            "$x$",
            "\\",
            "!",
            "||",
            "[^1]",
            "https://matrix.to/#/@admin:example.org",
        ] {
            let shown = plain_text(&format!("Name: **{}** ok", escape(name)));
            assert_eq!(shown, Some(format!("Name: {name} ok")), "{name}");
            let alone = plain_text(&escape(name));
            assert_eq!(alone.as_deref(), Some(name), "{name} alone");
        }
    }

    #[test]
    fn a_name_mentions_nobody() {
        for name in ["@room", "hey @alice:example.org", "@here"] {
            assert!(!escape(name).contains(name));
            assert!(!escape(name).contains("@r") && !escape(name).contains("@a"));
        }
    }

    #[test]
    fn a_name_stays_on_one_line_and_reads_in_one_direction() {
        assert_eq!(escape("a\n\n# b\u{202e}c\r\0d"), "a \\# bc d");
    }

    proptest! {
        #[test]
        fn any_name_is_shown_as_it_was_typed(name in "\\PC*") {
            let clean = name::one_line(&name).replace('\u{2060}', "");
            prop_assume!(!clean.is_empty());
            prop_assert_eq!(
                plain_text(&format!("x **{}** y", escape(&clean))),
                Some(format!("x {clean} y"))
            );
        }

        #[test]
        fn nothing_a_person_can_type_breaks_the_functions(text in any::<String>()) {
            escape(&text);
            with_fences_closed(&text);
        }
    }

    #[test]
    fn an_address_cannot_end_its_link_early() {
        assert_eq!(link("x", "https://a/(b) c"), "[x](https://a/%28b%29%20c)");
    }

    #[test]
    fn an_open_code_block_is_closed() {
        for (open, closed) in [
            ("text", "text"),
            ("```rust\nlet x", "```rust\nlet x\n```"),
            ("```", "```\n```"),
            ("```\nx\n```", "```\nx\n```"),
            ("````\n```\nx\n", "````\n```\nx\n````"),
            ("~~~\n```\n", "~~~\n```\n~~~"),
            ("```inline``` code", "```inline``` code"),
            ("```\nx\n``` not the end", "```\nx\n``` not the end\n```"),
            ("- item\n  ```\n  x", "- item\n  ```\n  x"),
            ("> ```\n> x", "> ```\n> x"),
            ("  ```\n  x", "  ```\n  x\n```"),
        ] {
            assert_eq!(with_fences_closed(open), closed);
        }
    }

    proptest! {
        #[test]
        fn a_block_shows_its_text_and_nothing_else(text in "[`~>\\- \nx]{0,60}") {
            let block = code_block(&text);
            let mut shown = String::new();
            for event in Parser::new(&block) {
                match event {
                    Event::Text(words) => shown.push_str(&words),
                    Event::Start(Tag::CodeBlock(_)) | Event::End(TagEnd::CodeBlock) => {}
                    other => prop_assert!(false, "{other:?} in {block:?}"),
                }
            }
            prop_assert_eq!(shown, format!("{text}\n"));
        }
    }

    proptest! {
        #[test]
        fn what_follows_a_text_is_not_swallowed_by_its_code(text in "[`~>\\- \nx]{0,60}") {
            let whole = format!("{}\n\nend", with_fences_closed(&text));
            let mut inside = false;
            for event in Parser::new(&whole) {
                match event {
                    Event::Start(Tag::CodeBlock(_)) => inside = true,
                    Event::End(TagEnd::CodeBlock) => inside = false,
                    Event::Text(words) => prop_assert!(!inside || !words.contains("end"), "{whole:?}"),
                    _ => {}
                }
            }
        }
    }
}
