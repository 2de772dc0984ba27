//! Where a month, a week or a year begins and ends: `اول ماه`, `آخر آبان`, `end of the year`.

use super::{Period, Reading, Ruled, Words, lexicon};

impl Words<'_> {
    /// The first or the last day of a stretch.
    pub(super) fn edge(&self, place: usize) -> Ruled {
        let first = match self.word(place) {
            "اول" | "ابتدای" | "شروع" | "start" | "beginning" => true,
            "اخر" | "پایان" | "انتهای" | "end" | "akhar" => false,
            _ => return None,
        };
        let mut begin = place + 1;
        for filler in [&["of"][..], &["the", "this"]] {
            begin += usize::from(self.is(begin, filler));
        }
        let (period, next) = self.stretch(begin)?;
        let day = if first { period.start } else { period.end };
        Some((Reading::One(Period::day(day, period.calendar)), next))
    }

    /// A stretch: this one where nothing else is said.
    fn stretch(&self, place: usize) -> Option<(Period, usize)> {
        // Not any date: an edge of an edge of an edge would go as deep as the text is long.
        for rule in [Self::whole_month, Self::this_or_next, Self::quarter] {
            match rule(self, place) {
                Some((Reading::One(period), next)) if period.start != period.end => {
                    return Some((period, next));
                }
                Some(_) | None => {}
            }
        }
        if let Some((calendar, year, next)) = self.year(place) {
            return Some((super::points::whole_year(calendar, year)?, next));
        }
        let (unit, calendar) = lexicon::unit(self.word(place))?;
        match self.unit(unit, calendar, 0)? {
            Reading::One(period) if period.start != period.end => Some((period, place + 1)),
            Reading::One(_) | Reading::Either(_) | Reading::NoSuchDay => None,
        }
    }
}
