//! A bounded look back through a room: its newest events first, page by page.

use matrix_sdk::ruma::RoomId;

use crate::matrix::{
    batch::TimelineItem,
    client::{MatrixClient, MatrixError},
};

/// Of a hundred events each; what is further back happened long before.
const MOST_PAGES: u32 = 20;

/// One look. It ends at the room's beginning, after two thousand events, or when nobody asks for a further page.
pub struct LookBack<'a> {
    client: &'a dyn MatrixClient,
    room: &'a RoomId,
    from: Option<String>,
    pages_left: u32,
}

impl<'a> LookBack<'a> {
    /// Nothing is fetched yet. `client` should be patient.
    pub fn over(client: &'a dyn MatrixClient, room: &'a RoomId) -> Self {
        Self {
            client,
            room,
            from: None,
            pages_left: MOST_PAGES,
        }
    }

    /// The next older page, newest event first; `None` where the look has ended.
    pub async fn page(&mut self) -> Result<Option<Vec<TimelineItem>>, MatrixError> {
        if self.pages_left == 0 {
            return Ok(None);
        }
        let (page, further) = self
            .client
            .messages_before(self.room, self.from.as_deref())
            .await?;
        self.pages_left = further.as_ref().map_or(0, |_| self.pages_left - 1);
        self.from = further;
        Ok(Some(page))
    }

    /// The same. A room that the bot is not in any more has no pages: nothing will be said there either.
    pub async fn page_where_present(&mut self) -> Result<Option<Vec<TimelineItem>>, MatrixError> {
        match self.page().await {
            Err(MatrixError::Refused { .. }) => Ok(None),
            found => found,
        }
    }
}
