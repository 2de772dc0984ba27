//! The fault switches: what goes wrong, for which requests, how often. Pure book-keeping; carrying a fault out is the server's work.

use axum::http::Method;
use serde::{Deserialize, Serialize};
use thiserror::Error;

const MAX_FAULTS: usize = 64;
const MAX_DELAY_MS: u64 = 120_000;
const MAX_TEXT: usize = 300;

/// One switch. The first switch that fits a request and is not used up is carried out; the others wait.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Beginning with `/`: the beginning of the path. Otherwise: a part of the path with its query, both percent-decoded.
    #[serde(rename = "match")]
    pub pattern: String,
    /// Only this HTTP method; every method when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// How many more requests it strikes; without end when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// Waits this long first.
    #[serde(default)]
    pub delay_ms: u64,
    /// Answers with this status instead of doing anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The Retry-After header of that answer, whatever it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<String>,
    /// The body of that answer.
    #[serde(default)]
    pub body: FaultBody,
    /// Closes the connection without doing anything and without an answer.
    #[serde(default)]
    pub drop: bool,
    /// Does what was asked, then closes the connection without an answer.
    #[serde(default)]
    pub drop_after_commit: bool,
    /// Does what was asked, sends half of the answer, then closes the connection.
    #[serde(default)]
    pub half_body: bool,
    /// Ends SAP's sessions first, so that the token sent is out of date.
    #[serde(default)]
    pub expire_csrf: bool,
    /// Ends Salesforce's sessions first, so that the token sent is out of date.
    #[serde(default)]
    pub expire_token: bool,
}

/// The body of a failed answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultBody {
    /// The error of the system that was asked: SAP's object, Salesforce's list, the hook's problem.
    #[default]
    Sap,
    /// A page as a proxy in front of the system shows it.
    Html,
    /// Nothing.
    Empty,
}

/// Why a switch was not set.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum FaultError {
    /// Nothing would match, or everything too long to.
    #[error("\"match\" must hold 1 to {MAX_TEXT} characters")]
    Match,
    /// Two ends for one request.
    #[error("choose one of \"status\", \"drop\", \"drop_after_commit\" and \"half_body\"")]
    SeveralEnds,
    /// A switch that does nothing.
    #[error(
        "the fault does nothing: give \"delay_ms\", \"status\", \"drop\", \"drop_after_commit\", \"half_body\", \"expire_csrf\" or \"expire_token\""
    )]
    Nothing,
    /// Not an HTTP error.
    #[error("\"status\" must lie between 400 and 599")]
    Status,
    /// Too slow.
    #[error("\"delay_ms\" must not be above {MAX_DELAY_MS}")]
    Delay,
    /// It could not stand in a header.
    #[error("\"retry_after\" must be visible ASCII of at most {MAX_TEXT} characters")]
    RetryAfter,
    /// It could not be a request's method.
    #[error("\"method\" must be an HTTP method such as GET")]
    Method,
    /// No room.
    #[error("there are already {MAX_FAULTS} faults; delete them first")]
    TooMany,
}

impl FaultError {
    /// A stable word for logs and tests.
    pub fn kind(&self) -> &'static str {
        match self {
            FaultError::Match => "match",
            FaultError::SeveralEnds => "several_ends",
            FaultError::Nothing => "nothing",
            FaultError::Status => "status",
            FaultError::Delay => "delay",
            FaultError::RetryAfter => "retry_after",
            FaultError::Method => "method",
            FaultError::TooMany => "too_many",
        }
    }
}

impl Fault {
    fn check(&self) -> Result<(), FaultError> {
        if self.pattern.is_empty() || self.pattern.len() > MAX_TEXT {
            return Err(FaultError::Match);
        }
        let ends = [self.status.is_some(), self.drop, self.drop_after_commit, self.half_body];
        let ends = ends.into_iter().filter(|end| *end).count();
        if ends > 1 {
            return Err(FaultError::SeveralEnds);
        }
        if ends == 0 && self.delay_ms == 0 && !self.expire_csrf && !self.expire_token {
            return Err(FaultError::Nothing);
        }
        if self.status.is_some_and(|status| !(400..600).contains(&status)) {
            return Err(FaultError::Status);
        }
        if self.delay_ms > MAX_DELAY_MS {
            return Err(FaultError::Delay);
        }
        let visible =
            |text: &str| text.len() <= MAX_TEXT && text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        if self.retry_after.as_deref().is_some_and(|text| !visible(text)) {
            return Err(FaultError::RetryAfter);
        }
        if self.method.as_deref().is_some_and(|method| Method::from_bytes(method.as_bytes()).is_err()) {
            return Err(FaultError::Method);
        }
        Ok(())
    }

    fn fits(&self, method: &str, path: &str, url: &str) -> bool {
        let here = if self.pattern.starts_with('/') {
            path.starts_with(self.pattern.as_str())
        } else {
            url.contains(self.pattern.as_str())
        };
        here && self.count != Some(0) && self.method.as_deref().is_none_or(|wanted| wanted == method)
    }
}

/// A switch with how often it struck.
#[derive(Clone, Debug, Serialize)]
pub struct SetFault {
    /// The switch; its count is what is left.
    #[serde(flatten)]
    pub fault: Fault,
    /// How many requests it struck so far.
    pub hits: u64,
}

/// All switches, in the order they were set.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<SetFault>);

impl Faults {
    /// Sets a switch; one with the same match and method is replaced.
    pub(crate) fn put(&mut self, fault: Fault) -> Result<(), FaultError> {
        fault.check()?;
        let same =
            |set: &&mut SetFault| set.fault.pattern == fault.pattern && set.fault.method == fault.method;
        if let Some(set) = self.0.iter_mut().find(same) {
            *set = SetFault { fault, hits: 0 };
            return Ok(());
        }
        if self.0.len() == MAX_FAULTS {
            return Err(FaultError::TooMany);
        }
        self.0.push(SetFault { fault, hits: 0 });
        Ok(())
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn list(&self) -> Vec<SetFault> {
        self.0.clone()
    }

    /// The switch that strikes this request, counted as used. Path and query come percent-decoded.
    pub(crate) fn strike(&mut self, method: &str, path: &str, query: &str) -> Option<Fault> {
        let url = format!("{path}?{query}");
        let set = self.0.iter_mut().find(|set| set.fault.fits(method, path, &url))?;
        set.hits += 1;
        set.fault.count = set.fault.count.map(|left| left.saturating_sub(1));
        Some(set.fault.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drop_at(pattern: &str) -> Fault {
        Fault { pattern: pattern.into(), drop: true, ..Fault::default() }
    }

    #[test]
    fn a_fault_strikes_as_often_as_it_says() {
        let mut faults = Faults::default();
        faults.put(Fault { count: Some(2), ..drop_at("A_SalesOrder") }).unwrap();
        let struck = (0..4).filter(|_| faults.strike("GET", "/sap/A_SalesOrder", "").is_some()).count();
        assert_eq!(struck, 2);
    }

    #[test]
    fn a_slash_means_the_beginning_of_the_path_and_anything_else_a_part_of_the_url() {
        let mut faults = Faults::default();
        faults.put(drop_at("/sap/x")).unwrap();
        assert!(faults.strike("GET", "/a/sap/x", "").is_none());
        faults.put(drop_at("eq 'TG11'")).unwrap();
        assert!(faults.strike("GET", "/a", "$filter=Material eq 'TG11'").is_some());
    }

    #[test]
    fn a_method_narrows_a_fault() {
        let mut faults = Faults::default();
        faults.put(Fault { method: Some("POST".into()), ..drop_at("A") }).unwrap();
        assert!(faults.strike("GET", "/A", "").is_none());
        assert!(faults.strike("POST", "/A", "").is_some());
    }

    #[test]
    fn a_fault_that_makes_no_sense_is_refused() {
        let cases = [
            (Fault::default(), FaultError::Match),
            (Fault { drop: false, ..drop_at("A") }, FaultError::Nothing),
            (Fault { half_body: true, ..drop_at("A") }, FaultError::SeveralEnds),
            (Fault { drop: false, status: Some(200), ..drop_at("A") }, FaultError::Status),
            (Fault { delay_ms: u64::MAX, ..drop_at("A") }, FaultError::Delay),
            (Fault { retry_after: Some("a\r\nb".into()), ..drop_at("A") }, FaultError::RetryAfter),
            (Fault { method: Some("G T".into()), ..drop_at("A") }, FaultError::Method),
        ];
        for (fault, reason) in cases {
            assert_eq!(Faults::default().put(fault), Err(reason));
        }
    }

    #[test]
    fn the_number_of_faults_is_bounded() {
        let mut faults = Faults::default();
        for index in 0..MAX_FAULTS {
            faults.put(drop_at(&index.to_string())).unwrap();
        }
        assert_eq!(faults.put(drop_at("one more")), Err(FaultError::TooMany));
        assert_eq!(faults.put(drop_at("3")), Ok(()));
    }
}
