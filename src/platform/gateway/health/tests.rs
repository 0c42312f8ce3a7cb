//! How long an answer counts, with a clock that moves by hand.

use std::sync::Mutex;

use async_trait::async_trait;

use super::*;
use crate::{clock::ManualClock, platform::gateway::Farewell};

/// Answers greetings as it is told, and counts them.
#[derive(Default)]
struct Told {
    answers: Mutex<bool>,
    greetings: Mutex<u32>,
}

#[async_trait]
impl ServedAgent for Told {
    async fn converse(&self, mut conversation: Conversation) -> Farewell {
        *self.greetings.lock().unwrap() += 1;
        let greeting = conversation.incoming.recv().await.unwrap();
        assert!(greeting.contains(r#""method":"initialize""#), "{greeting}");
        let answers = *self.answers.lock().unwrap();
        if !answers {
            return Farewell::failed("told to fail");
        }
        let answer = r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":1}}"#;
        conversation.outgoing.send(answer.to_owned()).await.unwrap();
        conversation.over.cancelled().await;
        Farewell::client_gone()
    }
}

#[tokio::test]
async fn an_answer_counts_for_a_while() {
    let agent = Arc::new(Told::default());
    let clock = Arc::new(ManualClock::default());
    let health = Health::new(agent.clone(), clock.clone());
    let asking = health.clone().ask();
    let looking = async {
        let failed = Err("told to fail".to_owned());
        assert_eq!(health.now().await, failed);
        *agent.answers.lock().unwrap() = true;
        assert_eq!(health.now().await, failed, "a failure counts for a moment");
        clock.advance(FRESH_FAILURE);
        assert_eq!(health.now().await, Ok(()));
        *agent.answers.lock().unwrap() = false;
        clock.advance(FRESH.checked_sub(Duration::from_secs(1)).unwrap());
        assert_eq!(health.now().await, Ok(()), "an answer counts longer");
        assert_eq!(*agent.greetings.lock().unwrap(), 2);
        clock.advance(Duration::from_secs(1));
        assert_eq!(health.now().await, failed);
    };
    tokio::select! {
        () = asking => unreachable!("it asks for ever"),
        () = looking => {}
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_agent_stays_healthy_while_it_is_asked_again() {
    let agent = Arc::new(Told::default());
    *agent.answers.lock().unwrap() = true;
    let clock = Arc::new(ManualClock::default());
    let health = Health::new(agent, clock.clone());
    let found = Found {
        at: clock.monotonic(),
        outcome: Ok(()),
    };
    health.found.send_replace(Some(found));
    // Nobody asks the agent here: it is as slow as can be.
    clock.advance(FRESH);
    assert_eq!(health.now().await, Ok(()));
    clock.advance(STALE.checked_sub(FRESH).unwrap());
    assert!(health.now().await.is_err());
}
