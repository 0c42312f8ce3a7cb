//! Names in the workspace: made safe, the same on every machine, and read again without trust. Pure.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::core::{
    files::FilesError,
    ids::{EventKey, derived_uuid},
};

/// Longest name of a kept file, in bytes, its stamp not counted: with the stamp it fits any file system.
const LONGEST_NAME: usize = 150;
/// An ending longer than this is part of the name.
const LONGEST_ENDING: usize = 16;
/// Longest path that is looked at.
const LONGEST_PATH: usize = 4096;
/// Longest name that people and agents are shown, in characters.
const LONGEST_SHOWN: usize = 200;

/// The steps of a path relative to the workspace. One that is absolute or goes upwards leads outside.
pub(super) fn steps(path: &str) -> Result<Vec<&str>, FilesError> {
    if path.starts_with('/') || path.contains('\0') || path.len() > LONGEST_PATH {
        return Err(FilesError::Outside);
    }
    let steps: Vec<&str> = path
        .split('/')
        .filter(|step| !step.is_empty() && *step != ".")
        .collect();
    if steps.contains(&"..") {
        return Err(FilesError::Outside);
    }
    if steps.is_empty() {
        return Err(FilesError::NotAFile);
    }
    Ok(steps)
}

/// What stands for an event in names.
pub(super) fn mark(event: &EventKey) -> String {
    derived_uuid(&format!("files:{event}")).simple().to_string()[..16].to_owned()
}

/// When a message was sent and which it was: `20261120T221539Z-1a2b3c4d`. Sorted as text, the oldest comes first.
pub(super) fn stamp(sent_at: SystemTime, event: &EventKey) -> String {
    /// The end of the year 9999: a server's clock is only a claim.
    const LATEST: u64 = 253_402_300_799;
    let seconds = sent_at
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
        .min(LATEST);
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let mark = &mark(event)[..8];
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z-{mark}")
}

/// Whether the name begins with a [`stamp`] of this message.
pub(super) fn is_stamped_for(name: &str, event: &EventKey) -> bool {
    let mark = mark(event);
    name.split('-').nth(1) == Some(&mark[..8])
}

/// Year, month and day of a day counted from 1970. Counted in eras of 400 years that begin in March.
const fn date(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

/// The name with an ending that tells what the file is, where it has none and its media type is known: clients send
/// recordings as "Voice message".
pub(super) fn with_ending(name: &str, mime: Option<&str>) -> String {
    let has_ending = name.trim().rsplit_once('.').is_some_and(|(stem, ending)| {
        !stem.is_empty()
            && (1..LONGEST_ENDING).contains(&ending.len())
            && ending.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && ending.bytes().any(|byte| byte.is_ascii_alphabetic())
    });
    match (
        mime.and_then(ending_for).filter(|_| !has_ending),
        name.trim(),
    ) {
        (Some(ending), "") => format!("file.{ending}"),
        (Some(ending), name) => format!("{name}.{ending}"),
        (None, _) => name.to_owned(),
    }
}

/// The ending that programs know files of this type by.
fn ending_for(mime: &str) -> Option<&'static str> {
    /// The types of what clients record, draw and paste.
    const ENDINGS: [(&str, &str); 26] = [
        ("application/gzip", "gz"),
        ("application/json", "json"),
        ("application/pdf", "pdf"),
        ("application/xml", "xml"),
        ("application/zip", "zip"),
        ("audio/aac", "aac"),
        ("audio/flac", "flac"),
        ("audio/mp4", "m4a"),
        ("audio/mpeg", "mp3"),
        ("audio/ogg", "ogg"),
        ("audio/opus", "opus"),
        ("audio/wav", "wav"),
        ("audio/webm", "weba"),
        ("audio/x-m4a", "m4a"),
        ("audio/x-wav", "wav"),
        ("image/gif", "gif"),
        ("image/heic", "heic"),
        ("image/jpeg", "jpg"),
        ("image/png", "png"),
        ("image/svg+xml", "svg"),
        ("image/webp", "webp"),
        ("text/html", "html"),
        ("text/plain", "txt"),
        ("video/mp4", "mp4"),
        ("video/quicktime", "mov"),
        ("video/webm", "webm"),
    ];
    let essence = mime.split(';').next()?.trim();
    let known = ENDINGS.iter().find(|(mime, _)| *mime == essence)?;
    Some(known.1)
}

/// A name for the disk: letters and digits of any language, dots, dashes and underscores; never hidden, never empty,
/// never too long, and with its ending.
pub(super) fn safe(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let safe: String = name
        .chars()
        .map(|c| match c {
            '.' | '-' | '_' => c,
            c if c.is_alphanumeric() => c,
            _ => '_',
        })
        .collect();
    let safe = safe.trim_matches(['.', '_', '-']);
    if safe.is_empty() {
        return "file".to_owned();
    }
    let (stem, ending) = match safe.rfind('.') {
        Some(dot) if safe.len() - dot <= LONGEST_ENDING => safe.split_at(dot),
        _ => (safe, ""),
    };
    let cut = stem.floor_char_boundary(LONGEST_NAME - ending.len());
    format!("{}{ending}", &stem[..cut])
}

/// A name to show: one line, without what could turn the text around it.
pub(super) fn shown(name: &str) -> String {
    let is_format = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let shown: String = name
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .filter(|c| !is_format(*c))
        .take(LONGEST_SHOWN)
        .collect();
    match shown.trim() {
        "" => "file".to_owned(),
        shown => shown.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn stamped(seconds: u64) -> String {
        let stamp = stamp(
            UNIX_EPOCH + Duration::from_secs(seconds),
            &EventKey::new("$e"),
        );
        stamp.split_once('-').unwrap().0.to_owned()
    }

    #[test]
    fn a_stamp_is_a_date_and_a_time_that_people_read() {
        assert_eq!(stamped(0), "19700101T000000Z");
        assert_eq!(stamped(951_782_400), "20000229T000000Z");
        assert_eq!(stamped(1_709_251_199), "20240229T235959Z");
        assert_eq!(stamped(1_709_251_200), "20240301T000000Z");
        assert_eq!(stamped(u64::MAX / 1000), "99991231T235959Z");
    }

    #[test]
    fn two_messages_of_the_same_second_have_different_stamps() {
        let one = stamp(UNIX_EPOCH, &EventKey::new("$one"));
        assert_ne!(one, stamp(UNIX_EPOCH, &EventKey::new("$two")));
        assert_eq!(one, stamp(UNIX_EPOCH, &EventKey::new("$one")));
        let name = format!("{one}-a-name.txt");
        assert!(is_stamped_for(&name, &EventKey::new("$one")));
        assert!(!is_stamped_for(&name, &EventKey::new("$two")));
    }

    #[test]
    fn names_stay_readable_and_lose_what_is_dangerous() {
        for (name, safe_name) in [
            ("report.pdf", "report.pdf"),
            ("My holiday photo (1).JPG", "My_holiday_photo__1_.JPG"),
            ("отчёт за май.docx", "отчёт_за_май.docx"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\a\\x.txt", "x.txt"),
            (".bashrc", "bashrc"),
            ("..", "file"),
            ("", "file"),
            ("a\0b\nc", "a_b_c"),
            ("-rf", "rf"),
            ("\u{202e}gpj.exe", "gpj.exe"),
        ] {
            assert_eq!(safe(name), safe_name, "{name:?}");
        }
    }

    #[test]
    fn a_file_without_an_ending_gets_that_of_its_type() {
        for (name, mime, expected) in [
            (
                "Voice message",
                Some("audio/ogg; codecs=opus"),
                "Voice message.ogg",
            ),
            ("Voice message", Some("audio/ogg"), "Voice message.ogg"),
            ("2026.11.28", Some("image/jpeg"), "2026.11.28.jpg"),
            ("picture ", Some("image/png"), "picture.png"),
            ("a.b c", Some("text/plain"), "a.b c.txt"),
            ("", Some("video/mp4"), "file.mp4"),
            ("report.pdf", Some("audio/ogg"), "report.pdf"),
            ("archive.7z", Some("text/plain"), "archive.7z"),
            ("Makefile", Some("application/octet-stream"), "Makefile"),
            ("Makefile", Some("no/such type"), "Makefile"),
            ("Makefile", None, "Makefile"),
        ] {
            assert_eq!(with_ending(name, mime), expected, "{name:?} {mime:?}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_ending() {
        let long = safe(&format!("{}.tar.gz", "я".repeat(300)));
        assert!(
            long.len() <= LONGEST_NAME && long.ends_with("я.gz"),
            "{long}"
        );
        assert!(safe(&"x".repeat(300)).len() == LONGEST_NAME);
    }

    #[test]
    fn a_path_has_plain_steps_or_leads_outside() {
        assert_eq!(steps("a/./b//c.txt").unwrap(), ["a", "b", "c.txt"]);
        for outside in ["/etc/passwd", "..", "a/../../b", "a/..", "a\0b", "//x"] {
            assert!(
                matches!(steps(outside), Err(FilesError::Outside)),
                "{outside:?}"
            );
        }
        for nothing in ["", ".", "./"] {
            assert!(
                matches!(steps(nothing), Err(FilesError::NotAFile)),
                "{nothing:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn whatever_a_file_is_called_its_name_is_one_safe_step(name in "\\PC{0,300}") {
            let safe = safe(&name);
            prop_assert!(!safe.is_empty() && safe.len() <= LONGEST_NAME);
            prop_assert_eq!(steps(&safe).unwrap(), vec![safe.as_str()]);
            prop_assert!(!safe.starts_with(['.', '-']));
        }

        #[test]
        fn what_is_shown_is_one_line(name in any::<String>()) {
            let shown = shown(&name);
            prop_assert!(!shown.is_empty() && shown.chars().count() <= LONGEST_SHOWN);
            prop_assert!(!shown.chars().any(char::is_control));
        }
    }
}
