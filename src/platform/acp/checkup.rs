//! As far as a session, and no further: what an operator wants to know before people ask.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use agent_client_protocol::v1::schema::CloseSessionRequest;
use uuid::Uuid;

use super::{AcpAgent, trouble::Trouble};

impl AcpAgent {
    /// Opens a session in a folder of its own and closes it where the agent can close sessions. The folder is removed.
    pub(super) async fn open_and_close(&self) -> Result<(), Trouble> {
        let connection = self.keeper.connection().await?;
        let folder = format!("surfaces/doctor-{}", Uuid::new_v4().simple());
        let local = self.place.local().join(&folder);
        let made = tokio::task::spawn_blocking(move || Scratch::make(&local)).await;
        let begun = self.new_session(&connection, self.place.cwd(&folder)).await;
        if let Ok(begun) = &begun
            && connection.offers.session_capabilities.close.is_some()
        {
            let request = CloseSessionRequest::new(begun.session_id.clone());
            if let Err(fault) = connection.request("session/close", request).await {
                let trouble = Trouble::from(fault);
                tracing::debug!(error = trouble.detail, "a session was not closed");
            }
        }
        drop(made);
        begun.map(drop)
    }
}

/// A folder that is removed with the value, and with it the folders above it that were made for it.
struct Scratch {
    made: Vec<PathBuf>,
}

impl Scratch {
    fn make(folder: &Path) -> io::Result<Self> {
        let missing = folder.ancestors().take_while(|path| !path.exists());
        let made = missing.map(Path::to_owned).collect();
        fs::create_dir_all(folder)?;
        Ok(Self { made })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What the agent wrote there goes too; folders above it stay where something else is in them.
        if let Some((scratch, above)) = self.made.split_first() {
            let _ = fs::remove_dir_all(scratch);
            for folder in above {
                let _ = fs::remove_dir(folder);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scratch_folder_leaves_nothing_behind() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("surfaces")).unwrap();
        for path in ["surfaces/doctor-1", "workspace/surfaces/doctor-2"] {
            let folder = root.path().join(path);
            let scratch = Scratch::make(&folder).unwrap();
            fs::write(folder.join("file"), "x").unwrap();
            drop(scratch);
            assert!(!folder.exists());
        }
        assert!(root.path().join("surfaces").exists());
        assert!(!root.path().join("workspace").exists());
    }
}
