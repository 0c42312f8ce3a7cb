//! What holds for any input at all.

use std::{path::Path, time::Duration};

use matrix_sdk::ruma::UserId;
use proptest::prelude::*;

use super::World;
use crate::config::{AllowedUsers, Config, Credentials, Env, names::KNOWN, units};

proptest! {
    #[test]
    fn whatever_the_variables_hold_is_read_or_complained_about(
        values in proptest::collection::vec(".{0,40}", KNOWN.len())
    ) {
        let folder = tempfile::tempdir().unwrap();
        let variables = KNOWN
            .into_iter()
            .zip(values)
            // These would name real places of the machine.
            .filter(|(name, _)| !name.ends_with("_PATH") && !name.ends_with("_DIR"));
        let env = Env::of(variables).in_folder(folder.path());
        if let Err(problems) = Config::read(&env) {
            prop_assert!(!problems.is_empty());
            for problem in problems {
                prop_assert!(!problem.to_string().contains('\n'), "{}", problem);
            }
        }
    }

    #[test]
    fn any_size_is_its_number_times_its_unit(number in 1..=u64::from(u32::MAX)) {
        for (unit, factor) in [("", 1), ("B", 1), ("kB", 1_000), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)] {
            prop_assert_eq!(units::bytes(&format!("{number}{unit}")), Some(number * factor));
            prop_assert_eq!(units::bytes(&format!(" {number} {unit} ")), Some(number * factor));
        }
    }

    #[test]
    fn any_duration_is_its_number_times_its_unit(number in 1..=u64::from(u32::MAX)) {
        for (unit, seconds) in [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)] {
            prop_assert_eq!(
                units::duration(&format!("{number}{unit}")),
                Some(Duration::from_secs(number * seconds))
            );
        }
    }

    #[test]
    fn no_text_upsets_the_units(text in any::<String>()) {
        prop_assert_ne!(units::bytes(&text), Some(0));
        prop_assert_ne!(units::duration(&text), Some(Duration::ZERO));
    }

    #[test]
    fn a_user_id_as_pattern_means_that_user_alone(
        one in "@[a-z0-9._=/-]{1,12}:[a-z0-9-]{1,8}\\.org",
        other in "@[a-z0-9._=/-]{1,12}:[a-z0-9-]{1,8}\\.org",
    ) {
        let allowed = AllowedUsers::parse(&one).unwrap();
        prop_assert!(allowed.allows(&UserId::parse(&one).unwrap()));
        let same = one == other;
        prop_assert_eq!(allowed.allows(&UserId::parse(&other).unwrap()), same);
    }

    #[test]
    fn no_dotenv_file_upsets_the_reader_or_shows_itself(content in any::<Vec<u8>>()) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(".env"), content).unwrap();
        let mut env = Env::of([("KEPT", "real")]).in_folder(folder.path());
        env.add_dotenv(Path::new(".env"));
        prop_assert_eq!(env.get("KEPT"), Some("real"));
    }

    #[test]
    fn a_value_in_single_quotes_comes_out_of_a_dotenv_file_as_it_went_in(
        value in "[ -&(-\\[\\]-~а-я]{0,30}"
    ) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(".env"), format!("A='{value}'\n")).unwrap();
        let mut env = Env::default().in_folder(folder.path());
        env.add_dotenv(Path::new(".env"));
        prop_assert_eq!(env.problems(), []);
        prop_assert_eq!(env.get("A"), Some(value.as_str()));
    }
}

#[test]
fn of_all_ways_to_give_credentials_exactly_one_at_a_time_is_right() {
    let ways = [
        ("MATRIX_PASSWORD", "hunter2"),
        ("MATRIX_PASSWORD_FILE", "secret"),
        ("MATRIX_ACCESS_TOKEN", "syt_token"),
        ("MATRIX_ACCESS_TOKEN_FILE", "secret"),
    ];
    for choice in 0_u32..16 {
        let mut world = World::new()
            .without("MATRIX_PASSWORD")
            .file("secret", "from-a-file\n");
        for (index, (name, value)) in ways.iter().enumerate() {
            if choice & (1 << index) != 0 {
                world = world.with(name, value);
            }
        }
        let config = Config::read(&world.env());
        assert_eq!(config.is_ok(), choice.is_power_of_two(), "{choice:04b}");
        if let Ok(config) = config {
            let is_password = matches!(config.matrix.credentials, Credentials::Password(_));
            assert_eq!(is_password, choice < 4, "{choice:04b}");
        }
    }
}
