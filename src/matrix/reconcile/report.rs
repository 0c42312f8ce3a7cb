//! What a run found and changed, as a value with stable keys: for the log, for people and for scripts.

use std::fmt;

use matrix_sdk::ruma::OwnedRoomId;
use serde::{Serialize, Serializer};

/// An enum whose variants have a stable name in reports.
macro_rules! named {
    ($(#[$doc:meta])* $enum:ident { $($(#[$variant_doc:meta])* $variant:ident = $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $enum {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $enum {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name in reports. It never changes.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }

        impl fmt::Display for $enum {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.as_str())
            }
        }

        impl Serialize for $enum {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

named!(
    /// Why a joined room was left alone.
    SkipReason {
        /// The bot is making the room right now; whoever makes it finishes it.
        BeingMade = "being_made",
        /// Someone else made the room, and the bot was not invited as into an entry room.
        ForeignRoom = "foreign_room",
        /// Someone else's Space.
        ForeignSpace = "foreign_space",
        /// The room's type and the kind in its creation content contradict each other.
        KindContradiction = "kind_contradiction",
        /// A later version of the bot wrote here.
        NewerVersion = "newer_version",
        /// Nothing tells whose room it is.
        OwnerAmbiguous = "owner_ambiguous",
        /// A chat whose Space the bot is not in. With a marker its rows are kept right all the same; its links are not.
        SpaceMissing = "space_missing",
        /// The state could not be read in full.
        StateIncomplete = "state_incomplete",
        /// The bot made the room, but nothing on the server says that it is a chat.
        Unclassified = "unclassified",
    }
);

named!(
    /// What contradicts itself or was written by someone who may not. None of it binds anything.
    ConflictKind {
        /// Two rooms of one owner claim one chat id; this one gets another.
        ChatIdTaken = "chat_id_taken",
        /// Two rooms claim one context; this one gets another.
        ContextTaken = "context_taken",
        /// Someone else linked a child in a room of the bot, or a room of the bot as a child.
        ForgedChild = "forged_child",
        /// Someone else made a room that looks like one of the bot's.
        ForgedCreation = "forged_creation",
        /// Someone else wrote a marker.
        ForgedMarker = "forged_marker",
        /// Someone else named a parent in a room of the bot, or a room of the bot as a parent.
        ForgedParent = "forged_parent",
        /// The bot's own marker or creation content cannot be understood.
        MalformedMarker = "malformed_marker",
        /// Nothing tells whose room it is.
        OwnerAmbiguous = "owner_ambiguous",
        /// A marker names another owner than the creation content, which wins.
        OwnerMismatch = "owner_mismatch",
        /// A user has more than one Space; this one is not the oldest.
        SecondSpace = "second_space",
        /// A chat names a Space that is not its owner's, or hangs on the Spaces of several owners.
        SpaceMismatch = "space_mismatch",
        /// The server refused to let the bot write.
        WriteRefused = "write_refused",
    }
);

/// A room that was left alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Skipped {
    /// Which.
    pub room_id: OwnedRoomId,
    /// Why.
    pub reason: SkipReason,
}

/// A contradiction, or something forged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Conflict {
    /// Of which kind.
    pub kind: ConflictKind,
    /// Where.
    pub room_id: OwnedRoomId,
    /// For people: what exactly, without any of the disputed content.
    pub detail: String,
}

/// What a run found and changed, or what a check would change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// `full`, `single` or `check`.
    pub mode: &'static str,
    /// Rooms the bot is in.
    pub joined_rooms: usize,
    /// `matrix_user` rows that were missing.
    pub restored_user_meta: usize,
    /// `matrix_room` rows that were missing.
    pub restored_room_meta: usize,
    /// `chat` rows that were missing.
    pub restored_chat_rows: usize,
    /// `matrix_user` rows that were wrong.
    pub repaired_user_meta: usize,
    /// `matrix_room` rows that were wrong.
    pub repaired_room_meta: usize,
    /// `chat` rows that were wrong.
    pub repaired_chat_rows: usize,
    /// Chats whose context is derived from the room, as neither marker nor row named one.
    pub backfilled_platform_chat_ids: usize,
    /// Markers written.
    pub stamped_markers: usize,
    /// Links written or taken back.
    pub repaired_space_links: usize,
    /// Rooms newly marked as gone.
    pub gone_rooms: usize,
    /// Rooms left alone.
    pub skipped_rooms: Vec<Skipped>,
    /// Contradictions and forgeries.
    pub conflicts: Vec<Conflict>,
    /// How many rows and state events change. Zero: everything was right.
    pub drift: usize,
    /// How long it took.
    pub duration_ms: u64,
}

impl Report {
    fn figures(&self) -> [(&'static str, usize); 11] {
        [
            ("joined rooms", self.joined_rooms),
            ("restored user rows", self.restored_user_meta),
            ("restored room rows", self.restored_room_meta),
            ("restored chat rows", self.restored_chat_rows),
            ("repaired user rows", self.repaired_user_meta),
            ("repaired room rows", self.repaired_room_meta),
            ("repaired chat rows", self.repaired_chat_rows),
            ("backfilled contexts", self.backfilled_platform_chat_ids),
            ("stamped markers", self.stamped_markers),
            ("repaired Space links", self.repaired_space_links),
            ("rooms gone", self.gone_rooms),
        ]
    }

    /// Every figure under its key, for metrics.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        [
            ("joined_rooms", self.joined_rooms),
            ("restored_user_meta", self.restored_user_meta),
            ("restored_room_meta", self.restored_room_meta),
            ("restored_chat_rows", self.restored_chat_rows),
            ("repaired_user_meta", self.repaired_user_meta),
            ("repaired_room_meta", self.repaired_room_meta),
            ("repaired_chat_rows", self.repaired_chat_rows),
            (
                "backfilled_platform_chat_ids",
                self.backfilled_platform_chat_ids,
            ),
            ("stamped_markers", self.stamped_markers),
            ("repaired_space_links", self.repaired_space_links),
            ("gone_rooms", self.gone_rooms),
            ("skipped_rooms", self.skipped_rooms.len()),
            ("conflicts", self.conflicts.len()),
            ("drift", self.drift),
        ]
        .into_iter()
        .map(|(name, figure)| (name, u64::try_from(figure).unwrap_or(u64::MAX)))
    }

    /// One line with every figure, and one for each conflict.
    pub fn log(&self) {
        tracing::info!(
            mode = self.mode,
            joined_rooms = self.joined_rooms,
            restored_user_meta = self.restored_user_meta,
            restored_room_meta = self.restored_room_meta,
            restored_chat_rows = self.restored_chat_rows,
            repaired_user_meta = self.repaired_user_meta,
            repaired_room_meta = self.repaired_room_meta,
            repaired_chat_rows = self.repaired_chat_rows,
            backfilled_platform_chat_ids = self.backfilled_platform_chat_ids,
            stamped_markers = self.stamped_markers,
            repaired_space_links = self.repaired_space_links,
            gone_rooms = self.gone_rooms,
            skipped_rooms = self.skipped_rooms.len(),
            conflicts = self.conflicts.len(),
            drift = self.drift,
            duration_ms = self.duration_ms,
            "reconciled {} joined rooms",
            self.joined_rooms
        );
        for conflict in &self.conflicts {
            tracing::warn!(
                room.id = %conflict.room_id,
                conflict.kind = conflict.kind.as_str(),
                "{} in {}: {}",
                conflict.kind,
                conflict.room_id,
                conflict.detail
            );
        }
    }
}

/// The report for people: the verdict first, then every figure that is not zero, then rooms by name.
impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.drift, self.mode) {
            (0, _) => writeln!(formatter, "Everything agrees with the server.")?,
            (changes, "check") => writeln!(formatter, "{changes} changes would be made.")?,
            (changes, _) => writeln!(formatter, "{changes} changes were made.")?,
        }
        for (what, count) in self.figures() {
            if count > 0 {
                writeln!(formatter, "  {what:<22} {count:>6}")?;
            }
        }
        if !self.skipped_rooms.is_empty() {
            writeln!(formatter, "Rooms left alone:")?;
        }
        for skipped in &self.skipped_rooms {
            writeln!(formatter, "  {} {}", skipped.reason, skipped.room_id)?;
        }
        if !self.conflicts.is_empty() {
            writeln!(formatter, "Conflicts:")?;
        }
        for conflict in &self.conflicts {
            let Conflict {
                kind,
                room_id,
                detail,
            } = conflict;
            writeln!(formatter, "  {kind} {room_id}: {detail}")?;
        }
        write!(formatter, "Took {} ms.", self.duration_ms)
    }
}
