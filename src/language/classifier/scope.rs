//! Whether the catalogue covers a message at all: a small logistic regression over cheap signs, fitted on texts the scoring
//! model had not seen, and a threshold that keeps a chosen share of the catalogue's own texts. It may not choose an intent.

use super::corpus::Counts;

/// How many signs are read.
pub(super) const SIGNS: usize = 4;

/// What can be read off the scores and the known share of a text; higher means more surely in scope.
pub(super) type Signs = [f32; SIGNS];

/// Reads the signs of a text: the best intent's score, how far it is above the background class (0 where there is none), the
/// share of known words and the share of known features.
pub(super) fn signs(intents: &[f32], background: Option<f32>, counts: &Counts) -> Signs {
    let best = intents.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let known: u32 = counts.rows.iter().map(|(_, times)| times).sum();
    [
        best,
        best - background.unwrap_or(0.0),
        counts.known_words as f32 / counts.words.max(1) as f32,
        known as f32 / counts.all.max(1) as f32,
    ]
}

/// The lowest border, as a logit: nearly three times as likely outside as inside.
const MOST_FOREIGN: f32 = -1.0;

/// The fitted decision.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scope {
    pub(super) weights: Signs,
    /// Chosen so that 0 is the border.
    pub(super) bias: f32,
}

impl Scope {
    /// Above 0: in scope.
    pub(super) fn logit(&self, signs: &Signs) -> f32 {
        self.weights.iter().zip(signs).map(|(w, s)| w * s).sum::<f32>() + self.bias
    }

    /// Fits the weights on `inside` against `outside` and sets the border.
    pub(super) fn fit(inside: &[Signs], outside: &[Signs], rejected: f32) -> Self {
        let compared = !inside.is_empty() && !outside.is_empty();
        let mut scope = if compared {
            logistic(inside, outside)
        } else {
            Self { weights: [4.0, 0.0, 0.0, 0.0], bias: 0.0 }
        };
        let mut logits: Vec<f32> = inside.iter().map(|s| scope.logit(s)).collect();
        logits.sort_unstable_by(f32::total_cmp);
        let quantile = logits.get((logits.len() as f32 * rejected) as usize).copied().unwrap_or(0.0);
        scope.bias -= if compared { border(quantile) } else { quantile };
        scope
    }
}

/// The border for a catalogue whose chosen share of texts lies below `quantile`. What looks more like the inside is never turned
/// away: with a well-covered catalogue the share alone would reject messages that nobody takes for foreign. And what looks
/// clearly foreign is never let in: with a tiny catalogue the share alone would accept nearly everything.
fn border(quantile: f32) -> f32 {
    quantile.clamp(MOST_FOREIGN, 0.0)
}

/// Logistic regression by gradient descent on standardised signs; both sides weigh the same, however many texts they have. No
/// sign may count against the scope: few examples would let chance turn it round.
fn logistic(inside: &[Signs], outside: &[Signs]) -> Scope {
    const STEPS: usize = 400;
    const RATE: f32 = 0.5;
    const PENALTY: f32 = 1e-3;
    let all = || inside.iter().map(|s| (s, 1.0)).chain(outside.iter().map(|s| (s, 0.0)));
    let count = (inside.len() + outside.len()) as f32;
    let (mut mean, mut spread) = ([0.0_f32; SIGNS], [0.0_f32; SIGNS]);
    for k in 0..SIGNS {
        mean[k] = all().map(|(s, _)| s[k]).sum::<f32>() / count;
        let variance = all().map(|(s, _)| (s[k] - mean[k]).powi(2)).sum::<f32>() / count;
        spread[k] = if variance > 1e-9 { variance.sqrt() } else { f32::INFINITY };
    }
    let (mut weights, mut bias) = ([0.0_f32; SIGNS], 0.0_f32);
    for _ in 0..STEPS {
        let (mut slope, mut bias_slope) = ([0.0_f32; SIGNS], 0.0_f32);
        for (signs, target) in all() {
            let standard: Signs = std::array::from_fn(|k| (signs[k] - mean[k]) / spread[k]);
            let logit = standard.iter().zip(&weights).map(|(s, w)| s * w).sum::<f32>() + bias;
            let share = 0.5 / if target > 0.5 { inside.len() } else { outside.len() } as f32;
            let error = (target - sigmoid(logit)) * share;
            bias_slope += error;
            slope.iter_mut().zip(&standard).for_each(|(g, s)| *g += error * s);
        }
        bias += RATE * 4.0 * bias_slope;
        weights
            .iter_mut()
            .zip(&slope)
            .for_each(|(w, g)| *w = (*w + RATE * (4.0 * g - PENALTY * *w)).max(0.0));
    }
    let raw: Signs = std::array::from_fn(|k| weights[k] / spread[k]);
    let bias = bias - raw.iter().zip(&mean).map(|(w, m)| w * m).sum::<f32>();
    Scope { weights: raw, bias }
}

pub(super) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(from: f32, to: f32) -> Vec<Signs> {
        (0..100).map(|i| from + (to - from) * i as f32 / 100.0).map(|x| [x, x, 1.0, 1.0]).collect()
    }

    fn rejected(scope: Scope, of: &[Signs]) -> usize {
        of.iter().filter(|s| scope.logit(s) < 0.0).count()
    }

    #[test]
    fn no_more_than_the_chosen_share_of_the_catalogue_is_rejected() {
        let (inside, outside) = (spread(-0.5, 1.5), spread(-1.5, 0.5));
        let scope = Scope::fit(&inside, &outside, 0.10);
        assert!((5..=10).contains(&rejected(scope, &inside)), "{}", rejected(scope, &inside));
        assert!(rejected(scope, &outside) > 50, "{}", rejected(scope, &outside));
    }

    #[test]
    fn a_catalogue_far_from_the_background_loses_nothing() {
        let (inside, outside) = (spread(0.5, 1.0), spread(-1.5, -1.0));
        let scope = Scope::fit(&inside, &outside, 0.10);
        assert_eq!((rejected(scope, &inside), rejected(scope, &outside)), (0, 100));
    }

    #[test]
    fn the_border_follows_the_share_between_its_limits() {
        assert_eq!([border(-7.0), border(-0.4), border(5.0)], [-1.0, -0.4, 0.0]);
    }

    #[test]
    fn without_a_background_the_share_alone_decides() {
        let inside = spread(0.0, 1.0);
        assert_eq!(rejected(Scope::fit(&inside, &[], 0.10), &inside), 10);
    }
}
