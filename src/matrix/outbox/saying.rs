//! What no message asked for, and what is still to be said once: the welcome, the pointer.

use matrix_sdk::ruma::{OwnedEventId, RoomId};
use serde_json::{Value, json};

use super::{DRAFT_PART, Outbox, OutboxError, new_message};
use crate::{
    core::message::Reply,
    matrix::{content, history::LookBack, intake::is_arrival_of, marker::SAYS_KEY},
};

/// The one part that it has.
const WHOLE: u32 = DRAFT_PART + 1;

/// Something that is said once in a room, from the bot's arrival there to its departure.
#[derive(Clone, Copy, Debug)]
pub struct Saying<'a> {
    /// What kind of thing it is, as it stands in the event.
    pub kind: &'static str,
    /// Tells it from all others of its kind.
    pub occasion: &'a str,
    /// Where.
    pub room: &'a RoomId,
}

impl Saying<'_> {
    fn name(&self) -> String {
        format!("{}:{}", self.kind, self.occasion)
    }
}

impl Outbox {
    /// Says it, unless the room shows that it was said: by another device, or before all memory was lost. The event;
    /// `None` where the server will never have it.
    pub async fn say(
        &self,
        saying: Saying<'_>,
        reply: &Reply,
    ) -> Result<Option<OwnedEventId>, OutboxError> {
        let name = saying.name();
        let mut content = content::message(reply);
        content[SAYS_KEY] = json!(saying.kind);
        let message = new_message(&name, WHOLE, content);
        self.store.freeze(&name, saying.room, vec![message]).await?;
        if let Some(event) = self.said_before(saying).await? {
            self.store.sent(&name, WHOLE, &event).await?;
        }
        self.deliver(&name).await?;
        let frozen = self.store.frozen(&name).await?;
        Ok(frozen.into_iter().find_map(|message| message.event_id))
    }

    /// The bot's cursor is behind the event, or there is none: nothing need be remembered.
    pub async fn was_said(
        &self,
        saying: Saying<'_>,
        event: Option<&OwnedEventId>,
    ) -> Result<(), OutboxError> {
        let event = event.map(|event| &**event);
        Ok(self.store.said(&saying.name(), saying.room, event).await?)
    }

    async fn said_before(&self, saying: Saying<'_>) -> Result<Option<OwnedEventId>, OutboxError> {
        let bot = self.client.user_id();
        let mut history = LookBack::over(&*self.client, saying.room);
        while let Some(page) = history
            .page_where_present()
            .await
            .map_err(OutboxError::Interrupted)?
        {
            for item in &page {
                let says = item.content.get(SAYS_KEY).and_then(Value::as_str);
                if item.sender == bot && says == Some(saying.kind) {
                    return Ok(Some(item.event_id.clone()));
                }
                if is_arrival_of(bot, item) {
                    return Ok(None);
                }
            }
        }
        Ok(None)
    }
}
