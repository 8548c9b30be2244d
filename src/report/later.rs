//! A part of a report that is made when somebody looks: most runs are told in a line, and show none of it.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::LazyLock;

use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;

/// A text that is made when it is first looked at. Clones are made together.
#[derive(Clone)]
pub struct Later(Arc<LazyLock<String, Make>>);

/// One that panics leaves nothing half made: the lock tells whoever looks again.
type Make = AssertUnwindSafe<Box<dyn FnOnce() -> String + Send>>;

impl Later {
    /// Is made so.
    pub fn new(make: impl FnOnce() -> String + Send + 'static) -> Later {
        Later(Arc::new(LazyLock::new(AssertUnwindSafe(Box::new(make)))))
    }
}

impl Deref for Later {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Later {
    fn from(text: &str) -> Later {
        let text = text.to_owned();
        Later::new(move || text)
    }
}

impl fmt::Debug for Later {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, out)
    }
}

impl Serialize for Later {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Later {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Later, D::Error> {
        String::deserialize(from).map(|text| Later::new(move || text))
    }
}

/// A text like any other.
impl JsonSchema for Later {
    fn schema_name() -> Cow<'static, str> {
        String::schema_name()
    }

    fn inline_schema() -> bool {
        String::inline_schema()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering;

    use super::*;

    #[test]
    fn a_text_is_made_once_and_only_for_who_looks() {
        let made = Arc::new(AtomicUsize::new(0));
        let counts = Arc::clone(&made);
        let later = Later::new(move || format!("made {}", counts.fetch_add(1, Ordering::Relaxed)));
        let clone = later.clone();
        assert_eq!(made.load(Ordering::Relaxed), 0);
        assert_eq!((&*later, &*clone), ("made 0", "made 0"));
        assert_eq!(serde_json::to_string(&later).unwrap(), "\"made 0\"");
        assert_eq!(&*serde_json::from_str::<Later>("\"a\"").unwrap(), "a");
    }
}
