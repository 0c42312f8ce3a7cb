//! The fake homeserver's media repository.

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use matrix_sdk::ruma::RoomId;
use surfaces_bot::matrix::{
    client::MatrixError,
    media::{MediaClient, MediaSource, MediaStream},
};

use super::{
    fake_client::{begin, ensure_synced},
    fake_matrix::{FakeMatrix, Server},
    requests::refused,
};

pub(crate) struct FakeMedia(pub(crate) FakeMatrix);

/// Content comes in pieces of so many bytes.
const PIECE: usize = 1000;

#[async_trait]
impl MediaClient for FakeMedia {
    async fn download(&self, source: &MediaSource) -> Result<MediaStream, MatrixError> {
        let MediaSource::Url(url) = source else {
            return Err(refused("M_UNKNOWN"));
        };
        let content = begin(&self.0, "download", None, |server| {
            let content = server.media.get(url).cloned();
            content.ok_or_else(|| refused("M_NOT_FOUND"))
        })
        .await?;
        let pieces: Vec<_> = content
            .chunks(PIECE)
            .map(|piece| Ok(piece.to_vec()))
            .collect();
        Ok(stream::iter(pieces).boxed())
    }

    async fn upload(
        &self,
        room: &RoomId,
        _mime: &str,
        content: Vec<u8>,
    ) -> Result<MediaSource, MatrixError> {
        ensure_synced(&self.0, room).await?;
        begin(&self.0, "upload", Some(room), |server| {
            Ok(MediaSource::Url(server.keep_media(content)))
        })
        .await
    }
}

impl Server {
    /// Keeps the content; its address.
    pub(crate) fn keep_media(&mut self, content: Vec<u8>) -> String {
        let url = format!("mxc://hs/media{}", self.media.len());
        self.media.insert(url.clone(), content);
        url
    }
}
