//! Where files of chats are kept, and how large they may be.

use std::path::PathBuf;

use crate::config::{problem::Reported, reader::Reader, units};

const DEFAULT_MAX_UPLOAD_BYTES: u64 = 50 << 20;
const DEFAULT_USER_QUOTA_BYTES: u64 = 1 << 30;

/// Where files of chats are kept, and how large they may be.
#[derive(Clone, Debug)]
pub struct FilesConfig {
    /// `SURFACES_WORKSPACE_DIR`: the root that is shared with the agents.
    pub workspace_dir: PathBuf,
    /// `SURFACES_MAX_UPLOAD_BYTES`: the limit of one file, both ways.
    pub max_upload_bytes: u64,
    /// `SURFACES_USER_QUOTA_BYTES`: what all files that one person sent may take together.
    pub user_quota_bytes: u64,
}

impl FilesConfig {
    /// Reads the section.
    pub fn from_env(reader: &mut Reader<'_>) -> Result<Self, Reported> {
        let workspace_dir = reader.or(
            "SURFACES_WORKSPACE_DIR",
            PathBuf::from("/workspace"),
            "a folder",
            |text| Some(PathBuf::from(text)),
        );
        let max_upload_bytes = reader.or(
            "SURFACES_MAX_UPLOAD_BYTES",
            DEFAULT_MAX_UPLOAD_BYTES,
            "a number of bytes from 1 up, such as 52428800 or 50MiB",
            units::bytes,
        );
        let user_quota_bytes = reader.or(
            "SURFACES_USER_QUOTA_BYTES",
            DEFAULT_USER_QUOTA_BYTES,
            "a number of bytes from 1 up, such as 1073741824 or 1GiB",
            units::bytes,
        );
        Ok(Self {
            workspace_dir: workspace_dir?,
            max_upload_bytes: max_upload_bytes?,
            user_quota_bytes: user_quota_bytes?,
        })
    }
}
