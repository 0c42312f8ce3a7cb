//! Paths, links and notes that want to lead elsewhere.

use super::*;

/// Bob's secret, and one outside the workspace.
fn with_secrets() -> Place {
    let place = Place::new();
    place.write("surfaces/matrix/bob/room/inbox/secret.txt", b"of bob");
    place.write("surfaces/matrix/alice/other/inbox/secret.txt", b"elsewhere");
    place.write(&format!("{FOLDER}/own.txt"), b"own");
    fs::write(place.folder.path().join("secret.txt"), b"of the system").unwrap();
    place
}

async fn assert_outside(place: &Place, path: &str) {
    let error = place.copy_out(path).await.unwrap_err();
    assert!(matches!(error, FilesError::Outside), "{path}: {error:?}");
    assert!(
        !place
            .left_in(&format!("{FOLDER}/.staging"))
            .iter()
            .any(|name| name.starts_with("out-")),
        "{path} was copied"
    );
}

#[tokio::test]
async fn paths_that_are_absolute_or_go_upwards_lead_outside() {
    let place = with_secrets();
    for path in [
        "/etc/passwd",
        "../secret.txt",
        "surfaces/../../secret.txt",
        "surfaces/matrix/alice/room/../../bob/room/inbox/secret.txt",
        "surfaces/matrix/alice/room/..",
        "own.txt\0",
    ] {
        assert_outside(&place, path).await;
    }
    let absolute = place.path("surfaces/matrix/alice/room/own.txt");
    assert_outside(&place, absolute.to_str().unwrap()).await;
}

#[tokio::test]
async fn folders_of_other_chats_and_people_are_theirs() {
    let place = with_secrets();
    for path in [
        "surfaces/matrix/bob/room/inbox/secret.txt",
        "surfaces/matrix/alice/other/inbox/secret.txt",
        "./surfaces//matrix/./bob/room/inbox/secret.txt",
        "surfaces/matrix/alice/room2/x",
        "surfaces/matrix",
    ] {
        let error = place.copy_out(path).await.unwrap_err();
        assert!(matches!(error, FilesError::OtherChat), "{path}: {error:?}");
    }
}

#[tokio::test]
async fn links_that_leave_the_chat_are_not_followed() {
    let place = with_secrets();
    let outside = place.folder.path().join("secret.txt");
    place.link(outside.to_str().unwrap(), &format!("{FOLDER}/absolute"));
    place.link("../../../../../secret.txt", &format!("{FOLDER}/upwards"));
    place.link("../../bob/room/inbox/secret.txt", &format!("{FOLDER}/bobs"));
    place.link("../../bob/room/inbox", &format!("{FOLDER}/folder"));
    place.link("../other/inbox/secret.txt", &format!("{FOLDER}/other"));
    place.link("/proc/self/environ", &format!("{FOLDER}/proc"));
    place.link("loop", &format!("{FOLDER}/loop"));
    for name in [
        "absolute",
        "upwards",
        "bobs",
        "folder/secret.txt",
        "other",
        "proc",
        "loop",
    ] {
        assert_outside(&place, &format!("{FOLDER}/{name}")).await;
    }
}

#[tokio::test]
async fn links_within_the_chat_lead_where_they_lead() {
    let place = with_secrets();
    place.link("own.txt", &format!("{FOLDER}/latest"));
    let copy = place.copy_out(&format!("{FOLDER}/latest")).await.unwrap();
    assert_eq!((copy.name.as_str(), copy.size), ("latest", 3));
}

#[tokio::test]
async fn in_the_common_part_no_link_is_followed() {
    let place = with_secrets();
    place.link("surfaces/matrix/bob/room/inbox/secret.txt", "file");
    place.link("surfaces/matrix/bob", "folder");
    place.link("surfaces", "all");
    for path in [
        "file",
        "folder/room/inbox/secret.txt",
        "all/matrix/bob/room/inbox/secret.txt",
    ] {
        assert_outside(&place, path).await;
        let error = place.workspace.read(path, 100).await.unwrap_err();
        assert!(matches!(error, FilesError::Outside), "{path}: {error:?}");
    }
}

#[tokio::test]
async fn a_chat_folder_that_is_a_link_to_another_is_no_chat_folder() {
    let place = with_secrets();
    place.link("bob", "surfaces/matrix/mallory");
    let folder = "surfaces/matrix/mallory/room";
    let question = EventKey::new("$q");
    let path = "surfaces/matrix/mallory/room/inbox/secret.txt";
    let error = place
        .workspace
        .copy_out(folder, &question, 0, path)
        .await
        .unwrap_err();
    assert!(matches!(error, FilesError::Outside), "{error:?}");
    let arrival = Arrival {
        folder: folder.to_owned(),
        ..arrival("$1", "a")
    };
    assert!(place.workspace.begin(&arrival).await.is_err());
}

#[tokio::test]
async fn an_inbox_that_is_a_link_takes_nothing() {
    let place = with_secrets();
    place.link("../../bob/room/inbox", &format!("{FOLDER}/inbox"));
    assert!(place.workspace.begin(&arrival("$1", "a")).await.is_err());
    assert_eq!(place.left_in("surfaces/matrix/bob/room/inbox").len(), 1);
}

#[tokio::test]
async fn what_lies_in_the_way_of_content_is_replaced_and_not_written_into() {
    let place = Place::new();
    let kept = place.arrives("$1", "a", b"one").await;
    let name = kept.path.rsplit('/').next().unwrap();
    fs::remove_file(place.path(&kept.path)).unwrap();
    place.write("victim", b"untouched");
    let part = format!("{FOLDER}/.staging/part-{name}");
    place.link("../../../../../victim", &part);
    place.arrives("$1", "a", b"two").await;
    assert_eq!(fs::read(place.path("victim")).unwrap(), b"untouched");
    fs::remove_file(place.path(&kept.path)).unwrap();
    fs::hard_link(place.path("victim"), place.path(&part)).unwrap();
    place.arrives("$1", "a", b"three").await;
    assert_eq!(fs::read(place.path("victim")).unwrap(), b"untouched");
    assert_eq!(fs::read(place.path(&kept.path)).unwrap(), b"three");
}

#[tokio::test]
async fn forged_notes_name_nothing_but_files_of_this_inbox() {
    let place = with_secrets();
    place.arrives("$1", "real", b"x").await;
    let waiting = format!("{FOLDER}/.staging/waiting");
    for (number, file) in [
        "../../../bob/room/inbox/secret.txt",
        "..",
        "",
        "/etc/passwd",
        "../own.txt",
    ]
    .iter()
    .enumerate()
    {
        let note = serde_json::json!({"file": file, "name": "forged", "mime": null});
        place.write(
            &format!("{waiting}/{number}.json"),
            note.to_string().as_bytes(),
        );
    }
    place.write(&format!("{waiting}/garbage.json"), &[0xff; 100]);
    place.write(&format!("{waiting}/huge.json"), &vec![b'['; 100_000]);
    place.link("/etc/passwd", &format!("{waiting}/link.json"));
    fs::create_dir_all(place.path(&format!("{waiting}/folder.json"))).unwrap();
    assert_eq!(place.staged().await, ["real"]);
    place.drop_staged("$drop", None).await;
    assert!(place.path(&format!("{OTHER}/inbox/secret.txt")).exists());
    assert!(place.path(&format!("{FOLDER}/own.txt")).exists());
}

#[tokio::test]
async fn a_link_in_the_inbox_is_no_kept_file() {
    let place = with_secrets();
    let kept = place.arrives("$1", "a", b"one").await;
    fs::remove_file(place.path(&kept.path)).unwrap();
    place.link("../../../bob/room/inbox/secret.txt", &kept.path);
    assert_eq!(place.staged().await, [""; 0]);
    assert!(place.workspace.read(&kept.path, 100).await.is_err());
}
