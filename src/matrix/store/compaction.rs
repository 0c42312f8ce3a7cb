//! Keeps the journal small: of what is finished with, only a hash of the event's id stays for ever.

use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};

use super::{Store, StoreError};

/// Finished events of each room that stay in the journal as they are: a gap ends at one of them.
const KEPT_PER_ROOM: u32 = 200;
/// Rows taken out in one transaction, so that nobody waits for long.
const AT_ONCE: u32 = 2_000;

impl Store {
    /// Takes older finished events out of the journal. Tells how many; there may be more.
    pub async fn compact(&self) -> Result<usize, StoreError> {
        self.compact_to(KEPT_PER_ROOM).await
    }

    /// The same, with so many left in each room. Events of which only the answer was seen stay: they are no sign that
    /// the journal knows that stretch of the room.
    pub(super) async fn compact_to(&self, kept: u32) -> Result<usize, StoreError> {
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            let old: Vec<(i64, String)> = transaction
                .prepare_cached(
                    "SELECT seq, event_id FROM (
                         SELECT seq, event_id, row_number() OVER (PARTITION BY room_id ORDER BY seq DESC) AS age
                         FROM journal WHERE state = 'done' AND sender <> ''
                     ) WHERE age > ?1 LIMIT ?2",
                )?
                .query_map(params![kept, AT_ONCE], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            {
                let mut keep =
                    transaction.prepare_cached("INSERT OR IGNORE INTO handled (hash) VALUES (?1)")?;
                let mut remove = transaction.prepare_cached("DELETE FROM journal WHERE seq = ?1")?;
                for (seq, event) in &old {
                    keep.execute([hash(event)])?;
                    remove.execute([seq])?;
                }
            }
            transaction.commit()?;
            Ok(old.len())
        })
        .await
    }
}

/// Whether the event was finished with long ago.
pub(super) fn was_handled(connection: &Connection, event: &str) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM handled WHERE hash = ?1")?
        .exists([hash(event)])?)
}

fn hash(event: &str) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&Sha256::digest(event.as_bytes())[..16]);
    half
}
