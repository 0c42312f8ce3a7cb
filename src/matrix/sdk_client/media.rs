//! [`MediaClient`] over matrix-sdk. The SDK's own download keeps whole files in memory, without limit and timeout; here
//! content is passed on piece by piece.

use std::{
    io::{self, Cursor, Read},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use matrix_sdk::ruma::{MxcUri, RoomId, events::room::EncryptedFile};
use matrix_sdk_base::crypto::{AttachmentDecryptor, MediaEncryptionInfo};
use reqwest::{Response, StatusCode, header::RETRY_AFTER};
use serde_json::Value;
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::timeout,
};

use super::{
    SdkClient,
    errors::{chain, failure},
};
use crate::matrix::{
    client::MatrixError,
    media::{MediaClient, MediaSource, MediaStream},
};

/// How long the server may take to answer: it may have to ask another one.
const ANSWER_WITHIN: Duration = Duration::from_mins(2);
/// How long it may pause between two pieces.
const PIECE_WITHIN: Duration = Duration::from_secs(30);
/// Encrypted files on their way in at the same time: each holds one of the threads that databases and files need too, and
/// is written to a file by another one.
const DECRYPTIONS_AT_ONCE: usize = 8;
/// Pieces decrypted ahead.
const PIECES_AHEAD: usize = 4;
/// The longest error that is read.
const LONGEST_ERROR: usize = 64 * 1024;
/// Where media lie: with a token since version 1.11 of the specification, and where they lay before.
const PLACES: [&str; 2] = ["client/v1/media", "media/v3"];

#[async_trait]
impl MediaClient for SdkClient {
    async fn download(&self, source: &MediaSource) -> Result<MediaStream, MatrixError> {
        match source {
            MediaSource::Url(url) => Ok(pieces(self.ask_for(url).await?)),
            MediaSource::File(keys) => {
                let file: EncryptedFile = serde_json::from_value(keys.clone())
                    .map_err(|error| MatrixError::Local(format!("no encrypted file: {error}")))?;
                let turn = self.decryptions.turn().await?;
                let response = self.ask_for(file.url.as_str()).await?;
                Ok(decrypted(pieces(response), file.into(), turn))
            }
        }
    }

    async fn upload(
        &self,
        room: &RoomId,
        mime: &str,
        content: Vec<u8>,
    ) -> Result<MediaSource, MatrixError> {
        let room = self.synced_room(room).await?;
        let state = room.latest_encryption_state().await.map_err(failure)?;
        if state.is_encrypted() {
            let mut content = Cursor::new(content);
            let file = self
                .client
                .upload_encrypted_file(&mut content)
                .await
                .map_err(failure)?;
            let keys = serde_json::to_value(file)
                .map_err(|error| MatrixError::Local(error.to_string()))?;
            return Ok(MediaSource::File(keys));
        }
        let mime = mime
            .parse()
            .map_err(|_| MatrixError::Local("no media type".to_owned()))?;
        let upload = self.client.media().upload(&mime, content, None);
        let uploaded = upload.await.map_err(failure)?;
        Ok(MediaSource::Url(uploaded.content_uri.to_string()))
    }
}

impl SdkClient {
    async fn ask_for(&self, url: &str) -> Result<Response, MatrixError> {
        let (server, id) = <&MxcUri>::from(url)
            .parts()
            .map_err(|error| MatrixError::Local(format!("no media address: {error}")))?;
        let mut refusal = None;
        for place in PLACES {
            let mut address = self.client.homeserver();
            let joined = address
                .path_segments_mut()
                .map(|mut path| {
                    path.pop_if_empty().push("_matrix");
                    path.extend(place.split('/'));
                    path.extend(["download", server.as_str(), id]);
                })
                .is_ok();
            if !joined {
                return Err(MatrixError::Local("no homeserver address".to_owned()));
            }
            match self.get(address.as_str()).await {
                Err(error) if error.is_refused_with("M_UNRECOGNIZED") => refusal = Some(error),
                other => return other,
            }
        }
        Err(refusal.unwrap_or_else(|| MatrixError::Local("nowhere to ask".to_owned())))
    }

    async fn get(&self, address: &str) -> Result<Response, MatrixError> {
        let token = self.client.access_token().unwrap_or_default();
        let request = self.client.http_client().get(address).bearer_auth(token);
        let answer = timeout(ANSWER_WITHIN, request.send()).await;
        let response = answer
            .map_err(|_| MatrixError::Unanswered("no answer in time".to_owned()))?
            .map_err(|error| MatrixError::Unanswered(chain(&error)))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(refused(response).await)
    }
}

/// An answer that is no content.
async fn refused(response: Response) -> MatrixError {
    let status = response.status();
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .map(Duration::from_secs);
    if status == StatusCode::TOO_MANY_REQUESTS {
        return MatrixError::RateLimited { retry_after };
    }
    let mut body = Vec::new();
    let mut rest = pieces(response);
    while let Some(Ok(piece)) = rest.next().await {
        body.extend(piece);
        if body.len() > LONGEST_ERROR {
            break;
        }
    }
    let said: Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = |key: &str| said[key].as_str().unwrap_or_default().to_owned();
    let errcode = text("errcode");
    if errcode == "M_UNKNOWN_TOKEN" {
        return MatrixError::UnknownToken {
            soft_logout: said["soft_logout"].as_bool().unwrap_or_default(),
        };
    }
    if status.is_server_error() || errcode.is_empty() {
        return MatrixError::Unanswered(format!("{status} {errcode}"));
    }
    MatrixError::Refused {
        status: status.as_u16(),
        errcode,
        message: text("error"),
    }
}

/// The content as it comes.
fn pieces(response: Response) -> MediaStream {
    stream::unfold(Some(response), |response| async {
        let mut response = response?;
        match timeout(PIECE_WITHIN, response.chunk()).await {
            Ok(Ok(Some(piece))) => Some((Ok(piece.to_vec()), Some(response))),
            Ok(Ok(None)) => None,
            Ok(Err(error)) => Some((Err(MatrixError::Unanswered(chain(&error))), None)),
            Err(_) => Some((
                Err(MatrixError::Unanswered("the content stopped".to_owned())),
                None,
            )),
        }
    })
    .boxed()
}

/// How many files are decrypted at the same time. Clones share it.
#[derive(Clone)]
pub(super) struct Decryptions(Arc<Semaphore>);

impl Default for Decryptions {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(DECRYPTIONS_AT_ONCE)))
    }
}

impl Decryptions {
    async fn turn(&self) -> Result<OwnedSemaphorePermit, MatrixError> {
        let turn = Arc::clone(&self.0).acquire_owned().await;
        turn.map_err(|closed| MatrixError::Local(closed.to_string()))
    }
}

/// The content behind the encryption; an error at its end where it is not what the keys are for. The SDK's decryption
/// reads like a file, so it has a blocking thread, which ends with either of its two ends.
fn decrypted(
    encrypted: MediaStream,
    keys: MediaEncryptionInfo,
    turn: OwnedSemaphorePermit,
) -> MediaStream {
    let (send, receive) = mpsc::channel(PIECES_AHEAD);
    let handle = Handle::current();
    tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let mut reader = PieceReader {
            handle,
            pieces: encrypted,
            piece: Cursor::default(),
            failure: None,
        };
        let ended = decrypt(&mut reader, keys, &send);
        if let Err(error) = ended {
            let failure = reader.failure.take();
            let failure = failure.unwrap_or_else(|| MatrixError::Local(error.to_string()));
            // Nobody listens any more: then nobody misses it.
            let _ = send.blocking_send(Err(failure));
        }
    });
    stream::unfold(receive, |mut receive| async {
        Some((receive.recv().await?, receive))
    })
    .boxed()
}

fn decrypt(
    reader: &mut PieceReader,
    keys: MediaEncryptionInfo,
    send: &mpsc::Sender<Result<Vec<u8>, MatrixError>>,
) -> io::Result<()> {
    let mut decryptor = AttachmentDecryptor::new(reader, keys).map_err(io::Error::other)?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = decryptor.read(&mut buffer)?;
        if length == 0 || send.blocking_send(Ok(buffer[..length].to_vec())).is_err() {
            return Ok(());
        }
    }
}

/// Reads a stream from a blocking thread.
struct PieceReader {
    handle: Handle,
    pieces: MediaStream,
    piece: Cursor<Vec<u8>>,
    /// Why reading ended early.
    failure: Option<MatrixError>,
}

impl Read for PieceReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let length = self.piece.read(buffer)?;
            if length > 0 || buffer.is_empty() {
                return Ok(length);
            }
            match self.handle.block_on(self.pieces.next()) {
                None => return Ok(0),
                Some(Ok(piece)) => self.piece = Cursor::new(piece),
                Some(Err(error)) => {
                    self.failure = Some(error);
                    return Err(io::Error::other("the content stopped"));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;
    use matrix_sdk_base::crypto::AttachmentEncryptor;

    use super::*;

    fn encrypted(content: &[u8]) -> (Vec<u8>, MediaEncryptionInfo) {
        let mut content = Cursor::new(content.to_vec());
        let mut encryptor = AttachmentEncryptor::new(&mut content);
        let mut bytes = Vec::new();
        encryptor.read_to_end(&mut bytes).unwrap();
        (bytes, encryptor.finish())
    }

    /// A pool no larger than the process's, and more files than it has threads: each piece takes another thread to be
    /// written.
    #[test]
    fn files_that_are_decrypted_leave_threads_to_those_who_write_them() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .max_blocking_threads(DECRYPTIONS_AT_ONCE + 1)
            .build()
            .unwrap();
        let content = vec![7; 64 * 1024 * (PIECES_AHEAD + 8)];
        let decryptions = Decryptions::default();
        let download = async || {
            let turn = decryptions.turn().await.unwrap();
            let (bytes, keys) = encrypted(&content);
            let pieces = stream::iter([Ok(bytes)]).boxed();
            let mut pieces = decrypted(pieces, keys, turn);
            let mut length = 0;
            while let Some(piece) = pieces.next().await {
                let piece = piece.unwrap();
                length += tokio::task::spawn_blocking(move || piece.len())
                    .await
                    .unwrap();
            }
            length
        };
        let all = join_all((0..4 * DECRYPTIONS_AT_ONCE).map(|_| download()));
        let all = async { timeout(Duration::from_secs(20), all).await };
        let lengths = runtime.block_on(all).expect("every file arrives");
        assert!(lengths.iter().all(|length| *length == content.len()));
    }
}
