//! The homeserver, the bot's account there, and where its own data is kept.

use std::path::PathBuf;

use matrix_sdk::ruma::{OwnedDeviceId, OwnedUserId, UserId};
use url::Url;

use crate::config::{
    problem::{Problem, Reported},
    reader::Reader,
    secret::Secret,
};

/// The homeserver, the bot's account there, and where its own data is kept.
#[derive(Clone, Debug)]
pub struct MatrixConfig {
    /// `MATRIX_HOMESERVER`.
    pub homeserver: Url,
    /// `MATRIX_USER_ID`.
    pub user_id: OwnedUserId,
    /// How the bot proves who it is, where no saved session does.
    pub credentials: Credentials,
    /// `MATRIX_DB_PATH`: the bot's own `SQLite` file.
    pub db_path: PathBuf,
    /// `MATRIX_STORE_PATH`: the SDK's store folder, which also holds the saved session.
    pub store_path: PathBuf,
    /// `SURFACES_INITIAL_SYNC`.
    pub initial_sync: InitialSync,
}

/// How the bot proves who it is. Always exactly one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// `MATRIX_PASSWORD`.
    Password(Secret),
    /// `MATRIX_ACCESS_TOKEN`.
    AccessToken {
        /// The token.
        token: Secret,
        /// `MATRIX_DEVICE_ID`; the homeserver tells it where it is not set.
        device_id: Option<OwnedDeviceId>,
    },
}

/// How the first sync after a start gets the rooms' state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InitialSync {
    /// From the kept copy where it can be shown to be complete.
    #[default]
    Auto,
    /// From the server, always.
    Full,
}

impl MatrixConfig {
    /// Reads the section.
    pub fn from_env(reader: &mut Reader<'_>) -> Result<Self, Reported> {
        let homeserver = homeserver(reader);
        let user_id = reader.required(
            "MATRIX_USER_ID",
            "the bot's full user id, such as @bot:example.org",
            |text| UserId::parse(text).ok(),
        );
        let credentials = credentials(reader);
        let path = |text: &str| Some(PathBuf::from(text));
        let db_path = reader.or(
            "MATRIX_DB_PATH",
            PathBuf::from("lambda_matrix.db"),
            "a file name",
            path,
        );
        let store_path = reader.or(
            "MATRIX_STORE_PATH",
            PathBuf::from("matrix_store"),
            "a folder",
            path,
        );
        let initial_sync = reader.or(
            "SURFACES_INITIAL_SYNC",
            InitialSync::default(),
            "auto or full",
            |text| match text {
                "auto" => Some(InitialSync::Auto),
                "full" => Some(InitialSync::Full),
                _ => None,
            },
        );
        Ok(Self {
            homeserver: homeserver?,
            user_id: user_id?,
            credentials: credentials?,
            db_path: db_path?,
            store_path: store_path?,
            initial_sync: initial_sync?,
        })
    }
}

fn homeserver(reader: &mut Reader<'_>) -> Result<Url, Reported> {
    const NAME: &str = "MATRIX_HOMESERVER";
    const EXPECTED: &str = "the homeserver's http or https URL, such as https://matrix.example.org";
    if reader.raw(NAME).is_some_and(holds_userinfo) {
        return Err(reader.report(Problem::new(
            NAME,
            "the URL holds a user name or a password",
            "an address only; the account belongs in MATRIX_USER_ID and MATRIX_PASSWORD",
        )));
    }
    reader.required(NAME, EXPECTED, |text| {
        let url = Url::parse(text).ok()?;
        let usable = matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.query().is_none()
            && url.fragment().is_none();
        usable.then_some(url)
    })
}

fn holds_userinfo(text: &str) -> bool {
    Url::parse(text.trim()).is_ok_and(|url| !url.username().is_empty() || url.password().is_some())
}

fn credentials(reader: &mut Reader<'_>) -> Result<Credentials, Reported> {
    const NAMES: &str = "MATRIX_PASSWORD, MATRIX_ACCESS_TOKEN";
    let password = reader.secret("MATRIX_PASSWORD");
    let token = reader.secret("MATRIX_ACCESS_TOKEN");
    let device_id = reader.optional(
        "MATRIX_DEVICE_ID",
        "a device id without white space, such as ABCDEFGHIJ",
        |text| (!text.contains(char::is_whitespace)).then(|| OwnedDeviceId::from(text)),
    );
    match (password?, token?) {
        (None, None) => Err(reader.report(Problem::new(
            NAMES,
            "neither is set",
            "one of them; each may also be given as a file, by MATRIX_PASSWORD_FILE or MATRIX_ACCESS_TOKEN_FILE",
        ))),
        (Some(_), Some(_)) => {
            Err(reader.report(Problem::new(NAMES, "both are set", "only one of them")))
        }
        (Some(password), None) => device_id.map(|_| Credentials::Password(password)),
        (None, Some(token)) if token.expose().contains(|c: char| !c.is_ascii_graphic()) => {
            Err(reader.report(Problem::new(
                "MATRIX_ACCESS_TOKEN",
                "holds white space or other characters that no token has",
                "the token alone",
            )))
        }
        (None, Some(token)) => Ok(Credentials::AccessToken {
            token,
            device_id: device_id?,
        }),
    }
}
