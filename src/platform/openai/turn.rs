//! One turn: the past is recalled, the model asked as often as makes sense, its words passed on, and the exchange kept.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt;
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};

use super::{
    Core, budget,
    failure::Failure,
    patience::Patience,
    ports::Exchange,
    question::Question,
    reasoning::{Outcome, Reasoning},
    response::Pieces,
    running::Ticket,
    wire::{Finish, Piece},
};
use crate::platform::{AnswerEvent, PlatformError, Prompt, StopReason};

/// An answer longer than this is cut: no chat shows it, and no model is given it again.
const LONGEST_ANSWER: usize = 256 * 1024;
/// How long the server may take from the end of the answer to the end of the stream, where it tells what it counted.
const LAST_WORDS_WITHIN: Duration = Duration::from_secs(2);

/// A question on its way to the model.
pub(super) struct Turn {
    pub(super) core: Arc<Core>,
    pub(super) prompt: Prompt,
    pub(super) ticket: Ticket,
    pub(super) say: mpsc::Sender<Result<AnswerEvent, PlatformError>>,
}

/// What was said so far.
struct Heard {
    asked: String,
    answered: String,
}

impl Turn {
    /// Says everything there is to say, its end included.
    pub(super) async fn run(self) {
        let mut heard = Heard {
            asked: self.prompt.text.clone(),
            answered: String::new(),
        };
        let end = tokio::select! {
            biased;
            () = self.ticket.cancelled() => Ok(StopReason::Cancelled),
            end = self.converse(&mut heard) => end,
        };
        if !matches!(end, Ok(StopReason::Refusal)) && !heard.answered.trim().is_empty() {
            self.remember(&heard).await;
        }
        if matches!(end, Ok(StopReason::EndTurn | StopReason::Limit)) {
            for path in crate::platform::links::files(&heard.answered) {
                self.say(Ok(AnswerEvent::File(path))).await;
            }
        }
        let last = end.map(AnswerEvent::Done);
        self.say(last.map_err(|failure| self.core.error(&failure)))
            .await;
    }

    async fn converse(&self, heard: &mut Heard) -> Result<StopReason, Failure> {
        let config = self.core.endpoint.config();
        let mut past = self
            .core
            .past(&self.prompt.context, Some(&self.prompt.question))
            .await?;
        // A question that is asked again after a crash is not its own past.
        past.retain(|exchange| exchange.question != self.prompt.question);
        let files = self.core.ports.files.as_ref();
        let question = Question::of(&self.prompt, files, config.images).await;
        heard.asked = question.remembered;
        let mut patience = Patience::new(config.context_tokens);
        loop {
            let system = config.system_prompt.as_deref();
            let messages = budget::request(system, &past, &question.content, patience.tokens);
            let outcome = match self.core.endpoint.ask(&messages).await {
                Ok(pieces) => self.listen(pieces, heard).await,
                Err(failure) => Err(failure),
            };
            match outcome {
                Err(failure) if heard.answered.is_empty() => {
                    self.core.note(&failure);
                    sleep(patience.before_next(failure, &messages, &self.core.endpoint)?).await;
                }
                other => return other,
            }
        }
    }

    async fn listen(&self, pieces: Pieces, heard: &mut Heard) -> Result<StopReason, Failure> {
        let habits = &self.core.endpoint.habits;
        let mut reasoning = Reasoning::new(habits.holds_answers());
        let end = self.read(pieces, &mut reasoning, heard).await;
        let is_whole = matches!(end, Ok(StopReason::EndTurn));
        self.hear(reasoning.end(is_whole), heard).await;
        habits.learn(&reasoning, is_whole);
        end
    }

    async fn read(
        &self,
        mut pieces: Pieces,
        reasoning: &mut Reasoning,
        heard: &mut Heard,
    ) -> Result<StopReason, Failure> {
        let (mut end, mut has_text) = (None, false);
        loop {
            let next = match end {
                None => pieces.next().await,
                Some(_) => timeout(LAST_WORDS_WITHIN, pieces.next())
                    .await
                    .unwrap_or(None),
            };
            let piece = match (next, end) {
                (Some(Ok(piece)), _) => piece,
                (None | Some(Err(_)), Some(end)) => return Ok(end),
                (Some(Err(failure)), None) => return Err(failure),
                (None, None) => {
                    let cut = "the stream ended before the answer did";
                    return Err(Failure::Unavailable(cut.to_owned()));
                }
            };
            match piece {
                Piece::Text(text) => {
                    has_text = true;
                    self.hear(reasoning.take(&text), heard).await;
                }
                Piece::Whole(text) if !has_text => {
                    has_text = true;
                    self.hear(reasoning.take(&text), heard).await;
                }
                Piece::Whole(_) => {}
                Piece::Reasoning => self.hear(reasoning.is_kept_apart(), heard).await,
                Piece::Refusal(text) => {
                    self.hear(vec![Outcome::Answer(text)], heard).await;
                    end = Some(StopReason::Refusal);
                }
                Piece::Finish(finish) => end = Some(end.unwrap_or(stop_reason(finish))),
                Piece::Usage(usage) => self.core.count(usage),
                Piece::Error(error) => return Err(super::failure::of_error(&error)),
                Piece::Done => return Ok(end.unwrap_or(StopReason::EndTurn)),
            }
            if heard.answered.len() > LONGEST_ANSWER || reasoning.is_endless() {
                return Ok(StopReason::Limit);
            }
        }
    }

    async fn hear(&self, outcomes: Vec<Outcome>, heard: &mut Heard) {
        for outcome in outcomes {
            match outcome {
                Outcome::Answer(text) => {
                    heard.answered.push_str(&text);
                    self.say(Ok(AnswerEvent::Text(text))).await;
                }
                Outcome::Retracted if heard.answered.is_empty() => {}
                Outcome::Retracted => {
                    heard.answered.clear();
                    self.say(Ok(AnswerEvent::Retracted)).await;
                }
            }
        }
    }

    /// An answer that cannot be kept is given all the same.
    async fn remember(&self, heard: &Heard) {
        let exchange = Exchange {
            question: self.prompt.question.clone(),
            asked: heard.asked.clone(),
            answered: heard.answered.clone(),
        };
        let context = self.prompt.context.context;
        if let Err(error) = self.core.ports.memory.remember(context, exchange).await {
            let agent = &self.core.id;
            tracing::error!(agent.id = %agent, context.id = %context, %error, "agent {agent}: an answer could not be kept");
        }
    }

    async fn say(&self, event: Result<AnswerEvent, PlatformError>) {
        // Whoever asked may have gone, and this work with them.
        let _ = self.say.send(event).await;
    }
}

const fn stop_reason(finish: Finish) -> StopReason {
    match finish {
        Finish::Stop => StopReason::EndTurn,
        Finish::Length => StopReason::Limit,
        Finish::Filter => StopReason::Refusal,
    }
}
