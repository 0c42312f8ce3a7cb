//! What a person decides on an agent's permission question, and how it is said.

use matrix_sdk::ruma::{EventId, RoomId};

use super::{Inbox, lane::Control, unfinished::Unfinished};
use crate::{
    core::{
        chat::permission::{Choice, Verdict},
        message::Reply,
    },
    matrix::{
        outbox::Question,
        store::{Entry, QuestionRow},
    },
    text::Trouble,
};

impl Inbox {
    /// The question that the event answers, or answered before a crash.
    pub(super) async fn question_for(
        &self,
        room: &RoomId,
        answer: &EventId,
        control: &Control,
    ) -> Result<Option<QuestionRow>, Unfinished> {
        let store = &self.parts.store;
        if let Some(answered) = store.decided_by(answer).await? {
            return Ok(Some(answered));
        }
        let Some(open) = store.open_question(room).await? else {
            return Ok(None);
        };
        let fits = match control {
            Control::Reaction(target, choice) => {
                open.event_id.as_ref() == Some(target)
                    && choice.verdict(&open.note.options()).is_some()
            }
            // A number that stands for no option is words for the agent.
            Control::Answer(choice @ Choice::Number(_)) => {
                choice.verdict(&open.note.options()).is_some()
            }
            _ => true,
        };
        Ok(fits.then_some(open))
    }

    /// The answer to this answer is the question's message, edited to say what was decided.
    pub(super) async fn decide(
        &self,
        room: &RoomId,
        entry: &Entry,
        question: &QuestionRow,
        choice: Choice,
    ) -> Result<(), Unfinished> {
        let id = &entry.item.event_id;
        let Some(verdict) = choice.verdict(&question.note.options()) else {
            let text = Trouble::ChooseANumber.text(self.locale(&entry.item.sender).await);
            return self.answer_aside(room, entry, &[Reply::notice(text)]).await;
        };
        let decided = self
            .parts
            .store
            .decide(question.key, verdict, Some(id))
            .await?;
        let Some(decided) = decided.filter(|row| row.decided_by.as_ref() == Some(id)) else {
            // Time was up first: the message says so.
            let text = Trouble::NothingAsked.text(self.locale(&entry.item.sender).await);
            return self.answer_aside(room, entry, &[Reply::notice(text)]).await;
        };
        self.tell_decision(room, id, &decided).await
    }

    pub(super) async fn tell_decision(
        &self,
        room: &RoomId,
        answer: &EventId,
        question: &QuestionRow,
    ) -> Result<(), Unfinished> {
        let verdict = question.verdict.unwrap_or(Verdict::Withdrawn);
        let told = self.parts.questions.told(question, verdict, Some(answer));
        if let Some(content) = told {
            let answered = Question {
                id: answer.as_str(),
                room,
                thread: None,
            };
            self.parts.outbox.answer_with(answered, content).await?;
        }
        self.parts.store.told(question.key).await?;
        self.parts.questions.changed();
        Ok(())
    }
}
