//! Answers that are longer than one event may be. The server counts an event as it is serialized.

use std::{sync::Arc, time::Duration};

use surfaces_bot::{core::ids::AgentId, platform::mock::MockAgent};

use crate::support::World;

/// Texts of which the rendered form is many times as long as they are.
fn texts() -> [(&'static str, String); 3] {
    let table = format!("|a|b|c|\n|-|-|-|\n{}", "|1|2|3|\n".repeat(1500));
    [
        ("bullets of short code", "- `x`\n".repeat(2500)),
        ("a compact table", table),
        ("quotation marks", "\"\"\"\"\"\"\"\"\n".repeat(1500)),
    ]
}

/// What is seen of the text, whatever the marks around it became.
fn letters(text: &str) -> String {
    text.chars()
        .filter(|letter| !letter.is_whitespace())
        .collect()
}

fn arrives_whole(pause: Duration) {
    for (name, text) in texts() {
        let mut world = World::new();
        let agent = MockAgent::new(AgentId::new("assistant")).with_pause(pause);
        world.settings.agents = vec![("assistant", Arc::new(agent))];
        world.start();
        let alice = world.welcomes("@alice:hs");
        let question = alice.says(&alice.chat, &text);
        world.until(name, |server| server.is_done_with(&alice.chat, &question));
        world.settles();
        let answers = world
            .matrix
            .see(|server| server.answers_to(&alice.chat, &question));
        let said: String = answers.iter().map(|answer| answer.body.as_str()).collect();
        assert!(
            answers.len() > 1 && answers.iter().all(|answer| !answer.is_draft),
            "{name}"
        );
        assert!(
            letters(&said).ends_with(&letters(&text)),
            "{name}: {} messages",
            answers.len()
        );
        let dead = world.with_store(|store| async move { store.dead_letters().await.unwrap() });
        assert_eq!((dead.answers, dead.events), (0, 0), "{name}");
    }
}

#[test]
fn an_answer_that_is_there_at_once_arrives_whole() {
    arrives_whole(Duration::ZERO);
}

#[test]
fn an_answer_that_grows_in_front_of_the_user_arrives_whole() {
    arrives_whole(Duration::from_millis(20));
}
