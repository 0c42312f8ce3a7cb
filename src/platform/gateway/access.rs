//! Who may connect: those who know the token, and no web page.

use axum::{
    http::{
        HeaderMap, StatusCode,
        header::{AUTHORIZATION, ORIGIN, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

use crate::config::Secret;

/// Why a request is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The token is missing or wrong.
    Token,
    /// A browser asks on behalf of a web page. Browsers reach loopback addresses too, and the bot is no browser.
    WebPage,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Token => (
                StatusCode::UNAUTHORIZED,
                [(WWW_AUTHENTICATE, "Bearer")],
                "a bearer token is needed\n",
            )
                .into_response(),
            Self::WebPage => (StatusCode::FORBIDDEN, "web pages may not connect\n").into_response(),
        }
    }
}

/// Whether a request with these headers may connect.
pub(super) fn check(headers: &HeaderMap, token: Option<&Secret>) -> Result<(), Refusal> {
    if let Some(token) = token {
        let given = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(bearer)
            .ok_or(Refusal::Token)?;
        if !same(given, token.expose()) {
            return Err(Refusal::Token);
        }
    }
    if headers.contains_key(ORIGIN) {
        return Err(Refusal::WebPage);
    }
    Ok(())
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Compares digests, all of them, so that the time it takes tells nothing about the token.
fn same(left: &str, right: &str) -> bool {
    let differences = Sha256::digest(left)
        .iter()
        .zip(Sha256::digest(right))
        .fold(0, |differences, (left, right)| differences | (left ^ right));
    differences == 0
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn judged(headers: &[(HeaderName, &'static str)], token: Option<&str>) -> Result<(), Refusal> {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
            .collect();
        check(&headers, token.map(Secret::new).as_ref())
    }

    #[test]
    fn the_token_decides() {
        let table = [
            (Some("Bearer right"), Ok(())),
            (Some("bearer right"), Ok(())),
            (Some("Bearer right "), Ok(())),
            (Some("Bearer wrong"), Err(Refusal::Token)),
            (Some("Bearer righ"), Err(Refusal::Token)),
            (Some("Bearer"), Err(Refusal::Token)),
            (Some("Basic right"), Err(Refusal::Token)),
            (Some("right"), Err(Refusal::Token)),
            (Some(""), Err(Refusal::Token)),
            (None, Err(Refusal::Token)),
        ];
        for (given, expected) in table {
            let headers: Vec<_> = given
                .map(|given| (AUTHORIZATION, given))
                .into_iter()
                .collect();
            assert_eq!(judged(&headers, Some("right")), expected, "{given:?}");
            assert_eq!(judged(&headers, None), Ok(()), "{given:?}");
        }
    }

    #[test]
    fn a_web_page_may_not_connect_not_even_to_a_gateway_without_a_token() {
        let page = (ORIGIN, "https://example.org");
        assert_eq!(
            judged(std::slice::from_ref(&page), None),
            Err(Refusal::WebPage)
        );
        let knowing = [(AUTHORIZATION, "Bearer right"), page];
        assert_eq!(judged(&knowing, Some("right")), Err(Refusal::WebPage));
    }
}
