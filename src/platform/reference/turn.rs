//! One turn: what a message asks for is done and told, piece by piece.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use agent_client_protocol::v1::schema::{
    ContentBlock, ContentChunk, PermissionOption, PermissionOptionKind, RequestPermissionOutcome,
    RequestPermissionRequest, ResourceLink, SessionNotification, SessionUpdate, StopReason,
    ToolCall, ToolCallStatus, ToolCallUpdate, ToolCallUpdateFields, ToolKind,
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{
    files::{FileError, Folder, Seen},
    peer::{Gone, Peer},
    session::Session,
    wish::Wish,
    words::{Language, Permitted},
};

/// Pieces that a text is told in, at most: a long one in larger pieces.
const PIECES: usize = 200;

/// A count is this many times slower than words.
const COUNT_PACE: u32 = 5;

const ALLOW_ONCE: &str = "allow-once";
const ALLOW_ALWAYS: &str = "allow-always";
const REJECT: &str = "reject";

/// One turn of a session.
pub(super) struct Turn {
    peer: Peer,
    folder: Folder,
    session: Session,
    pace: Duration,
    asked: String,
    links: Vec<(String, String)>,
    language: Language,
    said: String,
    tool_calls: u32,
}

impl Turn {
    pub(super) fn new(
        peer: Peer,
        folder: Folder,
        session: Session,
        pace: Duration,
        prompt: &[ContentBlock],
    ) -> Self {
        let mut texts = Vec::new();
        let mut links = Vec::new();
        for block in prompt {
            match block {
                ContentBlock::Text(text) => texts.push(text.text.as_str()),
                ContentBlock::ResourceLink(link) => {
                    links.push((link.name.clone(), link.uri.clone()));
                }
                // Not announced, so nobody sends it.
                _ => {}
            }
        }
        let asked = texts.join("\n");
        Self {
            peer,
            folder,
            session,
            pace,
            language: Language::of(&asked),
            asked,
            links,
            said: String::new(),
            tool_calls: 0,
        }
    }

    /// Makes the turn, or as much of it as there is when it is stopped.
    pub(super) async fn make(&mut self, stop: &CancellationToken) -> Result<StopReason, Gone> {
        match stop.run_until_cancelled(self.answer()).await {
            Some(outcome) => outcome,
            None => Ok(StopReason::Cancelled),
        }
    }

    /// The session with this turn in it.
    pub(super) fn into_session(mut self) -> Session {
        let names: Vec<&str> = self.links.iter().map(|(name, _)| name.as_str()).collect();
        let asked = if self.asked.is_empty() {
            names.join(", ")
        } else {
            self.asked
        };
        self.session.remember(&asked, &self.said);
        self.session
    }

    async fn answer(&mut self) -> Result<StopReason, Gone> {
        for (name, uri) in self.links.clone() {
            let path = self.folder.linked(&uri);
            self.look(&name, path).await?;
        }
        if self.asked.trim().is_empty() && !self.links.is_empty() {
            return Ok(StopReason::EndTurn);
        }
        match Wish::of(&self.asked) {
            Wish::Help => self.say(self.language.help()).await?,
            Wish::Remember => {
                let first = self.session.turns.first().map(|turn| turn.asked.as_str());
                let messages = self.session.turns.len() as u64;
                let text = self
                    .language
                    .remembered(messages, self.session.forgotten, first);
                self.say(&text).await?;
            }
            Wish::Write { name, text } => self.write(name, text).await?,
            Wish::Read { name } => self.look(&name.clone(), Ok(name.into())).await?,
            Wish::AskPermission { to } => return self.ask(&to).await,
            Wish::Count { to } => {
                for number in 1..=to {
                    self.tell(format!("{number} ")).await?;
                    sleep(self.pace * COUNT_PACE).await;
                }
            }
            Wish::Say { text } => {
                let text = self.language.said(&text, self.session.next_number());
                self.say(&text).await?;
            }
        }
        Ok(StopReason::EndTurn)
    }

    async fn look(&mut self, name: &str, path: Result<PathBuf, FileError>) -> Result<(), Gone> {
        let call = self.begin(name, ToolKind::Read).await?;
        let seen = match path {
            Ok(path) => self.read(path).await,
            Err(error) => Err(error),
        };
        self.end(call, seen.is_ok()).await?;
        let text = match seen {
            Ok(seen) => self.language.seen(name, &seen),
            Err(error) => self.language.file_failed(name, error),
        };
        self.say(&text).await
    }

    async fn read(&self, path: PathBuf) -> Result<Seen, FileError> {
        let folder = self.folder.clone();
        blocking(move || folder.read(&path)).await
    }

    async fn write(&mut self, name: String, text: String) -> Result<(), Gone> {
        let call = self.begin(&name, ToolKind::Edit).await?;
        let (folder, size) = (self.folder.clone(), text.len());
        let written = {
            let name = name.clone();
            blocking(move || folder.write(&name, &text)).await
        };
        self.end(call, written.is_ok()).await?;
        match written {
            Ok(()) => {
                self.say(&self.language.written(&name, size)).await?;
                self.link(&name, size).await
            }
            Err(error) => self.say(&self.language.file_failed(&name, error)).await,
        }
    }

    /// Gives a file of the session's folder to the client.
    async fn link(&mut self, name: &str, size: usize) -> Result<(), Gone> {
        let Some(uri) = self.folder.uri(name) else {
            return Ok(());
        };
        let short = Path::new(name)
            .file_name()
            .map_or(name.into(), |name| name.to_string_lossy());
        let link = ResourceLink::new(short, uri)
            .mime_type(mime_guess::from_path(name).first_raw().map(str::to_owned))
            .size(i64::try_from(size).ok());
        self.update(SessionUpdate::AgentMessageChunk(ContentChunk::new(
            ContentBlock::ResourceLink(link),
        )))
        .await
    }

    async fn ask(&mut self, to: &str) -> Result<StopReason, Gone> {
        if self.session.allowed.contains(to) {
            self.say(&self.language.permitted(Permitted::Before, to))
                .await?;
            return Ok(StopReason::EndTurn);
        }
        let call = self.begin(to, ToolKind::Execute).await?;
        let [once, always, no] = self.language.permission_options();
        let options = vec![
            PermissionOption::new(ALLOW_ONCE, once, PermissionOptionKind::AllowOnce),
            PermissionOption::new(ALLOW_ALWAYS, always, PermissionOptionKind::AllowAlways),
            PermissionOption::new(REJECT, no, PermissionOptionKind::RejectOnce),
        ];
        let about = ToolCallUpdate::new(
            call.clone(),
            ToolCallUpdateFields::new().title(to.to_owned()),
        );
        let question = RequestPermissionRequest::new(self.session.id.clone(), about, options);
        let permitted = match self.peer.ask(question).await?.map(|answer| answer.outcome) {
            Some(RequestPermissionOutcome::Cancelled) => return Ok(StopReason::Cancelled),
            Some(RequestPermissionOutcome::Selected(chosen)) => match &*chosen.option_id.0 {
                ALLOW_ONCE => Permitted::Once,
                ALLOW_ALWAYS => Permitted::Always,
                _ => Permitted::No,
            },
            _ => Permitted::Unanswered,
        };
        if permitted == Permitted::Always {
            self.session.allow(to);
        }
        self.end(
            call,
            matches!(permitted, Permitted::Once | Permitted::Always),
        )
        .await?;
        self.say(&self.language.permitted(permitted, to)).await?;
        Ok(StopReason::EndTurn)
    }

    async fn begin(&mut self, title: &str, kind: ToolKind) -> Result<String, Gone> {
        self.tool_calls += 1;
        let id = format!("call-{}-{}", self.session.next_number(), self.tool_calls);
        let call = ToolCall::new(id.clone(), title)
            .kind(kind)
            .status(ToolCallStatus::InProgress);
        self.update(SessionUpdate::ToolCall(call)).await?;
        Ok(id)
    }

    async fn end(&mut self, call: String, well: bool) -> Result<(), Gone> {
        let status = if well {
            ToolCallStatus::Completed
        } else {
            ToolCallStatus::Failed
        };
        let update = ToolCallUpdate::new(call, ToolCallUpdateFields::new().status(status));
        self.update(SessionUpdate::ToolCallUpdate(update)).await
    }

    /// Tells a text as a model would: in pieces, and not all at once.
    async fn say(&mut self, text: &str) -> Result<(), Gone> {
        for piece in pieces(text) {
            self.tell(piece).await?;
            sleep(self.pace).await;
        }
        Ok(())
    }

    async fn tell(&mut self, piece: String) -> Result<(), Gone> {
        self.said.push_str(&piece);
        let chunk = ContentChunk::new(ContentBlock::from(piece));
        self.update(SessionUpdate::AgentMessageChunk(chunk)).await
    }

    async fn update(&self, update: SessionUpdate) -> Result<(), Gone> {
        self.peer
            .update(SessionNotification::new(self.session.id.clone(), update))
            .await
    }
}

/// The text in few pieces that end between words.
fn pieces(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split_inclusive(char::is_whitespace).collect();
    let together = words.len().div_ceil(PIECES).max(1);
    words.chunks(together).map(<[&str]>::concat).collect()
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FileError> + Send + 'static,
) -> Result<T, FileError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or(Err(FileError::Failed))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pieces_are_few_and_make_up_the_text(text in "[a-zж \n]{0,2000}") {
            let pieces = pieces(&text);
            prop_assert!(pieces.len() <= PIECES);
            prop_assert_eq!(pieces.concat(), text);
        }
    }
}
