//! `!agent [id]`: the agents there are, or another one for this chat.

use super::{Call, CommandName};
use crate::{
    core::{error::CoreError, ids::AgentId},
    text::{AgentEntry, Done, Guide, Trouble},
};

/// `!agent`, which lists, or `!agent gpt`, which switches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Id or name of the agent that is to answer.
    pub wanted: Option<String>,
}

impl Agent {
    /// Any words may be an agent's name.
    pub(super) fn parse(words: &str) -> Self {
        Self {
            wanted: (!words.is_empty()).then(|| words.to_owned()),
        }
    }

    pub(super) async fn run(self, call: &Call<'_>) -> Result<String, CoreError> {
        let chosen = call.chat().map(|chat| &chat.agent);
        let Some(wanted) = self.wanted else {
            return Ok(agents(call, chosen));
        };
        let Some(chat) = call.chat() else {
            return Ok(call.trouble(&Trouble::OnlyInAChat(CommandName::Agent)));
        };
        let Some(agent) = call.agents().wanted(call.user(), &wanted) else {
            return Ok(unknown(call, &wanted));
        };
        if chat.agent == agent.id {
            return Ok(Done::AgentAlready(&agent.name).text(call.locale));
        }
        call.manager.switch_agent(chat, &agent.id).await?;
        Ok(Done::AgentSwitched(&agent.name).text(call.locale))
    }
}

/// The agents this user may use, the chosen one marked.
fn agents(call: &Call<'_>, chosen: Option<&AgentId>) -> String {
    let entries: Vec<AgentEntry> = call
        .agents()
        .agents_for(call.user())
        .into_iter()
        .map(|agent| AgentEntry {
            id: agent.id.clone(),
            name: agent.name.clone(),
            description: agent.description.clone(),
            chosen: Some(&agent.id) == chosen,
        })
        .collect();
    if entries.is_empty() {
        call.trouble(&Trouble::NoAgents)
    } else {
        Guide::Agents(&entries).text(call.locale)
    }
}

/// Says on one line that the user has no such agent.
pub(super) fn unknown(call: &Call<'_>, wanted: &str) -> String {
    let short: String = wanted.chars().take(64).collect();
    call.trouble(&Trouble::UnknownAgent(&short))
}

#[cfg(test)]
mod tests {
    use crate::core::{
        chat::{Chat, Locale},
        ids::AgentId,
        testing::{World, chat},
    };

    #[tokio::test]
    async fn alone_it_lists_the_users_agents_and_marks_the_chosen_one() {
        let world = World::new();
        let lines = [
            "Agents you can choose with `!agent [id]`:",
            "",
            "- **assistant** — Assistant (chosen)",
            "- **gpt** — Model",
        ];
        assert_eq!(world.say("!agent").await, lines.join("\n"));
        let russian = world.speaking(Locale::Ru).say("!agent").await;
        assert!(russian.contains("Assistant (выбран)"), "{russian}");
        assert!(!russian.contains("secret"), "{russian}");
    }

    #[tokio::test]
    async fn another_agent_answers_from_now_on_in_the_same_context() {
        let world = World::new();
        let text = world.say("!agent GPT").await;
        let expected =
            "Model answers in this chat from now on. It does not know what was said before.";
        assert_eq!(text, expected);
        assert_eq!(world.changes(), ["server marker C1", "row C1"]);
        let gpt = AgentId::new("gpt");
        assert_eq!(
            world.row(1),
            Chat {
                agent: gpt,
                ..chat(1)
            }
        );
        assert_eq!(world.row(2), chat(2));
        assert!(world.agrees());
        let russian = World::new().speaking(Locale::Ru).say("!agent model").await;
        assert!(
            russian.starts_with("Теперь в этом чате отвечает Model."),
            "{russian}"
        );
    }

    #[tokio::test]
    async fn the_agent_that_answers_already_stays() {
        let world = World::new();
        let text = world.say("!agent assistant").await;
        assert_eq!(text, "Assistant answers in this chat already.");
        assert_eq!(world.changes(), Vec::<String>::new());
        let text = World::new()
            .speaking(Locale::Ru)
            .say("!agent assistant")
            .await;
        assert_eq!(text, "В этом чате уже отвечает Assistant.");
    }

    #[tokio::test]
    async fn an_agent_that_is_not_there_or_not_for_this_user_is_answered_on_one_line() {
        let world = World::new();
        for wanted in ["secret", "nobody", "gpt please"] {
            let text = world.say(&format!("!agent {wanted}")).await;
            let expected = format!("You cannot use an agent {wanted}. `!agent` lists yours.");
            assert_eq!(text, expected);
        }
        assert_eq!(world.row(1), chat(1));
        let text = World::new().speaking(Locale::Ru).say("!agent x").await;
        let expected = "Агент x вам недоступен. Ваших агентов покажет `!agent`.";
        assert_eq!(text, expected);
    }

    #[tokio::test]
    async fn in_the_entry_room_it_lists_and_switches_nothing() {
        let world = World::new();
        let text = world.say_at_the_door("!agent").await;
        assert!(
            text.contains("**gpt**") && !text.contains("chosen)"),
            "{text}"
        );
        let text = world.say_at_the_door("!agent gpt").await;
        assert!(
            text.starts_with("`!agent [id]` works inside a chat."),
            "{text}"
        );
    }

    #[tokio::test]
    async fn an_archived_chat_keeps_its_agent() {
        let world = World::new().with_chat(&chat(1).archived());
        assert!(
            world
                .say("!agent gpt")
                .await
                .starts_with("This chat is archived")
        );
        assert_eq!(world.row(1), chat(1).archived());
    }
}
