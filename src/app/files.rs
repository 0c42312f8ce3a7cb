//! The workspace, made real, the way between it and the homeserver, and what agents may read of it.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    config::Config,
    core::files::{ChatFiles, FilePorts},
    lifecycle::Tasks,
    matrix::{client::MatrixClient, media::Media, sdk_client::SdkClient},
    platform::openai::ports::{Files, PortError},
    workspace::{FileLimits, Workspace},
};

/// The workspace that the configuration describes.
pub(super) fn workspace(config: &Config) -> Workspace {
    let limits = FileLimits {
        file: config.files.max_upload_bytes,
        user: config.files.user_quota_bytes,
    };
    Workspace::new(config.files.workspace_dir.clone(), limits)
}

/// The way of files between it and the homeserver.
pub(super) fn media(
    sdk: &Arc<SdkClient>,
    patient: &Arc<dyn MatrixClient>,
    workspace: &Workspace,
    tasks: &Tasks,
) -> Media {
    Media::new(
        Arc::clone(sdk) as _,
        Arc::clone(patient),
        Arc::new(workspace.clone()),
        tasks.stop().clone(),
    )
}

/// Both, as chats need them.
pub(super) fn ports(workspace: Workspace, media: &Media) -> FilePorts {
    FilePorts {
        files: Arc::new(workspace),
        source: Arc::new(media.clone()),
    }
}

#[async_trait]
impl Files for Workspace {
    async fn read(&self, path: &str, most: u64) -> Result<Vec<u8>, PortError> {
        let content = ChatFiles::read(self, path, most).await;
        content.map_err(|error| PortError(error.to_string()))
    }
}
