//! What an agent says, as pieces of an answer. Pure.

use std::collections::{HashMap, HashSet};

use agent_client_protocol::v1::schema::{
    ContentBlock, ContentChunk, EmbeddedResourceResource, MessageId, SessionUpdate,
    ToolCallContent, ToolCallStatus,
};

use super::{
    trouble::one_line,
    workspace::{Target, Workspace},
};
use crate::platform::{AnswerEvent, Media, links};

/// The longest status of a tool, in characters.
const LONGEST_STATUS: usize = 120;
/// The longest label of a link, in characters.
const LONGEST_LABEL: usize = 100;
/// So many tools of one turn are remembered by name.
const MOST_TOOLS: usize = 256;

/// So much of the words is searched for links.
const MOST_WORDS: usize = 256 * 1024;

/// One turn's ear for what the agent says.
pub(super) struct Voice {
    workspace: Workspace,
    /// The session's folder, relative to the workspace.
    folder: String,
    message: Option<MessageId>,
    has_spoken: bool,
    /// Something else happened since the last piece of text: the next one is a paragraph of its own.
    was_interrupted: bool,
    tools: HashMap<String, String>,
    /// What tools gave that cannot be shown: updates of a tool repeat what it gave before.
    media: HashSet<(String, Media)>,
    /// The files that were named so far.
    files: Vec<String>,
    /// All words so far, where links in them count.
    words: Option<String>,
}

impl Voice {
    pub(super) fn new(workspace: Workspace, folder: String) -> Self {
        Self {
            workspace,
            folder,
            message: None,
            has_spoken: false,
            was_interrupted: false,
            tools: HashMap::new(),
            media: HashSet::new(),
            files: Vec::new(),
            words: None,
        }
    }

    /// From here on, files are also named by links in the words.
    pub(super) fn mind_links(&mut self) {
        self.words = Some(String::new());
    }

    /// The files that the words link to and that were not named otherwise.
    pub(super) fn linked_files(&self) -> Vec<String> {
        let linked = links::files(self.words.as_deref().unwrap_or_default());
        let mut files = Vec::new();
        for named in linked {
            if let Target::File(path) = self.workspace.target(&named, &self.folder)
                && !self.files.contains(&path)
                && !files.contains(&path)
            {
                files.push(path);
            }
        }
        files
    }

    /// What the update adds to the answer. Thoughts, plans and the agent's own bookkeeping add nothing.
    pub(super) fn hear(&mut self, update: SessionUpdate) -> Vec<AnswerEvent> {
        match update {
            SessionUpdate::AgentMessageChunk(chunk) => self.chunk(chunk).into_iter().collect(),
            SessionUpdate::ToolCall(call) => {
                let title = self.tool(&call.tool_call_id.0, Some(&call.title));
                let media = self.media(&call.tool_call_id.0, &call.content);
                title
                    .map(AnswerEvent::ToolStatus)
                    .into_iter()
                    .chain(media)
                    .collect()
            }
            SessionUpdate::ToolCallUpdate(update) => {
                let fields = update.fields;
                let title = self.tool(&update.tool_call_id.0, fields.title.as_deref());
                let begins = fields.status == Some(ToolCallStatus::InProgress);
                let title = title.filter(|_| begins || fields.title.is_some());
                let content = fields.content.as_deref().unwrap_or_default();
                let media = self.media(&update.tool_call_id.0, content);
                title
                    .map(AnswerEvent::ToolStatus)
                    .into_iter()
                    .chain(media)
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    /// What a tool gave that cannot be shown, each kind once a tool.
    fn media(&mut self, tool: &str, content: &[ToolCallContent]) -> Vec<AnswerEvent> {
        let mut events = Vec::new();
        for part in content {
            let ToolCallContent::Content(part) = part else {
                continue;
            };
            let media = match &part.content {
                ContentBlock::Image(_) => Media::Picture,
                ContentBlock::Audio(_) => Media::Sound,
                _ => continue,
            };
            if self.media.len() < MOST_TOOLS && self.media.insert((tool.to_owned(), media)) {
                events.push(AnswerEvent::NotShown(media));
            }
        }
        events
    }

    /// The tool's title, remembered.
    fn tool(&mut self, id: &str, title: Option<&str>) -> Option<String> {
        self.was_interrupted = true;
        let title = title
            .map(|title| one_line(title, LONGEST_STATUS))
            .filter(|title| !title.is_empty());
        match title {
            Some(title) => {
                if self.tools.len() < MOST_TOOLS {
                    self.tools.insert(id.to_owned(), title.clone());
                }
                Some(title)
            }
            None => self.tools.get(id).cloned(),
        }
    }

    fn chunk(&mut self, chunk: ContentChunk) -> Option<AnswerEvent> {
        let (folder, workspace) = (&self.folder, &self.workspace);
        let (named, label) = match chunk.content {
            ContentBlock::Text(text) => return self.text(text.text, chunk.message_id),
            ContentBlock::ResourceLink(link) => (link.uri, link.name),
            ContentBlock::Resource(embedded) => match embedded.resource {
                EmbeddedResourceResource::TextResourceContents(text) => (text.uri, String::new()),
                EmbeddedResourceResource::BlobResourceContents(blob) => (blob.uri, String::new()),
                _ => return Some(self.not_shown(Media::Other)),
            },
            ContentBlock::Image(_) => return Some(self.not_shown(Media::Picture)),
            ContentBlock::Audio(_) => return Some(self.not_shown(Media::Sound)),
            _ => return Some(self.not_shown(Media::Other)),
        };
        match workspace.target(&named, folder) {
            Target::File(path) => {
                if self.words.is_some() {
                    self.files.push(path.clone());
                }
                Some(AnswerEvent::File(path))
            }
            Target::Link(url) => {
                let label = one_line(&label.replace(['[', ']', '\\'], " "), LONGEST_LABEL);
                let link = if label.is_empty() {
                    format!("<{url}>")
                } else {
                    format!("[{label}](<{url}>)")
                };
                self.text(link, chunk.message_id)
            }
        }
    }

    const fn not_shown(&mut self, media: Media) -> AnswerEvent {
        self.was_interrupted = true;
        AnswerEvent::NotShown(media)
    }

    fn text(&mut self, text: String, message: Option<MessageId>) -> Option<AnswerEvent> {
        if text.is_empty() {
            return None;
        }
        let is_another = message.is_some() && self.message.is_some() && message != self.message;
        let begins_anew = self.has_spoken && (self.was_interrupted || is_another);
        self.was_interrupted = false;
        self.has_spoken = true;
        if message.is_some() {
            self.message = message;
        }
        let text = if begins_anew {
            format!("\n\n{text}")
        } else {
            text
        };
        if let Some(words) = &mut self.words
            && words.len() + text.len() <= MOST_WORDS
        {
            words.push_str(&text);
        }
        Some(AnswerEvent::Text(text))
    }
}

#[cfg(test)]
mod tests;
