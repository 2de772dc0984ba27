//! `peyvand doctor` on a machine without servers: it says what is wrong and how to mend it, and changes nothing.

use std::process::Command;

use crate::support::data;

fn doctor(arguments: &[&str], variables: &[(&str, &str)]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_peyvand"))
        .arg("doctor")
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

#[test]
fn without_any_setting_the_doctor_looks_at_what_up_needs() {
    let folder = data();
    std::fs::create_dir_all(&folder).unwrap();
    let (healthy, said) = doctor(&["--data", folder.to_str().unwrap()], &[]);
    assert!(healthy && said.contains("data directory"), "{said}");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0, "the doctor left something behind");
    std::fs::remove_dir_all(folder).unwrap();
    let (healthy, said) = doctor(&["--data", "/proc/nowhere"], &[]);
    assert!(!healthy && said.contains("cannot be written"), "{said}");
}

#[test]
fn the_doctor_names_every_missing_setting_and_every_mistake_at_once() {
    let (healthy, said) = doctor(&[], &[("PEYVAND_KAFKA_BROKERS", "127.0.0.1:1"), ("PEYVAND_TENNANT", "x")]);
    assert!(!healthy);
    for setting in ["PEYVAND_TENNANT", "database.url", "registry.url", "tenant"] {
        assert!(said.contains(setting), "nothing is said about {setting}:\n{said}");
    }
}

#[test]
fn the_doctor_finds_servers_that_are_away_and_shows_no_secret() {
    let given = [
        ("PEYVAND_TENANT", "demo"),
        ("PEYVAND_KAFKA_BROKERS", "127.0.0.1:1"),
        ("PEYVAND_REGISTRY_URL", "http://127.0.0.1:1/apis/ccompat/v7"),
        ("PEYVAND_DATABASE_URL", "postgres://peyvand:geheim@127.0.0.1:1/peyvand"),
        ("PEYVAND_LETTERS_KEY", "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY="),
    ];
    let (healthy, said) = doctor(&[], &given);
    assert!(!healthy && !said.contains("geheim"), "{said}");
    for server in ["kafka", "registry", "database", "target sap", "target crm", "target desk"] {
        assert!(said.contains(&format!("WRONG  {server}")), "{server} is not found to be away:\n{said}");
    }
    assert!(said.contains("PEYVAND_TARGETS_SAP_BASE_URL"), "{said}");
}

#[test]
fn a_wrong_assistant_folder_is_told_with_file_and_line() {
    let folder = data();
    for part in ["intents", "targets", "replies"] {
        std::fs::create_dir_all(folder.join(part)).unwrap();
    }
    std::fs::write(folder.join("intents/a.yaml"), "- intent: Bad Name\n  operation: fly\n").unwrap();
    let (healthy, said) = doctor(&["--assistant", folder.to_str().unwrap()], &[]);
    std::fs::remove_dir_all(folder).unwrap();
    assert!(!healthy && said.contains("intents/a.yaml:"), "{said}");
}
