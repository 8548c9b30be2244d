//! What the rooms tell by tracing, said on stderr with everything else.

use std::fmt;

use serde_json::{Map, Value};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::cli::talk::Talk;

/// Lets everything that is told from now on be said, as the command line asks: requests where it asks for more.
pub(super) fn listen(talk: Talk) {
    // Fails where somebody listens already: then they do.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(Ear(talk)));
}

struct Ear(Talk);

impl<S: Subscriber> Layer<S> for Ear {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.target().starts_with(OURS)
            && (*metadata.level() <= Level::INFO || self.0.is_verbose())
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut said = Said::default();
        event.record(&mut said);
        self.0
            .event(*event.metadata().level(), &said.message, said.fields);
    }
}

/// The message of an event, and its further fields.
#[derive(Default)]
struct Said {
    message: String,
    fields: Map<String, Value>,
}

impl Said {
    fn field(&mut self, field: &Field, value: impl Into<Value>) {
        self.fields.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}")
        } else {
            self.field(field, format!("{value:?}"))
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.field(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.field(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.field(field, value);
    }
}

/// What other crates tell is theirs, and may hold anything.
const OURS: &str = "d4iot_double";
