//! Nothing of a child outlives its conversation.

use std::path::Path;

use tokio_util::sync::CancellationToken;

use super::*;
use crate::platform::gateway::tests::{script, within};

/// A conversation and the client's ends of it.
struct Talk {
    to_agent: mpsc::Sender<String>,
    from_agent: mpsc::Receiver<String>,
    over: CancellationToken,
}

fn talk() -> (Talk, Conversation) {
    let (to_agent, incoming) = mpsc::channel(1);
    let (outgoing, from_agent) = mpsc::channel(1);
    let over = CancellationToken::new();
    let conversation = Conversation {
        incoming,
        outgoing,
        over: over.clone(),
    };
    (
        Talk {
            to_agent,
            from_agent,
            over,
        },
        conversation,
    )
}

/// Whether a process runs. A dead one whose parent has not looked yet does not.
fn runs(process: &str) -> bool {
    std::fs::read_to_string(Path::new("/proc").join(process).join("stat")).is_ok_and(|stat| {
        !stat
            .rsplit(')')
            .next()
            .unwrap()
            .trim_start()
            .starts_with('Z')
    })
}

async fn gone(process: &str) {
    within(async {
        while runs(process) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

const STUBBORN: &str = "trap '' TERM; sh -c 'trap \"\" TERM; echo $$; while :; do sleep 1; done' & \
    echo $$; while :; do sleep 1; done";

#[tokio::test]
async fn a_stubborn_child_and_its_own_children_are_gone_when_the_client_is() {
    let agent = script(STUBBORN);
    let (mut talk, conversation) = talk();
    let client = async {
        let ids = [
            talk.from_agent.recv().await.unwrap(),
            talk.from_agent.recv().await.unwrap(),
        ];
        assert!(ids.iter().all(|id| runs(id)), "{ids:?}");
        drop(talk.to_agent);
        ids
    };
    let (farewell, ids) =
        within(async { tokio::join!(agent.converse(conversation), client) }).await;
    assert_eq!(farewell, Farewell::client_gone());
    for id in ids {
        gone(&id).await;
    }
}

#[tokio::test]
async fn a_conversation_that_is_dropped_takes_its_children_with_it() {
    let agent = script(STUBBORN);
    let (mut talk, conversation) = talk();
    let ids = {
        let conversing = agent.converse(conversation);
        let client = async {
            [
                talk.from_agent.recv().await.unwrap(),
                talk.from_agent.recv().await.unwrap(),
            ]
        };
        within(async {
            tokio::select! {
                farewell = conversing => panic!("it ended: {farewell:?}"),
                ids = client => ids,
            }
        })
        .await
    };
    for id in ids {
        gone(&id).await;
    }
    drop(talk.to_agent);
}

#[tokio::test]
async fn what_a_child_leaves_behind_is_ended_too() {
    let agent = script("sleep 1000 & echo $!");
    let (mut talk, conversation) = talk();
    let client = async { talk.from_agent.recv().await.unwrap() };
    let (farewell, id) = within(async { tokio::join!(agent.converse(conversation), client) }).await;
    assert_eq!(farewell, Farewell::agent_done());
    gone(&id).await;
    drop((talk.to_agent, talk.over));
}

#[tokio::test]
async fn a_polite_child_may_end_in_its_own_way() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("mark");
    let agent = script(&format!(
        "echo ready; cat >/dev/null; echo over > {}",
        mark.display()
    ));
    let (mut talk, conversation) = talk();
    let client = async {
        talk.from_agent.recv().await.unwrap();
        talk.over.cancel();
    };
    within(async { tokio::join!(agent.converse(conversation), client) }).await;
    assert_eq!(std::fs::read_to_string(mark).unwrap(), "over\n");
}

#[tokio::test]
async fn a_child_does_not_see_what_is_hidden_from_it() {
    let agent = ChildAgent {
        hidden: vec!["PATH".to_owned()],
        ..script("test -n \"$HOME\" && /usr/bin/env | grep -c ^PATH=; cat")
    };
    let agent = ChildAgent {
        program: "/bin/sh".into(),
        ..agent
    };
    let (mut talk, conversation) = talk();
    let client = async {
        // The shell makes itself a PATH, and does not export it.
        let count = talk.from_agent.recv().await.unwrap();
        talk.over.cancel();
        count
    };
    let (_, count) = within(async { tokio::join!(agent.converse(conversation), client) }).await;
    assert_eq!(count, "0");
}
