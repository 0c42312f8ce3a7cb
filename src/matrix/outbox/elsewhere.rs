//! Messages of which it is not known whether the server has them: the room itself is asked. Those frozen for another
//! device, whose transaction ids no longer count; and those that are not to be sent once more.

use matrix_sdk::ruma::RoomId;
use serde_json::Value;

use super::{DRAFT_PART, Outbox, OutboxError, is_answer};
use crate::matrix::{
    batch::TimelineItem,
    history::LookBack,
    marker::{ANSWERS_KEY, DRAFT_KEY, PART_KEY},
};

impl Outbox {
    /// To be called before anything frozen for `question` is sent: finds what an earlier device sent of it.
    pub async fn recall(&self, question: &str, room: &RoomId) -> Result<(), OutboxError> {
        if !self.store.is_open_elsewhere(question).await? {
            return Ok(());
        }
        tracing::info!(event.id = %question, room.id = %room, "the device has changed: looking in {room} for what was sent of this answer");
        self.look_back(question, room).await?;
        Ok(self.store.adopt(question).await?)
    }

    /// Whether the server has every message that was frozen as the answer to `question`, by its own account.
    pub async fn is_on_the_server(
        &self,
        question: &str,
        room: &RoomId,
    ) -> Result<bool, OutboxError> {
        if !self.is_frozen(question).await? {
            return Ok(false);
        }
        self.look_back(question, room).await?;
        let frozen = self.store.frozen(question).await?;
        let mut answer = frozen.iter().filter(|message| is_answer(message.part));
        Ok(answer.all(|message| message.event_id.is_some()))
    }

    /// Finds the messages that answer `question` in the room's newest history.
    async fn look_back(&self, question: &str, room: &RoomId) -> Result<(), OutboxError> {
        let mut history = LookBack::over(&*self.client, room);
        while let Some(page) = history
            .page_where_present()
            .await
            .map_err(OutboxError::Interrupted)?
        {
            for item in &page {
                if let Some(part) = self.part_of(question, item) {
                    self.store.sent(question, part, &item.event_id).await?;
                }
            }
            if page.iter().any(|item| item.event_id.as_str() == question) {
                break;
            }
        }
        Ok(())
    }

    /// Which of the messages that answer `question` this event is, if it is one.
    fn part_of(&self, question: &str, item: &TimelineItem) -> Option<u32> {
        let text = |key: &str| item.content.get(key).and_then(Value::as_str);
        if item.sender != self.client.user_id() || text(ANSWERS_KEY) != Some(question) {
            return None;
        }
        if let Some(part) = item.content.get(PART_KEY).and_then(Value::as_u64) {
            return u32::try_from(part).ok();
        }
        let is_first_draft =
            item.content.get(DRAFT_KEY).is_some() && item.content.get("m.new_content").is_none();
        is_first_draft.then_some(DRAFT_PART)
    }
}
