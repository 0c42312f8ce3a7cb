//! Stretches of timelines that syncs left out, and what is fetched into them.

use matrix_sdk::ruma::OwnedRoomId;
use rusqlite::params;

use super::{
    Store, StoreError, amendments, compaction,
    inherited::take_in_answers,
    journal::{Numbers, insert},
    questions,
};
use crate::matrix::intake::{Fate, PageIntake};

/// A stretch of a timeline that is still to be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Names it among the gaps of all rooms.
    pub id: i64,
    /// The room.
    pub room: OwnedRoomId,
    /// Where to go on, backwards.
    pub from_token: String,
    /// The event to stop at, where one is known.
    pub until: Option<String>,
    /// Pages fetched so far.
    pub pages: u32,
}

impl Store {
    /// All gaps, of each room the oldest first.
    pub async fn gaps(&self) -> Result<Vec<Gap>, StoreError> {
        self.call(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, room_id, from_token, until, pages FROM gap ORDER BY id",
            )?;
            let mut rows = statement.query([])?;
            let mut gaps = Vec::new();
            while let Some(row) = rows.next()? {
                let Ok(room) = OwnedRoomId::try_from(row.get::<_, String>(1)?) else {
                    continue;
                };
                gaps.push(Gap {
                    id: row.get(0)?,
                    room,
                    from_token: row.get(2)?,
                    until: row.get(3)?,
                    pages: row.get(4)?,
                });
            }
            Ok(gaps)
        })
        .await
    }

    /// Which of these events the journal has seen. One that it only knows to be answered does not count.
    pub async fn known(&self, events: Vec<String>) -> Result<Vec<bool>, StoreError> {
        self.call(move |connection| {
            let mut statement = connection
                .prepare_cached("SELECT 1 FROM journal WHERE event_id = ?1 AND sender <> ''")?;
            events
                .iter()
                .map(|event| {
                    Ok(statement.exists([event])? || compaction::was_handled(connection, event)?)
                })
                .collect()
        })
        .await
    }

    /// Commits one fetched page of a gap, and where to go on; `None` closes the gap.
    pub async fn fill_gap(
        &self,
        gap: &Gap,
        page: PageIntake,
        next_token: Option<String>,
    ) -> Result<(), StoreError> {
        let (id, room) = (gap.id, gap.room.to_string());
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            let mut seq: i64 =
                transaction.query_row("SELECT before_seq FROM gap WHERE id = ?1", [id], |row| row.get(0))?;
            let mut numbers = Numbers::read(&transaction)?;
            take_in_answers(&transaction, &room, &page.answered, &page.drafts, &mut numbers)?;
            numbers.write(&transaction)?;
            let after = seq;
            questions::take_in(&transaction, &room, &page.questions, |events| after - events - 1)?;
            for redaction in &page.redacted {
                amendments::redact(&transaction, &room, redaction)?;
            }
            for edit in &page.edits {
                amendments::hold_older(&transaction, &room, edit)?;
            }
            for item in &page.events {
                seq -= 1;
                insert(&transaction, seq, &room, item, Fate::Pending, None)?;
                amendments::apply_held(&transaction, &room, &item.event_id)?;
            }
            match next_token {
                Some(token) => transaction.execute(
                    "UPDATE gap SET from_token = ?2, before_seq = ?3, pages = pages + 1 WHERE id = ?1",
                    params![id, token, seq],
                )?,
                None => transaction.execute("DELETE FROM gap WHERE id = ?1", [id])?,
            };
            amendments::release_held(&transaction, &room)?;
            Ok(transaction.commit()?)
        })
        .await
    }
}
