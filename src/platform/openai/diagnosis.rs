//! A closer look at a model, for `doctor`: is the model in the server's list, and if that leaves a doubt, does it say a
//! word.

use std::time::Duration;

use futures_util::StreamExt;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::time::timeout;

use super::{
    endpoint::Endpoint,
    failure::{self, Failure},
    wire::{Message, Piece, Role},
};
use crate::platform::Diagnosis;

/// A server on a desk may load the model first.
const ANSWERS_WITHIN: Duration = Duration::from_mins(1);
/// Models of a list that are named, at most.
const MOST_NAMED: usize = 5;
/// The longest list that is read, in bytes.
const LONGEST_LIST: usize = 4 << 20;

/// What the list of models says.
enum Listed {
    /// The server lists these.
    Models(Vec<String>),
    /// It has no list, or not for this key.
    Nothing,
}

impl Endpoint {
    /// What holds; or what does not, and what to do about it.
    pub(super) async fn diagnose(&self) -> Result<String, Diagnosis> {
        let model = &self.config().model;
        let listed = match self.list().await {
            Ok(listed) => listed,
            Err(failure) => return Err(self.diagnosis(&failure, &[])),
        };
        let models = match listed {
            Listed::Models(models) => models,
            Listed::Nothing => Vec::new(),
        };
        // A list that the server shows to anybody says nothing about the key.
        if models.contains(model) && self.guards_its_list().await {
            return Ok(format!("can be reached and lists the model {model}"));
        }
        let failure = match self.say_a_word().await {
            Ok(()) if self.habits.is_under_v1() => {
                return Ok(format!(
                    "can be reached below /v1 of its base_url, and the model {model} answers"
                ));
            }
            Ok(()) => return Ok(format!("can be reached, and the model {model} answers")),
            Err(failure) => failure,
        };
        // Only now it may be known where the list is.
        let again = match self.list().await {
            Ok(Listed::Models(models)) if self.habits.is_under_v1() => models,
            _ => models,
        };
        Err(self.diagnosis(&failure, &again))
    }

    /// An error where the server could not be reached.
    async fn list(&self) -> Result<Listed, Failure> {
        let request = self.request(Method::GET, "models")?;
        let response = self.response(request).await?;
        if response.status() != StatusCode::OK {
            return Ok(Listed::Nothing);
        }
        let body = self.body(response, LONGEST_LIST).await.unwrap_or_default();
        let models = models_in(&body);
        if models.is_empty() {
            return Ok(Listed::Nothing);
        }
        Ok(Listed::Models(models))
    }

    /// Whether the list is shown for the configured key alone.
    async fn guards_its_list(&self) -> bool {
        if self.config().api_key.is_none() {
            return false;
        }
        let Ok(request) = self.anonymous_request(Method::GET, "models") else {
            return false;
        };
        let refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN];
        match self.response(request).await {
            Ok(response) => refused.contains(&response.status()),
            Err(_) => false,
        }
    }

    /// Has the model answer one token, as it would answer a question.
    async fn say_a_word(&self) -> Result<(), Failure> {
        let asked = [Message::text(Role::User, "Hi")];
        let answer = async {
            let mut pieces = loop {
                match self.ask_for(&asked, Some(1)).await {
                    Err(Failure::Unknown { parameter, .. }) if self.do_without(parameter) => {}
                    other => break other?,
                }
            };
            while let Some(piece) = pieces.next().await {
                match piece? {
                    Piece::Error(error) => return Err(failure::of_error(&error)),
                    Piece::Usage(_) => {}
                    _ => return Ok(()),
                }
            }
            let nothing = "the stream ended before the answer began";
            Err(Failure::Unavailable(nothing.to_owned()))
        };
        let limit = ANSWERS_WITHIN.min(self.config().timeout);
        timeout(limit, answer).await.unwrap_or_else(|_| {
            Err(Failure::Unavailable(format!(
                "the model {} said nothing for {} s",
                self.config().model,
                limit.as_secs()
            )))
        })
    }

    fn diagnosis(&self, failure: &Failure, models: &[String]) -> Diagnosis {
        let (detail, model) = (failure.detail(), &self.config().model);
        let (found, remedy) = match failure {
            Failure::NoSuchModel(_) => (
                format!("the server has no model {model} ({detail})"),
                format!("set model in its entry to one that the server has{}", named(models)),
            ),
            Failure::NoSuchEndpoint(_) => (
                format!("{} is no address of Chat Completions ({detail})", self.address()),
                "set base_url in its entry to the server's address, on most servers up to and including /v1"
                    .to_owned(),
            ),
            Failure::BadKey(_) if self.config().api_key.is_none() => (
                format!("the server asks for a key ({detail})"),
                "set api_key_env or api_key_file in its entry".to_owned(),
            ),
            Failure::BadKey(_) => (
                format!("the server refuses the key ({detail})"),
                format!("see api_key_env or api_key_file in its entry, and whether the key may use {model}"),
            ),
            Failure::Busy { .. } => (
                format!("the server takes no more requests just now ({detail})"),
                "check again later, and see the limits of the account".to_owned(),
            ),
            Failure::Unavailable(_) => (
                format!("no answer from {} ({detail})", self.address()),
                "see whether the server runs there and has loaded the model; check again".to_owned(),
            ),
            Failure::TooLong(_) | Failure::Unknown { .. } | Failure::Misconfigured(_) => (
                format!("the server refuses the request ({detail})"),
                "see its entry in the agent registry and the account at the server".to_owned(),
            ),
        };
        Diagnosis {
            found: self.without_key(&found),
            remedy,
        }
    }
}

/// `data` of OpenAI and nearly all others, `models` of a few.
fn models_in(body: &str) -> Vec<String> {
    let list: Value = serde_json::from_str(body).unwrap_or_default();
    let name = |model: &Value| {
        ["id", "name", "model"]
            .iter()
            .find_map(|key| model.get(key)?.as_str())
            .map(str::to_owned)
    };
    ["data", "models"]
        .iter()
        .filter_map(|key| list.get(key)?.as_array())
        .flatten()
        .filter_map(name)
        .collect()
}

fn named(models: &[String]) -> String {
    if models.is_empty() {
        return String::new();
    }
    let shown = models.len().min(MOST_NAMED);
    let more = match models.len() - shown {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(": {}{more}", models[..shown].join(", "))
}
