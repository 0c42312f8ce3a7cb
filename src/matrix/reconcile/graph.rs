//! Which Space a room belongs to, by the links alone.
//!
//! Knows only ids: who wrote the links was checked before, and what the rooms are for is decided after. Spaces may link
//! each other in circles and rooms may name parents that do not exist; a Space is never inside another one here.

use std::collections::{BTreeMap, BTreeSet};

use matrix_sdk::ruma::RoomId;

/// How firmly a room hangs on a Space; the firmest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tie {
    /// The Space names the room, and the room the Space.
    Mutual,
    /// Only the Space names the room.
    Child,
    /// Only the room names the Space.
    Parent,
}

/// The links between Spaces and rooms, both ways.
#[derive(Clone, Debug, Default)]
pub struct Graph<'a> {
    spaces: BTreeSet<&'a RoomId>,
    linked_from: BTreeMap<&'a RoomId, BTreeSet<&'a RoomId>>,
    parents: BTreeMap<&'a RoomId, BTreeSet<&'a RoomId>>,
}

impl<'a> Graph<'a> {
    /// Adds a Space and the rooms it names as children.
    pub fn add_space(&mut self, space: &'a RoomId, children: impl Iterator<Item = &'a RoomId>) {
        self.spaces.insert(space);
        for child in children {
            self.linked_from.entry(child).or_default().insert(space);
        }
    }

    /// Adds a room and the Spaces it names as parents.
    pub fn add_room(&mut self, room: &'a RoomId, parents: impl Iterator<Item = &'a RoomId>) {
        self.parents.entry(room).or_default().extend(parents);
    }

    /// Whether the Space names the room as a child.
    pub fn links(&self, space: &RoomId, room: &RoomId) -> bool {
        self.linked_from
            .get(room)
            .is_some_and(|spaces| spaces.contains(space))
    }

    /// The Spaces that name the room as a child.
    pub fn linked_from(&self, room: &RoomId) -> impl Iterator<Item = &'a RoomId> + use<'_, 'a> {
        self.linked_from.get(room).into_iter().flatten().copied()
    }

    /// The Spaces that the room hangs on. Empty for a Space.
    pub fn homes(&self, room: &RoomId) -> BTreeSet<(Tie, &'a RoomId)> {
        if self.spaces.contains(room) {
            return BTreeSet::new();
        }
        let named = self.parents.get(room);
        let by_parent = named
            .into_iter()
            .flatten()
            .copied()
            .filter(|space| self.spaces.contains(space) && !self.links(space, room))
            .map(|space| (Tie::Parent, space));
        self.linked_from(room)
            .map(|space| match named {
                Some(parents) if parents.contains(space) => (Tie::Mutual, space),
                _ => (Tie::Child, space),
            })
            .chain(by_parent)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use matrix_sdk::ruma::{RoomId, room_id};

    use super::{Graph, Tie};

    fn homes<'a>(graph: &Graph<'a>, room: &RoomId) -> Vec<(Tie, &'a RoomId)> {
        graph.homes(room).into_iter().collect()
    }

    #[test]
    fn a_room_named_both_ways_hangs_firmest() {
        let (a, b, c, room) = (
            room_id!("!a"),
            room_id!("!b"),
            room_id!("!c"),
            room_id!("!r"),
        );
        let mut graph = Graph::default();
        graph.add_space(a, std::iter::empty());
        graph.add_space(b, [room].into_iter());
        graph.add_space(c, [room].into_iter());
        graph.add_room(room, [a, c].into_iter());
        assert_eq!(
            homes(&graph, room),
            [(Tie::Mutual, c), (Tie::Child, b), (Tie::Parent, a)]
        );
    }

    #[test]
    fn spaces_in_a_circle_are_inside_nothing() {
        let (a, b) = (room_id!("!a"), room_id!("!b"));
        let mut graph = Graph::default();
        graph.add_space(a, [b, a].into_iter());
        graph.add_space(b, [a].into_iter());
        graph.add_room(a, [b].into_iter());
        assert!(homes(&graph, a).is_empty());
        assert!(homes(&graph, b).is_empty());
        assert!(graph.links(a, a), "the link itself is still seen");
    }

    #[test]
    fn a_parent_that_is_no_space_is_no_home() {
        let (room, other) = (room_id!("!r"), room_id!("!o"));
        let mut graph = Graph::default();
        graph.add_room(room, [other].into_iter());
        graph.add_room(other, [room].into_iter());
        assert!(homes(&graph, room).is_empty());
    }

    #[test]
    fn an_orphan_has_no_home() {
        let graph = Graph::default();
        assert!(homes(&graph, room_id!("!r")).is_empty());
        assert_eq!(graph.linked_from(room_id!("!r")).count(), 0);
    }

    #[test]
    fn every_space_that_links_a_room_is_known() {
        let (a, b, room) = (room_id!("!a"), room_id!("!b"), room_id!("!r"));
        let mut graph = Graph::default();
        graph.add_space(b, [room].into_iter());
        graph.add_space(a, [room].into_iter());
        assert_eq!(graph.linked_from(room).collect::<Vec<_>>(), [a, b]);
        assert!(graph.links(a, room) && !graph.links(a, b));
    }
}
