use matrix_sdk::{
    SessionMeta, SessionTokens,
    ruma::{device_id, owned_user_id},
};

use super::*;
use crate::matrix::session::Credentials;

fn login(folder: &Path) -> Login {
    Login {
        homeserver: "http://localhost:8008".parse().unwrap(),
        user_id: owned_user_id!("@bot:hs"),
        credentials: Credentials::Password("secret".to_owned()),
        store_path: folder.join("store"),
        device_name: "Lambda".to_owned(),
    }
}

fn session(token: &str) -> MatrixSession {
    MatrixSession {
        meta: SessionMeta {
            user_id: owned_user_id!("@bot:hs"),
            device_id: device_id!("DEVICE").to_owned(),
        },
        tokens: SessionTokens {
            access_token: token.to_owned(),
            refresh_token: None,
        },
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_saved_session_is_read_back_and_only_its_owner_can_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let login = login(folder.path());
    assert!(saved(&login.store_path).is_none());
    save(&login, &session("first")).unwrap();
    save(&login, &session("second")).unwrap();
    let read = saved(&login.store_path).unwrap();
    assert_eq!(read.tokens.access_token, "second");
    assert_eq!(mode(&login.store_path), 0o700);
    assert_eq!(mode(&login.store_path.join(SESSION_FILE)), 0o600);
    let names: Vec<_> = fs::read_dir(&login.store_path).unwrap().collect();
    assert_eq!(names.len(), 1, "nothing is left beside it");
}

#[test]
fn a_half_written_file_that_anybody_can_read_is_no_way_in() {
    let folder = tempfile::tempdir().unwrap();
    let login = login(folder.path());
    fs::create_dir_all(&login.store_path).unwrap();
    let beside = login.store_path.join("session.json.new");
    fs::write(&beside, "{").unwrap();
    fs::set_permissions(&beside, fs::Permissions::from_mode(0o644)).unwrap();
    save(&login, &session("token")).unwrap();
    assert_eq!(mode(&login.store_path.join(SESSION_FILE)), 0o600);
}

#[test]
fn a_session_file_that_makes_no_sense_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let login = login(folder.path());
    fs::create_dir_all(&login.store_path).unwrap();
    fs::write(login.store_path.join(SESSION_FILE), "{\"user_id\": 7").unwrap();
    assert!(saved(&login.store_path).is_none());
}

#[test]
fn only_our_files_are_removed_or_moved() {
    let folder = tempfile::tempdir().unwrap();
    let login = login(folder.path());
    save(&login, &session("token")).unwrap();
    for name in ["matrix-sdk-crypto.sqlite3", "notes.txt"] {
        fs::write(login.store_path.join(name), "x").unwrap();
    }
    let now = UNIX_EPOCH + std::time::Duration::from_secs(77);
    move_store_aside(&login, now).unwrap();
    let there = |name: &str| login.store_path.join(name).exists();
    assert!(there("matrix-sdk-crypto.sqlite3.corrupt-77") && there("session.json.corrupt-77"));
    assert!(there("notes.txt") && !there(SESSION_FILE));
    save(&login, &session("token")).unwrap();
    remove_store(&login).unwrap();
    assert!(!there(SESSION_FILE));
    assert!(there("notes.txt") && there("matrix-sdk-crypto.sqlite3.corrupt-77"));
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut login = login(folder.path());
    fs::write(folder.path().join("file"), "x").unwrap();
    login.store_path = folder.path().join("file/store");
    let error = save(&login, &session("token")).unwrap_err();
    assert!(error.to_string().contains("file/store"), "{error}");
}
