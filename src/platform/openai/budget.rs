//! How much of a conversation goes with a question. Pure.
//!
//! The rule: the system prompt and the newest question are always sent. Of what was said before, the newest whole
//! exchanges are sent that fit into `context_tokens` together with these two; the oldest are left out first. Tokens are
//! estimated: four ASCII characters are one, two letters of scripts such as Cyrillic or Greek are one, any other character
//! is one, and each message costs four more.

use super::{
    ports::Exchange,
    wire::{Content, Message, Part, Role},
};

/// What a message costs beside its text.
const PER_MESSAGE: u64 = 4;
/// What a picture costs, about.
const PER_PICTURE: u64 = 1_000;

/// The messages of a request: system prompt, what fits of the past, question.
pub(super) fn request(
    system: Option<&str>,
    past: &[Exchange],
    question: &Content,
    limit: u64,
) -> Vec<Message> {
    let asked = Message {
        role: Role::User,
        content: question.clone(),
    };
    let system = system.map(|prompt| Message::text(Role::System, prompt));
    let fixed: u64 = system.iter().chain([&asked]).map(of_message).sum();
    let kept = newest_that_fit(past, limit.saturating_sub(fixed));
    let past = kept.iter().flat_map(|exchange| {
        [
            Message::text(Role::User, &exchange.asked),
            Message::text(Role::Assistant, &exchange.answered),
        ]
    });
    system.into_iter().chain(past).chain([asked]).collect()
}

/// What the exchanges cost together.
pub(super) fn of_exchanges(exchanges: &[Exchange]) -> u64 {
    exchanges.iter().map(of_exchange).sum()
}

/// What the messages cost together.
pub(super) fn of_messages(messages: &[Message]) -> u64 {
    messages.iter().map(of_message).sum()
}

/// Whether the messages hold more than system prompt and question.
pub(super) fn has_past(messages: &[Message]) -> bool {
    messages
        .iter()
        .any(|message| message.role == Role::Assistant)
}

fn newest_that_fit(past: &[Exchange], mut left: u64) -> &[Exchange] {
    let kept = past
        .iter()
        .rev()
        .take_while(|exchange| {
            let cost = of_exchange(exchange);
            let fits = cost <= left;
            left = left.saturating_sub(cost);
            fits
        })
        .count();
    &past[past.len() - kept..]
}

fn of_exchange(exchange: &Exchange) -> u64 {
    of_text(&exchange.asked) + of_text(&exchange.answered) + 2 * PER_MESSAGE
}

fn of_message(message: &Message) -> u64 {
    let content = match &message.content {
        Content::Text(text) => of_text(text),
        Content::Parts(parts) => parts
            .iter()
            .map(|part| match part {
                Part::Text { text } => of_text(text),
                Part::ImageUrl { .. } => PER_PICTURE,
            })
            .sum(),
    };
    content + PER_MESSAGE
}

fn of_text(text: &str) -> u64 {
    let quarters: u64 = text
        .chars()
        .map(|character| match character.len_utf8() {
            1 => 1,
            2 => 2,
            _ => 4,
        })
        .sum();
    quarters.div_ceil(4)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::core::ids::EventKey;

    fn past(sizes: &[usize]) -> Vec<Exchange> {
        let exchange = |(index, size): (usize, &usize)| Exchange {
            question: EventKey::new(format!("${index}")),
            asked: format!("{index}"),
            answered: "word".repeat(*size),
        };
        sizes.iter().enumerate().map(exchange).collect()
    }

    fn sent(past: &[Exchange], limit: u64) -> Vec<Message> {
        let question = Content::Text("What now?".to_owned());
        request(Some("Be brief."), past, &question, limit)
    }

    #[test]
    fn tokens_are_estimated_by_script() {
        for (text, expected) in [
            ("", 0),
            ("word", 1),
            ("words", 2),
            ("мир", 2),
            ("世界", 2),
            ("😀", 1),
        ] {
            assert_eq!(of_text(text), expected, "{text}");
        }
    }

    #[test]
    fn the_oldest_exchanges_are_left_out_first_and_whole() {
        let past = past(&[50, 50, 50]);
        let all = sent(&past, 1_000);
        assert_eq!(all.len(), 8);
        assert_eq!((all[0].role, all[7].role), (Role::System, Role::User));
        let fewer = sent(&past, 150);
        assert_eq!(fewer.len(), 6, "two of three exchanges");
        assert_eq!(fewer[1], Message::text(Role::User, "1"));
    }

    #[test]
    fn an_exchange_that_does_not_fit_ends_the_memory_even_where_older_ones_would_fit() {
        let sent = sent(&past(&[1, 5_000, 1]), 150);
        assert_eq!(sent.len(), 4);
        assert_eq!(sent[1], Message::text(Role::User, "2"));
    }

    #[test]
    fn system_prompt_and_question_stay_whatever_the_limit() {
        let question = Content::Text("long ".repeat(1_000));
        let sent = request(Some("Be brief."), &past(&[1]), &question, 256);
        assert_eq!(sent.len(), 2);
        assert_eq!(sent[1].content, question);
    }

    proptest! {
        #[test]
        fn what_is_sent_is_the_end_of_the_conversation_and_fits(sizes in proptest::collection::vec(0usize..60, 0..20), limit in 20u64..500) {
            let past = past(&sizes);
            let sent = sent(&past, limit);
            let kept = (sent.len() - 2) / 2;
            let expected: Vec<Message> = past[past.len() - kept..]
                .iter()
                .flat_map(|exchange| [Message::text(Role::User, &exchange.asked), Message::text(Role::Assistant, &exchange.answered)])
                .collect();
            prop_assert_eq!(&sent[1..sent.len() - 1], &expected[..]);
            prop_assert!(kept == 0 || sent.iter().map(of_message).sum::<u64>() <= limit);
        }
    }
}
