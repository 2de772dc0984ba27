//! A rule that cannot fail holds nothing: each scanner is shown a bad snippet, and a good one it must let pass.

use super::*;
use crate::source::in_room;

fn lines(found: &[Found]) -> Vec<usize> {
    found.iter().map(|one| one.line).collect()
}

fn named(path: &str, text: &str, wanted: &str) -> Vec<usize> {
    lines(&names(&File::new(path, text), wanted))
}

#[test]
fn comments_and_literals_are_no_code_but_keep_their_lines() {
    let text = "a /* x\n/* y */ */ b // z\n\"s \\\" {\" r#\"t \" }\"# '{' '\\'' 'static 'c: c\n";
    let code = code_only(text);
    assert_eq!(code.lines().count(), text.lines().count());
    assert_eq!(code.split_whitespace().collect::<Vec<_>>(), ["a", "b", "'static", "'c:", "c"]);
}

#[test]
fn a_raw_identifier_and_a_name_ending_in_r_are_code() {
    assert_eq!(code_only("r#type br brake for\"x\""), "r#type br brake for   ");
}

#[test]
fn an_unclosed_literal_or_comment_ends_with_the_text() {
    assert_eq!(code_only("a \"b\\"), "a    ");
    assert_eq!(code_only("a /* b").trim_end(), "a");
    assert_eq!(code_only("a r#\"b").trim_end(), "a");
}

#[test]
fn test_modules_are_cut_out_and_the_rest_keeps_its_lines() {
    let code = "use a;\n#[cfg(test)]\nmod tests {\n fn x() {}\n}\n#[cfg(test)]\nmod more;\nuse b;\n";
    let kept = without_tests(code);
    assert_eq!(holds("f", &kept, "use b;")[0].line, 8);
    assert!(!kept.contains("fn x") && !kept.contains("more"));
}

#[test]
fn a_crate_is_seen_in_a_use_and_in_a_path() {
    assert_eq!(named("src/a.rs", "use sqlx::Pool;\nfn f(p: &sqlx::Pool) {}\n", "sqlx"), [1, 2]);
}

#[test]
fn a_longer_name_or_a_name_inside_a_path_is_another_name() {
    assert!(
        named(
            "src/a.rs",
            "use sqlx_other::P;\nuse crate::sqlx;\n// sqlx::X\nlet sqlx = 1;\nlet s = \"sqlx::X\";",
            "sqlx"
        )
        .is_empty()
    );
}

#[test]
fn a_room_is_seen_however_the_path_to_it_is_spelled() {
    for text in [
        "use crate::event::Id;",
        "use crate::{bus, event::{Id, Name}};",
        "use crate::{\n    bus::{Record},\n    event,\n};",
        "use peyvand::event::Id;",
        "use super::super::event;",
        "fn f() -> crate::event::Id {}",
    ] {
        assert!(!named("src/bus/kafka.rs", text, "peyvand::event").is_empty(), "not seen in {text}");
    }
}

#[test]
fn super_stays_inside_the_room_it_stands_in() {
    assert!(
        named("src/bus/kafka/consumer.rs", "use super::event::X; use self::event::Y;", "peyvand::event")
            .is_empty()
    );
    assert_eq!(named("src/bus/mod.rs", "use super::event::X;", "peyvand::event"), [1]);
}

#[test]
fn crate_means_the_worker_in_a_worker() {
    assert!(named("workers/reply/src/lib.rs", "use crate::event::X;", "peyvand::event").is_empty());
    assert_eq!(named("workers/reply/src/lib.rs", "use peyvand_connector::X;", "peyvand_connector"), [1]);
}

#[test]
fn a_nested_part_of_the_standard_library_is_seen() {
    assert_eq!(named("src/a.rs", "use std::{env, fs};", "std::env"), [1]);
    assert_eq!(named("src/a.rs", "let x = std::env::var(1);", "std::env"), [1]);
    assert!(named("src/a.rs", "use std::fs; let x = env!(1);", "std::env").is_empty());
}

#[test]
fn a_room_is_its_file_and_its_folder_only() {
    assert!(in_room("src/bus.rs", "src/bus") && in_room("src/bus/kafka.rs", "src/bus"));
    assert!(!in_room("src/busy.rs", "src/bus"));
}

#[test]
fn a_function_over_the_limit_is_reported_with_its_line() {
    let body = "    x();\n".repeat(3);
    let file = File::new(
        "f.rs",
        &format!("fn short() {{}}\n\npub async fn long(a: [u8; 4]) -> u8 {{\n{body}}}\nfn declared();\n"),
    );
    let long = long_functions(&file, 4);
    assert_eq!(lines(&long), [3]);
    assert_eq!(long[0].what, "long has 5 lines");
    assert!(long_functions(&file, 5).is_empty());
}

#[test]
fn braces_in_literals_do_not_end_a_function() {
    let file = File::new("f.rs", "fn long() {\n    x(\"}\");\n    y('}');\n}\n");
    assert_eq!(lines(&long_functions(&file, 3)), [1]);
}

#[test]
fn a_file_over_the_limit_is_reported() {
    let file = File::new("f.rs", "a\nb\nc\n");
    assert_eq!(lines(&longer_than(&file, 2)), [3]);
    assert!(longer_than(&file, 3).is_empty());
}

#[test]
fn a_test_with_a_short_name_is_reported_and_a_helper_is_not() {
    let text = "#[test]\nfn it_works() {}\n#[tokio::test(flavor = \"x\")]\nasync fn and_so_on() {}\n\
                #[test]\nfn a_name_of_four() {}\nfn helper() {}\n";
    assert_eq!(lines(&short_test_names(&File::new("tests/f.rs", text), 4)), [2, 4]);
}

#[test]
fn a_word_is_found_on_every_line_that_holds_it() {
    assert_eq!(lines(&holds("f", "a\nb xyz\nxyz", "xyz")), [2, 3]);
}

#[test]
fn a_source_beside_the_public_registry_is_reported() {
    let lock = "source = \"registry+https://github.com/rust-lang/crates.io-index\"\nsource = \"git+https://example.org/x\"\n";
    assert_eq!(lines(&foreign_sources("Cargo.lock", lock)), [2]);
}

#[test]
fn versions_are_read_from_script_compose_and_manifest() {
    assert_eq!(shell_value("A=1\nreadonly V=4.3.1 # why\n", "V").as_deref(), Some("4.3.1"));
    assert_eq!(image_tag("x:\n  image: apache/kafka:4.3.0\n", "apache/kafka").as_deref(), Some("4.3.0"));
    assert_eq!(quoted_value("rust-version = \"1.95\"\n", "rust-version").as_deref(), Some("1.95"));
    assert_eq!(shell_value("", "V").or(image_tag("", "x")).or(quoted_value("", "k")), None);
}
