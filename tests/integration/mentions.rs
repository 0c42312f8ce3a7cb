//! Commands behind the bot's name, as people and clients write it.

use serde_json::{Value, json};

use crate::support::{Resident, World};

/// Alice at home, with a bot whose profile has a name.
fn with_a_named_bot(name: &str) -> (World, Resident) {
    let world = World::running();
    world.person("@bot:hs").sets_display_name(name);
    let alice = world.welcomes("@alice:hs");
    (world, alice)
}

fn answer_to(world: &World, alice: &Resident, content: Value) -> String {
    let event = alice.sends(&alice.chat, content);
    world.until("the answer", |server| {
        server.is_done_with(&alice.chat, &event)
    });
    world.matrix.answer_to(&alice.chat, &event)
}

#[test]
fn a_command_behind_the_display_name_is_a_command() {
    let (world, alice) = with_a_named_bot("Bot of Ada");
    for text in [
        "Bot of Ada: !chats",
        "bot of ada, !chats",
        "Bot of Ada !chats",
        "@Bot of Ada: !chats",
        "bot: !chats",
        "@bot:hs !chats",
    ] {
        let answer = world.ask(&alice, &alice.chat, text);
        assert!(answer.starts_with("Your chats:"), "{text}: {answer}");
    }
    let answer = world.ask(&alice, &alice.chat, "Bot of Ada: what is up?");
    assert!(answer.ends_with("): Bot of Ada: what is up?"), "{answer}");
}

#[test]
fn the_bot_is_called_what_it_is_called_in_the_room_now() {
    let (world, alice) = with_a_named_bot("Lambda");
    world.person("@bot:hs").sets_display_name("Surfaces Bot");
    let answer = world.ask(&alice, &alice.chat, "Surfaces Bot: !chats");
    assert!(answer.starts_with("Your chats:"), "{answer}");
    let answer = world.ask(&alice, &alice.chat, "Lambda: !chats");
    assert!(answer.ends_with("): Lambda: !chats"), "{answer}");
}

#[test]
fn a_pill_in_front_of_a_command_is_a_mention_whatever_it_shows() {
    let (world, alice) = with_a_named_bot("Lambda");
    let pill = |body: &str, html: &str| {
        json!({"msgtype": "m.text", "body": body, "format": "org.matrix.custom.html",
               "formatted_body": html, "m.mentions": {"user_ids": ["@bot:hs"]}})
    };
    for (body, html) in [
        (
            "Old <Name>: !chats",
            "<a href=\"https://matrix.to/#/@bot:hs\">Old &lt;Name&gt;</a>: !chats",
        ),
        (
            "Old Name !chats",
            "<p><a href='https://matrix.to/#/%40bot%3Ahs'>Old Name</a> !chats</p>",
        ),
    ] {
        let answer = answer_to(&world, &alice, pill(body, html));
        assert!(answer.starts_with("Your chats:"), "{body}: {answer}");
    }
    let other = "<a href=\"https://matrix.to/#/@carol:hs\">Carol</a>: !chats";
    let answer = answer_to(&world, &alice, pill("Carol: !chats", other));
    assert!(answer.ends_with("): Carol: !chats"), "{answer}");
}

#[test]
fn being_mentioned_makes_no_command_of_a_text() {
    let (world, alice) = with_a_named_bot("Lambda");
    let content = json!({"msgtype": "m.text", "body": "what does !chats do?",
                         "m.mentions": {"user_ids": ["@bot:hs"]}});
    let answer = answer_to(&world, &alice, content);
    assert!(answer.ends_with("): what does !chats do?"), "{answer}");
}
