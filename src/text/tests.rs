//! Every text in every language: it says something, it lets no name break out, and it leaks no cause of an error.

use pulldown_cmark::{Event, Parser, Tag};

use super::*;
use crate::{core::ids::EventKey, platform::PermissionMeaning};

const LOCALES: [Locale; 2] = [Locale::En, Locale::Ru];
/// A name that would be a heading, a link and a mention.
const NASTY: &str = "# [x](https://evil.example) **@room**";

fn chat(number: u32) -> ChatLink {
    ChatLink {
        id: ChatId::new(number),
        name: NASTY.to_owned(),
        link: format!("https://matrix.to/#/!c{number}:hs?via=hs"),
    }
}

fn guides(locale: Locale) -> Vec<String> {
    let link = chat(1);
    let entry = ChatEntry {
        chat: link.clone(),
        agent: NASTY.to_owned(),
        status: ChatStatus::Archived,
    };
    let agent = AgentEntry {
        id: AgentId::new(NASTY),
        name: NASTY.to_owned(),
        description: NASTY.to_owned(),
        chosen: true,
    };
    let reasons = [
        PointerReason::Fresh,
        PointerReason::Existing,
        PointerReason::Reinvited,
        PointerReason::Delayed,
        PointerReason::NotAChat,
        PointerReason::Asked,
    ];
    let mut all: Vec<String> = reasons
        .into_iter()
        .map(|reason| {
            let chats = std::slice::from_ref(&link);
            let space = "https://matrix.to/#/!s:hs?via=hs";
            Guide::Pointer {
                reason,
                space,
                chats,
                more: 3,
            }
            .text(locale)
        })
        .collect();
    all.extend(CommandName::ALL.map(|name| Guide::HelpOn(name).text(locale)));
    all.extend([
        Guide::Welcome.text(locale),
        Guide::NoChatsYet.text(locale),
        Guide::Help.text(locale),
        Guide::Chats(&[entry]).text(locale),
        Guide::Agents(&[agent]).text(locale),
        Guide::Settings {
            language: locale,
            streaming: true,
            agent: Some(NASTY),
        }
        .text(locale),
    ]);
    all.extend(of_questions_and_saves(locale));
    all.extend(of_contexts(locale));
    all
}

fn of_contexts(locale: Locale) -> Vec<String> {
    let mut all = Vec::new();
    for size in [
        None,
        Some(&ContextInfo {
            messages: Some(3),
            tokens: None,
        }),
    ] {
        let ids = ContextIds {
            agent: &AgentId::new(NASTY),
            context: PlatformChatId::from_command(&EventKey::new("$e")),
            generation: 2,
        };
        let context = Guide::Context {
            id: ChatId::new(1),
            name: NASTY,
            agent: NASTY,
            size,
            ids: size.map(|_| ids),
        };
        all.push(context.text(locale));
    }
    all
}

fn of_questions_and_saves(locale: Locale) -> Vec<String> {
    let kept = SaveEntry {
        name: NASTY.to_owned(),
        chat: ChatId::new(1),
        agent: NASTY.to_owned(),
    };
    let meanings = [
        PermissionMeaning::Allow,
        PermissionMeaning::AllowAlways,
        PermissionMeaning::Reject,
        PermissionMeaning::RejectAlways,
    ];
    let options = meanings.map(|meaning| Offer {
        label: NASTY.to_owned(),
        meaning,
    });
    let (agent, title, limit) = (NASTY, NASTY, Duration::from_mins(5));
    let mut all = vec![
        Guide::Saves(&[]).text(locale),
        Guide::Saves(&[kept]).text(locale),
        Guide::Asks {
            agent,
            title,
            options: &options,
            limit,
        }
        .text(locale),
        Guide::AsksFor {
            agent,
            number: 1,
            count: 2,
            text: "``` x",
        }
        .text(locale),
    ];
    let verdicts = [
        Verdict::Chosen(0),
        Verdict::Chosen(2),
        Verdict::Chosen(9),
        Verdict::Refused,
        Verdict::TimedOut,
        Verdict::Withdrawn,
    ];
    all.extend(verdicts.map(|verdict| {
        Guide::Asked {
            agent,
            title,
            options: &options,
            verdict,
        }
        .text(locale)
    }));
    all
}

fn outcomes(locale: Locale) -> Vec<String> {
    let link = chat(2);
    let id = ChatId::new(2);
    let context = PlatformChatId::from_command(&EventKey::new("$e"));
    vec![
        Done::Created(&link).text(locale),
        Done::Renamed { id, name: NASTY }.text(locale),
        Done::Archived { id, name: NASTY }.text(locale),
        Done::Unarchived(&link).text(locale),
        Done::Cleared(context).text(locale),
        Done::AgentSwitched(NASTY).text(locale),
        Done::AgentAlready(NASTY).text(locale),
        Done::LanguageSet.text(locale),
        Done::StreamingSet(true).text(locale),
        Done::StreamingSet(false).text(locale),
        Done::DefaultAgentSet(NASTY).text(locale),
        Done::Stopped.text(locale),
        Done::Saved(NASTY).text(locale),
        Done::Loaded {
            name: NASTY,
            agent: None,
        }
        .text(locale),
        Done::Loaded {
            name: NASTY,
            agent: Some(NASTY),
        }
        .text(locale),
    ]
}

fn troubles(locale: Locale) -> Vec<String> {
    let mut all: Vec<String> = CommandName::ALL
        .iter()
        .flat_map(|name| [Trouble::Usage(*name), Trouble::OnlyInAChat(*name)])
        .map(|trouble| trouble.text(locale))
        .collect();
    let nearest = Some(CommandName::New);
    all.extend([
        Trouble::UnknownCommand {
            typed: NASTY,
            nearest,
        }
        .text(locale),
        Trouble::UnknownCommand {
            typed: NASTY,
            nearest: None,
        }
        .text(locale),
        Trouble::NameTooLong.text(locale),
        Trouble::NoSuchChat(ChatId::new(9)).text(locale),
        Trouble::ArchivedChat(ChatId::new(9)).text(locale),
        Trouble::NotOwner.text(locale),
        Trouble::AgentNotAvailable(NASTY).text(locale),
        Trouble::UnknownAgent(NASTY).text(locale),
        Trouble::NoAgents.text(locale),
        Trouble::SaveTaken(NASTY).text(locale),
        Trouble::TooManySaves.text(locale),
        Trouble::NoSuchSave(NASTY).text(locale),
        Trouble::CannotKeep(NASTY).text(locale),
        Trouble::NothingRuns.text(locale),
        Trouble::NothingAsked.text(locale),
        Trouble::NotAllowed.text(locale),
    ]);
    for meaning in [PermissionMeaning::Allow, PermissionMeaning::Reject] {
        let options = [meaning, PermissionMeaning::RejectAlways].map(|meaning| Offer {
            label: NASTY.to_owned(),
            meaning,
        });
        all.push(Trouble::ChooseAnOption(&options).text(locale));
    }
    all
}

fn failures(locale: Locale) -> Vec<String> {
    [
        Failure::Agent(Advice::TryAgain),
        Failure::Agent(Advice::TellOperator),
        Failure::Agent(Advice::TryAgainIn(Duration::from_mins(5))),
        Failure::Agent(Advice::BeginAnew),
        Failure::TooLong(Duration::from_mins(10)),
        Failure::Empty,
        Failure::Cut,
        Failure::Refused,
        Failure::Stopped,
        Failure::Homeserver,
        Failure::QueueFull,
        Failure::Handling,
        Failure::NotSent,
        Failure::Backlog(1),
        Failure::Backlog(7),
        Failure::NotDecrypted,
        Failure::Workspace,
        Failure::BegunAnew,
        Failure::Agent(Advice::HeldElsewhere),
        Failure::Agent(Advice::CannotDo),
        Failure::BrokeOff(Advice::TryAgain),
        Failure::BrokeOff(Advice::TryAgainIn(Duration::from_mins(5))),
        Failure::BrokeOff(Advice::BeginAnew),
        Failure::BrokeOff(Advice::TellOperator),
        Failure::Agent(Advice::LogIn),
        Failure::Agent(Advice::StillStarting),
    ]
    .map(|failure| failure.text(locale))
    .to_vec()
}

#[test]
fn no_text_lets_a_name_become_markup_or_a_mention() {
    for locale in LOCALES {
        for text in [guides(locale), outcomes(locale), troubles(locale)].concat() {
            let breaks_out = |event: &Event<'_>| match event {
                Event::Start(Tag::Link { dest_url, .. }) => dest_url.contains("evil"),
                Event::Start(Tag::Heading { .. }) => true,
                _ => false,
            };
            assert!(
                !Parser::new(&text).any(|event| breaks_out(&event)),
                "{text}"
            );
            assert!(!text.contains("@room"), "{text}");
            assert!(!text.is_empty());
        }
    }
}

#[test]
fn what_went_wrong_is_said_on_one_line() {
    for locale in LOCALES {
        for text in [troubles(locale), failures(locale), outcomes(locale)].concat() {
            assert!(!text.contains('\n'), "{text}");
            assert!(text.ends_with('.') || text.ends_with(':'), "{text}");
        }
    }
}

#[test]
fn the_languages_differ_and_russian_is_written_in_cyrillic() {
    let all = |locale| {
        [
            guides(locale),
            outcomes(locale),
            troubles(locale),
            failures(locale),
        ]
        .concat()
    };
    for (english, russian) in all(Locale::En).iter().zip(all(Locale::Ru)) {
        assert_ne!(english, &russian);
        let cyrillic = |text: &str| text.chars().any(|letter| ('а'..='я').contains(&letter));
        assert!(!cyrillic(english), "{english}");
        assert!(cyrillic(&russian), "{russian}");
    }
}

#[test]
fn help_names_every_command() {
    for locale in LOCALES {
        let help = Guide::Help.text(locale);
        for name in CommandName::ALL {
            assert!(help.contains(&format!("`!{name}")), "{name}");
        }
    }
}

#[test]
fn a_pointer_leads_to_the_space_and_the_chats_and_counts_the_rest() {
    let chats = [chat(1), chat(2)];
    let reason = PointerReason::Existing;
    let space = "https://matrix.to/#/!s:hs?via=hs";
    let text = Guide::Pointer {
        reason,
        space,
        chats: &chats,
        more: 4,
    }
    .text(Locale::En);
    assert!(
        text.contains("(https://matrix.to/#/!s:hs?via=hs)"),
        "{text}"
    );
    assert!(
        text.contains("(https://matrix.to/#/!c2:hs?via=hs)"),
        "{text}"
    );
    assert!(text.contains("4 more"), "{text}");
}

#[test]
fn a_waiting_time_is_told_in_seconds_or_minutes() {
    for (seconds, english, russian) in [(90, "90 s", "90 с"), (600, "10 min", "10 мин")] {
        let failure = Failure::TooLong(Duration::from_secs(seconds));
        assert!(failure.text(Locale::En).contains(english));
        assert!(failure.text(Locale::Ru).contains(russian));
    }
}

#[test]
fn rooms_are_named_in_plain_text() {
    assert_eq!(chat_name(Locale::En, ChatId::new(3)), "Chat 3");
    assert_eq!(chat_name(Locale::Ru, ChatId::new(3)), "Чат 3");
    assert_eq!(space_name("Lambda", " Alice\n<b> "), "Lambda — Alice <b>");
    assert_eq!(space_name("Lambda", "\u{200b}"), "Lambda");
    assert!(space_name("Lambda", &"x".repeat(60_000)).len() < 200);
}

#[test]
fn a_chat_without_a_name_is_called_by_its_number() {
    let link = ChatLink {
        name: String::new(),
        ..chat(5)
    };
    let text = Done::Created(&link).text(Locale::En);
    assert!(text.contains("[C5](https://"), "{text}");
}
