//! A mention in front of a message, as clients write it into the formatted body: a link to a person.

use matrix_sdk::ruma::{MatrixToUri, MatrixUri, matrix_uri::MatrixId};
use serde_json::Value;

use crate::core::{ids::UserKey, message::Mention};

/// Longest name that a link may show, in bytes.
const LONGEST_LABEL: usize = 400;

/// The person whose name stands first in the formatted body, as a link.
pub(super) fn leading(content: &Value) -> Option<Mention> {
    if content.get("format")?.as_str()? != "org.matrix.custom.html" {
        return None;
    }
    let html = content.get("formatted_body")?.as_str()?.trim_start();
    let html = match html.strip_prefix("<mx-reply>") {
        Some(reply) => reply.split_once("</mx-reply>")?.1.trim_start(),
        None => html,
    };
    let html = html.strip_prefix("<p>").unwrap_or(html).trim_start();
    let (attributes, rest) = html.strip_prefix("<a ")?.split_once('>')?;
    let label = rest.split_once("</a>")?.0;
    if label.len() > LONGEST_LABEL || label.contains('<') {
        return None;
    }
    Some(Mention {
        user: UserKey::new(user(attributes)?),
        label: unescaped(label),
    })
}

/// The user id that the `href` among these attributes leads to.
fn user(attributes: &str) -> Option<String> {
    let value = attributes.split_once("href=")?.1;
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let link = value[1..].split_once(quote)?.0;
    let id = match MatrixToUri::parse(link) {
        Ok(link) => link.id().clone(),
        Err(_) => MatrixUri::parse(link).ok()?.id().clone(),
    };
    match id {
        MatrixId::User(user) => Some(user.to_string()),
        _ => None,
    }
}

fn unescaped(html: &str) -> String {
    // The ampersand last: what it frees is text.
    [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&nbsp;", "\u{a0}"),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(html.to_owned(), |text, (entity, letter)| {
        text.replace(entity, letter)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn leading_in(html: &str) -> Option<(String, String)> {
        let content = json!({"format": "org.matrix.custom.html", "formatted_body": html});
        leading(&content).map(|mention| (mention.user.to_string(), mention.label))
    }

    #[test]
    fn a_link_to_a_person_in_front_is_a_mention() {
        let bot = |label: &str| Some(("@bot:hs".to_owned(), label.to_owned()));
        for (html, label) in [
            (
                "<a href=\"https://matrix.to/#/@bot:hs\">Surfaces Bot</a>: !chats",
                "Surfaces Bot",
            ),
            (
                "<p><a href='https://matrix.to/#/%40bot%3Ahs'>A &amp; &lt;B&gt;</a> !x</p>",
                "A & <B>",
            ),
            (
                "<a class=\"pill\" href=\"matrix:u/bot:hs?action=chat\">Bot</a> !x",
                "Bot",
            ),
            (
                "<mx-reply><blockquote>x</blockquote></mx-reply><a href=\"https://matrix.to/#/@bot:hs\">Bot</a>",
                "Bot",
            ),
        ] {
            assert_eq!(leading_in(html), bot(label), "{html}");
        }
    }

    #[test]
    fn everything_else_is_none() {
        for html in [
            "",
            "hi <a href=\"https://matrix.to/#/@bot:hs\">Bot</a>",
            "<a href=\"https://matrix.to/#/!room:hs\">Room</a>: !x",
            "<a href=\"https://example.org/#/@bot:hs\">Bot</a>: !x",
            "<a href=https://matrix.to/#/@bot:hs>Bot</a>: !x",
            "<a href=\"https://matrix.to/#/@bot:hs\">Bot",
            "<a href=\"https://matrix.to/#/@bot:hs\"><b>Bot</b></a>",
            "<a href=",
            "<mx-reply>",
        ] {
            assert_eq!(leading_in(html), None, "{html}");
        }
        assert_eq!(
            leading(&json!({"formatted_body": 5, "format": "org.matrix.custom.html"})),
            None
        );
    }
}
