//! A question and its files as the model is given them.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    ports::{Files, PortError},
    wire::{Content, ImageUrl, Part},
};
use crate::platform::{Prompt, PromptFile};

/// The largest picture that is given inline.
const LARGEST_PICTURE: u64 = 8 << 20;
/// The largest text file that is given inline.
const LARGEST_TEXT: u64 = 128 << 10;
/// Files of one question that are opened; the others are only named.
const MOST_FILES: usize = 10;

const PICTURES: [&str; 4] = ["image/png", "image/jpeg", "image/webp", "image/gif"];
/// Texts whose type does not begin with `text/`.
const TEXTS: [&str; 9] = [
    "application/json",
    "application/xml",
    "application/yaml",
    "application/x-yaml",
    "application/toml",
    "application/javascript",
    "application/sql",
    "application/x-sh",
    "application/csv",
];

/// A question, ready to be sent.
pub(super) struct Question {
    /// What is sent now.
    pub(super) content: Content,
    /// What is remembered of it: pictures only by their names.
    pub(super) remembered: String,
}

impl Question {
    /// Opens the files that the model can take, and says what it cannot see.
    pub(super) async fn of(prompt: &Prompt, files: &dyn Files, sees_pictures: bool) -> Self {
        let (mut texts, mut kept) = (vec![prompt.text.clone()], vec![prompt.text.clone()]);
        let mut pictures = Vec::new();
        for (index, file) in prompt.files.iter().enumerate() {
            let given = if index < MOST_FILES {
                open(file, files, sees_pictures).await
            } else {
                Given::Nothing
            };
            match given {
                Given::Picture(url) => {
                    kept.push(format!("[The picture {} was shown here.]", named(file)));
                    texts.push(format!("[The picture {} follows.]", named(file)));
                    pictures.push(Part::ImageUrl {
                        image_url: ImageUrl { url },
                    });
                }
                Given::Text(text) => {
                    let shown = format!("[The file {}:]\n{}", named(file), fenced(&text));
                    kept.push(shown.clone());
                    texts.push(shown);
                }
                Given::Nothing => {
                    let note = format!(
                        "[The file {} came with this message. You cannot see what is in it.]",
                        named(file)
                    );
                    kept.push(note.clone());
                    texts.push(note);
                }
            }
        }
        Self {
            content: content(joined(&texts), pictures),
            remembered: joined(&kept),
        }
    }
}

enum Given {
    Picture(String),
    Text(String),
    Nothing,
}

async fn open(file: &PromptFile, files: &dyn Files, sees_pictures: bool) -> Given {
    let mime = media_type(file);
    if PICTURES.contains(&mime.as_str()) {
        if !sees_pictures || file.size > LARGEST_PICTURE {
            return Given::Nothing;
        }
        return match files.read(&file.path, LARGEST_PICTURE).await {
            Ok(bytes) => Given::Picture(format!("data:{mime};base64,{}", STANDARD.encode(bytes))),
            Err(error) => not_read(&error),
        };
    }
    let is_text = mime.starts_with("text/") || TEXTS.contains(&mime.as_str());
    if !is_text || file.size > LARGEST_TEXT {
        return Given::Nothing;
    }
    match files.read(&file.path, LARGEST_TEXT).await {
        Ok(bytes) => String::from_utf8(bytes).map_or(Given::Nothing, Given::Text),
        Err(error) => not_read(&error),
    }
}

fn not_read(error: &PortError) -> Given {
    tracing::warn!(%error, "a file of a question could not be read");
    Given::Nothing
}

/// What was claimed, or what the name's ending stands for.
fn media_type(file: &PromptFile) -> String {
    let guessed = || {
        mime_guess::from_path(&file.name)
            .first()
            .map(|mime| mime.essence_str().to_owned())
    };
    let claimed = file
        .mime
        .clone()
        .filter(|mime| mime != "application/octet-stream");
    let mime = claimed.or_else(guessed).unwrap_or_default();
    mime.split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

/// On one line, whatever the person called it.
fn named(file: &PromptFile) -> String {
    let clean = |text: &str| {
        text.chars()
            .filter(|letter| !letter.is_control())
            .collect::<String>()
    };
    format!("\"{}\" ({})", clean(&file.name), clean(&file.path))
}

/// In a fence that nothing inside can close.
fn fenced(text: &str) -> String {
    let longest = text
        .split(|letter| letter != '`')
        .map(str::len)
        .max()
        .unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}\n{}\n{fence}", text.trim_end_matches('\n'))
}

fn joined(texts: &[String]) -> String {
    let texts: Vec<&str> = texts
        .iter()
        .map(|text| text.trim())
        .filter(|text| !text.is_empty())
        .collect();
    texts.join("\n\n")
}

fn content(text: String, pictures: Vec<Part>) -> Content {
    if pictures.is_empty() {
        return Content::Text(text);
    }
    Content::Parts(
        std::iter::once(Part::Text { text })
            .chain(pictures)
            .collect(),
    )
}
