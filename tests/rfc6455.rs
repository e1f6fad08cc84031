//! The table of the rules of RFC 6455 (`src/rfc6455.md`) is whole, in order, and names only tests that there are.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

/// The sections that state rules, in their order, each with the number of its rows: a row that goes astray is missed.
const SECTIONS: [(&str, usize); 46] = [
    ("3", 2),
    ("4.1", 37),
    ("4.2.1", 10),
    ("4.2.2", 10),
    ("4.3", 1),
    ("4.4", 1),
    ("5.1", 4),
    ("5.2", 8),
    ("5.3", 5),
    ("5.4", 11),
    ("5.5", 2),
    ("5.5.1", 9),
    ("5.5.2", 3),
    ("5.5.3", 2),
    ("5.6", 1),
    ("5.8", 1),
    ("6.1", 8),
    ("6.2", 5),
    ("7.1.1", 3),
    ("7.1.2", 2),
    ("7.1.3", 1),
    ("7.1.4", 2),
    ("7.1.5", 1),
    ("7.1.6", 1),
    ("7.1.7", 6),
    ("7.2.1", 2),
    ("7.2.2", 1),
    ("7.2.3", 1),
    ("7.4.1", 4),
    ("7.4.2", 1),
    ("8.1", 3),
    ("9", 2),
    ("9.1", 4),
    ("10.1", 1),
    ("10.2", 2),
    ("10.3", 2),
    ("10.4", 2),
    ("10.6", 2),
    ("10.7", 3),
    ("11.1.1", 2),
    ("11.1.2", 2),
    ("11.3.1", 1),
    ("11.3.2", 1),
    ("11.3.3", 1),
    ("11.3.4", 1),
    ("11.3.5", 1),
];

/// How a row begins that names no test, or names one for a part of its rule only.
const REASONS: [&str; 4] = ["browsers", "proxies", "the application's: ", "not implemented: "];

struct Row {
    section: String,
    rule: String,
    shown: String,
}

impl Row {
    /// The tests that it names: their file, and their name in it.
    fn tests(&self) -> impl Iterator<Item = (&str, &str)> {
        let named = self.shown.split('`').skip(1).step_by(2).filter(|code| code.contains("::"));
        named.map(|test| test.split_once(".rs::").unwrap_or_else(|| panic!("{test} names no file")))
    }
}

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn rows() -> Vec<Row> {
    let table = read("src/rfc6455.md");
    let lines = table.lines().filter(|line| line.starts_with('|') && !line.starts_with("| --- "));
    let cells = lines.map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    cells
        .filter(|cells| cells[1] != "section")
        .map(|cells| {
            let ["", section, rule, shown, ""] = cells[..] else { panic!("not three cells: {cells:?}") };
            Row { section: section.into(), rule: rule.into(), shown: shown.into() }
        })
        .collect()
}

/// Whether a file has a test of this name: a function with an attribute above it that makes it one.
fn has_test(file: &str, name: &str) -> bool {
    let text = read(file);
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let is_function = |line: &str| {
        let function = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
        function.and_then(|rest| rest.strip_prefix(name)).is_some_and(|rest| rest.starts_with('('))
    };
    let above = |index: usize| lines[..index].iter().rev().take_while(|line| line.starts_with(['#', '/']));
    let makes_a_test = |line: &&str| line.starts_with("#[test]") || line.starts_with("#[tokio::test");
    lines.iter().enumerate().any(|(index, line)| is_function(line) && above(index).any(makes_a_test))
}

#[test]
fn every_section_has_its_rows_in_its_place() {
    let mut found: Vec<(String, usize)> = Vec::new();
    for Row { section, .. } in rows() {
        match found.last_mut() {
            Some((last, count)) if *last == section => *count += 1,
            _ => found.push((section, 1)),
        }
    }
    assert_eq!(found, SECTIONS.map(|(section, count)| (section.to_owned(), count)));
}

#[test]
fn every_row_says_its_rule_once_and_names_a_test_or_a_reason() {
    let mut seen = HashSet::new();
    for row in rows() {
        assert!(!row.rule.is_empty(), "{}", row.section);
        assert!(seen.insert((row.section.clone(), row.rule.clone())), "{} twice: {}", row.section, row.rule);
        let reason = REASONS.iter().any(|reason| row.shown.starts_with(reason));
        let named = row.shown.starts_with('`') && row.tests().next().is_some();
        assert!(reason || named, "{} {}: {:?}", row.section, row.rule, row.shown);
    }
}

#[test]
fn every_test_that_is_named_is_there() {
    for row in rows() {
        for (file, name) in row.tests() {
            assert!(has_test(&format!("{file}.rs"), name), "{} {}: {file}.rs::{name}", row.section, row.rule);
        }
    }
}

#[test]
fn a_function_that_is_no_test_does_not_count() {
    assert!(has_test("tests/rfc6455.rs", "a_function_that_is_no_test_does_not_count"));
    assert!(has_test("tests/properties.rs", "byte_by_byte_gives_the_same"));
    assert!(!has_test("tests/rfc6455.rs", "has_test"));
    assert!(!has_test("tests/rfc6455.rs", "a_function_that_is_no_test"));
}
