//! A request to a hook: one that keeps keys takes a repeat once, one that does not is never sent a repeat.

use std::{fs, path::PathBuf};

use peyvand::event::{Operation, SlotName};
use peyvand_connector::{
    system::{Capability, Looked, Sent, Writer},
    target::TargetConfig,
    webhook::Webhook,
    write::Write,
};
use peyvand_sandbox::{Fault, Sandbox, SandboxConfig};

use crate::{
    support::{DEADLINE, Server, answer},
    turns::{kind, write_of},
};

struct World {
    sandbox: Sandbox,
    journal: PathBuf,
    token: String,
}

impl World {
    async fn new() -> Self {
        let journal = std::env::temp_dir().join(format!("peyvand-hook-{}", uuid::Uuid::new_v4()));
        let config = SandboxConfig {
            journal: Some(journal.clone()),
            ..SandboxConfig::loopback(jiff::civil::date(2026, 11, 23))
        };
        let token = config.hook_token.clone();
        Self { sandbox: peyvand_sandbox::start(config).await.unwrap(), journal, token }
    }

    fn hook(&self, door: &str, token: &str) -> Webhook {
        let url = format!("{}/hook/{door}", self.sandbox.base_url());
        let config = TargetConfig::new("desk", url, "", token.to_owned().into());
        Webhook::new(TargetConfig { deadline: DEADLINE, keeps_key: door == "keyed", ..config }).unwrap()
    }

    fn keyed(&self) -> Webhook {
        self.hook("keyed", &self.token)
    }

    fn plain(&self) -> Webhook {
        self.hook("plain", &self.token)
    }

    /// How many messages went out under the write's key, from the sandbox's disk.
    fn went_out(&self, write: &Write) -> usize {
        let key = write.id.key();
        fs::read_to_string(&self.journal).unwrap().lines().filter(|line| line.contains(&key)).count()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        fs::remove_file(&self.journal).unwrap();
    }
}

fn call(name: &str, phone: &str) -> Write {
    write_of(name, Operation::CallbackRequest, &[(SlotName::Phone, phone)])
}

fn at_hook() -> Fault {
    Fault { pattern: "/hook".to_owned(), ..Fault::default() }
}

#[tokio::test]
async fn a_hook_that_keeps_keys_takes_a_repeat_once() {
    let world = World::new().await;
    let (hook, write) = (world.keyed(), call("1", "+989123456789"));
    assert_eq!(hook.capability(), Capability::Key);
    let Sent::Done { reference } = hook.send(&write).await else { panic!("not sent") };
    assert_eq!(hook.send(&write).await, Sent::Done { reference });
    assert_eq!(world.went_out(&write), 1);
    // Half an answer: the same again brings the whole one.
    let broken = call("2", "+989123456789");
    world.sandbox.put_fault(Fault { half_body: true, count: Some(1), ..at_hook() }).unwrap();
    assert_eq!(kind(&hook.send(&broken).await), ("maybe sent", "unavailable"));
    let Sent::Done { reference } = hook.send(&broken).await else { panic!("not sent") };
    assert!(reference.starts_with("msg-"), "{reference}");
    assert_eq!(world.went_out(&broken), 1);
    assert_eq!(kind(&hook.send(&call("1", "+989120000000")).await), ("refused", "refused_by_system"));
}

#[tokio::test]
async fn a_hook_that_keeps_no_keys_is_known_to_be_blind() {
    let world = World::new().await;
    let (hook, write) = (world.plain(), call("1", "+989123456789"));
    assert_eq!(hook.capability(), Capability::Blind);
    assert_eq!(kind(&hook.send(&write).await).0, "done");
    assert_eq!(kind(&hook.send(&write).await).0, "done");
    assert_eq!(world.went_out(&write), 2, "which is why the relay never repeats it");
    assert!(matches!(hook.reconcile(&write).await, Looked::CannotTell(_)));
}

#[tokio::test]
async fn each_failure_says_truly_whether_a_request_may_have_been_taken() {
    let world = World::new().await;
    let status = |code| Fault { status: Some(code), ..at_hook() };
    for (name, fault, expected, went_out) in [
        ("400", status(400), ("refused", "refused_by_system"), 0),
        ("403", status(403), ("not sent", "misconfigured"), 0),
        ("404", status(404), ("not sent", "misconfigured"), 0),
        ("409", status(409), ("maybe sent", "busy"), 0),
        ("429", status(429), ("not sent", "busy"), 0),
        ("500", status(500), ("maybe sent", "unavailable"), 0),
        ("drop", Fault { drop: true, ..at_hook() }, ("maybe sent", "unavailable"), 0),
        ("lost", Fault { drop_after_commit: true, ..at_hook() }, ("maybe sent", "unavailable"), 1),
        // The status has said that it is taken.
        ("half", Fault { half_body: true, ..at_hook() }, ("done", ""), 1),
    ] {
        let write = call(name, "+989123456789");
        world.sandbox.clear_faults();
        world.sandbox.put_fault(fault).unwrap();
        assert_eq!(kind(&world.plain().send(&write).await), expected, "{name}");
        assert_eq!(world.went_out(&write), went_out, "{name}");
    }
}

#[tokio::test]
async fn a_wrong_token_is_a_matter_of_set_up() {
    let world = World::new().await;
    let stranger = world.hook("plain", "guess");
    assert_eq!(kind(&stranger.send(&call("1", "+989123456789")).await), ("not sent", "misconfigured"));
    assert!(stranger.ping().await.is_err());
    assert_eq!(world.plain().ping().await, Ok(()));
}

#[tokio::test]
async fn an_answer_that_leads_on_may_mean_that_it_is_done_and_a_page_is_no_refusal() {
    let write = call("1", "+989123456789");
    for (status, kind_of, body, expected) in [
        (302, "text/html", "", ("maybe sent", "misconfigured")),
        (303, "text/html", "", ("maybe sent", "misconfigured")),
        (400, "text/html", "<html>blocked</html>", ("not sent", "misconfigured")),
        (400, "application/problem+json", r#"{"title":"no"}"#, ("refused", "refused_by_system")),
    ] {
        let server = Server::new(move |_| std::future::ready(answer(status, kind_of, body))).await;
        let config = TargetConfig::new("desk", server.url(), "", "t".to_owned().into());
        let hook = Webhook::new(TargetConfig { deadline: DEADLINE, ..config }).unwrap();
        assert_eq!(kind(&hook.send(&write).await), expected, "{status} {body}");
    }
}
