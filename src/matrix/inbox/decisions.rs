//! What a person decides on an agent's permission question, and how it is said.

use matrix_sdk::ruma::{EventId, RoomId};

use super::{Inbox, unfinished::Unfinished};
use crate::{
    core::{chat::permission::Verdict, message::Reply},
    matrix::{
        outbox::Question,
        questions::answer::{Answer, Candidates, Given, Meaning, meaning},
        store::{Entry, QuestionRow},
    },
    text::Trouble,
};

impl Inbox {
    /// What the owner means by an event that came while `turn` runs.
    pub(super) async fn meaning(
        &self,
        room: &RoomId,
        turn: &EventId,
        entry: &Entry,
        given: &Given,
    ) -> Result<Meaning, Unfinished> {
        let (store, event) = (&self.parts.store, &entry.item.event_id);
        if let Some(decided) = store.decided_by(event).await? {
            return Ok(Meaning::Decided(decided));
        }
        let named = match given.target() {
            Some(target) => store.question_shown_as(room, target).await?,
            None => None,
        };
        let last = store.question_before(turn, entry.seq).await?;
        Ok(meaning(given, event, Candidates { named, last }))
    }

    /// Does what the owner means, or says in one line why it cannot be done.
    pub(super) async fn respond(
        &self,
        room: &RoomId,
        entry: &Entry,
        meaning: Meaning,
    ) -> Result<(), Unfinished> {
        let id = &entry.item.event_id;
        match meaning {
            Meaning::Plain => Ok(()),
            Meaning::Answers(answer) => self.decide(room, entry, &answer).await,
            Meaning::Decided(question) => self.tell_decision(room, id, &question).await,
            Meaning::NothingAsked => self.say(room, entry, &Trouble::NothingAsked).await,
            Meaning::Unclear(question) => {
                let options = question.note.options();
                self.say(room, entry, &Trouble::ChooseAnOption(&options))
                    .await
            }
        }
    }

    async fn say(
        &self,
        room: &RoomId,
        entry: &Entry,
        trouble: &Trouble<'_>,
    ) -> Result<(), Unfinished> {
        let text = trouble.text(self.locale(&entry.item.sender).await);
        self.answer_aside(room, entry, &[Reply::notice(text)]).await
    }

    /// The answer to this answer is the question's message, edited to say what was decided.
    async fn decide(
        &self,
        room: &RoomId,
        entry: &Entry,
        answer: &Answer,
    ) -> Result<(), Unfinished> {
        let id = &entry.item.event_id;
        let decided = self.parts.store.answer(answer).await?;
        match decided.filter(|row| row.decided_by.as_ref() == Some(id)) {
            Some(decided) => self.tell_decision(room, id, &decided).await,
            // Time was up first: the message says so.
            None => self.say(room, entry, &Trouble::NothingAsked).await,
        }
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
