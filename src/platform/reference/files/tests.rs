//! What leads out of a session's folder leads nowhere.

use std::{fs, os::unix::fs::symlink};

use tempfile::TempDir;

use super::*;

struct World {
    _home: TempDir,
    root: PathBuf,
    workspace: Workspace,
}

impl World {
    /// A workspace with the folders of two chats, and a secret beside it.
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("workspace");
        for folder in ["mine/inbox", "theirs"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        fs::write(home.path().join("secret"), "secret").unwrap();
        fs::write(root.join("theirs/file"), "theirs").unwrap();
        fs::write(root.join("mine/inbox/файл 1.txt"), "hello").unwrap();
        let workspace = Workspace::new(&root).unwrap();
        Self {
            _home: home,
            root,
            workspace,
        }
    }

    fn mine(&self) -> Folder {
        self.workspace.folder(&self.root.join("mine")).unwrap()
    }
}

#[test]
fn a_linked_file_is_read_through() {
    let world = World::new();
    let folder = world.mine();
    let uri = folder.uri("inbox/файл 1.txt").unwrap();
    assert!(uri.starts_with("file:///") && !uri.contains(' '), "{uri}");
    let path = folder.linked(&uri).unwrap();
    let seen = folder.read(&path).unwrap();
    assert_eq!(seen.size, 5);
    assert_eq!(
        seen.sha256,
        "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    );
}

#[test]
fn a_folder_outside_of_the_workspace_is_none() {
    let world = World::new();
    for cwd in ["/", "/etc", "", "mine", "../mine"] {
        assert!(world.workspace.folder(Path::new(cwd)).is_none(), "{cwd}");
    }
    let up = world.root.join("mine/../..");
    assert!(world.workspace.folder(&up).is_none());
    assert!(world.workspace.folder(&world.root).is_some());
    assert!(
        world
            .workspace
            .folder(&world.root.join("not/there/yet"))
            .is_some()
    );
}

#[test]
fn addresses_that_lead_elsewhere_are_refused() {
    let world = World::new();
    let folder = world.mine();
    let inside = world.root.join("mine");
    let table = [
        "file:///etc/passwd".to_owned(),
        format!("file://{}/theirs/file", world.root.display()),
        format!("file://{}/../theirs/file", inside.display()),
        format!("file://{}/%2e%2e/theirs/file", inside.display()),
        "file://example.org/etc/passwd".to_owned(),
        "https://example.org/file".to_owned(),
        "inbox/file".to_owned(),
        String::new(),
    ];
    for uri in table {
        assert_eq!(folder.linked(&uri), Err(FileError::Outside), "{uri}");
    }
}

#[test]
fn names_and_links_that_lead_elsewhere_are_refused() {
    let world = World::new();
    let folder = world.mine();
    let inside = world.root.join("mine");
    symlink("../theirs/file", inside.join("link")).unwrap();
    symlink("/etc", inside.join("etc")).unwrap();
    symlink("../..", inside.join("up")).unwrap();
    for name in [
        "../theirs/file",
        "/etc/passwd",
        "inbox/../../theirs/file",
        "link",
        "etc/passwd",
        "up/secret",
    ] {
        assert_eq!(
            folder.read(Path::new(name)),
            Err(FileError::Outside),
            "{name}"
        );
    }
    for name in [
        "../theirs/new",
        "/tmp/new",
        "etc/new",
        "up/new",
        "",
        ".",
        "a/..",
    ] {
        assert_eq!(folder.write(name, "x"), Err(FileError::Outside), "{name}");
    }
    // A link in the place of the file is replaced, not followed.
    folder.write("link", "mine").unwrap();
    assert_eq!(
        fs::read_to_string(world.root.join("theirs/file")).unwrap(),
        "theirs"
    );
    assert_eq!(fs::read_to_string(inside.join("link")).unwrap(), "mine");
}

#[test]
fn a_folder_that_is_a_link_out_of_the_workspace_is_of_no_use() {
    let world = World::new();
    symlink("/etc", world.root.join("out")).unwrap();
    let folder = world.workspace.folder(&world.root.join("out")).unwrap();
    assert_eq!(folder.read(Path::new("passwd")), Err(FileError::Outside));
    assert_eq!(folder.write("new", "x"), Err(FileError::Outside));
}

#[test]
fn a_file_is_written_whole_with_the_folders_on_its_way() {
    let world = World::new();
    let folder = world
        .workspace
        .folder(&world.root.join("new/chat"))
        .unwrap();
    folder.write("a/b/план.txt", "one").unwrap();
    folder.write("a/b/план.txt", "two").unwrap();
    let there = world.root.join("new/chat/a/b");
    assert_eq!(fs::read_to_string(there.join("план.txt")).unwrap(), "two");
    assert_eq!(
        fs::read_dir(&there).unwrap().count(),
        1,
        "nothing else is left"
    );
    assert_eq!(folder.write("a/b", "x"), Err(FileError::NotAFile));
    assert_eq!(
        folder.write("a/b/план.txt/c", "x"),
        Err(FileError::NotAFile)
    );
}

#[test]
fn only_files_are_read() {
    let world = World::new();
    let folder = world.mine();
    assert_eq!(folder.read(Path::new("inbox")), Err(FileError::NotAFile));
    assert_eq!(folder.read(Path::new("nothing")), Err(FileError::Missing));
    let pipe = world.root.join("mine/pipe");
    let made = std::process::Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .unwrap();
    assert!(made.success());
    assert_eq!(folder.read(Path::new("pipe")), Err(FileError::NotAFile));
}
