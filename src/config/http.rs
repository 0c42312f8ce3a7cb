//! Where the bot answers `/healthz`, `/readyz` and `/metrics`.

use std::net::SocketAddr;

use crate::config::{problem::Reported, reader::Reader};

const NAME: &str = "SURFACES_HTTP_ADDR";
const DEFAULT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);

/// `SURFACES_HTTP_ADDR`: where to listen; `None` where it is set and empty, which turns it off.
pub fn addr_from_env(reader: &mut Reader<'_>) -> Result<Option<SocketAddr>, Reported> {
    if reader.raw(NAME).is_some_and(|text| text.trim().is_empty()) {
        return Ok(None);
    }
    reader
        .or(
            NAME,
            DEFAULT,
            "an IP address and a port, such as 127.0.0.1:8080 or [::]:8080, or nothing to turn it off",
            |text| text.parse().ok(),
        )
        .map(Some)
}
