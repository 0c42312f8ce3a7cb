//! What the bot asked of the fake homeserver, and which of its requests are to go wrong.

use std::time::Duration;

use matrix_sdk::ruma::{OwnedRoomId, RoomId};
use surfaces_bot::matrix::client::MatrixError;

/// One request, as it arrived.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Request {
    pub(crate) kind: &'static str,
    pub(crate) room: Option<OwnedRoomId>,
}

/// A room that the bot is removed from.
#[derive(Clone, Debug)]
pub(crate) enum LostRoom {
    /// This one.
    Named(OwnedRoomId),
    /// The one that was made last of those that it is in.
    Newest,
}

/// How a request goes wrong.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// It never reaches the server.
    Lost,
    /// The server acts, and its answer never reaches the bot.
    AnswerLost,
    /// The server does nothing and asks to wait.
    RateLimited(Option<Duration>),
    /// The server says no.
    Refused(&'static str),
    /// The server takes its time.
    Slow(Duration),
    /// The bot is removed from a room before the server acts.
    Removed(LostRoom),
    /// The process dies before the server acts.
    KillBefore,
    /// The process dies before it has the answer.
    KillAfter,
    /// `createRoom` writes so many events and breaks off; the bot is refused.
    BreaksOff(usize),
    /// The same, and the bot hears nothing.
    BreaksOffSilently(usize),
}

struct Rule {
    /// `None`: of any kind.
    kind: Option<&'static str>,
    skip: usize,
    times: usize,
    fault: Fault,
}

impl Rule {
    const fn breaks_off(&self) -> Option<(usize, bool)> {
        match self.fault {
            Fault::BreaksOff(events) => Some((events, true)),
            Fault::BreaksOffSilently(events) => Some((events, false)),
            _ => None,
        }
    }
}

#[derive(Default)]
pub(crate) struct Requests {
    pub(crate) log: Vec<Request>,
    rules: Vec<Rule>,
    /// The process has died: nobody hears answers any more.
    pub(crate) dead: bool,
}

impl Requests {
    /// From now on, after `skip` requests of this kind, the next `times` go wrong.
    pub(crate) fn plan(
        &mut self,
        kind: Option<&'static str>,
        skip: usize,
        times: usize,
        fault: Fault,
    ) {
        self.rules.push(Rule {
            kind,
            skip,
            times,
            fault,
        });
    }

    pub(crate) fn forget_plans(&mut self) {
        self.rules.clear();
    }

    /// Whether the next `createRoom` breaks off: after how many events, and whether the bot hears of it.
    pub(crate) fn breaks_off_next(&mut self) -> Option<(usize, bool)> {
        let rule = self.rules.iter_mut().find(|rule| {
            rule.kind == Some("create_room") && rule.times > 0 && rule.breaks_off().is_some()
        })?;
        if rule.skip > 0 {
            rule.skip -= 1;
            return None;
        }
        rule.times -= 1;
        rule.breaks_off()
    }

    /// Notes the request; tells how it goes wrong.
    pub(crate) fn arrives(&mut self, kind: &'static str, room: Option<&RoomId>) -> Option<Fault> {
        self.log.push(Request {
            kind,
            room: room.map(ToOwned::to_owned),
        });
        let mut found = None;
        for rule in &mut self.rules {
            if rule.kind.is_some_and(|wanted| wanted != kind) || rule.breaks_off().is_some() {
                continue;
            }
            if rule.skip > 0 {
                rule.skip -= 1;
            } else if rule.times > 0 && found.is_none() {
                rule.times -= 1;
                found = Some(rule.fault.clone());
            }
        }
        self.dead |= matches!(found, Some(Fault::KillBefore));
        found
    }
}

pub(crate) fn refused(errcode: &str) -> MatrixError {
    let status = match errcode {
        "M_UNKNOWN" => 400,
        "M_UNRECOGNIZED" => 404,
        _ => 403,
    };
    refused_with(status, errcode)
}

pub(crate) fn refused_with(status: u16, errcode: &str) -> MatrixError {
    MatrixError::Refused {
        status,
        errcode: errcode.to_owned(),
        message: "the fake says no".to_owned(),
    }
}

pub(crate) fn unanswered() -> MatrixError {
    MatrixError::Unanswered("the fake says nothing".to_owned())
}
