//! One message can be followed through the log by its event id, and its words are nowhere in it.

use crate::support::World;

#[test]
fn a_message_is_followed_from_the_sync_to_its_end_and_its_text_is_not_told() {
    let (mut world, alice) = World::with_alice();
    world.log.closely = true;
    let question = alice.says(&alice.chat, "sesame-open-up");
    world.until("the answer", |server| {
        server.is_done_with(&alice.chat, &question)
    });
    world.settles();
    let lines = world.log.lines_with(&format!("event.id={question}"));
    let mut rest = lines.iter();
    for step in ["received", "taken up", "sent", "finished with", "answered"] {
        assert!(
            rest.any(|line| line.contains(&format!(": {step} ")) && line.contains("room.id=")),
            "{step} is missing or out of place: {lines:#?}"
        );
    }
    assert_eq!(world.log.count("sesame"), 0);
}
