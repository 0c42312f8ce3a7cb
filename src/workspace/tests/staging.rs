//! Files come in, wait, and go with one question.

use super::*;

#[tokio::test]
async fn a_file_lies_in_the_inbox_under_a_stamp_and_its_name() {
    let place = Place::new();
    let file = place.arrives("$1", "my notes.txt", b"hello").await;
    assert!(
        file.path
            .starts_with("surfaces/matrix/alice/room/inbox/19700101T000049Z-"),
        "{}",
        file.path
    );
    assert!(file.path.ends_with("-my_notes.txt"), "{}", file.path);
    assert_eq!((file.name.as_str(), file.size), ("my notes.txt", 5));
    assert_eq!(file.mime.as_deref(), Some("text/plain"));
    assert_eq!(fs::read(place.path(&file.path)).unwrap(), b"hello");
    let content = place.workspace.read(&file.path, 100).await.unwrap();
    assert_eq!(content, b"hello");
}

#[tokio::test]
async fn an_empty_file_is_a_file() {
    let place = Place::new();
    let file = place
        .deposit(FOLDER, &arrival("$1", "empty"))
        .await
        .keep()
        .await
        .unwrap();
    assert_eq!(file.size, 0);
    assert_eq!(place.staged().await, ["empty"]);
}

#[tokio::test]
async fn the_same_message_is_not_kept_twice() {
    let place = Place::new();
    let first = place.arrives("$1", "a", b"one").await;
    match place.workspace.begin(&arrival("$1", "a")).await.unwrap() {
        Beginning::Kept(again) => assert_eq!(again, first),
        Beginning::Open(_) => panic!("it is fetched again"),
    }
    assert_eq!(place.left_in(&format!("{FOLDER}/inbox")).len(), 1);
}

#[tokio::test]
async fn two_files_of_one_name_are_two_files() {
    let place = Place::new();
    let one = place.arrives("$1", "a", b"one").await;
    let two = place.arrives("$2", "a", b"two").await;
    assert_ne!(one.path, two.path);
    assert_eq!(place.staged().await, ["a", "a"]);
}

#[tokio::test]
async fn files_wait_in_the_order_in_which_they_came_whatever_their_clocks_say() {
    let place = Place::new();
    for (event, name) in [("$9", "a"), ("$1", "b"), ("$5", "c")] {
        place.arrives(event, name, b"x").await;
    }
    assert_eq!(place.staged().await, ["a", "b", "c"]);
    assert_eq!(place.take("$q").await, ["a", "b", "c"]);
}

#[tokio::test]
async fn the_next_question_takes_all_that_wait_and_the_one_after_it_none() {
    let place = Place::new();
    place.arrives("$1", "a", b"one").await;
    place.arrives("$2", "b", b"two").await;
    assert_eq!(place.take("$q1").await, ["a", "b"]);
    assert_eq!(place.staged().await, [""; 0]);
    assert_eq!(place.take("$q2").await, [""; 0]);
    place.arrives("$3", "c", b"three").await;
    assert_eq!(place.take("$q3").await, ["c"]);
}

#[tokio::test]
async fn the_same_question_asked_again_gets_the_same_files() {
    let place = Place::new();
    place.arrives("$1", "a", b"one").await;
    assert_eq!(place.take("$q1").await, ["a"]);
    place.arrives("$2", "b", b"two").await;
    assert_eq!(place.take("$q1").await, ["a"]);
    assert_eq!(place.take("$q2").await, ["b"]);
}

#[tokio::test]
async fn a_file_with_its_own_question_is_not_staged_again_when_it_is_fetched_again() {
    let place = Place::new();
    let file = place.arrives("$1", "a", b"one").await;
    assert_eq!(place.take("$1").await, ["a"]);
    fs::remove_file(place.path(&file.path)).unwrap();
    place.arrives("$1", "a", b"one").await;
    assert_eq!(place.staged().await, [""; 0]);
    assert_eq!(place.take("$1").await, ["a"]);
    assert_eq!(place.take("$q2").await, [""; 0]);
}

#[tokio::test]
async fn a_note_without_its_file_is_no_file() {
    let place = Place::new();
    let file = place.arrives("$1", "a", b"one").await;
    fs::remove_file(place.path(&file.path)).unwrap();
    assert_eq!(place.staged().await, [""; 0]);
    place.arrives("$1", "a", b"one").await;
    assert_eq!(place.staged().await, ["a"]);
}

#[tokio::test]
async fn a_numbered_file_is_dropped_once_however_often_the_command_is_carried_out() {
    let place = Place::new();
    for (event, name) in [("$1", "a"), ("$2", "b"), ("$3", "c")] {
        place.arrives(event, name, b"x").await;
    }
    for _ in 0..2 {
        let dropped = place.drop_staged("$drop", Some(2)).await;
        assert_eq!(dropped_names(&dropped), ["b"]);
    }
    assert_eq!(place.staged().await, ["a", "c"]);
    let again = place.drop_staged("$drop2", Some(2)).await;
    assert_eq!(dropped_names(&again), ["c"]);
    assert_eq!(place.left_in(&format!("{FOLDER}/inbox")).len(), 1);
    for number in [0, 2, usize::MAX] {
        let dropped = place.drop_staged("$drop3", Some(number)).await;
        assert_eq!(dropped, Dropped::NoSuchNumber(1), "{number}");
    }
}

#[tokio::test]
async fn all_files_are_dropped_once_however_often_the_command_is_carried_out() {
    let place = Place::new();
    place.arrives("$1", "a", b"x").await;
    place.arrives("$2", "b", b"x").await;
    for _ in 0..2 {
        let dropped = place.drop_staged("$drop", None).await;
        assert_eq!(dropped_names(&dropped), ["a", "b"]);
    }
    assert_eq!(place.left_in(&format!("{FOLDER}/inbox")), [""; 0]);
    let none = place.drop_staged("$drop2", None).await;
    assert_eq!(none, Dropped::Files(Vec::new()));
    assert_eq!(place.take("$q").await, [""; 0]);
}

#[tokio::test]
async fn what_grows_too_large_while_it_arrives_is_given_up_and_leaves_nothing() {
    let place = Place::new();
    let mut deposit = place.deposit(FOLDER, &arrival("$1", "big")).await;
    deposit.write(&[0; 1000]).await.unwrap();
    let error = deposit.write(&[0]).await.unwrap_err();
    assert!(matches!(error, FilesError::TooLarge { limit: 1000 }));
    drop(deposit);
    assert_eq!(place.left_in(&format!("{FOLDER}/.staging")), [""; 0]);
    assert_eq!(place.left_in(&format!("{FOLDER}/inbox")), [""; 0]);
}

#[tokio::test]
async fn the_files_of_one_person_are_limited_together_and_empty_ones_count() {
    let place = Place::new();
    for event in ["$1", "$2", "$3", "$4"] {
        place.arrives(event, "a", b"").await;
    }
    let mut fifth = place
        .deposit("surfaces/matrix/alice/other", &arrival("$5", "a"))
        .await;
    let error = fifth.write(b"x").await.unwrap_err();
    assert!(matches!(error, FilesError::OverQuota { quota: 20_000 }));
    let mut of_bob = place.deposit(OTHER, &arrival("$5", "a")).await;
    of_bob.write(b"x").await.unwrap();
    of_bob.keep().await.unwrap();
    place.drop_staged("$drop", Some(1)).await;
    place.arrives("$6", "a", b"").await;
}

#[tokio::test]
async fn two_files_that_arrive_at_once_are_counted_one_after_the_other() {
    let place = Place::new();
    for event in ["$1", "$2", "$3"] {
        place.arrives(event, "a", b"").await;
    }
    let other = "surfaces/matrix/alice/other";
    let one = place.deposit(FOLDER, &arrival("$4", "a")).await;
    let two = place.deposit(other, &arrival("$5", "a")).await;
    let (one, two) = tokio::join!(one.keep(), two.keep());
    assert!(one.is_ok() != two.is_ok(), "one of them is over the quota");
}

#[tokio::test]
async fn a_content_that_begins_again_leaves_nothing_of_the_first_try() {
    let place = Place::new();
    let mut deposit = place.deposit(FOLDER, &arrival("$1", "a")).await;
    deposit.write(b"first, and longer").await.unwrap();
    deposit.restart().await.unwrap();
    deposit.write(b"second").await.unwrap();
    let file = deposit.keep().await.unwrap();
    assert_eq!(fs::read(place.path(&file.path)).unwrap(), b"second");
    assert_eq!(file.size, 6);
}

#[tokio::test]
async fn what_a_death_left_behind_is_gone_with_the_next_question() {
    let place = Place::new();
    place.arrives("$1", "a", b"one").await;
    place.take("$q1").await;
    place.write(&format!("{FOLDER}/.staging/part-x"), b"half");
    place.write(&format!("{FOLDER}/.staging/out-0-0"), b"copy");
    place.take("$q2").await;
    assert_eq!(place.left_in(&format!("{FOLDER}/.staging")), [""; 0]);
}

#[tokio::test]
async fn a_chat_without_files_and_a_workspace_that_is_not_there_have_none() {
    let place = Place::new();
    assert_eq!(place.staged().await, [""; 0]);
    assert_eq!(place.take("$q").await, [""; 0]);
    assert_eq!(
        place.drop_staged("$d", Some(1)).await,
        Dropped::NoSuchNumber(0)
    );
    assert!(!place.path("").exists(), "nothing is made for nothing");
}

#[tokio::test]
async fn a_workspace_that_cannot_be_made_is_a_failure_and_no_panic() {
    let place = Place::new();
    let path = place.folder.path().join("workspace");
    fs::write(path, b"a file where the folder should be").unwrap();
    assert!(place.workspace.begin(&arrival("$1", "a")).await.is_err());
}

async fn arrives_behind(place: &Place, event: &str, name: &str, behind: &[&str]) {
    let arrival = Arrival {
        not_with: behind.iter().map(|event| EventKey::new(*event)).collect(),
        ..arrival(event, name)
    };
    let deposit = place.deposit(FOLDER, &arrival).await;
    deposit.keep().await.unwrap();
}

#[tokio::test]
async fn a_file_goes_with_no_question_that_was_sent_before_it() {
    let place = Place::new();
    place.arrives("$1", "first", b"x").await;
    arrives_behind(&place, "$2", "second", &["$q1", "$q2"]).await;
    assert_eq!(place.staged().await, ["first", "second"]);
    for _ in 0..2 {
        assert_eq!(place.take("$q1").await, ["first"]);
        assert_eq!(place.staged().await, ["second"]);
    }
    assert_eq!(place.take("$q2").await, [""; 0]);
    assert_eq!(place.take("$q3").await, ["second"]);
}

#[tokio::test]
async fn a_death_while_files_are_taken_loses_none_that_was_sent_later() {
    for next in ["$q1", "$q2"] {
        let place = Place::new();
        place.arrives("$1", "first", b"x").await;
        arrives_behind(&place, "$2", "second", &["$q1"]).await;
        // All is taken, and nothing given back yet.
        let staging = place.path(&format!("{FOLDER}/.staging"));
        let taken = format!("taken-{}", names::mark(&EventKey::new("$q1")));
        fs::rename(staging.join("waiting"), staging.join(taken)).unwrap();
        let given = place.take(next).await;
        let expected: &[&str] = if next == "$q1" {
            &["first"]
        } else {
            &["second"]
        };
        assert_eq!(given, expected);
    }
}

#[tokio::test]
async fn a_drop_leaves_files_alone_that_were_sent_after_it() {
    let place = Place::new();
    place.arrives("$1", "first", b"x").await;
    arrives_behind(&place, "$2", "second", &["$d1", "$d2", "$d3"]).await;
    assert_eq!(
        place.drop_staged("$d1", Some(2)).await,
        Dropped::NoSuchNumber(2)
    );
    assert_eq!(
        dropped_names(&place.drop_staged("$d2", None).await),
        ["first"]
    );
    assert_eq!(
        dropped_names(&place.drop_staged("$d3", None).await),
        [""; 0]
    );
    assert_eq!(place.staged().await, ["second"]);
}

#[tokio::test]
async fn a_question_that_is_asked_meanwhile_leaves_content_on_its_way_alone() {
    let place = Place::new();
    place.arrives("$0", "before", b"x").await;
    let mut deposit = place.deposit(FOLDER, &arrival("$1", "a")).await;
    deposit.write(b"hello").await.unwrap();
    assert_eq!(place.take("$q").await, ["before"]);
    assert_eq!(deposit.keep().await.unwrap().size, 5);
    assert_eq!(place.staged().await, ["a"]);
}

#[tokio::test]
async fn a_recording_gets_an_ending_and_its_type_stays_whole() {
    let place = Place::new();
    let recording = Arrival {
        mime: Some("audio/ogg; codecs=opus".to_owned()),
        ..arrival("$1", "Voice message")
    };
    let deposit = place.deposit(FOLDER, &recording).await;
    let file = deposit.keep().await.unwrap();
    assert!(file.path.ends_with("-Voice_message.ogg"), "{}", file.path);
    assert_eq!(file.name, "Voice message.ogg");
    assert_eq!(file.mime.as_deref(), Some("audio/ogg; codecs=opus"));
    let arrival = Arrival {
        folder: FOLDER.to_owned(),
        ..recording
    };
    assert_eq!(place.workspace.kept(&arrival).await.unwrap(), Some(file));
}
