//! From an assistant to its model: trained at once from its examples, or read from a file that `peyvand train` wrote and that
//! is refused when the examples have changed since. It may not judge a message.

use std::path::{Path, PathBuf};

use peyvand::{
    assistant::Assistant,
    language::classifier::{
        Calibration, ClassifierError, Labelled, Model, TrainOptions, Written, background, catalogue_hash,
        examples_of, train,
    },
};
use thiserror::Error;

/// The file in an assistant folder that holds its calibration, where it has one.
pub const CALIBRATION_FILE: &str = "calibration.yaml";

const MODEL_BYTES_MAX: u64 = 1 << 30;
const CALIBRATION_BYTES_MAX: u64 = 64 << 10;

/// Why there is no model.
#[derive(Debug, Error)]
pub enum ModelError {
    /// The examples cannot be learned.
    #[error("the assistant's examples cannot be learned: {0}")]
    Examples(#[source] ClassifierError),
    /// A file cannot be read.
    #[error("{} cannot be read ({reason}); check its path, size and permissions", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: std::io::ErrorKind,
    },
    /// A file is not what it has to be.
    #[error("{}: {problem}", .path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        problem: ClassifierError,
    },
}

impl ModelError {
    /// A bounded label for metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Examples(error) | Self::Wrong { problem: error, .. } => error.kind(),
            Self::File { .. } => "file",
        }
    }
}

/// What an assistant knows: its sentences and what belongs to none of its intents.
#[derive(Debug, Clone)]
pub struct Catalogue {
    /// Every example, with its intent and how it is written.
    pub sentences: Vec<Labelled>,
    /// The negatives: those that are part of the program, and the assistant's own.
    pub background: Vec<String>,
}

impl Catalogue {
    /// Of an assistant.
    pub fn of(assistant: &Assistant) -> Self {
        let mut sentences = Vec::new();
        for intent in &assistant.intents {
            let sentence = |text: &String, written| Labelled {
                text: text.clone(),
                intent: Some(intent.name.clone()),
                written,
            };
            sentences.extend(intent.fa.iter().map(|text| sentence(text, Written::of_persian(text))));
            sentences.extend(intent.en.iter().map(|text| sentence(text, Written::En)));
        }
        let own = assistant.out_of_scope.iter().cloned();
        Self { sentences, background: background().map(ToOwned::to_owned).chain(own).collect() }
    }

    /// Trains on it.
    ///
    /// # Errors
    /// [`ModelError`] when it cannot be learned.
    pub fn learn(&self) -> Result<Model, ModelError> {
        train(&examples_of(&self.sentences), &self.background, &TrainOptions::default())
            .map_err(ModelError::Examples)
    }

    /// Reads a model that was trained on exactly this.
    ///
    /// # Errors
    /// [`ModelError`] when it is none, or was trained on something else.
    pub fn read_model(&self, path: &Path) -> Result<Model, ModelError> {
        let wrong = |problem| ModelError::Wrong { path: path.to_owned(), problem };
        let model = Model::from_bytes(&read(path, MODEL_BYTES_MAX)?).map_err(wrong)?;
        let examples = examples_of(&self.sentences);
        if model.catalogue_hash() == catalogue_hash(&examples, &self.background, &TrainOptions::default()) {
            Ok(model)
        } else {
            Err(wrong(ClassifierError::OtherCatalogue))
        }
    }
}

/// The model of an assistant: from a file, where one is given, or trained now. A calibration in the assistant's folder that
/// was found with other examples is passed over with a warning: examples change daily, and a start may not hang on that.
///
/// # Errors
/// [`ModelError`] says what to mend.
pub fn model_of(
    assistant: &Assistant,
    folder: Option<&Path>,
    file: Option<&Path>,
) -> Result<Model, ModelError> {
    let catalogue = Catalogue::of(assistant);
    if let Some(file) = file {
        return catalogue.read_model(file);
    }
    let model = catalogue.learn()?;
    let Some(calibration) = folder.map(calibration_in).transpose()?.flatten() else { return Ok(model) };
    if calibration.catalogue != model.catalogue_hash() {
        tracing::warn!(
            "{CALIBRATION_FILE} was found with other examples and is passed over; run `peyvand calibrate` again"
        );
        return Ok(model);
    }
    model.calibrated(&calibration).map_err(ModelError::Examples)
}

/// The calibration of an assistant folder, where it has one.
///
/// # Errors
/// [`ModelError`] when it cannot be read.
pub fn calibration_in(folder: &Path) -> Result<Option<Calibration>, ModelError> {
    let path = folder.join(CALIBRATION_FILE);
    let there = path.try_exists();
    let there = there.map_err(|error| ModelError::File { path: path.clone(), reason: error.kind() })?;
    there.then(|| calibration(&path)).transpose()
}

/// Reads a calibration.
///
/// # Errors
/// [`ModelError`] when it is none.
pub fn calibration(path: &Path) -> Result<Calibration, ModelError> {
    let bytes = read(path, CALIBRATION_BYTES_MAX)?;
    Calibration::read(&String::from_utf8_lossy(&bytes))
        .map_err(|problem| ModelError::Wrong { path: path.to_owned(), problem })
}

fn read(path: &Path, most: u64) -> Result<Vec<u8>, ModelError> {
    let wrong = |reason| ModelError::File { path: path.to_owned(), reason };
    let size = std::fs::metadata(path).map_err(|error| wrong(error.kind()))?.len();
    if size > most {
        return Err(wrong(std::io::ErrorKind::FileTooLarge));
    }
    std::fs::read(path).map_err(|error| wrong(error.kind()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file that goes with the test.
    struct Scratch(PathBuf);

    impl Scratch {
        fn with(bytes: &[u8]) -> Self {
            let path = std::env::temp_dir().join(format!("peyvand-{}", uuid::Uuid::new_v4()));
            std::fs::write(&path, bytes).unwrap();
            Self(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            drop(std::fs::remove_file(&self.0));
        }
    }

    fn small() -> Catalogue {
        let sentence = |text: &str, intent: &str| Labelled {
            text: text.to_owned(),
            intent: Some(intent.to_owned()),
            written: Written::En,
        };
        let sentences = vec![sentence("where is my order", "order"), sentence("stock of cement", "stock")];
        Catalogue { sentences, background: vec!["tell me a joke".to_owned()] }
    }

    #[test]
    fn a_catalogue_has_the_examples_of_its_assistant_in_their_order() {
        let assistant = Assistant::shipped().unwrap();
        let catalogue = Catalogue::of(&assistant);
        let same = catalogue
            .sentences
            .iter()
            .map(|s| (s.text.as_str(), s.intent.as_deref().unwrap()))
            .eq(assistant.examples());
        assert!(same);
        let finglish = catalogue.sentences.iter().filter(|s| s.written == Written::Finglish);
        assert!(finglish.count() > 5);
    }

    #[test]
    fn a_model_file_is_taken_while_the_examples_are_the_same_and_refused_after_a_change() {
        let mut catalogue = small();
        let file = Scratch::with(&catalogue.learn().unwrap().to_bytes());
        assert_eq!(catalogue.read_model(&file.0).unwrap(), catalogue.learn().unwrap());
        catalogue.sentences[0].text.push('s');
        let error = catalogue.read_model(&file.0).unwrap_err();
        assert_eq!(error.kind(), "other_catalogue");
        assert!(error.to_string().contains("peyvand train"), "{error}");
    }

    #[test]
    fn a_file_that_is_missing_or_no_model_is_named() {
        let nowhere = small().read_model(Path::new("nowhere/x.model")).unwrap_err();
        assert!(nowhere.kind() == "file" && nowhere.to_string().contains("nowhere/x.model"), "{nowhere}");
        let file = Scratch::with(b"hello");
        assert_eq!(small().read_model(&file.0).unwrap_err().kind(), "not_a_model");
        assert_eq!(calibration(&file.0).unwrap_err().kind(), "calibration");
    }
}
