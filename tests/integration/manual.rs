//! What the README says, as far as it can be held against the program without a homeserver.

use std::{collections::BTreeSet, fs, path::Path};

use surfaces_bot::config::{Env, Registry, names};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Where the README's examples have their secrets.
const SECRETS: &str = "/run/secrets";

fn readme() -> String {
    fs::read_to_string(format!("{ROOT}/README.md")).unwrap()
}

/// What stands between fences of this language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("\n```{language}\n");
    text.split(fence.as_str())
        .skip(1)
        .map(|rest| rest.split("\n```").next().unwrap().to_owned())
        .collect()
}

/// Where the links in round brackets lead.
fn links(text: &str) -> Vec<&str> {
    let ends = text.split("](").skip(1);
    ends.map(|rest| rest.split(')').next().unwrap()).collect()
}

/// A heading as the address that links to it use.
fn anchor(heading: &str) -> String {
    heading
        .chars()
        .filter(|letter| letter.is_alphanumeric() || [' ', '-'].contains(letter))
        .map(|letter| match letter {
            ' ' => '-',
            other => other.to_ascii_lowercase(),
        })
        .collect()
}

#[test]
fn agents_can_be_listed_as_the_examples_list_them() {
    let folder = tempfile::tempdir().unwrap();
    for file in ["platform_agent_token", "openai"] {
        fs::write(folder.path().join(file), "a secret").unwrap();
    }
    let readme = readme();
    let examples = blocks(&readme, "yaml");
    let registries: Vec<&String> = examples
        .iter()
        .filter(|text| text.starts_with("agents:"))
        .collect();
    assert_eq!(registries.len(), 2);
    for text in registries {
        let text = text.replace(SECRETS, folder.path().to_str().unwrap());
        fs::write(folder.path().join("agents.yaml"), &text).unwrap();
        let env = Env::of([
            ("MATRIX_AGENTS_CONFIG", "agents.yaml"),
            ("LITELLM_KEY", "a secret"),
        ]);
        let registry = Registry::read(&env.in_folder(folder.path()))
            .unwrap_or_else(|problems| panic!("{text}\n{problems:#?}"));
        assert_eq!(registry.agents.len(), text.matches("{id: ").count());
    }
}

#[test]
fn every_variable_is_in_the_table() {
    let readme = readme();
    let table = readme
        .split("\n## Configuration\n")
        .nth(1)
        .and_then(|rest| rest.split("\n## ").next())
        .unwrap();
    for name in names::KNOWN {
        let plain = name.strip_suffix("_FILE").unwrap_or(name);
        assert!(table.contains(&format!("`{plain}`")), "{name}");
    }
}

#[test]
fn links_lead_somewhere() {
    let readme = readme();
    let headings: BTreeSet<String> = readme
        .lines()
        .filter_map(|line| line.trim_start_matches('#').strip_prefix(' '))
        .map(anchor)
        .collect();
    for link in links(&readme) {
        match link.strip_prefix('#') {
            Some(heading) => assert!(headings.contains(heading), "{link}"),
            None if link.starts_with("http") => {}
            None => assert!(Path::new(ROOT).join(link).exists(), "{link}"),
        }
    }
}
