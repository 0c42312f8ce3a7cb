//! What a database file says of itself, read without SQLite.
//!
//! Opening a file with SQLite can change it: a log is written back, a journal rolled back, files appear beside it. A
//! file that a newer program wrote must stay as it is to the last byte, so its version is read here first. It stands in
//! the first page, and the newest first page may still be in the write-ahead log.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    path::Path,
};

use super::with_suffix;

/// What is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// No file, or an empty one: SQLite makes a database of it.
    Nothing,
    /// Something that is no SQLite database.
    Other,
    /// A database with this `user_version`.
    Version(u32),
}

/// The beginning of every SQLite database.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Length of the header in the first page.
const HEADER: usize = 100;
/// Where `user_version` stands in the first page.
const USER_VERSION: usize = 60;

/// Length of the header of a write-ahead log.
const LOG_HEADER: usize = 32;
/// Length of the header of each frame in it.
const FRAME_HEADER: usize = 24;
/// The first word of a write-ahead log. Its lowest bit says that checksums are over big-endian words.
const LOG_MAGIC: u32 = 0x377f_0682;

/// Looks at the file. Fails only where it cannot be read.
pub(super) fn look(path: &Path) -> io::Result<Found> {
    let mut header = Vec::with_capacity(HEADER);
    match File::open(path) {
        Ok(file) => file.take(HEADER as u64).read_to_end(&mut header)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(error),
    };
    if header.is_empty() {
        return Ok(Found::Nothing);
    }
    if header.len() < HEADER || !header.starts_with(MAGIC) {
        return Ok(Found::Other);
    }
    let version = match File::open(with_suffix(path, "-wal")) {
        Ok(log) => version_in_log(&mut BufReader::new(log))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    Ok(Found::Version(
        version.unwrap_or_else(|| word(&header, USER_VERSION)),
    ))
}

/// The version in the last first page that the log holds as committed. What SQLite would not read back is not read
/// here: frames of an earlier log, frames that were cut off, frames behind the last commit.
fn version_in_log(log: &mut impl Read) -> io::Result<Option<u32>> {
    let mut header = [0; LOG_HEADER];
    if !filled(log, &mut header)? || word(&header, 0) & !1 != LOG_MAGIC {
        return Ok(None);
    }
    let mut sum = Checksum {
        is_big_endian: word(&header, 0) & 1 == 1,
        halves: (0, 0),
    };
    sum.add(&header[..24]);
    let page_size = word(&header, 8) as usize;
    let is_possible = page_size.is_power_of_two() && (512..=65_536).contains(&page_size);
    if !is_possible || !sum.is(&header[24..]) {
        return Ok(None);
    }
    let salts = &header[16..24];
    let (mut frame, mut page) = ([0; FRAME_HEADER], vec![0; page_size]);
    let (mut newest, mut committed) = (None, None);
    while filled(log, &mut frame)? && filled(log, &mut page)? {
        sum.add(&frame[..8]);
        sum.add(&page);
        if &frame[8..16] != salts || !sum.is(&frame[16..]) {
            break;
        }
        if word(&frame, 0) == 1 {
            newest = Some(word(&page, USER_VERSION));
        }
        let is_commit = word(&frame, 4) != 0;
        if is_commit {
            committed = newest;
        }
    }
    Ok(committed)
}

/// Reads as much as the buffer holds; `false` where the file ends before.
fn filled(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_be_bytes(word)
}

/// SQLite's checksum over the log so far, from the first frame on.
struct Checksum {
    is_big_endian: bool,
    halves: (u32, u32),
}

impl Checksum {
    fn add(&mut self, bytes: &[u8]) {
        for pair in bytes.chunks_exact(8) {
            let (first, second) = (word(pair, 0), word(pair, 4));
            let (first, second) = if self.is_big_endian {
                (first, second)
            } else {
                (first.swap_bytes(), second.swap_bytes())
            };
            let (one, two) = self.halves;
            let one = one.wrapping_add(first).wrapping_add(two);
            self.halves = (one, two.wrapping_add(second).wrapping_add(one));
        }
    }

    fn is(&self, stored: &[u8]) -> bool {
        self.halves == (word(stored, 0), word(stored, 4))
    }
}
