//! Markdown into the content of `m.room.message` events. Pure.
//!
//! Whatever the text says, it mentions nobody: `m.mentions` is always set, and raw HTML is shown, not interpreted.

use matrix_sdk::ruma::EventId;
use pulldown_cmark::{Event, LinkType, Options, Parser, Tag, TagEnd, html};
use serde_json::{Value, json};

use crate::{
    core::message::{OutgoingFile, Reply, ReplyKind},
    matrix::{marker::ANSWERS_KEY, media::MediaSource},
};

/// The bot's own words.
pub fn notice(markdown: &str) -> Value {
    message(&Reply::notice(markdown))
}

/// One message.
pub fn message(reply: &Reply) -> Value {
    let msgtype = match reply.kind {
        ReplyKind::Answer => "m.text",
        ReplyKind::Notice => "m.notice",
    };
    json!({
        "msgtype": msgtype,
        "body": reply.markdown,
        "format": "org.matrix.custom.html",
        "formatted_body": to_html(&reply.markdown),
        "m.mentions": {},
    })
}

/// How an answer is tied to its question beyond naming it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tie<'a> {
    /// It stands right behind the question, and is a plain message.
    Behind,
    /// Other messages stand between them: it is a reply.
    Reply,
    /// It stays in the question's thread, which this message began.
    Thread(&'a str),
}

impl<'a> Tie<'a> {
    /// In a thread it stays there; elsewhere it is a reply where messages stand between.
    pub fn new(thread: Option<&'a str>, is_apart: bool) -> Self {
        match thread {
            Some(root) => Self::Thread(root),
            None if is_apart => Self::Reply,
            None => Self::Behind,
        }
    }
}

/// Names the question, and ties the message to it.
pub fn answering(mut content: Value, question: &str, tie: Tie<'_>) -> Value {
    content[ANSWERS_KEY] = json!(question);
    tied(content, question, tie)
}

/// Ties the message to its question.
pub fn tied(mut content: Value, question: &str, tie: Tie<'_>) -> Value {
    match tie {
        Tie::Behind => {}
        Tie::Reply => content["m.relates_to"] = json!({"m.in_reply_to": {"event_id": question}}),
        Tie::Thread(root) => content["m.relates_to"] = in_thread(root, question),
    }
    content
}

/// Whether the message is a reply outside of threads.
pub fn is_reply(content: &Value) -> bool {
    let relation = content.get("m.relates_to");
    relation.is_some_and(|relation| {
        relation.get("m.in_reply_to").is_some() && relation.get("rel_type").is_none()
    })
}

/// The relation of a message in a thread, after another message of it.
pub fn in_thread(root: &str, after: &str) -> Value {
    json!({
        "rel_type": "m.thread",
        "event_id": root,
        "is_falling_back": true,
        "m.in_reply_to": {"event_id": after},
    })
}

/// The content of a message with a file that the server has.
pub fn file(file: &OutgoingFile, source: &MediaSource, content: &[u8]) -> Value {
    let mut info = json!({"mimetype": file.mime, "size": file.size});
    let kind = file.mime.split('/').next().unwrap_or_default();
    let msgtype = match (kind, imagesize::blob_size(content)) {
        ("image", Ok(size)) => {
            info["w"] = json!(size.width);
            info["h"] = json!(size.height);
            "m.image"
        }
        ("audio", _) => "m.audio",
        ("video", _) => "m.video",
        // A picture that clients cannot show is a file to them.
        _ => "m.file",
    };
    let mut message = json!({
        "msgtype": msgtype,
        "body": file.name,
        "filename": file.name,
        "info": info,
        "m.mentions": {},
    });
    match source {
        MediaSource::Url(url) => message["url"] = json!(url),
        MediaSource::File(keys) => message["file"] = keys.clone(),
    }
    message
}

/// The content of an edit that turns the message `target` into `content`.
pub fn edit_of(target: &EventId, content: Value) -> Value {
    let mut inner = content.clone();
    let mut outer = content;
    if let Some(inner) = inner.as_object_mut() {
        inner.remove("m.relates_to");
    }
    // For clients that know no edits: the new text, marked as one.
    for key in ["body", "formatted_body"] {
        if let Some(text) = outer[key].as_str() {
            outer[key] = json!(format!("* {text}"));
        }
    }
    outer["m.new_content"] = inner;
    outer["m.relates_to"] = json!({"rel_type": "m.replace", "event_id": target});
    outer
}

fn to_html(markdown: &str) -> String {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut links = Links::default();
    let events = Parser::new_ext(markdown, options).filter_map(|event| match event {
        // Shown as it was written: nothing of an agent's or a user's text becomes markup by itself.
        Event::Html(text) | Event::InlineHtml(text) => Some(Event::Text(text)),
        // Clients show no boxes to tick.
        Event::TaskListMarker(ticked) => Some(Event::Text(if ticked { "☑ " } else { "☐ " }.into())),
        // Clients load no foreign pictures: what remains is a link with the picture's description.
        Event::Start(
            Tag::Image {
                dest_url, title, ..
            }
            | Tag::Link {
                dest_url, title, ..
            },
        ) => links.begin(&dest_url).then_some(Event::Start(Tag::Link {
            link_type: LinkType::Inline,
            dest_url,
            title,
            id: "".into(),
        })),
        Event::End(TagEnd::Image | TagEnd::Link) => links.end().then_some(Event::End(TagEnd::Link)),
        other => Some(other),
    });
    let mut out = String::with_capacity(markdown.len() * 2);
    html::push_html(&mut out, events);
    // One paragraph alone needs no paragraph: clients show it without the extra space.
    let trimmed = out.trim_end();
    match trimmed
        .strip_prefix("<p>")
        .and_then(|rest| rest.strip_suffix("</p>"))
    {
        Some(inner) if !inner.contains("<p>") => inner.to_owned(),
        _ => trimmed.to_owned(),
    }
}

/// Which links around the current place are shown as such; of two, one inside the other, only the outer.
#[derive(Default)]
struct Links(Vec<bool>);

impl Links {
    fn begin(&mut self, target: &str) -> bool {
        let is_shown = !self.0.contains(&true) && is_for_clients(target);
        self.0.push(is_shown);
        is_shown
    }

    fn end(&mut self) -> bool {
        self.0.pop().unwrap_or(false)
    }
}

/// Whether clients open such a link. A path of the workspace is none, and a link to a person would be shown as a mention.
fn is_for_clients(target: &str) -> bool {
    let target = target.trim().to_ascii_lowercase();
    let schemes = ["https://", "http://", "ftp://", "mailto:", "magnet:"];
    let names_a_person = ["matrix.to/#/@", "matrix.to/#/%40"];
    schemes.iter().any(|scheme| target.starts_with(scheme))
        && !names_a_person.iter().any(|person| target.contains(person))
}

#[cfg(test)]
mod tests {
    use matrix_sdk::ruma::event_id;
    use proptest::prelude::*;

    use super::*;

    fn html_of(markdown: &str) -> String {
        message(&Reply::answer(markdown))["formatted_body"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    #[test]
    fn markdown_becomes_what_clients_show() {
        let cases = [
            ("hello", "hello"),
            (
                "**bold** and `code`",
                "<strong>bold</strong> and <code>code</code>",
            ),
            ("one\n\ntwo", "<p>one</p>\n<p>two</p>"),
            (
                "```rust\nfn f() {}\n```",
                "<pre><code class=\"language-rust\">fn f() {}\n</code></pre>",
            ),
            ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ];
        for (markdown, expected) in cases {
            assert_eq!(html_of(markdown), expected, "{markdown}");
        }
        assert!(html_of("| a |\n|---|\n| b |").starts_with("<table>"));
    }

    #[test]
    fn raw_html_is_shown_and_not_interpreted() {
        assert_eq!(
            html_of("<script>x</script>"),
            "&lt;script&gt;x&lt;/script&gt;"
        );
        assert_eq!(html_of("a <b>c</b>"), "a &lt;b&gt;c&lt;/b&gt;");
    }

    #[test]
    fn a_picture_becomes_a_link() {
        assert_eq!(
            html_of("![cat](https://example.org/c.png)"),
            "<a href=\"https://example.org/c.png\">cat</a>"
        );
    }

    #[test]
    fn only_links_that_clients_open_are_links_and_none_of_them_mentions_anybody() {
        for (markdown, expected) in [
            ("[report](out/report.pdf)", "report"),
            ("![chart](chart.png)", "chart"),
            ("[x](javascript:alert(1))", "x"),
            ("[Alice](https://matrix.to/#/@alice:hs)", "Alice"),
            ("[Alice](https://MATRIX.to/#/%40alice:hs)", "Alice"),
            (
                "[room](https://matrix.to/#/!r:hs)",
                "<a href=\"https://matrix.to/#/!r:hs\">room</a>",
            ),
            ("[mail](mailto:a@b.c)", "<a href=\"mailto:a@b.c\">mail</a>"),
            (
                "[![cat](https://x.org/c.png)](https://x.org)",
                "<a href=\"https://x.org\">cat</a>",
            ),
        ] {
            assert_eq!(html_of(markdown), expected, "{markdown}");
        }
    }

    #[test]
    fn tasks_are_shown_with_boxes() {
        assert_eq!(
            html_of("- [x] done\n- [ ] open"),
            "<ul>\n<li>☑ done</li>\n<li>☐ open</li>\n</ul>"
        );
    }

    #[test]
    fn an_edit_keeps_the_question_and_drops_the_thread_from_the_new_content() {
        let content = answering(message(&Reply::answer("hi")), "$q", Tie::Thread("$root"));
        let edit = edit_of(event_id!("$first"), content);
        assert_eq!(
            edit["m.relates_to"],
            json!({"rel_type": "m.replace", "event_id": "$first"})
        );
        assert_eq!(edit["m.new_content"]["body"], "hi");
        assert_eq!(edit["m.new_content"].get("m.relates_to"), None);
        assert_eq!(edit[ANSWERS_KEY], "$q");
        assert_eq!(edit["body"], "* hi");
    }

    fn file_of(mime: &str, content: &[u8]) -> Value {
        let named = OutgoingFile {
            snapshot: String::new(),
            name: "a.x".to_owned(),
            mime: mime.to_owned(),
            size: 7,
        };
        file(&named, &MediaSource::Url("mxc://hs/a".to_owned()), content)
    }

    #[test]
    fn a_picture_has_its_width_and_height_and_what_is_none_is_a_file() {
        let gif = b"GIF89a\x05\x00\x07\x00\x00\x00\x00";
        let picture = file_of("image/gif", gif);
        assert_eq!(picture["msgtype"], "m.image");
        assert_eq!(picture["url"], "mxc://hs/a");
        assert_eq!(
            picture["info"],
            json!({"mimetype": "image/gif", "size": 7, "w": 5, "h": 7})
        );
        for (mime, msgtype) in [
            ("image/svg+xml", "m.file"),
            ("image/png", "m.file"),
            ("audio/ogg", "m.audio"),
            ("video/mp4", "m.video"),
            ("text/plain", "m.file"),
        ] {
            let content = file_of(mime, b"no picture");
            assert_eq!(content["msgtype"], msgtype, "{mime}");
            assert_eq!(content["m.mentions"], json!({}));
        }
    }

    proptest! {
        #[test]
        fn no_text_mentions_anybody_or_becomes_markup_by_itself(text in "\\PC*") {
            let content = message(&Reply::answer(text.as_str()));
            prop_assert_eq!(&content["m.mentions"], &json!({}));
            prop_assert!(!content["formatted_body"].as_str().unwrap().contains("<script"));
        }
    }
}
