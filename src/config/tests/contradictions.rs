//! Paths that cannot be what they are meant to be, or that get in each other's way.

use super::World;

#[test]
fn folders_that_are_missing_are_no_problem() {
    World::new()
        .with("MATRIX_DB_PATH", "data/bot/lambda.db")
        .with("MATRIX_STORE_PATH", "data/bot/store")
        .with("SURFACES_WORKSPACE_DIR", "data/files")
        .config();
}

#[test]
fn paths_that_cannot_work_are_problems() {
    let table = [
        (
            World::new()
                .with("MATRIX_DB_PATH", "taken")
                .file("taken/x", ""),
            "MATRIX_DB_PATH: \"taken\" is a folder",
        ),
        (
            World::new()
                .with("MATRIX_STORE_PATH", "taken")
                .file("taken", ""),
            "MATRIX_STORE_PATH: \"taken\" is a file",
        ),
        (
            World::new()
                .with("SURFACES_WORKSPACE_DIR", "taken")
                .file("taken", ""),
            "SURFACES_WORKSPACE_DIR: \"taken\" is a file",
        ),
        (
            World::new()
                .with("MATRIX_DB_PATH", "taken/a/b.db")
                .file("taken", ""),
            "MATRIX_DB_PATH: \"taken/a/b.db\" leads through",
        ),
        (
            World::new().with("MATRIX_DB_PATH", "matrix_store/x.db"),
            "MATRIX_DB_PATH: \"matrix_store/x.db\" is inside MATRIX_STORE_PATH (\"matrix_store\")",
        ),
        (
            World::new().with("MATRIX_DB_PATH", "workspace/x.db"),
            "MATRIX_DB_PATH: \"workspace/x.db\" is inside SURFACES_WORKSPACE_DIR",
        ),
        (
            World::new().with("MATRIX_STORE_PATH", "./a/../workspace/store"),
            "MATRIX_STORE_PATH: \"./a/../workspace/store\" is inside SURFACES_WORKSPACE_DIR",
        ),
        (
            World::new().with("SURFACES_WORKSPACE_DIR", "matrix_store/files"),
            "SURFACES_WORKSPACE_DIR: \"matrix_store/files\" is inside MATRIX_STORE_PATH",
        ),
    ];
    for (world, expected) in table {
        let problem = world.problem();
        assert!(problem.starts_with(expected), "{problem}");
    }
}

#[test]
fn the_current_folder_as_workspace_would_show_the_session_to_agents() {
    let problems = World::new().with("SURFACES_WORKSPACE_DIR", ".").problems();
    assert_eq!(problems.len(), 2, "{problems:#?}");
}

#[test]
fn a_link_into_the_workspace_is_seen_through() {
    let world = World::new().with("MATRIX_STORE_PATH", "link/store");
    let folder = world.folder.path();
    std::fs::create_dir(folder.join("workspace")).unwrap();
    std::os::unix::fs::symlink("workspace", folder.join("link")).unwrap();
    assert!(world.problem().contains("is inside SURFACES_WORKSPACE_DIR"));
}

#[test]
fn names_that_only_begin_alike_are_apart() {
    World::new()
        .with("MATRIX_DB_PATH", "workspace.db")
        .with("MATRIX_STORE_PATH", "workspace-store")
        .config();
}
