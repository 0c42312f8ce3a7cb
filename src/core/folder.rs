//! Where in the workspace a chat's files live: names that are safe on any file system, the same on every machine.

use crate::core::ids::{RoomKey, UserKey, derived_uuid};

/// Longest readable part of a folder's name, in bytes.
const LONGEST_NAME: usize = 80;

/// A chat's own folder, relative to the workspace: `surfaces/matrix/{user}/{room}`.
pub fn chat_folder(user: &UserKey, room: &RoomKey) -> String {
    format!(
        "surfaces/matrix/{}/{}",
        safe_part(user.as_str()),
        safe_part(room.as_str())
    )
}

/// One part of a path from any text: letters, digits, dots, dashes and underscores, never empty, never hidden. Texts
/// that had to be changed end in a mark of the original, so that two of them never share a folder.
fn safe_part(text: &str) -> String {
    let safe: String = text
        .chars()
        .map(|c| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' | '_' => c,
            _ => '_',
        })
        .take(LONGEST_NAME)
        .collect();
    if safe == text && !safe.is_empty() && !safe.starts_with(['.', '_', '-']) {
        return safe;
    }
    let mark = derived_uuid(&format!("folder:{text}")).simple().to_string();
    let readable = safe.trim_start_matches(['.', '_', '-']);
    format!("{readable}-{}", &mark[..8])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_folder_can_be_read_by_people() {
        let folder = chat_folder(
            &UserKey::new("@alice:example.org"),
            &RoomKey::new("!abc:example.org"),
        );
        let parts: Vec<&str> = folder.split('/').collect();
        assert_eq!(parts[..2], ["surfaces", "matrix"]);
        assert!(parts[2].starts_with("alice_example.org-"), "{folder}");
        assert!(parts[3].starts_with("abc_example.org-"), "{folder}");
    }

    proptest! {
        #[test]
        fn a_part_is_always_one_plain_name(text in ".{0,200}") {
            let part = safe_part(&text);
            prop_assert!(!part.is_empty() && part.len() <= LONGEST_NAME + 9);
            prop_assert!(!part.starts_with('.'));
            prop_assert!(part.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c)), "{part}");
        }

        #[test]
        fn different_texts_have_different_folders(one in "[a-c:@!/._-]{0,6}", other in "[a-c:@!/._-]{0,6}") {
            prop_assume!(one != other);
            prop_assert_ne!(safe_part(&one), safe_part(&other));
        }
    }
}
