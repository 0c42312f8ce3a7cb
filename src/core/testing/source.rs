//! A source of files whose address is the content.

use async_trait::async_trait;

use crate::core::files::{Deposit, FetchError, FileSource};

/// `gone` is nowhere to be had, and during `ending` the process ends.
pub(super) struct FakeSource;

#[async_trait]
impl FileSource for FakeSource {
    async fn fetch(&self, source: &str, into: &mut dyn Deposit) -> Result<(), FetchError> {
        match source {
            "gone" => Err(FetchError::Gone("scripted secret".to_owned())),
            "ending" => Err(FetchError::ShuttingDown),
            content => Ok(into.write(content.as_bytes()).await?),
        }
    }
}
