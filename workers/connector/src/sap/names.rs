//! The names of products, kept for a minute: every answer about an order shows them, hundreds of orders have the same ones, and
//! they change rarely. Everything else of an answer is asked each time and may not be kept here.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use peyvand::language::script::Language;

use super::{http::Http, odata::plain, products};
use crate::target::TargetError;

const KEPT_FOR: Duration = Duration::from_secs(60);
/// Names kept at a time, and the length of a SKU and a name that are kept, in bytes: five MiB at most.
const KEPT_MAX: usize = 10_000;
const SKU_BYTES_MAX: usize = 100;
const NAME_BYTES_MAX: usize = 400;

/// The names that were asked for in the last minute.
#[derive(Default)]
pub(super) struct Names(Mutex<Kept>);

/// A name, or that a product has none in a language, and until when that is believed.
#[derive(Default)]
struct Kept(HashMap<(Language, String), (Option<String>, Instant)>);

impl Names {
    /// The names of products in a language, by SKU without leading zeros.
    pub(super) async fn of(
        &self,
        http: &Http,
        skus: &[&str],
        language: Language,
    ) -> Result<HashMap<String, String>, TargetError> {
        let skus: BTreeSet<&str> = skus.iter().copied().filter(|sku| !sku.is_empty()).collect();
        let (mut names, unknown) = self.kept(|kept| kept.known(&skus, language, Instant::now()));
        if !unknown.is_empty() {
            let asked = products::names(http, &unknown, language).await?;
            self.kept(|kept| kept.keep(&unknown, language, &asked, Instant::now()));
            names.extend(asked);
        }
        Ok(names)
    }

    fn kept<T>(&self, look: impl FnOnce(&mut Kept) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Kept {
    /// The names that are known, and the products that have to be asked for.
    fn known<'a>(
        &self,
        skus: &BTreeSet<&'a str>,
        language: Language,
        now: Instant,
    ) -> (HashMap<String, String>, Vec<&'a str>) {
        let (mut names, mut unknown) = (HashMap::new(), Vec::new());
        for sku in skus {
            let key = (language, plain(sku).to_owned());
            match self.0.get(&key).filter(|(_, until)| now < *until) {
                Some((Some(name), _)) => drop(names.insert(key.1, name.clone())),
                Some((None, _)) => {}
                None => unknown.push(*sku),
            }
        }
        (names, unknown)
    }

    fn keep(&mut self, asked: &[&str], language: Language, names: &HashMap<String, String>, now: Instant) {
        if self.0.len() + asked.len() > KEPT_MAX {
            self.0.retain(|_, (_, until)| now < *until);
        }
        for sku in asked {
            let sku = plain(sku);
            let name = names.get(sku);
            let is_short = sku.len() <= SKU_BYTES_MAX && name.is_none_or(|name| name.len() <= NAME_BYTES_MAX);
            if self.0.len() < KEPT_MAX && is_short {
                self.0.insert((language, sku.to_owned()), (name.cloned(), now + KEPT_FOR));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(all: &[(&str, &str)]) -> HashMap<String, String> {
        all.iter().map(|(sku, name)| ((*sku).to_owned(), (*name).to_owned())).collect()
    }

    #[test]
    fn a_name_and_that_there_is_none_are_known_for_a_minute_in_their_language() {
        let (mut kept, now, skus) = (Kept::default(), Instant::now(), BTreeSet::from(["0010", "B", "C"]));
        let found = names(&[("10", "Pen"), ("C", "Cup")]);
        kept.keep(&["0010", "B"], Language::En, &found, now);
        let soon = now + KEPT_FOR - Duration::from_millis(1);
        assert_eq!(kept.known(&skus, Language::En, soon), (names(&[("10", "Pen")]), vec!["C"]));
        assert_eq!(kept.known(&skus, Language::Fa, soon).1, ["0010", "B", "C"]);
        assert_eq!(kept.known(&skus, Language::En, now + KEPT_FOR).1, ["0010", "B", "C"]);
    }

    #[test]
    fn only_so_many_names_are_kept_and_those_whose_minute_is_over_go_first() {
        let (mut kept, now) = (Kept::default(), Instant::now());
        let skus: Vec<String> = (0..=KEPT_MAX).map(|number| format!("S{number}")).collect();
        let skus: Vec<&str> = skus.iter().map(String::as_str).collect();
        kept.keep(&skus, Language::En, &HashMap::new(), now);
        assert_eq!(kept.0.len(), KEPT_MAX);
        kept.keep(&["new"], Language::En, &HashMap::new(), now);
        assert!(!kept.0.contains_key(&(Language::En, "new".to_owned())));
        kept.keep(&["new"], Language::En, &HashMap::new(), now + KEPT_FOR);
        assert_eq!(kept.0.len(), 1);
        let long = names(&[("long", &"x".repeat(NAME_BYTES_MAX + 1))]);
        kept.keep(&["long"], Language::En, &long, now + KEPT_FOR);
        assert_eq!(kept.0.len(), 1);
    }
}
