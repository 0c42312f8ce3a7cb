//! `kind: acp`: an agent that speaks the Agent Client Protocol.

use super::fields::Fields;

/// Its own keys.
pub(super) const KEYS: [&str; 1] = ["command"];

/// How the agent is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcpConfig {}

/// Takes the keys.
pub(super) fn parse(fields: &mut Fields<'_, '_>) -> Option<AcpConfig> {
    let value = fields.value("kind")?;
    fields.wrong(
        "kind",
        value,
        "mock; this build has no agents of the kind acp",
    );
    None
}
