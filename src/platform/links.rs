//! The files an answer names: Markdown links to a path of the workspace. Pure.

use pulldown_cmark::{Event, Parser, Tag};

/// No answer hands over more.
const MOST_FILES: usize = 20;

/// The paths, each once, in the order of the text. Where they lead is checked by whoever sends them.
pub(super) fn files(markdown: &str) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    for event in Parser::new(markdown) {
        let Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) = event else {
            continue;
        };
        let Some(path) = path(&dest_url) else {
            continue;
        };
        if !paths.contains(&path) && paths.len() < MOST_FILES {
            paths.push(path);
        }
    }
    paths
}

/// The path in a link; `None` where it leads to the web, to a person or to a place in the text.
fn path(link: &str) -> Option<String> {
    let link = link.split('#').next().unwrap_or_default();
    let scheme = link.split(['/', '?']).next().unwrap_or_default();
    if link.is_empty() || link.starts_with("//") || link.starts_with("www.") || scheme.contains(':')
    {
        return None;
    }
    let path = decoded(link);
    (!path.contains(char::is_control)).then_some(path)
}

/// With `%20` and its like as what they stand for; as it is where that is no text.
fn decoded(link: &str) -> String {
    let mut bytes = Vec::with_capacity(link.len());
    let mut rest = link.as_bytes();
    while let [first, behind @ ..] = rest {
        let code = (*first == b'%').then(|| behind.get(..2)).flatten();
        let code = code.and_then(|digits| std::str::from_utf8(digits).ok());
        if let Some(byte) = code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            bytes.push(byte);
            rest = &behind[2..];
        } else {
            bytes.push(*first);
            rest = behind;
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| link.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn links_to_paths_are_files() {
        for (markdown, expected) in [
            ("Here: [report](out/report.pdf).", vec!["out/report.pdf"]),
            (
                "![chart](chart.png) and [again](chart.png)",
                vec!["chart.png"],
            ),
            (
                "[a](my%20file.txt) [b](<other file.txt>)",
                vec!["my file.txt", "other file.txt"],
            ),
            ("[отчёт](%D0%B0.txt)", vec!["а.txt"]),
            ("[part](notes.md#top)", vec!["notes.md"]),
            ("[x][1]\n\n[1]: data.csv", vec!["data.csv"]),
            (
                "[out](../../etc/passwd) [abs](/etc/passwd)",
                vec!["../../etc/passwd", "/etc/passwd"],
            ),
            ("[half](100%.txt)", vec!["100%.txt"]),
        ] {
            assert_eq!(files(markdown), expected, "{markdown}");
        }
    }

    #[test]
    fn links_to_the_web_to_people_and_to_places_in_the_text_are_not() {
        for markdown in [
            "[web](https://example.org/a.txt) <https://example.org>",
            "[mail](mailto:a@b.c) [room](matrix:r/x) [call](tel:1)",
            "[anchor](#top) [nothing]()",
            "[host](//example.org/x) [host](www.example.org)",
            "[script](javascript:alert(1)) [data](data:text/plain,x) [file](file:///etc/passwd)",
            "`[code](x.txt)`\n\n```\n[code](y.txt)\n```",
            "[nul](a%00b)",
        ] {
            assert_eq!(files(markdown), [""; 0], "{markdown}");
        }
    }

    #[test]
    fn an_answer_full_of_links_names_no_more_than_a_few_files() {
        let links: Vec<String> = (0..1_000).map(|number| format!("[f](f{number})")).collect();
        let markdown = links.join(" ");
        assert_eq!(files(&markdown).len(), MOST_FILES);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in any::<String>()) {
            let _ = files(&text);
            let _ = path(&text);
        }
    }
}
