//! One question to the agent, and its answer as it is made.

use std::sync::Arc;

use agent_client_protocol::{
    ErrorCode,
    v1::schema::{
        ContentBlock, PromptRequest, PromptResponse, ResourceLink, StopReason as AcpStopReason,
        TextContent,
    },
};
use futures_util::{StreamExt, stream};
use tokio::{
    sync::OwnedMutexGuard,
    time::{Duration, timeout},
};

use super::{
    AcpAgent,
    connection::{Connection, Fault},
    hearing::Session,
    mailbox::{Ending, Mailbox},
    sessions::Opened,
    trouble::Trouble,
    turns::{Prompted, Running},
    voice::Voice,
    workspace::Workspace,
};
use crate::{
    core::ids::{AgentId, PlatformChatId},
    platform::{AnswerEvent, AnswerStream, ContextRef, PlatformError, Prompt, StopReason},
};

/// How long an answer that was stopped may hold up the next question of its chat.
const SETTLING: Duration = Duration::from_secs(4);
/// How long an agent may be silent after the end of a turn before the answer counts as complete: some say their last
/// words just after it.
const LAST_WORDS: Duration = Duration::from_millis(400);
/// The longest time an answer takes to be complete after the end of its turn.
const ALL_LAST_WORDS: Duration = Duration::from_secs(2);
/// Connections and sessions that are tried for one question.
const ATTEMPTS: usize = 3;

impl AcpAgent {
    /// Asks. What goes wrong before the agent has the question is an error here, and in the stream after that.
    pub(super) async fn answer(&self, prompt: Prompt) -> Result<AnswerStream, Trouble> {
        let running = self.turns.begin(prompt.context.context);
        let (opened, floor) = tokio::select! {
            taken = self.take_the_floor(&prompt.context) => taken?,
            () = running.turn.stopped() => return Ok(stopped()),
        };
        let Opened {
            connection,
            session,
            begun_anew,
        } = opened;
        let workspace = self.place.workspace();
        let mut voice = Voice::new(workspace.clone(), session.folder.clone());
        if self.linked_files {
            voice.mind_links();
        }
        let mailbox = Arc::new(Mailbox::new(voice));
        if begun_anew {
            mailbox.put(AnswerEvent::BegunAnew);
        }
        session.begin(Arc::clone(&mailbox));
        let asked = Asked {
            connection: Arc::clone(&connection),
            session: Arc::clone(&session),
            mailbox: Arc::clone(&mailbox),
            context: prompt.context.context,
            ending: None,
        };
        let request = PromptRequest::new(session.id.clone(), content(&prompt, workspace));
        let wire = connection.wire.clone();
        let spawned = connection.wire.spawn(async move {
            let _floor = floor;
            let answer = wire.send_request(request).block_task().await;
            asked.answered(answer).await;
            Ok(())
        });
        if spawned.is_err() {
            mailbox.end(Err(Trouble::passing(connection.gate.reason())));
        }
        running.turn.prompted(Prompted {
            connection,
            session,
            mailbox: Arc::clone(&mailbox),
        });
        let listener = Listener {
            agent: self.id.clone(),
            mailbox,
            running,
            is_over: false,
        };
        Ok(stream::unfold(listener, Listener::next).boxed())
    }

    /// The session, and the right to ask in it: one question at a time. A connection that ends while an earlier answer is
    /// waited for is replaced, and so is what belongs to an answer that does not end.
    async fn take_the_floor(
        &self,
        context: &ContextRef,
    ) -> Result<(Opened, OwnedMutexGuard<()>), Trouble> {
        let mut begun_anew = false;
        let mut hung = None;
        for _ in 0..ATTEMPTS {
            let mut opened = match hung {
                Some(Hung::Again) => self.open_anew(context).await?,
                Some(Hung::Once) | None => self.open(context).await?,
            };
            if matches!(hung, Some(Hung::Once)) {
                opened.session.set_doubtful(true);
            }
            begun_anew |= opened.begun_anew;
            opened.begun_anew = begun_anew;
            let floor = Arc::clone(&opened.session.floor).lock_owned();
            match timeout(SETTLING, floor).await {
                Ok(floor) if !opened.connection.gate.is_closed() => return Ok((opened, floor)),
                Ok(_) => {}
                Err(_) => hung = Some(self.leave(&opened, context)),
            }
        }
        Err(Trouble::passing(
            "every connection to the agent ended at once",
        ))
    }

    /// Leaves a turn behind that does not end. Where no other chat is being answered, the connection ends with it, and
    /// with that the agent's process; else only the session is opened again.
    fn leave(&self, opened: &Opened, context: &ContextRef) -> Hung {
        let (agent, chat) = (&self.id, context.chat);
        tracing::warn!(agent.id = %agent, chat.id = %chat, room.id = %context.room,
            "a turn of agent {agent} did not end when it was stopped; it is left behind");
        let session = &opened.session;
        let mut is_hopeless = session.is_doubtful();
        if self.turns.only(context.context) {
            let reason = "a turn did not end when it was asked to";
            opened.connection.gate.close(reason);
        } else {
            opened.connection.closed(context.context);
            // What it goes on saying could not be told from the next answer.
            is_hopeless |= session.was_heard_within(SETTLING);
        }
        if is_hopeless { Hung::Again } else { Hung::Once }
    }
}

/// A session in which a turn did not end.
#[derive(Clone, Copy)]
enum Hung {
    /// It can be tried once more.
    Once,
    /// Nothing more can be expected of it.
    Again,
}

/// The answer to a question that was stopped before the agent had it.
fn stopped() -> AnswerStream {
    stream::iter([Ok(AnswerEvent::Done(StopReason::Cancelled))]).boxed()
}

fn content(prompt: &Prompt, workspace: &Workspace) -> Vec<ContentBlock> {
    let mut blocks = Vec::new();
    if !prompt.text.is_empty() {
        blocks.push(ContentBlock::Text(TextContent::new(prompt.text.as_str())));
    }
    blocks.extend(prompt.files.iter().map(|file| {
        let mut link = ResourceLink::new(file.name.as_str(), workspace.uri(&file.path));
        link.mime_type.clone_from(&file.mime);
        link.size = i64::try_from(file.size).ok();
        ContentBlock::ResourceLink(link)
    }));
    blocks
}

/// A prompt on its way; however it goes, the mailbox learns of the end.
struct Asked {
    connection: Arc<Connection>,
    session: Arc<Session>,
    mailbox: Arc<Mailbox>,
    context: PlatformChatId,
    /// How the turn ended, while the last words are waited for.
    ending: Option<Ending>,
}

impl Asked {
    async fn answered(mut self, answer: Result<PromptResponse, agent_client_protocol::Error>) {
        // Whoever would be asked for permission now could not change anything any more.
        self.mailbox.stop();
        let ending: Ending = match answer {
            Ok(response) => Ok(match response.stop_reason {
                AcpStopReason::EndTurn => StopReason::EndTurn,
                AcpStopReason::Refusal => StopReason::Refusal,
                AcpStopReason::Cancelled => StopReason::Cancelled,
                _ => StopReason::Limit,
            }),
            Err(error) => {
                let fault = self.connection.fault("session/prompt", &error);
                if matches!(&fault, Fault::Refused(ErrorCode::RESOURCE_NOT_FOUND, _)) {
                    // The agent forgot the session: the next question looks for it again.
                    self.connection.closed(self.context);
                }
                Err(fault.into())
            }
        };
        self.session.set_doubtful(false);
        if matches!(ending, Ok(StopReason::Cancelled) | Err(_)) {
            self.session.finish(&self.mailbox);
            self.mailbox.end(ending);
        } else {
            self.ending = Some(ending);
        }
        // Until the agent is silent, the next question waits: what still comes would be taken for its answer.
        tokio::select! {
            _ = timeout(ALL_LAST_WORDS, self.silence()) => {}
            () = self.connection.gate.closed() => {}
        }
    }

    async fn silence(&self) {
        while timeout(LAST_WORDS, self.session.heard()).await.is_ok() {}
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.session.finish(&self.mailbox);
        let ending = self.ending.take();
        self.mailbox
            .end(ending.unwrap_or_else(|| Err(Trouble::passing(self.connection.gate.reason()))));
    }
}

/// Whoever reads the answer.
struct Listener {
    agent: AgentId,
    mailbox: Arc<Mailbox>,
    running: Running,
    is_over: bool,
}

impl Listener {
    async fn next(mut self) -> Option<(Result<AnswerEvent, PlatformError>, Self)> {
        if self.is_over {
            return None;
        }
        let event = tokio::select! {
            biased;
            () = self.running.turn.given_up() => Ok(AnswerEvent::Done(StopReason::Cancelled)),
            event = self.mailbox.next() => event,
        };
        self.is_over = matches!(event, Ok(AnswerEvent::Done(_)) | Err(_));
        let event = event.map_err(|trouble| trouble.of(&self.agent));
        Some((event, self))
    }
}

impl Drop for Listener {
    /// Nobody listens any more: the agent need not go on.
    fn drop(&mut self) {
        if let Some(prompt) = self.running.turn.prompt() {
            if !self.is_over {
                self.running.turn.stop();
            }
            prompt.session.finish(&prompt.mailbox);
        }
    }
}
