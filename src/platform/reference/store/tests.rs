//! Sessions outlive the process, and nothing but sessions is reached by an id.

use std::time::Duration;

use super::*;
use crate::clock::ManualClock;

fn open(folder: &Path) -> Sessions {
    Sessions::open(folder.join("sessions"), Arc::new(ManualClock::default())).unwrap()
}

#[tokio::test]
async fn a_session_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = open(folder.path()).create("/w/a".into()).await.unwrap();
    session.remember("question", "answer");
    session.allow("everything");
    let session = open(folder.path()).save(session).await.unwrap();
    let sessions = open(folder.path());
    assert_eq!(sessions.find(&session.id).await, Some(session.clone()));
    sessions.remove(&session.id).await.unwrap();
    sessions.remove(&session.id).await.unwrap();
    assert_eq!(sessions.find(&session.id).await, None);
    assert_eq!(
        fs::read_dir(folder.path().join("sessions"))
            .unwrap()
            .count(),
        0
    );
}

#[tokio::test]
async fn an_id_names_a_session_and_no_other_file() {
    let folder = tempfile::tempdir().unwrap();
    let sessions = open(folder.path());
    let session = sessions.create("/w".into()).await.unwrap();
    fs::copy(
        sessions.path(&session.id).unwrap(),
        folder.path().join("other.json"),
    )
    .unwrap();
    for id in [
        "../other",
        "",
        "x",
        "/etc/passwd",
        &session.id.to_uppercase(),
        &format!("{{{}}}", session.id),
    ] {
        assert_eq!(sessions.find(id).await, None, "{id}");
        sessions.remove(id).await.unwrap();
    }
    assert!(sessions.find(&session.id).await.is_some());
}

#[tokio::test]
async fn a_file_that_cannot_be_understood_is_no_session() {
    let folder = tempfile::tempdir().unwrap();
    let sessions = open(folder.path());
    let session = sessions.create("/w".into()).await.unwrap();
    fs::write(sessions.path(&session.id).unwrap(), "{\"id\":").unwrap();
    assert_eq!(sessions.find(&session.id).await, None);
    assert_eq!(sessions.list(None, None).await.unwrap(), (Vec::new(), None));
}

#[tokio::test]
async fn a_list_comes_in_pages_and_by_folder() {
    let folder = tempfile::tempdir().unwrap();
    let sessions = open(folder.path());
    for number in 0..=PAGE {
        let cwd = if number < 2 { "/w/a" } else { "/w/b" };
        sessions.create(cwd.into()).await.unwrap();
    }
    let (first, next) = sessions.list(None, None).await.unwrap();
    assert_eq!(first.len(), PAGE);
    let (second, end) = sessions.list(None, next).await.unwrap();
    assert_eq!((second.len(), end), (1, None));
    assert!(first.iter().all(|session| session.id < second[0].id));
    let (of_a, end) = sessions.list(Some("/w/a".into()), None).await.unwrap();
    assert_eq!((of_a.len(), end), (2, None));
}

#[test]
fn times_are_written_as_the_protocol_wants_them() {
    let table = [
        (0, "1970-01-01T00:00:00Z"),
        (1_500_000_000_001, "2017-07-14T02:40:00Z"),
        (951_782_400_000, "2000-02-29T00:00:00Z"),
        (1_709_251_199_999, "2024-02-29T23:59:59Z"),
        (1_709_251_200_000, "2024-03-01T00:00:00Z"),
        (4_107_542_399_000, "2100-02-28T23:59:59Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00Z"),
    ];
    for (milliseconds, expected) in table {
        assert_eq!(iso(milliseconds), expected);
    }
    assert_eq!(
        iso(u64::try_from(Duration::from_hours(24).as_millis()).unwrap()),
        "1970-01-02T00:00:00Z"
    );
}
