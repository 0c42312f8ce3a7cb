//! The quote that some clients put into the body of a reply: lines that begin with `> `, then an empty one.

use crate::core::{ids::UserKey, message::Quote};

/// The quote in front of the body of a reply, and the body without it.
pub(super) fn split(body: &str) -> (Option<Quote>, &str) {
    if !body.starts_with("> <") && !body.starts_with("> * <") {
        return (None, body);
    }
    let (mut lines, mut rest) = (Vec::new(), body);
    while let Some(after) = rest.strip_prefix('>') {
        let (line, behind) = after.split_once('\n').unwrap_or((after, ""));
        lines.push(line.strip_prefix(' ').unwrap_or(line));
        rest = behind;
    }
    (quote(&lines), rest.trim_start_matches('\n'))
}

fn quote(lines: &[&str]) -> Option<Quote> {
    let (first, others) = lines.split_first()?;
    let first = first.strip_prefix("* ").unwrap_or(first);
    let (sender, text) = first.strip_prefix('<')?.split_once('>')?;
    let is_user = sender.starts_with('@') && sender.len() <= 255;
    let is_plain = !sender.contains(|letter: char| letter.is_whitespace() || letter.is_control());
    let lines: Vec<&str> = std::iter::once(text.trim_start())
        .chain(others.iter().copied())
        .collect();
    (is_user && is_plain).then(|| Quote {
        sender: UserKey::new(sender),
        text: lines.join("\n"),
    })
}
