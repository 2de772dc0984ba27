//! The figures of an assessment as pictures: SVG text, without a drawing library. It may not count anything itself.

use std::fmt::Write;

use super::assess::{Assessment, Confusion, Recall};

const BARS_MAX: usize = 40;
const GREY: &str = "#888";
const BLUE: &str = "#2a6fb0";

/// Confidence against truth: a perfect classifier lies on the diagonal; the larger a point, the more sentences.
pub fn reliability_svg(of: &Assessment) -> String {
    let most = of.reliability.iter().map(|step| step.sentences).max().unwrap_or(0).max(1) as f64;
    let (x, y) = (|percent: f64| 60.0 + 3.0 * percent, |percent: f64| 340.0 - 3.0 * percent);
    let mut body = String::new();
    for percent in [0.0, 25.0, 50.0, 75.0, 100.0] {
        body += &text(x(percent), 360.0, "middle", &format!("{percent:.0}"));
        body += &text(52.0, y(percent) + 4.0, "end", &format!("{percent:.0}"));
        body += &line((x(0.0), y(percent)), (x(100.0), y(percent)), "#ddd");
    }
    body += &line((x(0.0), y(0.0)), (x(100.0), y(100.0)), GREY);
    let seen = || of.reliability.iter().filter(|step| step.sentences > 0);
    let points: Vec<String> =
        seen().map(|step| format!("{:.1},{:.1}", x(step.said_percent), y(step.right_percent))).collect();
    body += &format!("<polyline points=\"{}\" fill=\"none\" stroke=\"{BLUE}\"/>\n", points.join(" "));
    for step in seen() {
        let radius = 3.0 + 9.0 * (step.sentences as f64 / most).sqrt();
        body += &format!(
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"{radius:.1}\" fill=\"{BLUE}\" fill-opacity=\"0.6\"/>\n",
            x(step.said_percent),
            y(step.right_percent)
        );
    }
    body += &text(210.0, 385.0, "middle", "confidence, %");
    body += &text(60.0, 25.0, "start", &format!("right, %   (ECE {:.1})", of.calibration_error_percent));
    svg(400.0, 400.0, &body)
}

/// How much of each intent is found, weakest first.
pub fn recall_svg(of: &Assessment) -> String {
    let bar = |Recall { intent, sentences, percent }: &Recall| {
        (intent.clone(), *percent, format!("{percent:.0} % of {sentences}"))
    };
    bars("found of each intent", 100.0, of.recall.iter().map(bar))
}

/// What was taken for what, most frequent first.
pub fn confusions_svg(of: &Assessment) -> String {
    let most = of.confusions.first().map_or(1, |first| first.times) as f64;
    let bar = |Confusion { meant, found, times }: &Confusion| {
        let found = found.as_deref().unwrap_or("nothing");
        (format!("{meant} → {found}"), *times as f64, times.to_string())
    };
    bars("meant → taken for", most, of.confusions.iter().map(bar))
}

fn bars(title: &str, most: f64, all: impl Iterator<Item = (String, f64, String)>) -> String {
    let (mut body, mut y) = (text(10.0, 20.0, "start", title), 45.0);
    for (name, value, label) in all.take(BARS_MAX) {
        let width = 250.0 * value / most;
        body += &text(340.0, y, "end", &name);
        body += &format!(
            "<rect x=\"350\" y=\"{:.1}\" width=\"{width:.1}\" height=\"12\" fill=\"{BLUE}\"/>\n",
            y - 10.0
        );
        body += &text(360.0 + width, y, "start", &label);
        y += 20.0;
    }
    svg(720.0, y, &body)
}

fn svg(width: f64, height: f64, body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{body}</svg>\n"
    )
}

fn line(from: (f64, f64), to: (f64, f64), colour: &str) -> String {
    format!(
        "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"{colour}\"/>\n",
        from.0, from.1, to.0, to.1
    )
}

fn text(x: f64, y: f64, anchor: &str, text: &str) -> String {
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>\n", escaped(text))
}

/// Names come from files; what XML does not allow is left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => {}
            c => drop(out.write_char(c)),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::classifier::assess::Answered;
    use crate::language::classifier::{Classification, Labelled, Ranked, Written};

    fn assessed(intent: &str) -> Assessment {
        let sentence =
            Labelled { text: String::new(), intent: Some(intent.to_owned()), written: Written::Fa };
        let ranked = vec![Ranked { intent: "other".to_owned(), confidence: 0.7 }];
        let found = Classification { ranked, out_of_scope: 0.1, in_scope: true };
        Assessment::of(&[Answered { sentence, found }])
    }

    /// Every tag is closed in order and no bare `<` or `&` is left: what makes XML well-formed here.
    fn assert_well_formed(svg: &str) {
        let body = svg.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").unwrap();
        let mut open = Vec::new();
        for piece in body.split('<').skip(1) {
            let (tag, rest) = piece.split_once('>').unwrap();
            assert!(!rest.contains('>'), "{rest}");
            for entity in rest.split('&').skip(1) {
                let name = entity.split_once(';').unwrap().0;
                assert!(["amp", "lt", "gt", "quot"].contains(&name), "{entity}");
            }
            match tag.strip_prefix('/') {
                Some(name) => assert_eq!(open.pop(), Some(name.to_owned())),
                None if tag.ends_with('/') => {}
                None => open.push(tag.split(' ').next().unwrap().to_owned()),
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }

    #[test]
    fn pictures_are_well_formed_whatever_an_intent_is_called() {
        for name in ["order_status", "<script>&\"'\u{0}", "سفارش"] {
            let assessed = assessed(name);
            for svg in [reliability_svg(&assessed), recall_svg(&assessed), confusions_svg(&assessed)] {
                assert_well_formed(&svg);
            }
        }
    }

    #[test]
    fn a_point_of_the_reliability_curve_lies_where_confidence_and_truth_say() {
        let svg = reliability_svg(&assessed("meant"));
        // Said 70 %, right 0 %.
        assert!(svg.contains("<circle cx=\"270.0\" cy=\"340.0\""), "{svg}");
        assert!(recall_svg(&assessed("meant")).contains("0 % of 1"));
        assert!(confusions_svg(&assessed("meant")).contains("meant → other"));
    }
}
