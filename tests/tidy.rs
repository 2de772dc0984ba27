//! Holds the house in order: who may name whom, how long a thing may be, what may not be written. Reads source text
//! only. A rule passes over folders that do not exist; `tidy/scan.rs` proves that each scanner sees what it is for.

#[path = "tidy/scan.rs"]
mod scan;
#[path = "tidy/source.rs"]
mod source;

use scan::Found;
use source::{File, files, product, rust, text_of};

/// Where a crate of the library sort may be named in product code. A prefix of the path, so `src/bus/kafka` is the
/// file and the folder.
const HOMES: &[(&str, &[&str])] = &[
    ("apache_avro", &["src/codec"]),
    ("rdkafka", &["src/bus/kafka"]),
    ("reqwest", &["cli/", "src/codec", "workers/connector/", "workers/intent-classifier/src/understand"]),
    ("schema_registry_converter", &["src/codec"]),
    ("sqlx", &["src/bus/embedded", "src/store"]),
    ("std::env", &["src/config"]),
    ("peyvand_sandbox", &["cli/", "sandbox/"]),
    ("peyvand_cli", &["cli/"]),
];

/// What the rooms of the library may not name: only downward, and the bus knows no events.
const ABOVE: &[(&str, &[&str])] = &[
    (
        "src/privacy",
        &["event", "language", "bus", "codec", "store", "worker", "assistant", "config", "telemetry"],
    ),
    ("src/event", &["bus", "codec", "store", "worker", "assistant", "config", "telemetry"]),
    ("src/language", &["event", "bus", "codec", "store", "worker", "assistant", "config", "telemetry"]),
    ("src/bus", &["event", "codec", "worker", "assistant", "language"]),
    ("src/codec", &["bus::kafka", "bus::embedded", "store", "worker", "assistant", "language"]),
    ("src/store", &["bus::kafka", "codec", "worker", "assistant"]),
    ("src/assistant", &["bus", "codec", "store", "worker"]),
    ("src/config", &["worker"]),
    ("src/telemetry", &["worker"]),
    ("src/shutdown", &["bus", "codec", "store", "worker"]),
];

/// Rooms that neither wait, nor look at a clock, nor throw dice: time and randomness are their arguments.
const PURE: &[&str] = &[
    "src/language",
    "src/privacy",
    "src/worker/guard",
    "src/worker/ledger",
    "workers/connector/src/breaker",
    "workers/connector/src/relay/decide",
];
const IMPURE_CRATES: &[&str] =
    &["tokio", "sqlx", "rdkafka", "reqwest", "backoff", "std::fs", "std::net", "std::process"];
const IMPURE_CALLS: &[&str] = &["::now(", "::now_v7(", "::new_v4(", "rand::"];

/// Put together here so that this file does not hold them.
const UNFINISHED: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("to", "do!"),
    concat!("unimple", "mented!"),
    concat!("db", "g!"),
    concat!("#[", "ignore"),
];
const OF_ONE_MACHINE: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
    concat!("repo.", "maven.apache.org"),
    concat!("repo1.", "maven.org"),
    concat!("registry.", "npmjs.org"),
    concat!("deb.", "debian.org"),
    concat!("arti", "factory"),
];

fn none(rule: &str, offenders: &[Found]) {
    let lines: Vec<String> = offenders.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{rule}:\n  {}\n", lines.join("\n  "));
}

fn naming<'a>(files: impl Iterator<Item = &'a File>, name: &str) -> Vec<Found> {
    files.flat_map(|file| scan::names(file, name)).collect()
}

#[test]
fn each_outside_library_is_named_only_in_its_own_room() {
    let all = product();
    let mut strangers = Vec::new();
    for (library, homes) in HOMES {
        let outside = all.iter().filter(|file| !homes.iter().any(|home| file.path.starts_with(home)));
        strangers.extend(naming(outside, library));
    }
    none(&format!("each belongs to its own room alone ({HOMES:?})"), &strangers);
}

#[test]
fn the_rooms_of_the_library_look_only_downward() {
    let all = product();
    let mut upward = Vec::new();
    for (room, above) in ABOVE {
        for other in *above {
            let inside = all.iter().filter(|file| source::in_room(&file.path, room));
            upward.extend(naming(inside, &format!("peyvand::{other}")));
        }
    }
    none("a room may not name what stands above it or beside it (ABOVE in tests/tidy.rs)", &upward);
}

#[test]
fn the_pure_rooms_neither_wait_nor_look_at_a_clock() {
    let mut impure = Vec::new();
    for file in product().iter().filter(|file| PURE.iter().any(|room| file.path.starts_with(room))) {
        impure.extend(IMPURE_CRATES.iter().flat_map(|library| scan::names(file, library)));
        impure.extend(IMPURE_CALLS.iter().flat_map(|call| scan::holds(&file.path, &file.code, call)));
    }
    none("a pure room takes time, randomness and bytes as arguments", &impure);
}

#[test]
fn backoff_lives_in_a_single_file() {
    let users: Vec<Found> =
        product().iter().filter_map(|file| scan::names(file, "backoff").into_iter().next()).collect();
    assert!(
        users.len() <= 1,
        "backoff is unmaintained and must stay easy to take out, but it is in {users:?}"
    );
}

#[test]
fn the_workers_do_not_know_one_another() {
    const WORKERS: &[&str] = &["channels", "intent-classifier", "connector", "reply", "console"];
    let all = product();
    let manifests = files(&["toml"]);
    let mut acquainted = Vec::new();
    for worker in WORKERS {
        let room = format!("workers/{worker}/");
        for other in WORKERS.iter().filter(|other| *other != worker) {
            let inside = all.iter().filter(|file| file.path.starts_with(&room));
            acquainted.extend(naming(inside, &format!("peyvand_{}", other.replace('-', "_"))));
            let inside = manifests.iter().filter(|(path, _)| path.starts_with(&room));
            acquainted
                .extend(inside.flat_map(|(path, text)| scan::holds(path, text, &format!("peyvand-{other}"))));
        }
    }
    none("workers meet on topics, not in code", &acquainted);
}

#[test]
fn the_library_stands_without_workers_program_and_sandbox() {
    let Some(manifest) = text_of("Cargo.toml") else { panic!("the root Cargo.toml cannot be read") };
    let Some((_, dependencies)) = manifest.split_once("\n[dependencies]") else {
        panic!("the root Cargo.toml has no [dependencies]")
    };
    let dependencies = dependencies.split("\n[").next().unwrap_or_default();
    none(
        "the library may not depend on what stands on it",
        &scan::holds("Cargo.toml", dependencies, "peyvand-"),
    );
}

#[test]
fn a_main_file_has_at_most_sixty_lines() {
    let long = rust()
        .into_iter()
        .filter(|file| file.path.ends_with("main.rs"))
        .flat_map(|f| scan::longer_than(&f, 60));
    none("main.rs only starts things", &long.collect::<Vec<_>>());
}

#[test]
fn a_source_file_has_at_most_four_hundred_lines() {
    let all = rust();
    let long = all.iter().flat_map(|file| scan::longer_than(file, if file.is_test { 600 } else { 400 }));
    none("split the file by subject (tests may have 600 lines)", &long.collect::<Vec<_>>());
}

#[test]
fn a_function_has_at_most_seventy_lines() {
    let long: Vec<Found> = rust().iter().flat_map(|file| scan::long_functions(file, 70)).collect();
    none("split the function", &long);
}

#[test]
fn nothing_unfinished_is_left_in_the_source() {
    let mut left = Vec::new();
    for (path, text) in
        files(&["rs", "toml", "yml", "yaml", "avsc", "sql", "ftl", "js", "html", "css", "sh", ""])
    {
        left.extend(UNFINISHED.iter().flat_map(|word| scan::holds(&path, &text, word)));
    }
    none("finish it or take it out", &left);
}

#[test]
fn no_file_names_a_path_or_a_mirror_of_one_machine() {
    let mut named = Vec::new();
    for (path, text) in source::every_text_file() {
        named.extend(OF_ONE_MACHINE.iter().flat_map(|word| scan::holds(&path, &text, word)));
    }
    none("this exists only on somebody's machine", &named);
}

#[test]
fn every_crate_comes_from_the_public_registry() {
    let lock = text_of("Cargo.lock").unwrap_or_default();
    assert!(lock.contains("\nsource = "), "Cargo.lock names no source");
    none("only the public registry", &scan::foreign_sources("Cargo.lock", &lock));
}

#[test]
fn docker_and_the_test_stack_start_the_same_versions() {
    let Some(stack) = text_of("tests/stack") else { panic!("tests/stack cannot be read") };
    let Some(compose) = text_of("docker-compose.yml") else { panic!("docker-compose.yml cannot be read") };
    for (pin, image) in [
        ("KAFKA_VERSION", "apache/kafka"),
        ("REGISTRY_VERSION", "apicurio/apicurio-registry"),
        ("POSTGRES_VERSION", "postgres"),
    ] {
        let pinned = scan::shell_value(&stack, pin);
        assert!(pinned.is_some(), "tests/stack does not pin {pin}");
        assert_eq!(
            scan::image_tag(&compose, image),
            pinned,
            "docker-compose.yml and tests/stack differ on {image}"
        );
    }
}

#[test]
fn the_image_is_built_by_the_rust_the_workspace_asks_for() {
    let manifest = text_of("Cargo.toml").unwrap_or_default();
    let Some(version) = scan::quoted_value(&manifest, "rust-version") else { panic!("no rust-version") };
    for file in ["deploy/Dockerfile", ".github/workflows/ci.yml"] {
        let text = text_of(file).unwrap_or_default();
        assert!(text.contains(&format!("rust:{version}-")), "{file} does not use rust:{version}");
    }
}

#[test]
fn the_readme_has_at_most_a_hundred_and_fifty_lines() {
    let lines = text_of("README.md").map_or(0, |text| text.lines().count());
    assert!(lines <= 150, "README.md has {lines} lines; longer things belong into docs/ or ARCHITECTURE.md");
}

#[test]
fn whole_system_tests_are_named_in_sentences() {
    let all = rust();
    let named = all.iter().filter(|file| file.path.starts_with("tests/") || file.path.contains("/tests/"));
    let short: Vec<Found> = named.flat_map(|file| scan::short_test_names(file, 4)).collect();
    none("a test's name says what holds, in four words or more", &short);
}
