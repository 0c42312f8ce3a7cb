//! `kind: openai`: a model behind the Chat Completions interface.

use super::fields::Fields;

/// Its own keys.
pub(super) const KEYS: [&str; 2] = ["base_url", "model"];

/// How the model is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenAiConfig {}

/// Takes the keys.
pub(super) fn parse(fields: &mut Fields<'_, '_>) -> Option<OpenAiConfig> {
    let value = fields.value("kind")?;
    fields.wrong(
        "kind",
        value,
        "mock; this build has no agents of the kind openai",
    );
    None
}
