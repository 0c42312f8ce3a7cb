//! Files that agents name, as long as they may.

use super::*;

#[tokio::test]
async fn a_file_of_the_chat_and_one_of_the_common_part_are_copied() {
    let place = Place::new();
    for path in [
        "surfaces/matrix/alice/room/out/plot.png",
        "project/plot.png",
        "./project//./plot.png",
        "plot.png",
    ] {
        place.write(path, b"pixels");
        let copy = place.copy_out(path).await.unwrap();
        assert_eq!((copy.name.as_str(), copy.size), ("plot.png", 6), "{path}");
        assert_eq!(copy.mime, "image/png");
        assert!(copy.snapshot.starts_with(FOLDER), "{}", copy.snapshot);
        assert_eq!(fs::read(place.path(&copy.snapshot)).unwrap(), b"pixels");
    }
}

#[tokio::test]
async fn what_is_sent_is_what_was_there_when_it_was_named() {
    let place = Place::new();
    place.write("a.txt", b"before");
    let copy = place.copy_out("a.txt").await.unwrap();
    place.write("a.txt", b"after");
    let sent = place.workspace.read(&copy.snapshot, 100).await.unwrap();
    assert_eq!(sent, b"before");
    let anew = place.copy_out("a.txt").await.unwrap();
    assert_eq!(anew.snapshot, copy.snapshot, "the same slot");
    place.workspace.discard_copy(&copy.snapshot).await.unwrap();
    place.workspace.discard_copy(&copy.snapshot).await.unwrap();
    assert_eq!(place.left_in(&format!("{FOLDER}/.staging")), [""; 0]);
}

#[tokio::test]
async fn a_file_of_the_exact_limit_is_sent_and_one_byte_more_is_not() {
    let place = Place::new();
    place.write("fits", &[1; 1000]);
    place.write("not", &[1; 1001]);
    assert_eq!(place.copy_out("fits").await.unwrap().size, 1000);
    let error = place.copy_out("not").await.unwrap_err();
    assert!(matches!(error, FilesError::TooLarge { limit: 1000 }));
    let error = place.workspace.read("not", 1000).await.unwrap_err();
    assert!(matches!(error, FilesError::TooLarge { limit: 1000 }));
}

#[tokio::test]
async fn what_is_not_there_or_no_file_is_told_as_such() {
    let place = Place::new();
    place.write("folder/a", b"x");
    for missing in ["nothing", "folder/b", "folder/a/b", "x/y/z"] {
        let error = place.copy_out(missing).await.unwrap_err();
        assert!(matches!(error, FilesError::Missing), "{missing}: {error:?}");
    }
    for nothing in ["folder", "", ".", FOLDER] {
        let error = place.copy_out(nothing).await.unwrap_err();
        assert!(
            matches!(error, FilesError::NotAFile | FilesError::Missing),
            "{nothing}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_pipe_is_no_file_and_nobody_waits_for_its_other_end() {
    let place = Place::new();
    place.write("a", b"x");
    let made = std::process::Command::new("mkfifo")
        .args([place.path("pipe"), place.path("surfaces-pipe")])
        .status()
        .unwrap();
    assert!(made.success());
    fs::create_dir_all(place.path(FOLDER)).unwrap();
    fs::rename(
        place.path("surfaces-pipe"),
        place.path(&format!("{FOLDER}/pipe")),
    )
    .unwrap();
    for path in ["pipe", "surfaces/matrix/alice/room/pipe"] {
        let error = place.copy_out(path).await.unwrap_err();
        assert!(matches!(error, FilesError::NotAFile), "{path}: {error:?}");
    }
}
