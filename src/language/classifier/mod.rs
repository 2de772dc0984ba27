//! The built-in intent classifier: a linear model over words and letter groups, trained from an organisation's own examples in
//! seconds and asked in microseconds, without a service or a download. It may not act on what it finds: whether a confidence is
//! enough is the dialogue's decision.

mod assess;
mod background;
mod bytes;
mod calibrate;
mod corpus;
mod crossed;
mod evaluate;
mod explain;
mod features;
mod head;
mod labelled;
mod model;
mod plot;
mod scope;
mod skeleton;
mod softmax;
mod svm;
#[cfg(test)]
mod tests;
mod train;

pub use assess::{Answered, Assessment, Confusion, Recall, Share, Step};
pub use background::background;
pub use calibrate::{Calibration, calibrate};
pub use crossed::cross_validate;
pub use evaluate::{DataSet, Report, evaluate};
pub use explain::{Explanation, Spoke, Trait};
pub use head::Head;
pub use labelled::{Labelled, OUT_OF_SCOPE, Written, check_intents, examples_of, labelled};
pub use model::Model;
pub use plot::{confusions_svg, recall_svg, reliability_svg};
pub use train::{catalogue_hash, train};

/// One sentence and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// As a person would write it, Persian or English.
    pub text: String,
    /// The intent's name.
    pub intent: String,
}

/// How a model is trained; the defaults are measured.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainOptions {
    /// How hard the examples are fitted (the C of the support vector machine).
    pub cost: f32,
    /// Into how many parts the examples are cut to see how the model does on texts it does not know.
    pub folds: usize,
    /// Where the fixed shuffle begins.
    pub seed: u64,
    /// How many threads work.
    pub threads: usize,
    /// Which share of the catalogue's own texts may at most be taken for out of scope.
    pub rejected_share: f32,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self { cost: 1.0, folds: 10, seed: 1, threads: 2, rejected_share: 0.10 }
    }
}

/// What a text means.
#[derive(Debug, Clone, PartialEq)]
pub struct Classification {
    /// The best three intents, best first; empty when nothing in the text is known.
    pub ranked: Vec<Ranked>,
    /// 0 to 1; higher: more surely none of the intents. Above 0.5 the message is taken for out of scope.
    pub out_of_scope: f32,
    /// Whether the model takes the text for one of its intents.
    pub in_scope: bool,
}

/// An intent and how surely it is meant.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked {
    /// The intent's name.
    pub intent: String,
    /// 0 to 1: of the texts with this figure, about this share is right.
    pub confidence: f32,
}

/// Why no model came about, or no report on one.
#[derive(Debug, thiserror::Error)]
pub enum ClassifierError {
    /// Nothing to learn from.
    #[error("there are no examples to learn from; give every intent some sentences")]
    NoExamples,
    /// A sentence the classifier cannot read.
    #[error("an example of intent {intent} has no letter or digit; write it in words or take it out")]
    NoWords {
        /// The intent it stands under.
        intent: String,
    },
    /// Beyond what training may spend.
    #[error("the catalogue or data set is too large to train on; split it or shorten the lists of examples")]
    TooLarge,
    /// A training option out of its range.
    #[error("a training option does not fit: {rule}")]
    Option {
        /// The range, in words.
        rule: &'static str,
    },
    /// Something else than a model.
    #[error("the file is not a Peyvand intent model; train one anew")]
    NotAModel,
    /// Written by another version.
    #[error("the intent model was written by another version of Peyvand; train it anew")]
    OtherVersion,
    /// Cut off or changed.
    #[error("the intent model is damaged; train it anew")]
    Damaged,
    /// The model or calibration belongs to other examples.
    #[error(
        "it was made from other examples than the assistant has now; run `peyvand train` or `peyvand calibrate` again"
    )]
    OtherCatalogue,
    /// Not a calibration.
    #[error("the calibration does not fit; it is written by `peyvand calibrate` and not by hand")]
    Calibration,
    /// Too few labelled sentences.
    #[error(
        "{inside} sentences with an intent and {outside} without one that the model knows a part of are too few to calibrate on; 30 and 10 are needed"
    )]
    TooFewSentences {
        /// With an intent, and known in part.
        inside: usize,
        /// Out of scope, and known in part.
        outside: usize,
    },
    /// Vectors of different lengths, or not numbers.
    #[error("the server's vectors are not of one length or hold something else than numbers")]
    Vectors,
    /// Something else than a test set.
    #[error(
        "the test set does not fit at line {line}; it must be a list of {{ intent: …, language: fa, en or finglish, text: … }}"
    )]
    TestSet {
        /// Where it stopped fitting.
        line: usize,
    },
    /// A test set for another assistant.
    #[error(
        "the test set names the intent {intent}, which the assistant does not have; correct it or take it out"
    )]
    UnknownIntent {
        /// Its name.
        intent: String,
    },
    /// The data set is not in the format of CLINC150.
    #[error(
        "the data set does not fit at line {line}, column {column}; it must be JSON with lists of [text, intent] under train and test"
    )]
    FileFormat {
        /// Where it stopped fitting.
        line: usize,
        /// Where in the line.
        column: usize,
    },
}

impl ClassifierError {
    /// The class of the error, for metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NoExamples => "no_examples",
            Self::NoWords { .. } => "no_words",
            Self::TooLarge => "too_large",
            Self::Option { .. } => "option",
            Self::NotAModel => "not_a_model",
            Self::OtherVersion => "other_version",
            Self::Damaged => "damaged",
            Self::OtherCatalogue => "other_catalogue",
            Self::Calibration => "calibration",
            Self::TooFewSentences { .. } => "too_few_sentences",
            Self::Vectors => "vectors",
            Self::TestSet { .. } => "test_set",
            Self::UnknownIntent { .. } => "unknown_intent",
            Self::FileFormat { .. } => "file_format",
        }
    }
}
