use std::{
    io::Write,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::SinkExt;
use tokio::time::{Instant, sleep};

use super::{super::link::Outgoing, *};
use crate::platform::Advice;

/// No wait takes longer, however busy the machine is.
const LIMIT: Duration = Duration::from_mins(2);

fn shell(script: &str, environment: &[(&str, &str)]) -> Process {
    Process {
        agent: AgentId::new("coder"),
        program: PathBuf::from("/bin/sh"),
        arguments: vec!["-c".to_owned(), script.to_owned()],
        environment: environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Secret::new(*value)))
            .collect(),
        folder: PathBuf::from("/"),
        tasks: Tasks::default(),
    }
}

async fn line(link: &mut Link) -> String {
    match timeout(LIMIT, link.incoming.next()).await {
        Ok(Some(Ok(Incoming::Message(text)))) => text,
        other => panic!("no line: {other:?}"),
    }
}

/// Whether a process of this id is there, and not just a dead one that nobody has asked about.
fn lives(id: &str) -> bool {
    let status = std::fs::read_to_string(Path::new("/proc").join(id).join("stat"));
    status.is_ok_and(|status| !status.contains(") Z "))
}

async fn ends(id: &str) {
    let deadline = Instant::now() + LIMIT;
    while lives(id) {
        assert!(Instant::now() < deadline, "process {id} is still there");
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_process_talks_in_lines_and_finds_only_its_own_environment() {
    let process = shell(
        "echo complaint >&2; env | grep -v '^_=' | grep -v ^PWD= | grep -v ^SHLVL= | sort; read line; echo \"got $line\"; pwd",
        &[("PATH", "/usr/bin:/bin"), ("TOKEN", "x y")],
    );
    let mut link = process.dial().await.unwrap();
    assert_eq!(line(&mut link).await, "PATH=/usr/bin:/bin");
    assert_eq!(line(&mut link).await, "TOKEN=x y");
    let message = Outgoing::Message("{}".to_owned());
    link.outgoing.send(message).await.unwrap();
    assert_eq!(line(&mut link).await, "got {}");
    assert_eq!(line(&mut link).await, "/");
    link.far_end.end().await;
}

#[tokio::test]
async fn a_program_that_is_not_there_is_for_the_operator() {
    let mut process = shell("", &[]);
    process.program = PathBuf::from("/nowhere/agent");
    let Err(trouble) = process.dial().await else {
        panic!("it was started");
    };
    assert_eq!(trouble.advice, Advice::TellOperator);
    assert!(
        trouble
            .detail
            .starts_with("/nowhere/agent cannot be started"),
        "{trouble:?}"
    );
}

/// Prints its own id and that of a child, and ends by no kind word.
const STUBBORN: &str = "trap '' TERM HUP INT; sh -c 'trap \"\" TERM HUP INT; echo $$; while :; do sleep 1; done' & echo $$; while :; do sleep 1; done";

#[tokio::test]
async fn a_process_that_ignores_kind_words_is_ended_with_its_children() {
    let mut link = shell(STUBBORN, &[("PATH", "/usr/bin:/bin")])
        .dial()
        .await
        .unwrap();
    let ids = [line(&mut link).await, line(&mut link).await];
    assert!(ids.iter().all(|id| lives(id)), "{ids:?}");
    link.far_end.end().await;
    for id in ids {
        ends(&id).await;
    }
}

#[tokio::test]
async fn a_link_that_is_dropped_leaves_no_process_behind() {
    let mut link = shell(STUBBORN, &[("PATH", "/usr/bin:/bin")])
        .dial()
        .await
        .unwrap();
    let ids = [line(&mut link).await, line(&mut link).await];
    drop(link);
    for id in ids {
        ends(&id).await;
    }
}

#[tokio::test]
async fn a_process_ends_with_its_input() {
    let mut link = shell("echo $$; cat", &[("PATH", "/usr/bin:/bin")])
        .dial()
        .await
        .unwrap();
    let id = line(&mut link).await;
    drop(link.outgoing);
    ends(&id).await;
    assert!(
        timeout(LIMIT, link.incoming.next())
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn the_end_of_a_process_is_seen_though_a_child_holds_its_output_open() {
    let script = "sleep 600 & echo $!";
    let mut link = shell(script, &[("PATH", "/usr/bin:/bin")])
        .dial()
        .await
        .unwrap();
    let child = line(&mut link).await;
    timeout(LIMIT, link.far_end.gone()).await.unwrap();
    assert!(lives(&child));
    link.far_end.end().await;
    ends(&child).await;
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_error_output_is_logged_until_the_agent_hears_of_a_conversation() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let script =
        "echo 'no key is set' >&2; while read line; do echo \"$line\" >&2; echo said; done";
    let process = shell(script, &[("PATH", "/usr/bin:/bin")]);
    let mut link = process.dial().await.unwrap();
    let logged = || String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    timeout(LIMIT, async {
        while !logged().contains("no key is set") {
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .unwrap();
    for words in ["my secret", "and another"] {
        let prompt = format!(r#"{{"method":"session/prompt","text":"{words}"}}"#);
        link.outgoing.send(Outgoing::Message(prompt)).await.unwrap();
        assert_eq!(line(&mut link).await, "said");
    }
    link.far_end.end().await;
    timeout(LIMIT, async {
        while !logged().contains("were not logged") {
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .unwrap();
    drop(guard);
    let logged = logged();
    assert!(logged.contains("lines=2"), "{logged}");
    assert!(
        !logged.contains("secret") && !logged.contains("another"),
        "{logged}"
    );
}
