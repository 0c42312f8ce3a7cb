//! Which errors of SQLite say that a file is damaged.

use std::error::Error;

use rusqlite::{ErrorCode, ffi};

/// Whether the error, or one of its causes, says that a database file is damaged, and not that it could not be used.
pub fn is_damage(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let code = error
            .downcast_ref::<rusqlite::Error>()
            .and_then(rusqlite::Error::sqlite_error_code)
            // A wrapper may hand out the causes of an error and leave out the error.
            .or_else(|| error.downcast_ref::<ffi::Error>().map(|error| error.code));
        if let Some(code) = code {
            return matches!(code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase);
        }
        next = error.source();
    }
    false
}
