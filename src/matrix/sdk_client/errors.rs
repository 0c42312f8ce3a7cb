//! What the SDK and the server say went wrong, sorted by what to do next.

use std::time::Duration;

use matrix_sdk::{
    HttpError,
    ruma::{
        MilliSecondsSinceUnixEpoch,
        api::error::{ErrorBody, ErrorKind, RetryAfter},
    },
};

use crate::matrix::client::MatrixError;

impl From<HttpError> for MatrixError {
    fn from(error: HttpError) -> Self {
        if let Some(answer) = error.as_client_api_error() {
            return from_answer(answer);
        }
        match &error {
            // A proxy's error page, a truncated body, no answer: the server may have acted.
            HttpError::Api(_) | HttpError::Reqwest(_) => Self::Unanswered(chain(&error)),
            HttpError::Cached(inner) => match inner.as_client_api_error() {
                Some(answer) => from_answer(answer),
                None => Self::Unanswered(chain(&error)),
            },
            _ => Self::Local(chain(&error)),
        }
    }
}

fn from_answer(answer: &matrix_sdk::ruma::api::error::Error) -> MatrixError {
    let status = answer.status_code.as_u16();
    if let Some(ErrorKind::LimitExceeded(data)) = answer.error_kind() {
        return MatrixError::RateLimited {
            retry_after: data.retry_after.as_ref().and_then(delay),
        };
    }
    if status == 429 {
        return MatrixError::RateLimited { retry_after: None };
    }
    if status >= 500 {
        return MatrixError::Unanswered(answer.to_string());
    }
    if let Some(ErrorKind::UnknownToken(data)) = answer.error_kind() {
        return MatrixError::UnknownToken {
            soft_logout: data.soft_logout,
        };
    }
    let (errcode, message) = match &answer.body {
        ErrorBody::Standard(body) => (body.kind.errcode().to_string(), body.message.clone()),
        // No answer of a homeserver, but of something in front of it.
        _ => return MatrixError::Unanswered(answer.to_string()),
    };
    MatrixError::Refused {
        status,
        errcode,
        message,
    }
}

fn delay(retry_after: &RetryAfter) -> Option<Duration> {
    match retry_after {
        RetryAfter::Delay(delay) => Some(*delay),
        RetryAfter::DateTime(at) => {
            let now = MilliSecondsSinceUnixEpoch::now().to_system_time()?;
            at.duration_since(now).ok()
        }
    }
}

pub(in crate::matrix) fn failure(error: matrix_sdk::Error) -> MatrixError {
    match error {
        matrix_sdk::Error::Http(error) => (*error).into(),
        other => MatrixError::Local(chain(&other)),
    }
}

/// The error and all its causes, in one line.
pub(in crate::matrix) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
