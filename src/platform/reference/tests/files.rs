//! Files both ways, and not outside of the chat's folder.

use serde_json::json;

use super::World;

const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

#[tokio::test]
async fn a_linked_file_is_told_by_size_and_hash() {
    let world = World::new().await;
    let folder = world.folder("a");
    std::fs::create_dir_all(folder.join("inbox")).unwrap();
    std::fs::write(folder.join("inbox/x.txt"), "hello").unwrap();
    let mut client = world.client().await;
    let session = client.new_session(&folder).await;
    let link = |path: &str| json!({"type": "resource_link", "name": "x.txt", "uri": format!("file://{path}")});
    let path = folder.join("inbox/x.txt");
    let id = client
        .begin_with(&session, json!([link(path.to_str().unwrap())]))
        .await;
    let answer = client.finish(id).await;
    assert_eq!(answer.text, format!("x.txt: 5 bytes, SHA-256 `{HELLO}`\n"));
    assert_eq!(answer.calls, ["read \"x.txt\"", "completed"]);
    let answer = client.ask(&session, "read inbox/x.txt").await;
    assert!(answer.text.contains(HELLO), "{}", answer.text);

    let id = client
        .begin_with(
            &session,
            json!([{"type": "text", "text": "смотри"}, link("/etc/passwd")]),
        )
        .await;
    let answer = client.finish(id).await;
    assert!(
        answer
            .text
            .starts_with("x.txt: это вне папки этого чата.\nВы сказали: смотри"),
        "{}",
        answer.text
    );
    assert_eq!(answer.calls, ["read \"x.txt\"", "failed"]);
}

#[tokio::test]
async fn a_file_is_written_and_linked_back() {
    let world = World::new().await;
    let folder = world.folder("a");
    let mut client = world.client().await;
    let session = client.new_session(&folder).await;
    let answer = client.ask(&session, "write notes/a b.md: # Title").await;
    assert_eq!(answer.text, "Written: notes/a b.md, 7 bytes.\n");
    assert_eq!(
        std::fs::read_to_string(folder.join("notes/a b.md")).unwrap(),
        "# Title"
    );
    let link = &answer.links[0];
    assert_eq!(link["name"], "a b.md");
    assert_eq!(
        link["uri"],
        format!("file://{}/notes/a%20b.md", folder.display())
    );
    assert_eq!(link["size"], 7);
    assert_eq!(link["mimeType"], "text/markdown");
}

#[tokio::test]
async fn nothing_is_read_or_written_outside_of_the_chats_folder() {
    let world = World::new().await;
    std::fs::create_dir_all(world.folder("b")).unwrap();
    std::fs::write(world.folder("b").join("theirs"), "theirs").unwrap();
    let mut client = world.client().await;
    let session = client.new_session(&world.folder("a")).await;
    for wish in [
        "write ../b/theirs: mine",
        "write /tmp/x: mine",
        "read ../b/theirs",
        "read /etc/passwd",
    ] {
        let answer = client.ask(&session, wish).await;
        assert!(
            answer.text.contains("outside of this chat's folder"),
            "{wish}: {}",
            answer.text
        );
        assert_eq!(answer.links, [json!(null); 0]);
    }
    assert_eq!(
        std::fs::read_to_string(world.folder("b").join("theirs")).unwrap(),
        "theirs"
    );
    for cwd in ["/etc", "relative", ""] {
        let refused = client
            .call("session/new", json!({"cwd": cwd, "mcpServers": []}))
            .await
            .unwrap_err();
        assert_eq!(refused["code"], -32602, "{cwd}");
    }
}
