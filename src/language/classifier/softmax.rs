//! Multinomial logistic regression on dense rows, fitted by L-BFGS (Liu and Nocedal, "On the limited memory BFGS method", 1989):
//! on the vectors of an embeddings server it is right more often than one plane against the rest. Pure numbers: it may not
//! know texts or intents. The same rows give the same planes, however many threads work.

use super::svm::Plane;
use super::train::by_turns;

/// Beyond this, the fit changes no decision any more.
const STEPS_MAX: usize = 40;
const MEMORY: usize = 8;
const TOLERANCE: f32 = 1e-4;
const HALVINGS_MAX: usize = 20;

/// Sums are formed over fixed parts of the rows and then over the parts, so that threads do not change how they are rounded.
const PARTS: usize = 8;
/// So many rows are read at once, so that the weights of a number stay near.
const BLOCK: usize = 32;
/// And so many lines are added at once.
const FOUR: usize = 4;

/// What is fitted.
pub(super) struct Softmax<'a> {
    /// All of one length.
    pub(super) rows: &'a [&'a [f32]],
    /// The class of each row.
    pub(super) labels: &'a [usize],
    pub(super) classes: usize,
    /// How hard the rows are fitted.
    pub(super) cost: f32,
    pub(super) threads: usize,
}

impl Softmax<'_> {
    /// One plane for each class.
    pub(super) fn fit(&self) -> Vec<Plane> {
        let length = self.rows.first().map_or(0, |row| row.len());
        let weights = minimum(vec![0.0; (length + 1) * self.classes], |weights| self.loss(weights));
        let of = |class: usize| weights.iter().skip(class).step_by(self.classes).copied();
        let plane = |class: usize| Plane {
            weights: of(class).take(length).collect(),
            bias: of(class).last().unwrap_or(0.0),
        };
        (0..self.classes).map(plane).collect()
    }

    /// How badly `weights` fit, and in which direction worse. The weights of one number for every class lie together; those of
    /// the biases come last and cost nothing.
    fn loss(&self, weights: &[f32]) -> (f64, Vec<f32>) {
        let part = self.rows.len().div_ceil(PARTS).max(1);
        let parts = by_turns(self.rows.len().div_ceil(part), self.threads, |number| {
            let from = number * part;
            self.loss_of(from..self.rows.len().min(from + part), weights)
        });
        let free = weights.len() - self.classes;
        let mut slope: Vec<f32> = weights[..free].to_vec();
        slope.resize(weights.len(), 0.0);
        let mut loss = 0.5 * dot(&weights[..free], &weights[..free]);
        for (some, part) in parts {
            loss += f64::from(self.cost) * some;
            add(&mut slope, self.cost, &part);
        }
        (loss, slope)
    }

    fn loss_of(&self, range: std::ops::Range<usize>, weights: &[f32]) -> (f64, Vec<f32>) {
        let classes = self.classes;
        let (mut loss, mut slope) = (0.0, vec![0.0_f32; weights.len()]);
        let (inner, biases) = weights.split_at(weights.len() - classes);
        let (rows, labels) = (&self.rows[range.clone()], &self.labels[range]);
        for (rows, labels) in rows.chunks(BLOCK).zip(labels.chunks(BLOCK)) {
            let mut scores = biases.repeat(rows.len());
            for (number, weights) in inner.chunks(FOUR * classes).enumerate() {
                for (scores, row) in scores.chunks_exact_mut(classes).zip(rows) {
                    let from = number * FOUR;
                    add_all(scores, row[from..].iter().copied(), weights);
                }
            }
            for (scores, label) in scores.chunks_exact_mut(classes).zip(labels) {
                loss += f64::from(surprise(scores, *label));
            }
            let (inner, biases) = slope.split_at_mut(weights.len() - classes);
            for (number, slope) in inner.chunks_exact_mut(classes).enumerate() {
                for (errors, rows) in scores.chunks(FOUR * classes).zip(rows.chunks(FOUR)) {
                    add_all(slope, rows.iter().map(|row| row[number]), errors);
                }
            }
            scores.chunks_exact(classes).for_each(|errors| add(biases, 1.0, errors));
        }
        (loss, slope)
    }
}

/// The log loss of a row; its scores become how far each class's probability is too high.
fn surprise(scores: &mut [f32], label: usize) -> f32 {
    let best = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let above = scores[label] - best;
    scores.iter_mut().for_each(|score| *score = (*score - best).exp());
    let sum: f32 = scores.iter().sum();
    scores.iter_mut().for_each(|score| *score /= sum);
    scores[label] -= 1.0;
    sum.ln() - above
}

/// A step that was taken: how the place changed and how the slope changed.
struct Step {
    place: Vec<f32>,
    slope: Vec<f32>,
    product: f64,
}

/// The place where a smooth convex function, given with its slope, is least.
fn minimum(mut at: Vec<f32>, function: impl Fn(&[f32]) -> (f64, Vec<f32>)) -> Vec<f32> {
    let (mut value, mut slope) = function(&at);
    let enough = TOLERANCE * largest(&slope);
    let mut steps: Vec<Step> = Vec::new();
    for _ in 0..STEPS_MAX {
        if largest(&slope) <= enough {
            break;
        }
        let down = direction(&slope, &steps);
        let fall = dot(&slope, &down);
        let mut length = 1.0_f32;
        let mut found = None;
        for _ in 0..HALVINGS_MAX {
            let mut next = at.clone();
            add(&mut next, -length, &down);
            let (lower, next_slope) = function(&next);
            if lower <= value - 1e-4 * f64::from(length) * fall {
                found = Some((next, lower, next_slope));
                break;
            }
            length /= 2.0;
        }
        // Nothing lower can be told apart in these numbers.
        let Some((next, lower, next_slope)) = found else { break };
        let change = |new: &[f32], old: &[f32]| new.iter().zip(old).map(|(n, o)| n - o).collect::<Vec<f32>>();
        let (place, bend) = (change(&next, &at), change(&next_slope, &slope));
        let product = dot(&place, &bend);
        if product > 1e-12 {
            steps.drain(..(steps.len() + 1).saturating_sub(MEMORY));
            steps.push(Step { place, slope: bend, product });
        }
        (at, value, slope) = (next, lower, next_slope);
    }
    at
}

/// Where it is likely steepest upwards, seen through the last steps.
fn direction(slope: &[f32], steps: &[Step]) -> Vec<f32> {
    let mut up = slope.to_vec();
    let mut shares = Vec::with_capacity(steps.len());
    for step in steps.iter().rev() {
        let share = dot(&step.place, &up) / step.product;
        add(&mut up, -share as f32, &step.slope);
        shares.push(share);
    }
    let scale = match steps.last() {
        Some(last) => last.product / dot(&last.slope, &last.slope),
        None => dot(slope, slope).sqrt().max(1e-9).recip(),
    };
    up.iter_mut().for_each(|x| *x *= scale as f32);
    for (step, share) in steps.iter().zip(shares.iter().rev()) {
        let other = dot(&step.slope, &up) / step.product;
        add(&mut up, (share - other) as f32, &step.place);
    }
    up
}

/// Adds up to four lines, each so many times; four at once read and write `to` only once.
fn add_all(to: &mut [f32], times: impl Iterator<Item = f32>, lines: &[f32]) {
    let length = to.len();
    let mut four = [0.0_f32; FOUR];
    four.iter_mut().zip(times).for_each(|(place, times)| *place = times);
    if lines.len() != FOUR * length {
        four.iter().zip(lines.chunks_exact(length)).for_each(|(times, line)| add(to, *times, line));
        return;
    }
    let (one, rest) = lines.split_at(length);
    let (two, rest) = rest.split_at(length);
    let (three, last) = rest.split_at(length);
    for ((((to, a), b), c), d) in to.iter_mut().zip(one).zip(two).zip(three).zip(last) {
        *to += (four[0] * a + four[1] * b) + (four[2] * c + four[3] * d);
    }
}

fn add(to: &mut [f32], times: f32, what: &[f32]) {
    to.iter_mut().zip(what).for_each(|(t, w)| *t += times * w);
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

fn largest(slope: &[f32]) -> f32 {
    slope.iter().fold(0.0, |most, x| most.max(x.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(cost: f32, threads: usize) -> Vec<Plane> {
        let rows: Vec<[f32; 2]> = (0..30).map(|n| [[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]][n % 3]).collect();
        let rows: Vec<&[f32]> = rows.iter().map(<[f32; 2]>::as_slice).collect();
        let labels: Vec<usize> = (0..30).map(|n| n % 3).collect();
        Softmax { rows: &rows, labels: &labels, classes: 3, cost, threads }.fit()
    }

    fn probabilities(planes: &[Plane], row: [f32; 2]) -> Vec<f32> {
        let weights: Vec<f32> =
            planes.iter().map(|p| (p.weights[0] * row[0] + p.weights[1] * row[1] + p.bias).exp()).collect();
        let sum: f32 = weights.iter().sum();
        weights.iter().map(|w| w / sum).collect()
    }

    #[test]
    fn three_clouds_are_told_apart_the_more_surely_the_harder_they_are_fitted() {
        let of = |cost| probabilities(&fitted(cost, 1), [0.0, 1.0])[1];
        assert!(of(0.01) > 0.34 && of(0.1) > of(0.01) + 0.05 && of(100.0) > 0.99);
    }

    #[test]
    fn at_the_end_the_pull_of_the_rows_is_the_weights() {
        // The slope is zero there: every weight is cost times the sum of its rows' errors.
        let planes = fitted(1.0, 1);
        let clouds = [[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]];
        for (class, plane) in planes.iter().enumerate() {
            for number in 0..2 {
                let pull: f32 = (0..3)
                    .map(|cloud| {
                        let right = if cloud == class { 1.0 } else { 0.0 };
                        10.0 * (right - probabilities(&planes, clouds[cloud])[class]) * clouds[cloud][number]
                    })
                    .sum();
                assert!((plane.weights[number] - pull).abs() < 0.02, "{plane:?} {pull}");
            }
        }
    }

    #[test]
    fn threads_change_nothing() {
        assert_eq!(fitted(10.0, 1), fitted(10.0, 3));
    }
}
