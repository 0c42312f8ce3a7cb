//! What holds for every graph, however wild, and every table, however wrong.

mod worlds;

use proptest::{collection::vec, prelude::*};

use self::worlds::*;
use super::fixtures::{BOT, World, room};
use crate::matrix::{
    marker::{CHAT_MARKER, CREATION_KEY, SPACE_MARKER},
    reconcile::{changes::Why, plan::Recorded},
    state::StateEvent,
};

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_graph_with_any_rows_settles_in_one_run(mut world in any_world(), mut recorded in any_recorded()) {
        world.settle(&mut recorded);
    }

    #[test]
    fn no_plan_holds_anything_but_markers_and_links(world in any_world(), recorded in any_recorded()) {
        for write in world.plan(&recorded).writes {
            let expected = match write.why {
                Why::Stamp => [SPACE_MARKER, CHAT_MARKER],
                Why::Link | Why::Unlink => ["m.space.child", "m.space.parent"],
            };
            prop_assert!(expected.contains(&write.event_type));
            let state = &world.snapshot.rooms[&write.room_id];
            let creator = &state.get("m.room.create", "").unwrap().sender;
            prop_assert_eq!(creator.as_str(), BOT, "only in rooms of the bot");
        }
    }

    #[test]
    fn the_order_of_rows_changes_nothing(world in any_world(), recorded in any_recorded()) {
        let mut reversed = recorded.clone();
        reversed.rows.users.reverse();
        reversed.rows.rooms.reverse();
        reversed.rows.chats.reverse();
        prop_assert_eq!(world.plan(&recorded), world.plan(&reversed));
    }

    #[test]
    fn the_order_of_arrival_changes_nothing(world in any_world(), recorded in any_recorded()) {
        let mut reversed = World::default();
        for (id, state) in world.snapshot.rooms.iter().rev() {
            for event in state.events.values().rev() {
                reversed.state(id.as_str()).insert(event.clone());
            }
        }
        reversed.snapshot.incomplete.clone_from(&world.snapshot.incomplete);
        prop_assert_eq!(world.plan(&recorded), reversed.plan(&recorded));
    }

    #[test]
    fn what_others_wrote_binds_nothing(events in any_events()) {
        let is_genuine = |event: &StateEvent| {
            event.sender == BOT || !AUTHORED.contains(&event.event_type.as_str())
        };
        let forged = world_of(&events);
        let mut genuine = forged.clone();
        for state in genuine.snapshot.rooms.values_mut() {
            state.events.retain(|_, event| is_genuine(event));
            let create = state.events.get_mut(&("m.room.create".to_owned(), String::new()));
            if let Some(create) = create.filter(|create| create.sender != BOT)
                && let Some(content) = create.content.as_object_mut()
            {
                content.remove(CREATION_KEY);
            }
        }
        prop_assert_eq!(forged.rows(), genuine.rows());
    }

    #[test]
    fn no_two_chats_share_a_context_or_an_id(mut world in any_world(), mut recorded in any_recorded()) {
        world.settle(&mut recorded);
        let observed = &world.snapshot;
        let mut contexts = std::collections::BTreeSet::new();
        for row in recorded.rows.rooms.iter().filter(|row| row.room_type == "chat") {
            let id = room(&row.room_id);
            let is_marked = observed.rooms.get(&id).is_some_and(|state| state.get(CHAT_MARKER, "").is_some());
            let is_known = is_marked && !observed.incomplete.contains(&id) && !world_skips(&world, &recorded, &row.room_id);
            if is_known {
                prop_assert!(contexts.insert(row.platform_chat_id.clone()), "{row:?}");
                let chat = recorded.rows.chats.iter().find(|chat| {
                    chat.user_id == row.matrix_user_id && Some(&chat.chat_id) == row.chat_id.as_ref()
                });
                prop_assert_eq!(&chat.unwrap().surface_ref, &row.room_id);
            }
        }
    }

    #[test]
    fn falsified_rows_end_as_if_the_database_had_been_empty(
        world in healthy_world(),
        damages in vec(any_damage(), 0..4),
    ) {
        let expected = world.rows();
        let mut recorded = Recorded { rows: expected.clone(), ..Recorded::default() };
        for damage in damages {
            damage.done_to(&mut recorded.rows);
        }
        world.clone().settle(&mut recorded);
        // Numbers of rows that lost their room stay taken; here no row does.
        prop_assert_eq!(recorded.rows, expected);
    }
}

fn world_skips(world: &World, recorded: &Recorded, id: &str) -> bool {
    let skipped = world.plan(recorded).report.skipped_rooms;
    skipped.iter().any(|skipped| skipped.room_id == id)
}
