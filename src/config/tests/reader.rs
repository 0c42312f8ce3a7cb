//! Reading single variables: absent, empty, right and wrong, with every problem kept.

use crate::config::{Env, Problem, Reader, Reported};

const NAME: &str = "SURFACES_BRAND";

fn number(text: &str) -> Option<u32> {
    text.parse().ok()
}

/// The result of one reading, and the problems it left.
fn read<T>(
    value: Option<&str>,
    reading: impl FnOnce(&mut Reader<'_>) -> Result<T, Reported>,
) -> (Result<T, Reported>, Vec<String>) {
    let env = Env::of(value.map(|value| (NAME, value)));
    let mut reader = Reader::new(&env);
    let result = reading(&mut reader);
    let problems = reader.into_problems();
    (result, problems.iter().map(ToString::to_string).collect())
}

#[test]
fn an_optional_variable_is_absent_right_or_wrong() {
    let table = [
        (None, Ok(None), 0),
        (Some(""), Ok(None), 0),
        (Some(" \t\n"), Ok(None), 0),
        (Some("7"), Ok(Some(7)), 0),
        (Some(" 7\n"), Ok(Some(7)), 0),
        (Some("seven"), Err(Reported), 1),
    ];
    for (value, expected, complaints) in table {
        let (result, problems) = read(value, |reader| reader.optional(NAME, "a number", number));
        assert_eq!(result, expected, "{value:?}");
        assert_eq!(problems.len(), complaints, "{value:?}");
    }
}

#[test]
fn a_required_variable_complains_where_it_is_absent() {
    let table = [
        (
            None,
            Err(Reported),
            "SURFACES_BRAND: not set; expected a number",
        ),
        (
            Some(" "),
            Err(Reported),
            "SURFACES_BRAND: not set; expected a number",
        ),
        (
            Some("x"),
            Err(Reported),
            "SURFACES_BRAND: read \"x\"; expected a number",
        ),
        (Some("7"), Ok(7), ""),
    ];
    for (value, expected, complaint) in table {
        let (result, problems) = read(value, |reader| reader.required(NAME, "a number", number));
        assert_eq!(result, expected, "{value:?}");
        assert_eq!(problems.concat(), complaint);
    }
}

#[test]
fn a_default_stands_in_for_absence_and_not_for_mistakes() {
    let table = [
        (None, Ok(42)),
        (Some(""), Ok(42)),
        (Some("7"), Ok(7)),
        (Some("x"), Err(Reported)),
    ];
    for (value, expected) in table {
        let (result, problems) = read(value, |reader| reader.or(NAME, 42, "a number", number));
        assert_eq!(result, expected, "{value:?}");
        assert_eq!(problems.is_empty(), result.is_ok());
    }
}

#[test]
fn a_raw_value_is_left_as_it_is() {
    let env = Env::of([(NAME, " x ")]);
    let reader = Reader::new(&env);
    assert_eq!(reader.raw(NAME), Some(" x "));
    assert_eq!(reader.raw("SURFACES_LOCALE"), None);
}

#[test]
#[should_panic(expected = "SURFACES_NEW is not in the list of known names")]
fn a_variable_that_nobody_listed_is_noticed_in_tests() {
    Reader::new(&Env::default()).raw("SURFACES_NEW");
}

#[test]
fn problems_are_kept_in_the_order_of_reading() {
    let env = Env::of([("SURFACES_LOCALE", "x"), (NAME, "y")]);
    let mut reader = Reader::new(&env);
    let first = reader.required(NAME, "a number", number);
    assert_eq!(first, Err(Reported));
    reader.report(Problem::new("between", "found", "other"));
    let last = reader.required("SURFACES_LOCALE", "a number", number);
    assert_eq!(last, Err(Reported));
    let names: Vec<String> = reader
        .into_problems()
        .into_iter()
        .map(|problem| problem.name)
        .collect();
    assert_eq!(names, [NAME, "between", "SURFACES_LOCALE"]);
}
