//! A part of a report that is made when somebody looks: most runs are told in a line, and show none of it.

use std::{
    borrow::Cow,
    fmt,
    ops::Deref,
    panic::AssertUnwindSafe,
    sync::{Arc, LazyLock},
};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value that is made when it is first looked at. Clones are made together.
pub struct Later<T>(Arc<LazyLock<T, Make<T>>>);

/// One that panics leaves nothing half made: the lock tells whoever looks again.
type Make<T> = AssertUnwindSafe<Box<dyn FnOnce() -> T + Send>>;

impl<T> Later<T> {
    /// Is made so.
    pub fn new(make: impl FnOnce() -> T + Send + 'static) -> Later<T> {
        Later(Arc::new(LazyLock::new(AssertUnwindSafe(Box::new(make)))))
    }
}

impl<T: Send + 'static> From<T> for Later<T> {
    fn from(value: T) -> Later<T> {
        Later::new(move || value)
    }
}

impl<T> Clone for Later<T> {
    fn clone(&self) -> Later<T> {
        Later(Arc::clone(&self.0))
    }
}

impl<T> Deref for Later<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: fmt::Debug> fmt::Debug for Later<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(out)
    }
}

impl<T: Serialize> Serialize for Later<T> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(out)
    }
}

impl<'de, T: Deserialize<'de> + Send + 'static> Deserialize<'de> for Later<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Later<T>, D::Error> {
        T::deserialize(from).map(Later::from)
    }
}

/// A value like any other.
impl<T: JsonSchema> JsonSchema for Later<T> {
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_value_is_made_once_and_only_for_who_looks() {
        let made = Arc::new(AtomicUsize::new(0));
        let counts = Arc::clone(&made);
        let later = Later::new(move || format!("made {}", counts.fetch_add(1, Ordering::Relaxed)));
        let clone = later.clone();
        assert_eq!(made.load(Ordering::Relaxed), 0);
        assert_eq!((later.as_str(), clone.as_str()), ("made 0", "made 0"));
        assert_eq!(serde_json::to_string(&later).unwrap(), "\"made 0\"");
        assert_eq!(
            *serde_json::from_str::<Later<String>>("\"a\"").unwrap(),
            "a"
        );
    }
}
