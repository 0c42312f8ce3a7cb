//! What is shipped around the program, as far as it can be checked without an engine: image, Compose files, examples.
//! `scripts/stack-check` runs the same files for real.

use std::{collections::BTreeSet, fs, time::Duration};

use serde_json::{Map, Value};
use surfaces_bot::{config::names, lifecycle};

const PROD: &str = "docker-compose.prod.yml";
const FULLSTACK: &str = "docker-compose.fullstack.yml";

/// Variables that hold the secret itself. Containers get it as a file.
const PLAIN_SECRETS: [&str; 3] = [
    "MATRIX_PASSWORD",
    "MATRIX_ACCESS_TOKEN",
    "SURFACES_PLATFORM_AGENT_TOKEN",
];

/// The registry is where the bot looks for it by itself, in the folder that is mounted; the other one is for
/// `platform-agent`.
const NOT_PASSED_ON: [&str; 2] = ["MATRIX_AGENTS_CONFIG", "SURFACES_PLATFORM_AGENT_DATA_DIR"];

fn read(file: &str) -> String {
    fs::read_to_string(format!("{}/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn compose(file: &str) -> Map<String, Value> {
    serde_saphyr::from_str(&read(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The services of both files, as `file: name`, with what `extends` brings in.
fn services() -> Vec<(String, Map<String, Value>)> {
    let mut all = Vec::new();
    for file in [PROD, FULLSTACK] {
        for (name, service) in compose(file)["services"].as_object().unwrap() {
            let mut service = service.as_object().unwrap().clone();
            if let Some(base) = service.remove("extends") {
                let base = &compose(base["file"].as_str().unwrap())["services"]
                    [base["service"].as_str().unwrap()];
                for (key, value) in base.as_object().unwrap() {
                    let own = service.entry(key).or_insert_with(|| value.clone());
                    if let (Some(own), Some(theirs)) = (own.as_object_mut(), value.as_object()) {
                        for (key, value) in theirs {
                            own.entry(key).or_insert_with(|| value.clone());
                        }
                    }
                }
            }
            all.push((format!("{file}: {name}"), service));
        }
    }
    all
}

fn texts(value: Option<&Value>) -> Vec<&str> {
    let list = value.and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

#[test]
fn no_service_has_more_rights_than_it_needs() {
    for (name, service) in services() {
        assert_eq!(texts(service.get("cap_drop")), ["ALL"], "{name}");
        assert_eq!(
            texts(service.get("security_opt")),
            ["no-new-privileges:true"],
            "{name}"
        );
        for limit in ["mem_limit", "pids_limit"] {
            assert!(service.contains_key(limit), "{name}: {limit}");
        }
        assert!(!service.contains_key("privileged"), "{name}");
        // The web client's own start script writes its configuration; its image names its own user.
        if name.ends_with(": element") {
            continue;
        }
        assert_eq!(service["read_only"], true, "{name}");
        let user = service["user"].as_str().unwrap();
        match name.as_str() {
            "docker-compose.fullstack.yml: setup" => {
                assert_eq!(user, "0:0");
                assert_eq!(service["network_mode"], "none");
            }
            _ => assert!(["65532:65532", "991:991"].contains(&user), "{name}: {user}"),
        }
    }
}

#[test]
fn logs_are_rotated_everywhere() {
    for (name, service) in services() {
        for option in ["max-size", "max-file"] {
            assert!(service["logging"]["options"][option].is_string(), "{name}");
        }
    }
}

#[test]
fn ports_are_published_on_loopback_only() {
    for (name, service) in services() {
        for port in texts(service.get("ports")) {
            assert!(port.starts_with("127.0.0.1:"), "{name}: {port}");
        }
    }
}

#[test]
fn images_are_pinned_to_a_version() {
    for (name, service) in services() {
        let image = service["image"].as_str().unwrap();
        if service.contains_key("build") {
            assert_eq!(image, "${BOT_IMAGE:-surfaces-bot:latest}", "{name}");
        } else {
            let tag = image.rsplit_once(':').unwrap().1;
            assert!(tag.starts_with('v') && tag.contains('.'), "{name}: {image}");
        }
    }
}

#[test]
fn services_start_in_order_by_health_and_not_by_time() {
    let all = services();
    for (name, service) in &all {
        let file = name.split(':').next().unwrap();
        let Some(others) = service.get("depends_on") else {
            continue;
        };
        for (other, how) in others.as_object().unwrap() {
            let other = format!("{file}: {other}");
            let (_, other) = all.iter().find(|(name, _)| *name == other).unwrap();
            match how["condition"].as_str().unwrap() {
                "service_healthy" => assert!(other.contains_key("healthcheck"), "{name}"),
                "service_completed_successfully" => {
                    assert!(!other.contains_key("restart"), "{name}");
                }
                other => panic!("{name} waits for {other}"),
            }
        }
    }
    for file in [PROD, FULLSTACK, "Dockerfile", "config/fullstack/setup.py"] {
        assert!(!read(file).contains("sleep"), "{file}");
    }
}

#[test]
fn the_bot_has_time_to_end() {
    for (name, service) in services() {
        if service.contains_key("restart") && service.contains_key("build") {
            let grace = service["stop_grace_period"].as_str().unwrap();
            let seconds: u64 = grace.strip_suffix('s').unwrap().parse().unwrap();
            assert!(Duration::from_secs(seconds) > lifecycle::GRACE, "{name}");
        }
    }
}

#[test]
fn every_variable_reaches_the_container_and_secrets_only_as_files() {
    let compose = compose(PROD);
    let environment = compose["services"]["bot"]["environment"]
        .as_object()
        .unwrap();
    for name in names::KNOWN {
        let expected = !PLAIN_SECRETS.contains(&name) && !NOT_PASSED_ON.contains(&name);
        assert_eq!(environment.contains_key(name), expected, "{name}");
    }
    for name in environment.keys() {
        assert!(names::is_known(name), "{name}");
    }
    for (service_name, service) in services() {
        let environment = service.get("environment").and_then(Value::as_object);
        for name in environment.into_iter().flat_map(Map::keys) {
            assert!(
                !PLAIN_SECRETS.contains(&name.as_str()),
                "{service_name}: {name}"
            );
        }
    }
}

#[test]
fn every_variable_of_the_compose_files_is_in_the_example() {
    let example = read(".env.example");
    let documented: BTreeSet<&str> = example
        .lines()
        .filter_map(|line| line.trim_start_matches('#').split_once('='))
        .map(|(name, _)| name)
        .collect();
    for file in [PROD, FULLSTACK] {
        let text = read(file);
        for rest in text.split("${").skip(1) {
            let name = rest.split([':', '-', '}']).next().unwrap();
            assert!(documented.contains(name), "{file}: {name}");
        }
    }
    for (service_name, service) in services() {
        let environment = service.get("environment").and_then(Value::as_object);
        for (name, _) in environment
            .into_iter()
            .flatten()
            .filter(|(_, value)| value.is_null())
        {
            assert!(documented.contains(name.as_str()), "{service_name}: {name}");
        }
    }
}

#[test]
fn the_image_runs_as_a_fixed_user_and_stops_in_order() {
    let dockerfile = read("Dockerfile");
    for line in [
        "USER 65532:65532",
        "STOPSIGNAL SIGTERM",
        r#"ENTRYPOINT ["surfaces-bot"]"#,
    ] {
        assert!(dockerfile.lines().any(|found| found == line), "{line}");
    }
    assert!(dockerfile.contains(r#"CMD ["surfaces-bot", "healthcheck"]"#));
    for build in dockerfile
        .lines()
        .filter(|line| line.contains("cargo build"))
    {
        assert!(build.contains("--locked"), "{build}");
    }
    // It would make the builder fetch a frontend of its own.
    assert!(!dockerfile.contains("syntax="));
}
