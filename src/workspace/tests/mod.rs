mod hostile;
mod outgoing;
mod staging;

use std::{
    path::PathBuf,
    time::{Duration, UNIX_EPOCH},
};

use tempfile::TempDir;

use super::*;
use crate::core::files::Deposit;

const FOLDER: &str = "surfaces/matrix/alice/room";
const OTHER: &str = "surfaces/matrix/bob/room";
const LIMITS: FileLimits = FileLimits {
    file: 1000,
    user: 20_000,
};

struct Place {
    folder: TempDir,
    workspace: Workspace,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::new(folder.path().join("workspace"), LIMITS);
        Self { folder, workspace }
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join("workspace").join(relative)
    }

    fn write(&self, relative: &str, content: &[u8]) {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn link(&self, target: &str, relative: &str) {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, path).unwrap();
    }

    async fn deposit(&self, folder: &str, arrival: &Arrival) -> Box<dyn Deposit> {
        let arrival = Arrival {
            folder: folder.to_owned(),
            ..arrival.clone()
        };
        match self.workspace.begin(&arrival).await.unwrap() {
            Beginning::Open(deposit) => deposit,
            Beginning::Kept(file) => panic!("{} is kept", file.path),
        }
    }

    /// A file of alice with this content arrives.
    async fn arrives(&self, event: &str, name: &str, content: &[u8]) -> PromptFile {
        let mut deposit = self.deposit(FOLDER, &arrival(event, name)).await;
        deposit.write(content).await.unwrap();
        deposit.keep().await.unwrap()
    }

    async fn staged(&self) -> Vec<String> {
        names_of(&self.workspace.staged(FOLDER).await.unwrap())
    }

    async fn take(&self, question: &str) -> Vec<String> {
        let question = EventKey::new(question);
        names_of(&self.workspace.take(FOLDER, &question).await.unwrap())
    }

    async fn drop_staged(&self, command: &str, number: Option<usize>) -> Dropped {
        let command = EventKey::new(command);
        let dropped = self.workspace.drop_staged(FOLDER, &command, number);
        dropped.await.unwrap()
    }

    async fn copy_out(&self, path: &str) -> Result<OutgoingFile, FilesError> {
        let question = EventKey::new("$question");
        self.workspace.copy_out(FOLDER, &question, 0, path).await
    }

    /// Names of all files below the chat's folder, hidden ones included.
    fn left_in(&self, relative: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path(relative)) else {
            return Vec::new();
        };
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

/// Later events have later stamps, if they are named `$1`, `$2` and so on.
fn arrival(event: &str, name: &str) -> Arrival {
    let second = event[1..].bytes().next_back().map_or(0, u64::from);
    Arrival {
        folder: FOLDER.to_owned(),
        event: EventKey::new(event),
        sent_at: UNIX_EPOCH + Duration::from_secs(second),
        name: name.to_owned(),
        mime: name.contains('.').then(|| "text/plain".to_owned()),
        not_with: Vec::new(),
    }
}

fn names_of(files: &[PromptFile]) -> Vec<String> {
    files.iter().map(|file| file.name.clone()).collect()
}

fn dropped_names(dropped: &Dropped) -> Vec<String> {
    match dropped {
        Dropped::Files(files) => names_of(files),
        Dropped::NoSuchNumber(count) => panic!("only {count} files wait"),
    }
}
