//! A linear support vector machine (L2 loss) trained by dual coordinate descent, one class against the rest: Hsieh and others,
//! "A dual coordinate descent method for large-scale linear SVM", 2008. Pure numbers: it may not know texts or intents.

/// A text as its features and their values, by rising feature, of Euclidean length 1 (or empty).
pub(super) type Row = Vec<(u32, f32)>;

/// The weights of one class.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plane {
    pub(super) weights: Vec<f32>,
    pub(super) bias: f32,
}

impl Plane {
    pub(super) fn score(&self, row: &[(u32, f32)]) -> f32 {
        row.iter().map(|(feature, value)| self.weights[*feature as usize] * value).sum::<f32>() + self.bias
    }

    fn add(&mut self, row: &[(u32, f32)], step: f32) {
        for (feature, value) in row {
            self.weights[*feature as usize] += step * value;
        }
        self.bias += step;
    }
}

/// What the trainer may spend and how hard it fits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effort {
    pub(super) cost: f32,
    pub(super) tolerance: f32,
    pub(super) max_epochs: usize,
    pub(super) seed: u64,
}

/// Finds the plane that separates the rows for which `positive` holds from the others.
pub(super) fn separate(
    rows: &[Row],
    features: usize,
    positive: impl Fn(usize) -> bool,
    effort: Effort,
) -> Plane {
    let mut plane = Plane { weights: vec![0.0; features], bias: 0.0 };
    let diagonal = 0.5 / effort.cost;
    let signs: Vec<f32> = (0..rows.len()).map(|i| if positive(i) { 1.0 } else { -1.0 }).collect();
    let norms: Vec<f32> =
        rows.iter().map(|row| row.iter().map(|(_, v)| v * v).sum::<f32>() + 1.0 + diagonal).collect();
    let mut alphas = vec![0.0_f32; rows.len()];
    let mut active: Vec<u32> = (0..rows.len() as u32).collect();
    let mut random = Random::new(effort.seed);
    let mut shrink_above = f32::INFINITY;
    for _ in 0..effort.max_epochs {
        let (mut highest, mut lowest) = (f32::NEG_INFINITY, f32::INFINITY);
        random.shuffle(&mut active);
        let mut at = 0;
        while at < active.len() {
            let i = active[at] as usize;
            let gradient = signs[i] * plane.score(&rows[i]) - 1.0 + diagonal * alphas[i];
            if alphas[i] == 0.0 && gradient > shrink_above {
                active.swap_remove(at);
                continue;
            }
            at += 1;
            let projected = if alphas[i] == 0.0 { gradient.min(0.0) } else { gradient };
            highest = highest.max(projected);
            lowest = lowest.min(projected);
            if projected.abs() > 1e-12 {
                let old = alphas[i];
                alphas[i] = (old - gradient / norms[i]).max(0.0);
                plane.add(&rows[i], (alphas[i] - old) * signs[i]);
            }
        }
        if highest - lowest <= effort.tolerance {
            if active.len() == rows.len() {
                break;
            }
            active = (0..rows.len() as u32).collect();
            shrink_above = f32::INFINITY;
        } else {
            shrink_above = if highest > 0.0 { highest } else { f32::INFINITY };
        }
    }
    plane
}

/// A fixed sequence per seed (splitmix64), so that the same catalogue gives the same model on every machine.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, (self.next() % (i as u64 + 1)) as usize);
        }
    }
}
