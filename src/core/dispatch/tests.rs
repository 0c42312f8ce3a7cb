use std::time::Duration;

use super::*;
use crate::core::{
    ids::{AgentId, RoomKey},
    message::ReplyKind,
    testing::{Fault, World, alice, chat, owner},
};

fn bob() -> UserKey {
    UserKey::new("@bob:hs")
}

fn entry(alone: bool) -> Place {
    let owner = alice();
    Place::Entry { owner, alone }
}

#[tokio::test]
async fn words_go_to_the_agent_and_its_answer_comes_back_while_it_grows() {
    let world = World::new();
    let said = world.say("hello, agent").await;
    let context = chat(1).context.short();
    assert_eq!(said, format!("Echo (context {context}): hello, agent"));
    let drafts = world.drafts.0.lock().unwrap().clone();
    assert!(drafts.len() > 1);
    assert!(drafts.iter().all(|draft| said.starts_with(draft.as_str())));
    assert!(drafts.is_sorted_by_key(String::len));
}

#[tokio::test]
async fn two_chats_never_share_a_context() {
    let world = World::new();
    let (first, second) = (world.say_in(1, "x").await, world.say_in(2, "x").await);
    assert_ne!(first, second);
    assert!(first.contains(&chat(1).context.short()));
    assert!(second.contains(&chat(2).context.short()));
}

#[tokio::test]
async fn the_agent_answers_and_the_bot_gives_notice() {
    let world = World::new();
    for (said, kind) in [("hello", ReplyKind::Answer), ("!help", ReplyKind::Notice)] {
        let place = Place::Chat(chat(1));
        let replies = world.dispatch(place, alice(), "$e", said).await.unwrap();
        assert_eq!(replies[0].kind, kind);
    }
}

#[tokio::test]
async fn a_command_behind_a_mention_is_a_command_and_words_behind_one_stay_whole() {
    let world = World::new();
    assert!(
        world
            .say("Surfaces-Bot: !help")
            .await
            .contains("`!new [name]`")
    );
    let said = world.say("surfaces-bot: what is up?").await;
    assert!(said.ends_with("): surfaces-bot: what is up?"), "{said}");
}

#[tokio::test]
async fn what_only_looks_like_a_command_goes_to_the_agent() {
    for said in ["!", "!!!wow", "! hello", "!1"] {
        let answer = World::new().say(said).await;
        assert!(answer.ends_with(&format!("): {said}")), "{answer}");
    }
}

#[tokio::test]
async fn an_unknown_command_is_answered_with_the_nearest_in_the_users_language() {
    let world = World::new();
    let help = "`!help` shows all commands.";
    for (said, expected) in [
        (
            "!chts",
            format!("There is no command !chts. Did you mean `!chats`? {help}"),
        ),
        ("!weather", format!("There is no command !weather. {help}")),
        ("!помощь", format!("There is no command !помощь. {help}")),
        (
            "!x**y**",
            format!("There is no command !x\\*\\*y\\*\\*. {help}"),
        ),
    ] {
        assert_eq!(world.say(said).await, expected);
    }
    let russian = World::new().speaking(Locale::Ru).say("!рудз").await;
    assert!(
        russian.starts_with("Команды !рудз нет. Может быть, `!help"),
        "{russian}"
    );
}

#[tokio::test]
async fn an_archived_chat_says_so_and_asks_no_agent() {
    let world = World::new().with_chat(&chat(1).archived());
    let said = world.say("hello").await;
    let expected = "This chat is archived and does not answer. `!unarchive C1` brings it back, `!new` opens another one.";
    assert_eq!(said, expected);
    assert_eq!(world.changes(), Vec::<String>::new());
}

#[tokio::test]
async fn words_in_the_entry_room_are_answered_with_the_way_to_the_chats() {
    let world = World::new();
    let said = world.say_at_the_door("hello").await;
    assert!(said.starts_with("This room is not a chat"), "{said}");
    assert!(said.contains("[C1 · Chat 1]"), "{said}");
    let said = World::new().empty().say_at_the_door("hello").await;
    assert!(said.contains("`!start`"), "{said}");
    assert_eq!(world.changes(), Vec::<String>::new());
}

#[tokio::test]
async fn among_other_people_only_known_commands_are_meant_for_the_bot() {
    let world = World::new();
    for (said, answered) in [
        ("hello", false),
        ("!weather", false),
        ("!help", true),
        ("!clear x", true),
    ] {
        let replies = world
            .dispatch(entry(false), alice(), "$e", said)
            .await
            .unwrap();
        assert_eq!(!replies.is_empty(), answered, "{said}");
    }
}

#[tokio::test]
async fn other_people_are_not_answered_in_a_chat_and_change_nothing() {
    let world = World::new();
    for said in ["hello", "!clear", "!archive C1", "!nonsense", "!rename"] {
        let place = Place::Chat(chat(1));
        assert_eq!(world.dispatch(place, bob(), "$e", said).await.unwrap(), []);
    }
    assert_eq!(world.changes(), Vec::<String>::new());
}

#[tokio::test]
async fn other_people_in_the_entry_room_learn_how_to_get_chats_of_their_own() {
    let world = World::new();
    let replies = world
        .dispatch(entry(false), bob(), "$e", "!new")
        .await
        .unwrap();
    assert!(
        replies[0]
            .markdown
            .starts_with("I work here for the person who invited me.")
    );
    assert_eq!(
        world
            .dispatch(entry(false), bob(), "$e", "hello")
            .await
            .unwrap(),
        []
    );
    assert_eq!(world.changes(), Vec::<String>::new());
}

#[tokio::test]
async fn an_agent_that_is_gone_or_not_for_this_user_is_told_with_the_way_out() {
    for (agent, shown) in [("retired", "retired"), ("secret", "Secret")] {
        let agent = AgentId::new(agent);
        let world = World::new().with_chat(&Chat { agent, ..chat(1) });
        let said = world.say("hello").await;
        let expected = format!(
            "The agent {shown} is not available. `!agent` shows which ones you can choose."
        );
        assert_eq!(said, expected);
    }
}

#[tokio::test]
async fn rows_that_cannot_be_read_leave_the_message_for_later() {
    for (said, call) in [
        ("hello", "read owner"),
        ("!help", "read owner"),
        ("!chats", "read chats"),
    ] {
        let world = World::new();
        world.fail(call, Fault::Store);
        let result = world
            .dispatch(Place::Chat(chat(1)), alice(), "$e", said)
            .await;
        assert!(matches!(result, Err(DispatchError::Store(_))), "{said}");
    }
}

#[tokio::test]
async fn a_change_that_the_homeserver_delays_is_made_when_it_allows_it() {
    for (call, command) in [
        ("server marker", "!archive"),
        ("server linked", "!archive"),
        ("server marker", "!clear"),
        ("server name", "!rename Trip"),
        ("server owner marker", "!settings streaming off"),
        ("server save", "!save Trip"),
    ] {
        let world = World::new();
        world.fail(call, Fault::Later);
        let text = world.say(command).await;
        assert!(!text.contains("homeserver"), "{command}: {text}");
        assert!(world.agrees(), "{command}");
        let calls = world.fakes.calls.lock().unwrap().clone();
        assert!(calls.iter().any(|call| call == "wait"), "{calls:?}");
    }
}

#[tokio::test]
async fn a_change_starts_from_the_row_as_it_is_now() {
    let world = World::new();
    let stale = Place::Chat(world.row(1));
    world.say_in(2, "!archive C1").await;
    world
        .dispatch(stale, alice(), "$clear", "!clear")
        .await
        .unwrap();
    assert_eq!(world.row(1).status, ChatStatus::Archived);
    assert!(world.agrees());
}

#[tokio::test]
async fn changes_of_one_owner_made_at_once_lose_nothing() {
    let world = World::new();
    let limit = Duration::from_secs(5);
    let all = async {
        tokio::join!(
            world.say_in(1, "!settings language ru"),
            world.say_in(2, "!settings streaming off"),
            world.say_in(1, "!archive C2"),
            world.dispatch(Place::Chat(chat(2)), alice(), "$e", "!agent gpt"),
        )
    };
    let (.., switched) = tokio::time::timeout(limit, all).await.unwrap();
    assert!(switched.is_ok());
    let owner = world.owner_row();
    assert_eq!(
        (owner.locale, owner.streaming),
        (Some(Locale::Ru), Some(false))
    );
    let second = world.row(2);
    assert_eq!(
        (second.status, second.agent.as_str()),
        (ChatStatus::Archived, "gpt")
    );
    assert!(world.agrees());
}

#[tokio::test]
async fn the_pointer_tells_a_new_user_from_one_who_comes_back() {
    let world = World::new();
    let pointer = |fresh, reinvited, locale| {
        let owner = Owner { locale, ..owner() };
        let chats = vec![chat(1)];
        world.dispatcher.pointer(&Onboarded {
            owner,
            chats,
            fresh,
            reinvited,
            is_delayed: false,
        })
    };
    assert!(pointer(true, false, None).starts_with("Your Space with your first chat is ready"));
    assert!(pointer(false, false, None).starts_with("You have a Space already."));
    let back = pointer(false, true, Some(Locale::Ru));
    assert!(back.starts_with("С возвращением!"), "{back}");
    assert!(back.contains(RoomKey::new("!c1").as_str()));
}
