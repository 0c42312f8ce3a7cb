use std::{fs::Permissions, os::unix::fs::PermissionsExt};

use super::*;

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_234)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn what_is_committed_is_there_after_the_file_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bot.db");
    let opened = Store::open(&path, now()).unwrap();
    assert_eq!(opened.moved_aside, None);
    let item = message("$1", "@alice:hs", "hi");
    opened
        .store
        .commit(DEVICE, batch("s1", brought(&[item])))
        .await
        .unwrap();
    drop(opened);
    let again = Store::open(&path, now()).unwrap();
    assert_eq!(again.moved_aside, None);
    assert_eq!(
        again.store.position(DEVICE).await.unwrap().as_deref(),
        Some("s1")
    );
    assert_eq!(pending_ids(&again.store).await, ["$1"]);
}

#[tokio::test]
async fn a_position_belongs_to_its_device() {
    let store = Store::in_memory().unwrap();
    assert_eq!(store.position(DEVICE).await.unwrap(), None);
    store
        .commit(DEVICE, batch("s1", brought(&[])))
        .await
        .unwrap();
    assert_eq!(store.position("ANOTHER").await.unwrap(), None);
    assert_eq!(store.position(DEVICE).await.unwrap().as_deref(), Some("s1"));
}

#[tokio::test]
async fn a_corrupt_file_is_moved_aside_and_a_fresh_one_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bot.db");
    for garbage in [
        "this is no database, but long enough to be read as a header of one: ".repeat(40),
        "short".to_owned(),
    ] {
        let _ = fs::remove_dir_all(folder.path());
        fs::create_dir_all(folder.path()).unwrap();
        fs::write(&path, &garbage).unwrap();
        fs::write(with_suffix(&path, "-wal"), "left over").unwrap();
        let opened = Store::open(&path, now()).unwrap();
        let aside = opened.moved_aside.unwrap();
        assert_eq!(aside, folder.path().join("bot.db.corrupt-1234"));
        assert_eq!(fs::read_to_string(&aside).unwrap(), garbage);
        opened.store.ping().await.unwrap();
        assert_eq!(opened.store.position(DEVICE).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_file_whose_pages_were_overwritten_is_moved_aside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bot.db");
    let store = Store::open(&path, now()).unwrap().store;
    let items: Vec<_> = (0..500)
        .map(|number| message(&format!("${number}"), "@alice:hs", "hi"))
        .collect();
    store
        .commit(DEVICE, batch("s1", brought(&items)))
        .await
        .unwrap();
    store.checkpoint().await.unwrap();
    drop(store);
    let mut bytes = fs::read(&path).unwrap();
    let half = bytes.len() / 2;
    bytes[8_192..half].fill(0xa5);
    fs::write(&path, bytes).unwrap();
    let opened = Store::open(&path, now()).unwrap();
    assert!(opened.moved_aside.is_some());
    assert_eq!(opened.store.position(DEVICE).await.unwrap(), None);
}

#[test]
fn a_file_of_a_newer_version_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bot.db");
    drop(Store::open(&path, now()).unwrap());
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let before = names(folder.path());
    for result in [
        Store::open(&path, now()).map(|_| ()),
        Store::open_for_reading(&path).map(|_| ()),
    ] {
        let error = result.unwrap_err();
        assert!(
            matches!(error, StoreError::TooNew { found: 99, .. }),
            "{error:?}"
        );
        assert!(
            error.to_string().contains("start the newer program"),
            "{error}"
        );
    }
    assert_eq!(names(folder.path()), before);
}

#[test]
fn migrations_are_applied_once_and_number_the_file() {
    let mut connection = Connection::open_in_memory().unwrap();
    for _ in 0..2 {
        migrate::migrate(&mut connection, Path::new("x")).unwrap();
        let version: u32 = connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap();
        assert!(version >= 1);
    }
    for table in ["matrix_user", "matrix_room", "chat"] {
        let count: i64 = connection
            .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
                row.get(0)
            })
            .unwrap();
        assert_eq!(count, 0);
    }
}

#[test]
fn a_folder_that_is_not_there_is_named_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let error = Store::open(&folder.path().join("none/bot.db"), now())
        .map(|_| ())
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("none/bot.db") && text.contains("check that its folder exists"),
        "{text}"
    );
}

#[tokio::test]
async fn reading_a_file_writes_nothing_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("odd name?#%.db");
    assert!(Store::open_for_reading(&path).unwrap().is_none());
    let store = Store::open(&path, now()).unwrap().store;
    store
        .commit(DEVICE, batch("s1", brought(&[])))
        .await
        .unwrap();
    store.checkpoint().await.unwrap();
    drop(store);
    let before = names(folder.path());
    let reading = Store::open_for_reading(&path).unwrap().unwrap();
    assert_eq!(
        reading.position(DEVICE).await.unwrap().as_deref(),
        Some("s1")
    );
    assert_eq!(names(folder.path()), before);
}

/// Every file of the folder, with its bytes and rights.
fn everything(folder: &Path) -> Vec<(String, Vec<u8>, u32)> {
    names(folder)
        .into_iter()
        .map(|name| {
            let file = folder.join(&name);
            let rights = fs::metadata(&file).unwrap().permissions().mode();
            (name, fs::read(&file).unwrap(), rights)
        })
        .collect()
}

/// A database in this journal mode, as a program of this version leaves it where it is killed.
fn left_behind(folder: &Path, journal_mode: &str, version: u32) -> PathBuf {
    let (made, path) = (folder.join("made.db"), folder.join("bot.db"));
    drop(Store::open(&made, now()).unwrap());
    let connection = Connection::open(&made).unwrap();
    connection
        .pragma_update(None, "journal_mode", journal_mode)
        .unwrap();
    connection
        .pragma_update(None, "user_version", version)
        .unwrap();
    for suffix in ["", "-wal", "-shm"] {
        if with_suffix(&made, suffix).exists() {
            fs::copy(with_suffix(&made, suffix), with_suffix(&path, suffix)).unwrap();
        }
    }
    drop(connection);
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(with_suffix(&made, suffix));
    }
    path
}

#[test]
fn of_a_file_of_a_newer_version_not_one_byte_changes() {
    for (journal_mode, files) in [("DELETE", 1), ("WAL", 3)] {
        let folder = tempfile::tempdir().unwrap();
        let path = left_behind(folder.path(), journal_mode, 99_999);
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        let before = everything(folder.path());
        assert_eq!(before.len(), files, "{journal_mode}");
        for result in [
            Store::open(&path, now()).map(|_| ()),
            Store::open_for_reading(&path).map(|_| ()),
        ] {
            let error = result.unwrap_err();
            assert!(
                matches!(error, StoreError::TooNew { found: 99_999, .. }),
                "{journal_mode}: {error:?}"
            );
            assert!(everything(folder.path()) == before, "{journal_mode}");
        }
    }
}

#[test]
fn a_newer_version_that_was_never_committed_does_not_count() {
    let folder = tempfile::tempdir().unwrap();
    let path = left_behind(folder.path(), "WAL", 99_999);
    let log = with_suffix(&path, "-wal");
    let whole = fs::read(&log).unwrap();
    for damaged in [whole[..whole.len() - 1].to_vec(), {
        let mut bytes = whole.clone();
        *bytes.last_mut().unwrap() ^= 1;
        bytes
    }] {
        fs::write(&log, damaged).unwrap();
        let known = header::look(&path).unwrap();
        let Found::Version(version) = known else {
            panic!("{known:?}")
        };
        assert!(version < 99_999, "{version}");
    }
    fs::write(&log, whole).unwrap();
    assert_eq!(header::look(&path).unwrap(), Found::Version(99_999));
}

#[test]
fn a_file_that_is_read_only_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = left_behind(folder.path(), "DELETE", 1);
    fs::set_permissions(&path, Permissions::from_mode(0o444)).unwrap();
    let before = everything(folder.path());
    let error = Store::open(&path, now()).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("read-only"), "{error}");
    assert!(everything(folder.path()) == before);
}

#[test]
fn an_empty_file_becomes_a_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bot.db");
    fs::write(&path, "").unwrap();
    let opened = Store::open(&path, now()).unwrap();
    assert_eq!(opened.moved_aside, None);
    drop(opened);
    assert!(matches!(header::look(&path).unwrap(), Found::Version(version) if version > 0));
}

#[test]
fn a_corrupt_file_is_moved_aside_with_the_bytes_it_had() {
    let folder = tempfile::tempdir().unwrap();
    let path = left_behind(folder.path(), "DELETE", 1);
    let mut bytes = fs::read(&path).unwrap();
    bytes[8_192..].fill(0xa5);
    fs::write(&path, &bytes).unwrap();
    let aside = Store::open(&path, now()).unwrap().moved_aside.unwrap();
    assert!(fs::read(aside).unwrap() == bytes);
}

#[tokio::test]
async fn nobody_else_may_read_the_database_or_the_files_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bot.db");
    for round in ["made", "found"] {
        let store = Store::open(&path, now()).unwrap().store;
        store
            .commit(DEVICE, batch("s1", brought(&[])))
            .await
            .unwrap();
        let found = everything(folder.path());
        assert_eq!(found.len(), 3, "{round}");
        for (name, _, rights) in found {
            assert_eq!(rights & 0o777, 0o600, "{round}: {name}");
        }
        // As an earlier release left them, killed.
        for suffix in ["", "-wal", "-shm"] {
            let copy = with_suffix(&folder.path().join("copy"), suffix);
            fs::copy(with_suffix(&path, suffix), copy).unwrap();
        }
        drop(store);
        for suffix in ["", "-wal", "-shm"] {
            let (copy, file) = (folder.path().join("copy"), with_suffix(&path, suffix));
            fs::rename(with_suffix(&copy, suffix), &file).unwrap();
            fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        }
    }
}
