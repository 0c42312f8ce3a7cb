//! Why an event stays in the journal.

use crate::{
    core::dispatch::DispatchError,
    matrix::{
        client::MatrixError, outbox::OutboxError, reconcile::ReconcileError, store::StoreError,
    },
};

/// Why an event is not finished with.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unfinished {
    #[error("shutting down")]
    ShuttingDown,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Dispatch(DispatchError),
    #[error(transparent)]
    Reconcile(ReconcileError),
    #[error(transparent)]
    Matrix(MatrixError),
}

impl Unfinished {
    /// Whether the event itself had no part in it: the process is ending, or the session is being renewed.
    pub(super) const fn is_nobodys_fault(&self) -> bool {
        matches!(
            self,
            Self::ShuttingDown | Self::Matrix(MatrixError::UnknownToken { .. })
        )
    }
}

impl From<OutboxError> for Unfinished {
    fn from(error: OutboxError) -> Self {
        match error {
            OutboxError::Interrupted(error) => error.into(),
            OutboxError::Store(error) => Self::Store(error),
        }
    }
}

impl From<MatrixError> for Unfinished {
    fn from(error: MatrixError) -> Self {
        match error {
            MatrixError::ShuttingDown => Self::ShuttingDown,
            other => Self::Matrix(other),
        }
    }
}

impl From<DispatchError> for Unfinished {
    fn from(error: DispatchError) -> Self {
        match error {
            DispatchError::ShuttingDown => Self::ShuttingDown,
            error @ DispatchError::Store(_) => Self::Dispatch(error),
        }
    }
}
