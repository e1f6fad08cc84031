//! The house stands as its plan in the crate's documentation says: imports go down, and no file is too long to read.

use std::fs;
use std::path::{Path, PathBuf};

/// No file of the crate is longer than this, tests inside it not counted.
const MAX_LINES: usize = 600;

fn sources() -> Vec<PathBuf> {
    fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    collect(&root(), &mut found);
    found
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The modules in the order of the plan, each with its layer.
fn plan() -> Vec<(String, u32)> {
    let lib = fs::read_to_string(root().join("lib.rs")).unwrap();
    let rows = lib.lines().filter_map(|line| line.strip_prefix("//! ")).filter_map(|line| {
        let layer = line.chars().next()?.to_digit(10)?;
        line.contains(" · ")
            .then_some((layer, line))
            .or_else(|| line.starts_with("3 the whole").then_some((layer, line)))
    });
    rows.flat_map(|(layer, line)| {
        let modules = line.rsplit("   ").next().unwrap().split(" · ");
        modules.map(|module| (module.trim().to_owned(), layer)).collect::<Vec<_>>()
    })
    .collect()
}

/// The code of a file without comments and without its tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let before_tests = text.split("#[cfg(test)]\nmod ").next().unwrap();
    before_tests.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The top-level module that a file belongs to.
fn module_of(path: &Path) -> String {
    let first = path.strip_prefix(root()).unwrap().components().next().unwrap();
    first.as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned()
}

#[test]
fn the_plan_names_every_module_once() {
    let mut planned: Vec<String> = plan().into_iter().map(|(module, _)| module).collect();
    let mut found: Vec<String> =
        sources().iter().map(|path| module_of(path)).filter(|name| name != "lib").collect();
    planned.sort();
    found.sort();
    found.dedup();
    assert_eq!(planned, found);
}

#[test]
fn imports_go_down() {
    let plan = plan();
    let place = |module: &str| plan.iter().position(|(name, _)| name == module);
    for path in sources() {
        let module = module_of(&path);
        let Some(own) = place(&module) else { continue };
        if path.file_name().is_some_and(|name| name == "tests.rs") {
            continue;
        }
        let code = code(&path);
        for imported in code.split("crate::").skip(1) {
            let name: String = imported.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            // A name of the crate's root is used by the adapters, which stand on all of it.
            let Some(other) = place(&name) else {
                assert!(plan[own].1 == 4, "{}: `crate::{name}` is no module", path.display());
                continue;
            };
            assert!(other <= own, "{}: {module} stands below {name}", path.display());
        }
    }
}

#[test]
fn every_file_fits_in_the_head() {
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        let lines = text.split("#[cfg(test)]\nmod ").next().unwrap().lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines", path.display());
    }
}
