//! E-mail addresses by shape.

use super::{Found, SlotName};

const LOCAL_MAX: usize = 64;
const DOMAIN_MAX: usize = 190;

pub(super) fn find(text: &str) -> Vec<Found> {
    text.match_indices('@').take(8).filter_map(|(at, _)| around(text, at)).collect()
}

fn around(text: &str, at: usize) -> Option<Found> {
    let local = |b: &u8| b.is_ascii_alphanumeric() || b"._%+-".contains(b);
    let domain = |b: &u8| b.is_ascii_alphanumeric() || b".-".contains(b);
    let bytes = text.as_bytes();
    let before = bytes[..at].iter().rev().take(LOCAL_MAX + 1).take_while(|b| local(b)).count();
    let after = bytes[at + 1..].iter().take(DOMAIN_MAX + 1).take_while(|b| domain(b)).count();
    let start = at - before;
    let whole = text.get(start..at + 1 + after)?;
    let value = whole.trim_end_matches(['.', '-']).trim_start_matches(['.', '-']);
    let start = start + (whole.len() - whole.trim_start_matches(['.', '-']).len());
    let (name, host) = value.split_once('@')?;
    let (_, top) = host.rsplit_once('.')?;
    let labels =
        host.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
    let fits = (1..=LOCAL_MAX).contains(&name.len())
        && host.len() <= DOMAIN_MAX
        && labels
        && top.len() >= 2
        && top.bytes().all(|b| b.is_ascii_alphabetic());
    fits.then(|| Found::exact(SlotName::Email, value, start..start + value.len()))
}
