//! Moments at which a crash is worth a test, each with a name.
//!
//! Without the cargo feature `boundaries`, which is for tests alone, [`reached`] is nothing. With it, the process kills
//! itself at the passage that `SURFACES_TEST_DIE_AT` names.

#[cfg(feature = "boundaries")]
mod armed;

#[cfg(feature = "boundaries")]
pub use self::armed::{DIE_AT, arm, watch};

/// Makes the enum, the list of all its values, and their names, so that none of the three lacks one.
macro_rules! boundaries {
    ($($(#[$meaning:meta])* $variant:ident = $name:literal,)*) => {
        /// A moment, named.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Boundary {
            $($(#[$meaning])* $variant,)*
        }

        impl Boundary {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// As tests name it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

boundaries! {
    /// The session is saved in the store folder.
    SessionSaved = "session-saved",
    /// A sync response is there, and nothing of it is kept.
    SyncReceived = "sync-received",
    /// Its events and its position are kept, and nobody was woken.
    SyncCommitted = "sync-committed",
    /// A page of a gap is there, and nothing of it is kept.
    GapPageFetched = "gap-page-fetched",
    /// It is kept.
    GapPageCommitted = "gap-page-committed",
    /// Reconcile has written markers and links, and no rows.
    ReconcileWritten = "reconcile-written",
    /// Reconcile is done.
    ReconcileApplied = "reconcile-applied",
    /// An invitation is accepted, and nothing is made.
    InviteJoined = "invite-joined",
    /// A room's wish is recorded, and `createRoom` is about to be asked for.
    RoomRequested = "room-requested",
    /// The room is made, and its id is not recorded.
    RoomMade = "room-made",
    /// Its id is recorded.
    RoomRecorded = "room-recorded",
    /// The room stands in the Space, and its chat has no row.
    ChatLinked = "chat-linked",
    /// The pointer is in the entry room, and no cursor behind it.
    PointerSent = "pointer-sent",
    /// An attempt to handle an event is counted.
    AttemptBegun = "attempt-begun",
    /// A message is about to be given to a command or an agent.
    BeforeAgent = "before-agent",
    /// The answer is complete, and nothing of it is frozen.
    AfterAgent = "after-agent",
    /// A command has changed the server, and no row.
    MarkerWritten = "marker-written",
    /// The first draft is frozen, and not sent.
    DraftFrozen = "draft-frozen",
    /// It is on the server, and its row does not say so.
    DraftSent = "draft-sent",
    /// An edit of a draft is on the server, and others follow.
    BetweenEdits = "between-edits",
    /// The whole answer is frozen, and nothing of it is sent.
    AnswerFrozen = "answer-frozen",
    /// A frozen message is about to be sent.
    BeforeFinalSend = "before-final-send",
    /// It is on the server, and its row does not say so.
    AfterFinalSend = "after-final-send",
    /// Its row says so.
    FinalMarked = "final-marked",
    /// The answer is on the server, and the cursor is about to move.
    BeforeReadMarker = "before-read-marker",
    /// The cursor has moved on the server.
    AfterReadMarker = "after-read-marker",
    /// It has moved here too.
    CursorSet = "cursor-set",
    /// The event is finished with.
    EventFinished = "event-finished",
}

/// The moment has come.
#[cfg(not(feature = "boundaries"))]
pub const fn reached(_: Boundary) {}

/// The moment has come: whoever watches is told, and the process dies here if it was told to.
#[cfg(feature = "boundaries")]
pub fn reached(boundary: Boundary) {
    armed::reached(boundary);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_boundary_has_a_name_of_its_own_in_kebab_case() {
        let names: BTreeSet<&str> = Boundary::ALL.iter().map(|at| at.name()).collect();
        assert_eq!(names.len(), Boundary::ALL.len());
        for name in names {
            assert!(
                name.chars()
                    .all(|letter| letter.is_ascii_lowercase() || letter == '-'),
                "{name}"
            );
        }
    }
}
