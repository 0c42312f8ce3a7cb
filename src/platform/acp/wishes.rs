//! The mode and the model that the operator wants, where an agent offers a choice.

use agent_client_protocol::{
    JsonRpcRequest, UntypedMessage,
    v1::schema::{
        SessionConfigId, SessionConfigKind, SessionConfigOption, SessionConfigOptionCategory,
        SessionConfigOptionValue, SessionConfigValueId, SessionId, SessionModeState,
        SetSessionConfigOptionRequest, SetSessionModeRequest,
    },
};
use serde_json::json;

use super::{connection::Connection, trouble::Trouble};

/// What the operator wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wishes {
    pub(super) mode: Option<String>,
    pub(super) model: Option<String>,
}

/// What a session offers.
#[derive(Default)]
pub(super) struct Offered {
    modes: Option<SessionModeState>,
    options: Vec<SessionConfigOption>,
}

/// How a wish is granted.
#[derive(Debug, PartialEq, Eq)]
enum Way {
    /// It is so already.
    AsItIs,
    /// By an option of the session.
    Option(SessionConfigId),
    /// By the mode's own request.
    Mode,
    /// By a request that older agents have for models.
    OldModel,
}

impl Offered {
    pub(super) fn new(
        modes: Option<SessionModeState>,
        options: Option<Vec<SessionConfigOption>>,
    ) -> Self {
        Self {
            modes,
            options: options.unwrap_or_default(),
        }
    }

    fn option(&self, category: &SessionConfigOptionCategory, wanted: &str) -> Option<Way> {
        let option = self
            .options
            .iter()
            .find(|option| option.category.as_ref() == Some(category))?;
        match &option.kind {
            SessionConfigKind::Select(select) if *select.current_value.0 == *wanted => {
                Some(Way::AsItIs)
            }
            SessionConfigKind::Select(_) => Some(Way::Option(option.id.clone())),
            _ => None,
        }
    }

    fn way_to_mode(&self, wanted: &str) -> Way {
        if let Some(way) = self.option(&SessionConfigOptionCategory::Mode, wanted) {
            return way;
        }
        match &self.modes {
            Some(modes) if *modes.current_mode_id.0 == *wanted => Way::AsItIs,
            _ => Way::Mode,
        }
    }

    fn way_to_model(&self, wanted: &str) -> Way {
        self.option(&SessionConfigOptionCategory::Model, wanted)
            .unwrap_or(Way::OldModel)
    }
}

impl Wishes {
    /// Tries; an agent that grants nothing answers as it is, and the log says so.
    pub(super) async fn grant(&self, connection: &Connection, session: &str, offered: &Offered) {
        if let Some(mode) = &self.mode {
            let way = offered.way_to_mode(mode);
            report("mode", wish(connection, session, way, mode).await);
        }
        if let Some(model) = &self.model {
            let way = offered.way_to_model(model);
            report("model", wish(connection, session, way, model).await);
        }
    }
}

async fn wish(
    connection: &Connection,
    session: &str,
    way: Way,
    wanted: &str,
) -> Result<(), Trouble> {
    let id = SessionId::new(session);
    match way {
        Way::AsItIs => Ok(()),
        Way::Option(option) => {
            let value = SessionConfigOptionValue::ValueId {
                value: SessionConfigValueId::new(wanted),
            };
            let request = SetSessionConfigOptionRequest::new(id, option, value);
            asked(connection, "session/set_config_option", request).await
        }
        Way::Mode => {
            let request = SetSessionModeRequest::new(id, wanted.to_owned());
            asked(connection, "session/set_mode", request).await
        }
        Way::OldModel => {
            let name = "session/set_model";
            let request = UntypedMessage {
                method: name.to_owned(),
                params: json!({"sessionId": session, "modelId": wanted}),
            };
            asked(connection, name, request).await
        }
    }
}

async fn asked<R: JsonRpcRequest>(
    connection: &Connection,
    name: &str,
    request: R,
) -> Result<(), Trouble> {
    connection.request(name, request).await?;
    Ok(())
}

fn report(what: &str, granted: Result<(), Trouble>) {
    if let Err(trouble) = granted {
        tracing::warn!(error = trouble.detail, "an agent does not take its {what}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(json: &serde_json::Value) -> Offered {
        let modes = serde_json::from_value(json["modes"].clone()).unwrap();
        let options = serde_json::from_value(json["options"].clone()).unwrap();
        Offered::new(modes, options)
    }

    #[test]
    fn a_wish_goes_the_way_the_agent_offers() {
        let nothing = offered(&json!({}));
        let modes = offered(&json!({"modes": {
            "currentModeId": "ask",
            "availableModes": [{"id": "ask", "name": "Ask"}, {"id": "code", "name": "Code"}],
        }}));
        let option = |category: &str| {
            json!({
                "id": format!("the-{category}"), "name": category, "category": category,
                "type": "select", "currentValue": "ask",
                "options": [{"value": "ask", "name": "Ask"}, {"value": "code", "name": "Code"}],
            })
        };
        let options = offered(&json!({"options": [option("mode"), option("model")]}));
        let by_option = |id: &str| Way::Option(SessionConfigId::new(id));
        assert_eq!(nothing.way_to_mode("code"), Way::Mode);
        assert_eq!(nothing.way_to_model("code"), Way::OldModel);
        assert_eq!(modes.way_to_mode("code"), Way::Mode);
        assert_eq!(modes.way_to_mode("ask"), Way::AsItIs);
        assert_eq!(options.way_to_mode("code"), by_option("the-mode"));
        assert_eq!(options.way_to_mode("ask"), Way::AsItIs);
        assert_eq!(options.way_to_model("code"), by_option("the-model"));
        assert_eq!(options.way_to_model("ask"), Way::AsItIs);
    }
}
