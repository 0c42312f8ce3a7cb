//! Numbered migrations, each a file that is never edited once released, each applied in one transaction.

use std::path::Path;

use rusqlite::Connection;

use super::StoreError;

const MIGRATIONS: [&str; 11] = [
    include_str!("migrations/0001_initial.sql"),
    include_str!("migrations/0002_dead_letters.sql"),
    include_str!("migrations/0003_model_memory.sql"),
    include_str!("migrations/0004_agent_sessions.sql"),
    include_str!("migrations/0005_questions.sql"),
    include_str!("migrations/0006_question_positions.sql"),
    include_str!("migrations/0007_refusals.sql"),
    include_str!("migrations/0008_attempts_and_parking.sql"),
    include_str!("migrations/0009_followers.sql"),
    include_str!("migrations/0010_owed_invites.sql"),
    include_str!("migrations/0011_left_rooms.sql"),
];

/// Refuses a version that a newer program wrote.
pub(super) fn check(found: u32, path: &Path) -> Result<(), StoreError> {
    let known = u32::try_from(MIGRATIONS.len()).expect("there are few migrations");
    if found > known {
        return Err(StoreError::TooNew {
            path: path.to_owned(),
            found,
            known,
        });
    }
    Ok(())
}

/// Brings the database to the newest version; refuses one that is newer.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    check(found, path)?;
    for (version, script) in (1..).zip(MIGRATIONS).skip(found as usize) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(script)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}
