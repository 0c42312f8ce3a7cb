//! What an agent says, as pieces of an answer. Pure.

use std::collections::HashMap;

use agent_client_protocol::v1::schema::{
    ContentBlock, ContentChunk, EmbeddedResourceResource, MessageId, PermissionOptionKind,
    RequestPermissionRequest, SessionUpdate, ToolCallStatus, ToolCallUpdateFields,
};

use super::{
    trouble::one_line,
    workspace::{Target, Workspace},
};
use crate::platform::{
    AnswerEvent, PermissionMeaning, PermissionOption, PermissionQuestion, links,
};

/// The longest status of a tool, in characters.
const LONGEST_STATUS: usize = 120;
/// The longest title of a permission question.
const LONGEST_TITLE: usize = 400;
/// The longest label of one of its options.
const LONGEST_LABEL: usize = 100;
/// So many options are shown; an agent that offers more means no person.
const MOST_OPTIONS: usize = 20;
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
    pub(super) fn hear(&mut self, update: SessionUpdate) -> Option<AnswerEvent> {
        match update {
            SessionUpdate::AgentMessageChunk(chunk) => self.chunk(chunk),
            SessionUpdate::ToolCall(call) => {
                let title = self.tool(&call.tool_call_id.0, Some(&call.title));
                title.map(AnswerEvent::ToolStatus)
            }
            SessionUpdate::ToolCallUpdate(update) => {
                let title = self.tool(&update.tool_call_id.0, update.fields.title.as_deref())?;
                let begins = update.fields.status == Some(ToolCallStatus::InProgress);
                (begins || update.fields.title.is_some()).then_some(AnswerEvent::ToolStatus(title))
            }
            _ => None,
        }
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
                _ => return None,
            },
            // Nothing of it lies in the workspace, so there is nothing to send.
            _ => return None,
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

/// The question as a person reads it; `None` where nothing could be chosen.
pub(super) fn question(
    id: String,
    request: &RequestPermissionRequest,
) -> Option<PermissionQuestion> {
    let options: Vec<PermissionOption> = request
        .options
        .iter()
        .take(MOST_OPTIONS)
        .map(|option| PermissionOption {
            id: option.option_id.0.to_string(),
            label: one_line(&option.name, LONGEST_LABEL),
            meaning: match option.kind {
                PermissionOptionKind::AllowOnce => PermissionMeaning::Allow,
                PermissionOptionKind::AllowAlways => PermissionMeaning::AllowAlways,
                PermissionOptionKind::RejectAlways => PermissionMeaning::RejectAlways,
                _ => PermissionMeaning::Reject,
            },
        })
        .collect();
    (!options.is_empty()).then(|| PermissionQuestion {
        id,
        title: title(&request.tool_call.fields),
        options,
    })
}

/// What the tool is, and what it would do: a person who is asked has to see both.
fn title(fields: &ToolCallUpdateFields) -> String {
    let mut title = fields
        .title
        .as_deref()
        .or(fields.name.as_deref())
        .unwrap_or_default()
        .to_owned();
    let input = fields.raw_input.as_ref();
    let details = ["command", "filePath", "file_path", "path", "url"]
        .into_iter()
        .filter_map(|key| input?.get(key)?.as_str().map(str::to_owned))
        .chain(
            fields
                .locations
                .iter()
                .flatten()
                .map(|location| location.path.display().to_string()),
        );
    for detail in details {
        if !title.contains(&detail) {
            title = if title.is_empty() {
                detail
            } else {
                format!("{title}: {detail}")
            };
        }
    }
    one_line(&title, LONGEST_TITLE)
}

#[cfg(test)]
mod tests;
