//! Why a command could not be carried out, and what becomes of it.

use std::time::Duration;

use crate::{
    core::{
        chat::{ChatRoomsError, ChatStoreError},
        files::FilesError,
    },
    text::Failure,
};

/// A command failed on the way. Nothing of the cause reaches a chat.
#[derive(Debug, thiserror::Error)]
pub enum CoreError {
    /// The process is ending; the message stays in the journal.
    #[error("shutting down")]
    ShuttingDown,
    /// Rows could not be read or written; the message is handled again later.
    #[error(transparent)]
    Store(#[from] ChatStoreError),
    /// The homeserver refused a change; the user is told.
    #[error("the homeserver refused a change")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The homeserver asks to wait. Whoever changes chats waits, without a lock, and tries again.
    #[error("the homeserver asks to wait")]
    Later(Option<Duration>),
    /// The workspace cannot be read or written; the user is told.
    #[error("the workspace failed")]
    Files(#[from] FilesError),
}

impl From<ChatRoomsError> for CoreError {
    fn from(error: ChatRoomsError) -> Self {
        match error {
            ChatRoomsError::ShuttingDown => Self::ShuttingDown,
            ChatRoomsError::Refused(cause) => Self::Refused(cause),
            ChatRoomsError::Later(wish) => Self::Later(wish),
            ChatRoomsError::Store(cause) => Self::Store(cause),
        }
    }
}

/// Why a message has no replies. It is not finished with.
#[derive(Debug, thiserror::Error)]
pub enum DispatchError {
    /// The process is ending: leave the message in the journal for the next start.
    #[error("shutting down")]
    ShuttingDown,
    /// Rows could not be read or written: dispatch the same message again later.
    #[error(transparent)]
    Store(#[from] ChatStoreError),
}

impl CoreError {
    /// What the user is told; an error where the message is to be handled again instead.
    pub fn told(self) -> Result<Failure, DispatchError> {
        match self {
            Self::ShuttingDown => Err(DispatchError::ShuttingDown),
            Self::Store(cause) => Err(DispatchError::Store(cause)),
            Self::Later(_) => Ok(Failure::Homeserver),
            Self::Refused(cause) => {
                tracing::warn!(error = %cause, "the homeserver refused a change");
                Ok(Failure::Homeserver)
            }
            Self::Files(cause) => {
                let error = &cause as &dyn std::error::Error;
                tracing::error!(error, "the workspace failed");
                Ok(Failure::Workspace)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_is_told_and_everything_else_is_tried_again() {
        let store = || ChatStoreError("disk full".into());
        let refused = ChatRoomsError::Refused("M_FORBIDDEN".into());
        assert_eq!(
            CoreError::from(refused).told().ok(),
            Some(Failure::Homeserver)
        );
        for error in [
            CoreError::Store(store()),
            ChatRoomsError::Store(store()).into(),
        ] {
            assert!(matches!(error.told(), Err(DispatchError::Store(_))));
        }
        let ending = CoreError::from(ChatRoomsError::ShuttingDown);
        assert!(matches!(ending.told(), Err(DispatchError::ShuttingDown)));
    }
}
