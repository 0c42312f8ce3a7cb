//! Whether the database can be opened and read, beside a daemon that uses it.

use std::path::Path;

use async_trait::async_trait;

use super::{StoreProbe, Trouble};
use crate::matrix::store::{Store, StoreError};

/// Opens the database for reading, as it is.
pub struct ReadingProbe;

#[async_trait]
impl StoreProbe for ReadingProbe {
    async fn probe(&self, path: &Path) -> Result<String, Trouble> {
        let path = path.to_owned();
        let opened = tokio::task::spawn_blocking({
            let path = path.clone();
            move || Store::open_for_reading(&path)
        })
        .await
        .unwrap_or(Err(StoreError::Cancelled));
        let store = match opened {
            Ok(Some(store)) => store,
            Ok(None) => {
                return Ok(format!(
                    "{} is not there yet: it is made at the first start",
                    path.display()
                ));
            }
            Err(error @ StoreError::TooNew { .. }) => {
                return Err(Trouble::new(
                    error.to_string(),
                    "nothing was changed: run the program that wrote it, or move the file away",
                ));
            }
            Err(error) => {
                return Err(Trouble::new(
                    error.to_string(),
                    "a corrupt file is moved aside and rebuilt at the next start; check the rights otherwise",
                ));
            }
        };
        match store.rows().await {
            Ok(rows) => Ok(format!(
                "{} users, {} rooms, {} chats",
                rows.users.len(),
                rows.rooms.len(),
                rows.chats.len()
            )),
            Err(error) => Err(Trouble::new(
                error.to_string(),
                "move the file away: the next start rebuilds it",
            )),
        }
    }
}
