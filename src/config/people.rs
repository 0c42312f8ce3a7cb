//! Who may use the bot, and how it speaks to them.

use matrix_sdk::ruma::ServerName;

use crate::{
    config::{
        globs::{self, AllowedUsers},
        problem::{Problem, Reported},
        reader::Reader,
    },
    core::chat::Locale,
};

const MAX_BRAND_CHARS: usize = 64;

/// Who may use the bot, and how it speaks to them.
#[derive(Clone, Debug)]
pub struct PeopleConfig {
    /// `SURFACES_LOCALE`: the language of those who chose none.
    pub locale: Locale,
    /// `SURFACES_BRAND`: what a Space's name begins with.
    pub brand: String,
    /// `SURFACES_ALLOWED_USERS`.
    pub allowed: AllowedUsers,
}

impl PeopleConfig {
    /// Reads the section. `own_server` is where people come from who are allowed by default.
    pub fn from_env(
        reader: &mut Reader<'_>,
        own_server: Option<&ServerName>,
    ) -> Result<Self, Reported> {
        let locale = reader.or(
            "SURFACES_LOCALE",
            Locale::default(),
            "en or ru",
            Locale::from_code,
        );
        let brand = reader.or(
            "SURFACES_BRAND",
            "Lambda".to_owned(),
            "a name of at most 64 characters on one line",
            brand,
        );
        let allowed = allowed(reader, own_server);
        Ok(Self {
            locale: locale?,
            brand: brand?,
            allowed: allowed?,
        })
    }
}

fn brand(text: &str) -> Option<String> {
    let fits = text.chars().count() <= MAX_BRAND_CHARS && !text.contains(char::is_control);
    fits.then(|| text.to_owned())
}

/// An empty list is refused: it reads as "nobody" to some and as "everybody" to others.
fn allowed(
    reader: &mut Reader<'_>,
    own_server: Option<&ServerName>,
) -> Result<AllowedUsers, Reported> {
    const NAME: &str = "SURFACES_ALLOWED_USERS";
    match (reader.raw(NAME), own_server) {
        (Some(text), _) => AllowedUsers::parse(text)
            .ok_or_else(|| reader.report(Problem::bad_value(NAME, text, globs::EXPECTED))),
        (None, Some(server)) => Ok(AllowedUsers::on_server(server)),
        // The user id is a problem of its own, and reported as such.
        (None, None) => Err(Reported),
    }
}
